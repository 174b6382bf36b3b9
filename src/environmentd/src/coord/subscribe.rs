//! SUBSCRIBE: the changes of a relation or query, in order of time, as rows.
//!
//! LAW: nothing stamped t is emitted before the read timestamp is t: a client can compare what it gets here with what it selects.

use super::dataflows::Resolver;
use super::time::{Following, Oracle};
use super::timestamp::{Asked, ReadTransaction, constant_time};
use super::{Environment, read};
use crate::controller::{DataflowKind, SubscribeChanges, SubscribeUpdates};
use crate::session::SessionContext;
use expr::{RelExpr, SinkConnection};
use repr::{Datum, Diff, Frontier, Row, SqlError, SqlType, Timestamp};
use sql::catalog::SessionCatalog;
use sql::plan::{SubscribeFrom, SubscribePlan};
use std::sync::Arc;

/// The output of a SUBSCRIBE, in order of time. Dropping it ends the subscribe.
pub struct SubscribeStream {
    changes: SubscribeChanges,
    oracle: Arc<Oracle>,
    shape: Shape,
    /// Came, and waits for the read timestamp.
    waiting: Option<SubscribeUpdates>,
    /// The first progress row, before anything else.
    opening: Option<Timestamp>,
    up_to: Frontier,
    done: bool,
    _following: Following,
}

/// How rows look.
struct Shape {
    progress: bool,
    arity: usize,
}

impl Environment {
    /// Follows a relation or query; rows look as the plan's `output_desc` says.
    pub async fn subscribe(
        &self,
        cx: &SessionContext,
        plan: &SubscribePlan,
        txn: Option<&mut Option<ReadTransaction>>,
    ) -> Result<SubscribeStream, SqlError> {
        let catalog = self.catalog();
        let view = catalog.for_session(cx);
        let mut expr = match &plan.from {
            SubscribeFrom::Item(id) => RelExpr::get_global(*id, plan.desc.typ.clone()),
            SubscribeFrom::Query(expr) => expr.clone(),
        };
        // There is no one time at which a subscribe reads: `mz_now()` stays, and is refused.
        let moment = self.moment(cx, &view, None);
        moment.replace_in_plan(&mut expr);
        let shards = read::inputs(&catalog, expr.depends_on());
        let at = self.choose_time(cx.isolation, Asked::of(&plan.when, &moment)?, &shards, txn).await?;
        let up_to = match &plan.up_to {
            Some(expr) => Frontier::at(constant_time(&moment, expr)?),
            None => Frontier::DONE,
        };
        let system = self.system_state(&catalog, cx);
        let cluster = view.active_cluster()?;
        let resolver = Resolver {
            catalog: &catalog,
            cluster,
            indexes: self.subscribable_indexes(at.timestamp),
            moment: Some(&moment),
            system: Some(&system),
        };
        let id = self.0.controller.transient_id();
        let (mut description, _) = transform::dataflow::sink(
            format!("subscribe {id}"),
            id,
            expr,
            plan.desc.clone(),
            SinkConnection::Subscribe,
            plan.with_snapshot,
            &resolver,
        )?;
        (description.as_of, description.until) = (at.timestamp, up_to);
        self.check_cluster(&catalog, cluster)?;
        let indexes = description.index_imports.keys().copied().collect();
        let mut holds = self.0.controller.hold(&indexes)?;
        holds.downgrade(at.timestamp);
        holds.absorb(at.holds);
        let controller = &self.0.controller;
        let changes =
            controller.subscribe(id, || controller.run_dataflow(cluster, DataflowKind::Subscribe, description));
        // From here on the dataflow itself holds its inputs, ever later.
        drop(holds);
        Ok(SubscribeStream {
            changes,
            oracle: self.0.oracle.clone(),
            shape: Shape { progress: plan.emit_progress, arity: plan.desc.arity() },
            waiting: None,
            opening: plan.emit_progress.then_some(at.timestamp),
            up_to,
            done: up_to <= Frontier::at(at.timestamp),
            _following: self.0.oracle.follow(),
        })
    }

    /// The indexes that can be read at a time already.
    fn subscribable_indexes(&self, timestamp: Timestamp) -> std::collections::BTreeSet<repr::GlobalId> {
        let controller = &self.0.controller;
        let readable = controller.readable_indexes();
        readable.into_iter().filter(|id| controller.since(*id) <= Frontier::at(timestamp)).collect()
    }
}

impl SubscribeStream {
    /// The next rows, when there are some; none at the end. May be cancelled without losing anything.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, SqlError> {
        loop {
            if let Some(time) = self.opening {
                self.oracle.wait_for(time.saturating_sub(1)).await;
                self.opening = None;
                return Ok(Some(vec![self.shape.progress(time)]));
            }
            if self.done {
                return Ok(None);
            }
            if self.waiting.is_none() {
                self.waiting = Some(self.changes.next().await?);
            }
            let Some(waiting) = &self.waiting else { continue };
            self.oracle.wait_for(latest(waiting)).await;
            let Some(changes) = self.waiting.take() else { continue };
            let rows = self.rows(changes);
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
    }

    fn rows(&mut self, changes: SubscribeUpdates) -> Vec<Row> {
        let wanted = changes.updates.iter().filter(|(time, _, _)| self.up_to.is_beyond(*time));
        let mut rows: Vec<_> = wanted.map(|(time, row, diff)| self.shape.change(*time, row, *diff)).collect();
        self.done = changes.upper.is_done() || changes.upper >= self.up_to;
        let frontier = changes.upper.min(self.up_to);
        if self.shape.progress
            && let Some(time) = frontier.time()
        {
            rows.push(self.shape.progress(time));
        }
        rows
    }
}

/// The latest time that these changes tell of: of an update, or complete.
fn latest(changes: &SubscribeUpdates) -> Timestamp {
    match changes.upper.time() {
        Some(upper) => upper.saturating_sub(1),
        None => changes.updates.iter().map(|(time, _, _)| *time).max().unwrap_or(0),
    }
}

impl Shape {
    fn change(&self, time: Timestamp, row: &Row, diff: Diff) -> Row {
        self.row(time, false, std::iter::once(Datum::Int8(diff)).chain(row.iter()))
    }

    fn progress(&self, time: Timestamp) -> Row {
        self.row(time, true, std::iter::repeat_n(Datum::Null, 1 + self.arity))
    }

    fn row<'a>(&self, time: Timestamp, progressed: bool, rest: impl Iterator<Item = Datum<'a>>) -> Row {
        let mut packer = repr::RowPacker::new();
        // Digits are a number.
        let parsed = repr::text::parse(&time.to_string(), &SqlType::NUMERIC, &Default::default(), &mut packer);
        debug_assert!(parsed.is_ok());
        if self.progress {
            packer.push(Datum::Bool(progressed));
        }
        packer.extend(rest);
        packer.finish()
    }
}
