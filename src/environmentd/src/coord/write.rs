//! Writes of SQL tables: what a statement changes, and its commit.
//!
//! An INSERT … SELECT, UPDATE or DELETE reads at a time and commits only if no table that it read has changed since; else the session prepares
//! it again. Where that happens, later ones of the same table queue: see [`Turns`].

use super::block::Block;
use super::committer::{TableWrite, WriteOutcome, WriteRequest};
use super::timestamp::ReadTransaction;
use super::unique::{KeyChanges, UniqueIndexes, all_checked};
use super::{Environment, read};
use crate::session::SessionContext;
use expr::{RelExpr, RowSetFinishing, ScalarExpr};
use persist::{Batch, Update};
use repr::{Arena, Datum, Diff, GlobalId, RelationDesc, Row, ShardId, SqlError, SqlState, SqlType, Timestamp};
use sql::catalog::{CatalogItem, ItemDetails};
use sql::plan::{InsertPlan, Plan, ReadThenWritePlan, ReturningPlan, When};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OwnedMutexGuard;

/// Writes above this size are built into parts rather than kept in memory until they are committed.
const INLINE_UPDATES_MAX: usize = 4096;
/// For how long after a conflict writers of a table queue.
const CONTENDED_FOR: Duration = Duration::from_secs(10);
/// How long a writer waits for its turn; then it tries without.
const TURN_WAIT_MAX: Duration = Duration::from_secs(10);

/// What a statement will change once it is committed.
#[derive(Debug, Default)]
pub struct PendingWrite {
    /// Changes, by table.
    pub writes: Vec<(GlobalId, Vec<(Row, Diff)>)>,
    /// New rows that are kept elsewhere already.
    pub large: Vec<LargeWrite>,
    /// For the command tag.
    pub affected: u64,
    /// The rows of `RETURNING`.
    pub returning: Option<(RelationDesc, Vec<Row>)>,
    /// When it read, if it read anything.
    pub read_at: Option<Timestamp>,
    /// The tables it read: they must not change before it commits.
    pub tables_read: BTreeSet<GlobalId>,
    /// What it does to the keys of unique indexes.
    pub keys: KeyChanges,
    /// Held until it is committed or given up.
    pub(crate) turn: Option<Arc<OwnedMutexGuard<()>>>,
}

/// New rows of a table, in parts.
#[derive(Debug)]
pub struct LargeWrite {
    /// The table.
    pub table: GlobalId,
    /// Its shard.
    pub shard: ShardId,
    /// The rows.
    pub batch: Batch,
}

impl PendingWrite {
    /// The tables that it changes.
    pub fn tables_written(&self) -> impl Iterator<Item = GlobalId> + '_ {
        self.writes.iter().map(|(table, _)| *table).chain(self.large.iter().map(|large| large.table))
    }
}

/// Why a commit did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Something the write depends on changed since it was prepared: prepare it again.
    #[error("could not serialize access due to concurrent update")]
    Conflict,
    /// It cannot succeed.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

/// Tables on which writers met, and the queues of those that want to write them.
#[derive(Debug, Default)]
pub struct Turns(Mutex<BTreeMap<GlobalId, (Instant, Arc<tokio::sync::Mutex<()>>)>>);

impl Turns {
    fn conflict(&self, table: GlobalId) {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, (since, _)| since.elapsed() < CONTENDED_FOR);
        turns.entry(table).or_insert_with(|| (Instant::now(), Arc::default())).0 = Instant::now();
    }

    /// Waits for its turn if the table is contended. Fair: the queue is first come, first served.
    async fn take(&self, table: GlobalId) -> Option<Arc<OwnedMutexGuard<()>>> {
        let queue = {
            let turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let (since, queue) = turns.get(&table)?;
            (since.elapsed() < CONTENDED_FOR).then(|| queue.clone())?
        };
        tokio::time::timeout(TURN_WAIT_MAX, queue.lock_owned()).await.ok().map(Arc::new)
    }
}

