//! COPY FROM: rows as they come become a write, in bounded memory: large ones are parts in the blob store before they are committed.

use super::Environment;
use super::unique::{KeyChanges, UniqueIndexes};
use super::write::{LargeWrite, PendingWrite, check_not_null, evaluate};
use crate::session::SessionContext;
use expr::ScalarExpr;
use persist::{BatchBuilder, Update};
use repr::{Arena, Datum, GlobalId, Row, ShardId, SqlError, SqlState};
use sql::catalog::CatalogItem;
use sql::plan::CopyFromPlan;

/// A write in the making. Dropped before it is finished, it leaves nothing behind.
pub struct CopyWriter {
    table: CatalogItem,
    shard: ShardId,
    builder: BatchBuilder,
    /// Each of the table's columns over the input's; none if they are the same.
    row: Option<Vec<ScalarExpr>>,
    /// Which rows are kept.
    selection: Option<ScalarExpr>,
    rows: u64,
    unique: UniqueIndexes,
    /// The keys of all rows so far, if they must be unique: unlike the rows they stay in memory.
    keys: KeyChanges,
}

impl Environment {
    /// Begins a COPY FROM.
    pub fn copy_writer(&self, cx: &SessionContext, plan: &CopyFromPlan) -> Result<CopyWriter, SqlError> {
        let catalog = self.catalog();
        let dropped = || SqlError::new(SqlState::UNDEFINED_TABLE, "the table was dropped");
        let entry = catalog.entry(plan.table).ok_or_else(dropped)?;
        let (shard, desc) = entry.shard.zip(entry.item.details.desc()).ok_or_else(dropped)?;
        let whole = plan.columns.iter().copied().eq(0..desc.arity());
        let mut row: Vec<_> = plan.defaults.clone();
        for (input, column) in plan.columns.iter().enumerate() {
            row[*column] = ScalarExpr::Column(input);
        }
        let mut selection = plan.selection.clone();
        self.with_moment(cx, self.0.oracle.last(), |moment| {
            row.iter_mut().chain(&mut selection).for_each(|expr| moment.replace(expr));
        });
        let unique = UniqueIndexes::of(&catalog, plan.table);
        Ok(CopyWriter {
            keys: unique.no_changes(),
            unique,
            table: entry.item.clone(),
            shard,
            builder: self.0.persist.batch_builder(shard, desc),
            row: (!whole).then_some(row),
            selection,
            rows: 0,
        })
    }
}

impl CopyWriter {
    /// The table's name.
    pub fn table_name(&self) -> &str {
        &self.table.name.item
    }

    /// One more row of the input.
    pub async fn add(&mut self, row: Row) -> Result<(), SqlError> {
        let row = match &self.row {
            Some(exprs) => evaluate(exprs, &row.unpack(), &Arena::new())?,
            None => row,
        };
        if let Some(selection) = &self.selection
            && selection.eval(&row.unpack(), &Arena::new())? != Datum::Bool(true)
        {
            return Ok(());
        }
        check_not_null(&self.table, &row)?;
        self.unique.add(&mut self.keys, &row, 1)?;
        self.rows += 1;
        // Its time is that of its commit.
        Ok(self.builder.add(Update::row(row, 0, 1)).await?)
    }

    /// The whole write, to be committed.
    pub async fn finish(self) -> Result<PendingWrite, SqlError> {
        let table: GlobalId = self.table.id;
        let large = LargeWrite { table, shard: self.shard, batch: self.builder.finish().await? };
        Ok(PendingWrite { affected: self.rows, large: vec![large], keys: self.keys, ..PendingWrite::default() })
    }
}
