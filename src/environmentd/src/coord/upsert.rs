//! `INSERT … ON CONFLICT`: rows whose key is in the table already are left out, or change the row that has it.

use super::Environment;
use super::block::Block;
use super::timestamp::ReadTransaction;
use super::unique::{RowKey, UniqueIndex};
use super::write::{PendingWrite, check_not_null, evaluate};
use crate::session::SessionContext;
use repr::{Arena, Datum, Diff, Row, SqlError, SqlState};
use sql::catalog::CatalogItem;
use sql::plan::{ConflictUpdatePlan, OnConflictPlan};
use std::collections::BTreeMap;

/// Rows of a table that come and go, in the making.
struct Upsert(Vec<(Row, Diff)>);

/// Who has a key.
enum Holder {
    /// A row that was there.
    Present(Row),
    /// A row of this very statement.
    Own,
}

impl Environment {
    /// The changes that become of the rows proposed; `write` is told what was read.
    pub(super) async fn upsert(
        &self,
        cx: &SessionContext,
        table: &CatalogItem,
        plan: &OnConflictPlan,
        rows: Vec<Row>,
        write: &mut PendingWrite,
        mut block: Block<'_>,
    ) -> Result<Vec<(Row, Diff)>, SqlError> {
        let catalog = self.catalog();
        let indexes: Vec<_> = plan.indexes.iter().filter_map(|id| UniqueIndex::find(&catalog, *id)).collect();
        let mut update = plan.update.clone();
        if let Some(update) = &mut update {
            let exprs = update.row.iter_mut().chain(&mut update.condition);
            self.with_moment(cx, 0, |moment| exprs.for_each(|expr| moment.replace(expr)));
        }
        let mut holders = Vec::with_capacity(indexes.len());
        for index in &indexes {
            holders.push(self.holders(cx, index, &rows, block.reborrow()).await?);
        }
        if let Some(read_at) = block.read.as_ref().map(ReadTransaction::timestamp) {
            write.read_at = Some(read_at);
            write.tables_read.insert(table.id);
        }
        let mut upsert = Upsert(Vec::with_capacity(rows.len()));
        for row in rows {
            check_not_null(table, &row)?;
            upsert.propose(&indexes, &mut holders, update.as_ref(), row)?;
        }
        Ok(upsert.0)
    }

    /// The rows of the table that have a key of one of these rows, by key.
    async fn holders(
        &self,
        cx: &SessionContext,
        index: &UniqueIndex,
        rows: &[Row],
        block: Block<'_>,
    ) -> Result<BTreeMap<Row, Holder>, SqlError> {
        let keys: Vec<Option<RowKey>> = rows.iter().map(|row| index.key(row)).collect::<Result<_, _>>()?;
        let keys: Vec<&Row> = keys.iter().flatten().map(|key| &key.key).collect();
        let mut holders = BTreeMap::new();
        for row in self.read_rows_with(cx, index, &keys, None, block).await? {
            if let Some(RowKey { key, .. }) = index.key(&row)? {
                holders.insert(key, Holder::Present(row));
            }
        }
        Ok(holders)
    }
}

impl Upsert {
    /// One row: inserts it, changes the row that has its key, or leaves it out.
    fn propose(
        &mut self,
        indexes: &[UniqueIndex],
        holders: &mut [BTreeMap<Row, Holder>],
        update: Option<&ConflictUpdatePlan>,
        row: Row,
    ) -> Result<(), SqlError> {
        let mut keys = Vec::with_capacity(indexes.len());
        for (index, holders) in indexes.iter().zip(holders.iter_mut()) {
            let key = index.key(&row)?.map(|key| key.key);
            if let Some(holder) = key.as_ref().and_then(|key| holders.get_mut(key)) {
                return match update {
                    None => Ok(()),
                    Some(update) => self.change(update, holder, &row),
                };
            }
            keys.push(key);
        }
        for (holders, key) in holders.iter_mut().zip(keys) {
            holders.extend(key.map(|key| (key, Holder::Own)));
        }
        self.0.push((row, 1));
        Ok(())
    }

    fn change(&mut self, update: &ConflictUpdatePlan, holder: &mut Holder, proposed: &Row) -> Result<(), SqlError> {
        let Holder::Present(present) = holder else {
            let what = "ON CONFLICT DO UPDATE command cannot affect row a second time";
            let hint = "Ensure that no rows proposed for insertion within the same command have duplicate constrained \
                        values.";
            return Err(SqlError::new(SqlState::CARDINALITY_VIOLATION, what).hint(hint));
        };
        let (arena, datums) = (Arena::new(), [present.unpack(), proposed.unpack()].concat());
        if let Some(condition) = &update.condition
            && condition.eval(&datums, &arena)? != Datum::Bool(true)
        {
            return Ok(());
        }
        let new = evaluate(&update.row, &datums, &arena)?;
        self.0.push((present.clone(), -1));
        self.0.push((new, 1));
        *holder = Holder::Own;
        Ok(())
    }
}