impl Environment {
    /// Computes what an `Insert` or `ReadThenWrite` plan changes, without changing it.
    pub async fn prepare_write(
        &self,
        cx: &SessionContext,
        plan: &Plan,
        block: Option<Block<'_>>,
    ) -> Result<PendingWrite, SqlError> {
        // Outside of a block, one of its own tells the time of the reads.
        let (mut read, mut tables_read) = (None, BTreeSet::new());
        let own = Block { read: &mut read, tables_read: &mut tables_read, writes: &[] };
        let block = block.unwrap_or(own);
        match plan {
            Plan::Insert(plan) => self.prepare_insert(cx, plan, block).await,
            Plan::ReadThenWrite(plan) => self.prepare_read_then_write(cx, plan, block).await,
            _ => Err(SqlError::internal("only INSERT, UPDATE and DELETE write")),
        }
    }

    /// Waits a little after a conflict; from now on writers of this plan's table queue.
    pub async fn await_turn(&self, plan: &Plan) {
        let table = match plan {
            Plan::Insert(plan) => plan.table,
            Plan::ReadThenWrite(plan) => plan.table,
            _ => return,
        };
        self.0.turns.conflict(table);
        tokio::task::yield_now().await;
    }

    async fn prepare_insert(
        &self,
        cx: &SessionContext,
        plan: &InsertPlan,
        mut block: Block<'_>,
    ) -> Result<PendingWrite, SqlError> {
        let table = self.table(plan.table)?;
        let turn = if plan.values.depends_on().is_empty() && plan.on_conflict.is_none() {
            None
        } else {
            self.0.turns.take(plan.table).await
        };
        let (rows, mut write) = self.read_for_write(cx, &plan.values, block.reborrow()).await?;
        let changes: Vec<(Row, Diff)> = match &plan.on_conflict {
            Some(conflict) => self.upsert(cx, &table, conflict, rows, &mut write, block).await?,
            None => rows.into_iter().map(|row| (row, 1)).collect(),
        };
        let shown = || changes.iter().filter(|(_, diff)| *diff > 0).map(|(row, _)| row);
        for row in shown() {
            check_not_null(&table, row)?;
        }
        write.turn = turn;
        write.keys = self.key_changes(plan.table, &changes)?;
        write.affected = shown().count() as u64;
        write.returning = self.returning(cx, plan.returning.as_ref(), shown())?;
        write.writes = vec![(plan.table, changes)];
        Ok(write)
    }

    async fn prepare_read_then_write(
        &self,
        cx: &SessionContext,
        plan: &ReadThenWritePlan,
        block: Block<'_>,
    ) -> Result<PendingWrite, SqlError> {
        let table = self.table(plan.table)?;
        let turn = self.0.turns.take(plan.table).await;
        let (rows, mut write) = self.read_for_write(cx, &plan.selection, block).await?;
        let arity = table.details.desc().map_or(0, RelationDesc::arity);
        let mut assignments = plan.assignments.clone();
        self.with_moment(cx, 0, |moment| assignments.iter_mut().flatten().for_each(|expr| moment.replace(expr)));
        let (mut changes, mut shown, arena) = (Vec::with_capacity(rows.len()), Vec::new(), Arena::new());
        for row in &rows {
            let datums = row.unpack();
            let old = Row::pack(datums.iter().take(arity).copied());
            let new = match &assignments {
                Some(exprs) => Some(evaluate(exprs, &datums, &arena)?),
                None => None,
            };
            if let Some(new) = &new {
                check_not_null(&table, new)?;
            }
            shown.push(new.clone().unwrap_or_else(|| old.clone()));
            changes.push((old, -1));
            changes.extend(new.map(|new| (new, 1)));
        }
        write.turn = turn;
        write.keys = self.key_changes(plan.table, &changes)?;
        write.affected = rows.len() as u64;
        write.returning = self.returning(cx, plan.returning.as_ref(), shown.iter())?;
        write.writes = vec![(plan.table, changes)];
        write.tables_read.insert(plan.table);
        Ok(write)
    }

