//! Readers: the content of a shard at a time, and its changes after a time.

use crate::core::Core;
use crate::part::PartReader;
use crate::select::{PartFilter, Selection};
use crate::state::{Content, Part, Run, RunId, ShardState, shard_key};
use crate::update::decode_inline;
use crate::{ExternalError, PersistError, Update};
use repr::{Frontier, ShardId, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Chunks that are decoded ahead of a reader.
const CHUNKS_AHEAD: usize = 2;

/// Which updates to read, and how.
#[derive(Clone, Copy, Debug)]
struct Filter {
    /// First and last time wanted.
    times: (Timestamp, Timestamp),
    /// Earlier times are read as this one.
    advance: Timestamp,
}

impl Filter {
    /// Keeps what is wanted of a run's updates. `lower` is the run's.
    fn keep(&self, lower: Timestamp, updates: &mut Vec<Update>) {
        let (first, last) = self.times;
        updates.retain_mut(|update| {
            let time = update.time.max(lower);
            update.time = time.max(self.advance);
            first <= time && time <= last
        });
    }
}

/// Reads runs chunk by chunk. Inline ones are at hand; a task decodes parts ahead.
struct RunReader {
    ready: VecDeque<Vec<Update>>,
    parts: Option<mpsc::Receiver<Result<Vec<Update>, PersistError>>>,
    /// Whether a chunk was handed out.
    begun: bool,
}

impl RunReader {
    fn open<'a>(
        core: &Arc<Core>,
        shard: ShardId,
        runs: impl Iterator<Item = &'a (RunId, Arc<Run>)>,
        filter: Filter,
        wanted: &PartFilter,
    ) -> Result<Self, PersistError> {
        let (mut inline, mut parts) = (Vec::new(), Vec::new());
        for (_, run) in runs {
            match &run.content {
                Content::Inline(bytes) => {
                    let mut updates = decode_inline(&shard_key(shard), bytes)?;
                    filter.keep(run.lower, &mut updates);
                    inline.append(&mut updates);
                }
                Content::Parts(all) => {
                    parts.extend(all.iter().filter(|part| wanted.wants(part)).map(|part| (run.lower, part.clone())));
                }
            }
        }
        let mut ready = VecDeque::new();
        while !inline.is_empty() {
            let rest = inline.split_off(inline.len().min(core.settings.chunk_rows_max));
            ready.push_back(std::mem::replace(&mut inline, rest));
        }
        let parts = (!parts.is_empty()).then(|| {
            let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
            tokio::spawn(read_parts(Arc::clone(core), shard, parts, filter, sender));
            receiver
        });
        Ok(RunReader { ready, parts, begun: false })
    }

    /// The next chunk, not empty; `None` at the end. May be cancelled.
    async fn next(&mut self) -> Result<Option<Vec<Update>>, PersistError> {
        let chunk = match (self.ready.pop_front(), &mut self.parts) {
            (Some(chunk), _) => Some(chunk),
            (None, Some(parts)) => parts.recv().await.transpose()?,
            (None, None) => None,
        };
        self.begun |= chunk.is_some();
        Ok(chunk)
    }
}

/// Sends all wanted updates of parts, each with its run's lower; ends early if nobody listens any more.
async fn read_parts(
    core: Arc<Core>,
    shard: ShardId,
    parts: Vec<(Timestamp, Part)>,
    filter: Filter,
    sender: mpsc::Sender<Result<Vec<Update>, PersistError>>,
) {
    for (lower, part) in parts {
        if let Err(error) = read_part(&core, shard, &part, lower, filter, &sender).await {
            let _ = sender.send(Err(error)).await; // a reader that went away does not want to know
            return;
        }
        if sender.is_closed() {
            return;
        }
    }
}

async fn read_part(
    core: &Arc<Core>,
    shard: ShardId,
    part: &Part,
    lower: Timestamp,
    filter: Filter,
    sender: &mpsc::Sender<Result<Vec<Update>, PersistError>>,
) -> Result<(), PersistError> {
    let bytes = core.fetch(part).await?.ok_or(PersistError::ReaderTooSlow { shard })?;
    let mut reader = PartReader::open(part, bytes, core.settings.chunk_rows_max)?;
    loop {
        let decode = tokio::task::spawn_blocking(move || {
            let chunk = reader.next().map(|chunk| {
                chunk.map(|mut updates| {
                    filter.keep(lower, &mut updates);
                    updates
                })
            });
            (reader, chunk)
        });
        let (back, chunk) = decode.await.map_err(ExternalError::determinate)?;
        reader = back;
        let Some(chunk) = chunk? else { return Ok(()) };
        if !chunk.is_empty() && sender.send(Ok(chunk)).await.is_err() {
            return Ok(());
        }
    }
}

/// Refuses a time before the shard's since.
fn check_since(shard: ShardId, state: &ShardState, as_of: Timestamp) -> Result<(), PersistError> {
    if state.since.less_equal(as_of) {
        return Ok(());
    }
    Err(PersistError::Compacted { shard, as_of, since: state.since })
}

/// How much of a shard's content at a time a reader needs.
pub(crate) async fn selection(
    core: &Arc<Core>,
    shard: ShardId,
    as_of: Timestamp,
    wanted: &PartFilter,
) -> Result<Selection, PersistError> {
    let (state, _) = core.current(shard).await?;
    let mut selection = Selection::default();
    for (_, run) in state.runs.iter().filter(|(_, run)| run.lower <= as_of) {
        if let Content::Inline(bytes) = &run.content {
            selection.total_bytes += bytes.len() as u64;
            selection.selected_bytes += bytes.len() as u64;
        }
        for part in run.parts() {
            let selected = u64::from(wanted.wants(part));
            selection.total_parts += 1;
            selection.total_bytes += part.bytes;
            selection.selected_parts += selected;
            selection.selected_bytes += part.bytes * selected;
        }
    }
    Ok(selection)
}

