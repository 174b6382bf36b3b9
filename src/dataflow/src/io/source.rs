//! A shard as a collection: a task reads it, an operator on each worker brings it into the dataflow.

use super::ImportMessage;
use super::mailbox::Mailbox;
use crate::layout::{Errors, Rows};
use differential_dataflow::AsCollection;
use expr::extent::may_keep;
use expr::{Mfp, SourceImport};
use persist::{ListenEvent, PartFilter, PersistClient, PersistError, Update};
use repr::{Arena, DataflowError, Datum, Diff, Frontier, GlobalId, Row, RowPacker, ShardId, Timestamp};
use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::Scope;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::scheduling::Activator;

/// Rows that one activation brings in: a few milliseconds of work, after which other operators have their turn.
const ROWS_PER_ACTIVATION: usize = 16 << 10;
/// Between two tries of a store that does not answer.
const RETRY: Duration = Duration::from_millis(500);

/// The task that reads a shard for all workers of the process.
pub(super) struct Feed {
    persist: PersistClient,
    shard: ShardId,
    as_of: Timestamp,
    until: Frontier,
    wanted: PartFilter,
    mailboxes: Vec<Arc<Mailbox<ImportMessage>>>,
    next: usize,
}

impl Feed {
    pub(super) fn new(
        persist: PersistClient,
        import: &SourceImport,
        as_of: Timestamp,
        until: Frontier,
        mailboxes: Vec<Arc<Mailbox<ImportMessage>>>,
    ) -> Self {
        let mfp = import.mfp.clone();
        let wanted = mfp.map_or_else(PartFilter::all, |mfp| PartFilter::new(move |columns| may_keep(&mfp, columns)));
        Feed { persist, shard: import.shard, as_of, until, wanted, mailboxes, next: 0 }
    }