    fn key_changes(&self, table: GlobalId, changes: &[(Row, Diff)]) -> Result<KeyChanges, SqlError> {
        let indexes = UniqueIndexes::of(&self.catalog(), table);
        let mut keys = indexes.no_changes();
        changes.iter().try_for_each(|(row, diff)| indexes.add(&mut keys, row, *diff))?;
        Ok(keys)
    }

    /// Reads what a write depends on.
    async fn read_for_write(
        &self,
        cx: &SessionContext,
        source: &RelExpr,
        mut block: Block<'_>,
    ) -> Result<(Vec<Row>, PendingWrite), SqlError> {
        let finishing = RowSetFinishing::trivial(source.arity());
        let inputs = read::inputs(&self.catalog(), source.depends_on());
        let tables_read = self.tables_among(&inputs);
        let read = self.select(cx, source, &When::Immediately, &finishing, Some(block.reborrow())).await?;
        let rows = read.collect().await?;
        let read_at = block.read.as_ref().filter(|_| !tables_read.is_empty()).map(ReadTransaction::timestamp);
        Ok((rows, PendingWrite { read_at, tables_read, ..PendingWrite::default() }))
    }

    fn returning<'a>(
        &self,
        cx: &SessionContext,
        plan: Option<&ReturningPlan>,
        rows: impl Iterator<Item = &'a Row>,
    ) -> Result<Option<(RelationDesc, Vec<Row>)>, SqlError> {
        let Some(plan) = plan else { return Ok(None) };
        let mut exprs = plan.exprs.clone();
        self.with_moment(cx, self.0.oracle.last(), |moment| exprs.iter_mut().for_each(|expr| moment.replace(expr)));
        let arena = Arena::new();
        let shown: Result<Vec<_>, _> = rows.map(|row| evaluate(&exprs, &row.unpack(), &arena)).collect();
        Ok(Some((plan.desc.clone(), shown?)))
    }

    fn table(&self, id: GlobalId) -> Result<CatalogItem, SqlError> {
        match self.catalog().item(id) {
            Some(item) if matches!(item.details, ItemDetails::Table { .. }) => Ok(item.clone()),
            Some(item) => Err(SqlError::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("\"{}\" is not a table that can be written", item.name.item),
            )),
            None => Err(SqlError::new(SqlState::UNDEFINED_TABLE, "the table was dropped")),
        }
    }

    /// Makes writes durable and visible, all at one time, which is returned.
    pub async fn commit(&self, cx: &SessionContext, writes: Vec<PendingWrite>) -> Result<Timestamp, CommitError> {
        let mut keys = KeyChanges::default();
        writes.iter().for_each(|write| keys.merge(&write.keys));
        let reads = tables_read(&writes);
        let _turns: Vec<_> = writes.iter().filter_map(|write| write.turn.clone()).collect();
        let mut writes = self.table_writes(writes).await?;
        let mut _turn = None;
        while !writes.is_empty() {
            let mut unchanged = self.check_unique(cx, &keys, &keys).await?;
            let contended = unchanged.keys().next().copied();
            unchanged.extend(&reads);
            let request = WriteRequest { writes, reads: unchanged, unique: keys.indexes().collect() };
            match self.0.committer.write(request).await? {
                WriteOutcome::Committed(time) => return Ok(time),
                // Only the keys were read: they are looked at again.
                WriteOutcome::Conflict(request) if reads.is_empty() && self.has_all_keys(&request) => {
                    writes = request.writes;
                }
                WriteOutcome::Conflict(_) => return Err(CommitError::Conflict),
            }
            if let (Some(table), true) = (contended, _turn.is_none()) {
                self.0.turns.conflict(table);
                _turn = self.0.turns.take(table).await;
            }
        }
        Ok(self.0.oracle.last())
    }

    /// Whether no unique index came after the keys were computed.
    fn has_all_keys(&self, request: &WriteRequest) -> bool {
        let catalog = self.catalog();
        request.writes.iter().all(|(table, _, _)| all_checked(&catalog, *table, &request.unique))
    }

    /// What writes append to each table.
    async fn table_writes(&self, writes: Vec<PendingWrite>) -> Result<Vec<(GlobalId, ShardId, TableWrite)>, SqlError> {
        let mut changes: BTreeMap<GlobalId, Vec<(Row, Diff)>> = BTreeMap::new();
        let mut large = Vec::new();
        for write in writes {
            for (table, rows) in write.writes {
                changes.entry(table).or_default().extend(rows);
            }
            large.extend(write.large.into_iter().filter(|large| !large.batch.is_empty()));
        }
        let mut writes: Vec<_> = large.into_iter().map(|l| (l.table, l.shard, TableWrite::Large(l.batch))).collect();
        for (table, mut rows) in changes {
            expr::interpret::consolidate(&mut rows);
            if !rows.is_empty() {
                let (shard, write) = self.table_write(table, rows).await?;
                writes.push((table, shard, write));
            }
        }
        Ok(writes)
    }

    /// Updates that have no time yet.
    async fn table_write(&self, table: GlobalId, rows: Vec<(Row, Diff)>) -> Result<(ShardId, TableWrite), SqlError> {
        let catalog = self.catalog();
        let entry = catalog.entry(table);
        let known = entry.and_then(|entry| Some((entry.shard?, entry.item.details.desc()?)));
        let dropped = || SqlError::new(SqlState::UNDEFINED_TABLE, "the table was dropped");
        let (shard, desc) = known.ok_or_else(dropped)?;
        let updates = rows.into_iter().map(|(row, diff)| Update::row(row, 0, diff));
        if updates.len() <= INLINE_UPDATES_MAX {
            return Ok((shard, TableWrite::Small(updates.collect())));
        }
        let mut builder = self.0.persist.batch_builder(shard, desc);
        for update in updates {
            builder.add(update).await?;
        }
        Ok((shard, TableWrite::Large(builder.finish().await?)))
    }
}