/// Waits until a clock's upper is beyond a time.
async fn wait_beyond(core: &Core, clock: &str, time: Timestamp) -> Result<(), PersistError> {
    let mut upper = core.cache().watch(clock);
    if !upper.borrow_and_update().is_beyond(time) {
        core.read_clock(clock).await?;
        upper.wait_for(|upper| upper.is_beyond(time)).await.map_err(|_| PersistError::Closed)?;
    }
    Ok(())
}

/// The content of a shard at a time.
pub struct Snapshot {
    core: Arc<Core>,
    shard: ShardId,
    as_of: Timestamp,
    wanted: PartFilter,
    reader: RunReader,
}

impl Snapshot {
    pub(crate) async fn open(
        core: Arc<Core>,
        shard: ShardId,
        as_of: Timestamp,
        wanted: PartFilter,
    ) -> Result<Self, PersistError> {
        let (state, _) = core.current(shard).await?;
        check_since(shard, &state, as_of)?;
        wait_beyond(&core, &state.clock, as_of).await?;
        let reader = Snapshot::reader(&core, shard, as_of, &wanted).await?;
        Ok(Snapshot { core, shard, as_of, wanted, reader })
    }

    async fn reader(
        core: &Arc<Core>,
        shard: ShardId,
        as_of: Timestamp,
        wanted: &PartFilter,
    ) -> Result<RunReader, PersistError> {
        // ORDER: the since is checked on the very state whose runs are read.
        let (state, upper) = core.current(shard).await?;
        assert!(upper.is_beyond(as_of), "uppers only advance");
        check_since(shard, &state, as_of)?;
        let filter = Filter { times: (0, as_of), advance: as_of };
        RunReader::open(core, shard, state.runs.iter().filter(|(_, run)| run.lower <= as_of), filter, wanted)
    }

    /// The next chunk; `None` at the end. Times are advanced to the as-of; not consolidated. May be cancelled.
    pub async fn next(&mut self) -> Result<Option<Vec<Update>>, PersistError> {
        match self.reader.next().await {
            Err(PersistError::ReaderTooSlow { .. }) if !self.reader.begun => {
                // The state was an old one: nothing is lost by starting again from the present one.
                self.core.read_shard(self.shard).await?;
                self.reader = Snapshot::reader(&self.core, self.shard, self.as_of, &self.wanted).await?;
                self.reader.next().await
            }
            other => other,
        }
    }
}

/// The changes of a shard after a time.
pub struct Listen {
    core: Arc<Core>,
    shard: ShardId,
    wanted: PartFilter,
    upper: watch::Receiver<Frontier>,
    /// All times before it were reported.
    frontier: Frontier,
    /// What lies between `frontier` and this frontier is being read.
    reading: Option<(RunReader, Frontier)>,
    /// Whether a part was missing since the last progress; the second time it is not our state that is old.
    missed: bool,
}

/// What a [`Listen`] reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenEvent {
    /// Changes between the last reported progress and the next.
    Updates(Vec<Update>),
    /// All changes before this frontier have been reported.
    Progress(Frontier),
}

impl Listen {
    pub(crate) async fn open(
        core: Arc<Core>,
        shard: ShardId,
        as_of: Timestamp,
        wanted: PartFilter,
    ) -> Result<Self, PersistError> {
        let (state, _) = core.current(shard).await?;
        check_since(shard, &state, as_of)?;
        let upper = core.cache().watch(&state.clock);
        let frontier = as_of.checked_add(1).map_or(Frontier::DONE, Frontier::at);
        Ok(Listen { core, shard, wanted, upper, frontier, reading: None, missed: false })
    }

    /// The next event; may be cancelled without losing anything. After the progress to [`Frontier::DONE`] it waits forever.
    pub async fn next(&mut self) -> Result<ListenEvent, PersistError> {
        loop {
            let Some((reader, target)) = &mut self.reading else {
                let frontier = self.frontier;
                self.upper.wait_for(|upper| *upper > frontier).await.map_err(|_| PersistError::Closed)?;
                self.reading = Some(self.read_on().await?);
                continue;
            };
            match reader.next().await {
                Ok(Some(updates)) => return Ok(ListenEvent::Updates(updates)),
                Ok(None) => {
                    self.frontier = *target;
                    (self.reading, self.missed) = (None, false);
                    return Ok(ListenEvent::Progress(self.frontier));
                }
                Err(PersistError::ReaderTooSlow { .. }) if !reader.begun && !self.missed => {
                    self.core.read_shard(self.shard).await?;
                    (self.reading, self.missed) = (None, true);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Begins to read what lies between the frontier and the clock's present upper.
    async fn read_on(&self) -> Result<(RunReader, Frontier), PersistError> {
        let (state, upper) = self.core.current(self.shard).await?;
        let (first, last) = (self.frontier.time().unwrap_or(Timestamp::MAX), upper.last_complete().unwrap_or(0));
        let wanted = |run: &Run| run.upper > self.frontier && run.lower <= last;
        let runs = || state.runs.iter().filter(|(_, run)| wanted(run));
        // A run that was compacted to a time we have not passed mixes what we reported with what we did not.
        if let Some((_, run)) = runs().find(|(_, run)| run.since >= first) {
            let since = Frontier::at(run.since);
            return Err(PersistError::Compacted { shard: self.shard, as_of: first.saturating_sub(1), since });
        }
        let filter = Filter { times: (first, last), advance: 0 };
        let reader = RunReader::open(&self.core, self.shard, runs(), filter, &self.wanted)?;
        Ok((reader, upper))
    }
}