    /// Reads until `until`, until nobody listens, or until the shard cannot be read any more.
    pub(super) async fn run(mut self) -> Result<(), PersistError> {
        if !self.snapshot().await? {
            return Ok(());
        }
        let mut progress = Frontier::at(self.as_of + 1);
        while self.advance(progress).await && !progress.is_done() && progress < self.until {
            match self.listen(&mut progress).await {
                Ok(()) => return Ok(()),
                Err(error @ PersistError::Storage(_)) => {
                    tracing::warn!(shard = %self.shard, %error, "reading again");
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Feeds the contents at the as-of; false if nobody listens.
    async fn snapshot(&mut self) -> Result<bool, PersistError> {
        let mut snapshot = loop {
            match self.persist.snapshot_of(self.shard, self.as_of, self.wanted.clone()).await {
                Err(PersistError::Storage(error)) => {
                    tracing::warn!(shard = %self.shard, %error, "reading again");
                    tokio::time::sleep(RETRY).await;
                }
                other => break other?,
            }
        };
        while let Some(updates) = snapshot.next().await? {
            if !self.deal(updates).await {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Feeds changes after the last complete time of `progress`; returns at `until` or when nobody listens.
    async fn listen(&mut self, progress: &mut Frontier) -> Result<(), PersistError> {
        let from = progress.last_complete().unwrap_or(self.as_of);
        let mut listen = self.persist.listen_to(self.shard, from, self.wanted.clone()).await?;
        // Updates are dealt only with the progress that completes them: a listen that breaks is then simply begun again.
        let mut pending = Vec::new();
        loop {
            match listen.next().await? {
                ListenEvent::Updates(updates) => pending.push(updates),
                ListenEvent::Progress(upper) => {
                    for updates in pending.drain(..) {
                        if !self.deal(updates).await {
                            return Ok(());
                        }
                    }
                    *progress = upper;
                    if !self.advance(upper).await || upper >= self.until {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Hands updates to one worker after the other.
    async fn deal(&mut self, updates: Vec<Update>) -> bool {
        let rows = updates.len();
        self.next = (self.next + 1) % self.mailboxes.len();
        self.mailboxes[self.next].send(ImportMessage::Updates(updates), rows).await
    }

    async fn advance(&self, upper: Frontier) -> bool {
        for mailbox in &self.mailboxes {
            if !mailbox.send(ImportMessage::Frontier(upper), 0).await {
                return false;
            }
        }
        true
    }
}

/// Ends an operator when it is dropped.
struct Token {
    closed: Rc<Cell<bool>>,
    activator: Activator,
    mailbox: Arc<Mailbox<ImportMessage>>,
}

impl Drop for Token {
    fn drop(&mut self) {
        self.closed.set(true);
        self.mailbox.close();
        self.activator.activate();
    }
}

type Builder<D> = CapacityContainerBuilder<Vec<(D, Timestamp, Diff)>>;

/// The operator of one worker.
pub(super) fn build<'s>(
    scope: Scope<'s, Timestamp>,
    id: GlobalId,
    mfp: Option<Mfp>,
    as_of: Timestamp,
    until: Frontier,
    mailbox: Arc<Mailbox<ImportMessage>>,
) -> (Rows<'s, Timestamp>, Errors<'s, Timestamp>, Box<dyn Any>) {
    let mut builder = OperatorBuilder::new(format!("shard of {id}"), scope);
    let path = builder.operator_info().address;
    let activator = scope.activator_for(Rc::clone(&path));
    mailbox.wake_by(scope.worker().sync_activator_for(path.to_vec()));
    let closed = Rc::new(Cell::new(false));
    let token =
        Token { closed: Rc::clone(&closed), activator: scope.activator_for(path), mailbox: Arc::clone(&mailbox) };
    let (rows, row_stream) = builder.new_output();
    let (errors, error_stream) = builder.new_output();
    let mut rows = OutputBuilder::<_, Builder<Row>>::from(rows);
    let mut errors = OutputBuilder::<_, Builder<DataflowError>>::from(errors);
    builder.build(move |mut capabilities| {
        let mut reader = Reader { mfp, as_of, until, arena: Arena::new(), packer: RowPacker::new() };
        capabilities.iter_mut().for_each(|capability| capability.downgrade(&as_of));
        move |_| {
            if closed.get() {
                capabilities.clear();
            }
            let mut budget = ROWS_PER_ACTIVATION;
            let (mut rows, mut errors) = (rows.activate(), errors.activate());
            while let [row_time, error_time] = capabilities.as_slice() {
                if budget == 0 {
                    activator.activate();
                    break;
                }
                match mailbox.take() {
                    Some(ImportMessage::Updates(updates)) => {
                        budget = budget.saturating_sub(updates.len());
                        let (mut rows, mut errors) = (rows.session(row_time), errors.session(error_time));
                        for update in updates {
                            match reader.read(update) {
                                Some((Ok(row), time, diff)) => rows.give((row, time, diff)),
                                Some((Err(error), time, diff)) => errors.give((error, time, diff)),
                                None => (),
                            }
                        }
                    }
                    Some(ImportMessage::Frontier(upper)) => advance(&mut capabilities, upper, until),
                    None => break,
                }
            }
        }
    });
    (row_stream.as_collection(), error_stream.as_collection(), Box::new(token))
}

fn advance(capabilities: &mut Vec<Capability<Timestamp>>, upper: Frontier, until: Frontier) {
    match upper.time() {
        Some(time) if upper < until => capabilities.iter_mut().for_each(|c| {
            if time > *c.time() {
                c.downgrade(&time);
            }
        }),
        _ => capabilities.clear(),
    }
}

/// From updates as persist has them to updates as the dataflow wants them.
struct Reader {
    mfp: Option<Mfp>,
    as_of: Timestamp,
    until: Frontier,
    arena: Arena,
    packer: RowPacker,
}

impl Reader {
    fn read(&mut self, update: Update) -> Option<(Result<Row, DataflowError>, Timestamp, Diff)> {
        let time = update.time.max(self.as_of);
        if self.until.less_equal(time) {
            return None;
        }
        let data = match (update.data, &self.mfp) {
            (Ok(row), Some(mfp)) => {
                self.arena.clear();
                self.packer.clear();
                let mut datums: Vec<Datum<'_>> = row.iter().collect();
                match mfp.eval(&mut datums, &self.arena, &mut self.packer) {
                    Ok(true) => Ok(self.packer.take()),
                    Ok(false) => return None,
                    Err(error) => Err(error),
                }
            }
            (data, _) => data,
        };
        Some((data, time, update.diff))
    }
}