/// The tables that writes read, each with when.
fn tables_read(writes: &[PendingWrite]) -> BTreeMap<GlobalId, Timestamp> {
    let mut reads: BTreeMap<GlobalId, Timestamp> = BTreeMap::new();
    for write in writes {
        for (table, read_at) in write.tables_read.iter().filter_map(|table| Some((*table, write.read_at?))) {
            reads.entry(table).and_modify(|first| *first = read_at.min(*first)).or_insert(read_at);
        }
    }
    reads
}

/// A row of expressions' values.
pub(super) fn evaluate(exprs: &[ScalarExpr], datums: &[Datum<'_>], arena: &Arena) -> Result<Row, SqlError> {
    let values: Result<Vec<_>, _> = exprs.iter().map(|expr| expr.eval(datums, arena)).collect();
    Ok(Row::pack(values?))
}

/// Refuses NULL where the table has none, in PostgreSQL's words.
pub(super) fn check_not_null(table: &CatalogItem, row: &Row) -> Result<(), SqlError> {
    let Some(desc) = table.details.desc() else { return Ok(()) };
    let violated = desc.iter().zip(row.iter()).find(|((_, column), datum)| !column.nullable && datum.is_null());
    let Some(((name, _), _)) = violated else { return Ok(()) };
    let what =
        format!("null value in column \"{name}\" of relation \"{}\" violates not-null constraint", table.name.item);
    let values: Vec<_> = desc.iter().zip(row.iter()).map(|((_, column), datum)| shown(datum, &column.ty)).collect();
    let detail = format!("Failing row contains ({}).", values.join(", "));
    Err(SqlError::new(SqlState::NOT_NULL_VIOLATION, what).detail(detail))
}

/// A value as PostgreSQL shows it in a detail: at most 64 characters.
fn shown(datum: Datum<'_>, ty: &SqlType) -> String {
    const CHARACTERS_MAX: usize = 64;
    if datum.is_null() {
        return "null".to_string();
    }
    let mut text = String::new();
    repr::text::format(datum, ty, &Default::default(), &mut text);
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
