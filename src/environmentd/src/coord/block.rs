//! A transaction block that reads what it has written: pending writes are part of the plans of its reads.
//!
//! ```text
//!  Get(t)  ─▶  Get(t) ∪ rows added by the block ∪ −(rows taken away by it)
//! ```
//!
//! LAW: a block sees the state at one time with its own writes on top; it commits only if no table that it read has changed since.

use super::literals::Moment;
use super::timestamp::ReadTransaction;
use super::write::PendingWrite;
use super::{Environment, read};
use crate::catalog::Catalog;
use expr::relation::Id;
use expr::{LocalIds, RelExpr};
use repr::{Diff, GlobalId, Row, SqlError};
use sql::catalog::ItemDetails;
use std::collections::{BTreeMap, BTreeSet};

/// What the statements of a block share.
pub struct Block<'a> {
    /// Time and holds of its reads, from the first one on.
    pub read: &'a mut Option<ReadTransaction>,
    /// The tables it has read.
    pub tables_read: &'a mut BTreeSet<GlobalId>,
    /// What it has written.
    pub writes: &'a [PendingWrite],
}

impl Block<'_> {
    /// The same for one of several reads.
    pub fn reborrow(&mut self) -> Block<'_> {
        Block { read: self.read, tables_read: self.tables_read, writes: self.writes }
    }
}

/// Changes that are not committed, by table.
pub(super) struct Overlay {
    changes: BTreeMap<GlobalId, Vec<(Row, Diff)>>,
    loaded: BTreeSet<GlobalId>,
}

impl Overlay {
    /// What a block has written so far to the tables of a read.
    pub fn of(writes: &[PendingWrite], read: &BTreeSet<GlobalId>) -> Self {
        let mut changes: BTreeMap<GlobalId, Vec<(Row, Diff)>> = BTreeMap::new();
        for (table, rows) in writes.iter().flat_map(|write| &write.writes).filter(|(table, _)| read.contains(table)) {
            changes.entry(*table).or_default().extend(rows.iter().cloned());
        }
        changes.values_mut().for_each(expr::interpret::consolidate);
        let loaded = writes.iter().flat_map(|write| &write.large).map(|large| large.table);
        let loaded = loaded.filter(|table| read.contains(table)).collect();
        Overlay { changes, loaded }
    }

    fn touches(&self, id: &GlobalId) -> bool {
        self.changes.contains_key(id) || self.loaded.contains(id)
    }

    /// Puts the changes into a plan; views over changed tables are spelled out first.
    pub fn apply(&self, expr: &mut RelExpr, catalog: &Catalog, moment: &Moment<'_>) -> Result<(), SqlError> {
        if self.changes.is_empty() && self.loaded.is_empty() {
            return Ok(());
        }
        let mut ids = LocalIds::above(expr);
        self.apply_in(expr, catalog, moment, &mut ids)
    }

    fn apply_in(
        &self,
        expr: &mut RelExpr,
        catalog: &Catalog,
        moment: &Moment<'_>,
        ids: &mut LocalIds,
    ) -> Result<(), SqlError> {
        let RelExpr::Get { id: Id::Global(id), .. } = expr else {
            let mut children = expr.children_mut().into_iter();
            return children.try_for_each(|child| self.apply_in(child, catalog, moment, ids));
        };
        let id = *id;
        if self.loaded.contains(&id) {
            let what = "reading a table into which the same transaction block has copied";
            return Err(SqlError::unsupported(what).hint("COMMIT the COPY first."));
        }
        if let Some(rows) = self.changes.get(&id) {
            *expr = with_changes(expr.clone(), rows);
            return Ok(());
        }
        if let Some(ItemDetails::View { expr: query, .. }) = catalog.item(id).map(|item| &item.details)
            && read::through_views(catalog, query.depends_on()).iter().any(|id| self.touches(id))
        {
            let mut query = query.clone();
            moment.replace_in_plan(&mut query);
            ids.rename(&mut query);
            self.apply_in(&mut query, catalog, moment, ids)?;
            *expr = query;
        }
        Ok(())
    }
}

fn with_changes(table: RelExpr, rows: &[(Row, Diff)]) -> RelExpr {
    let typ = repr::RelationType::new(table.typ().columns);
    let part = |added: bool| {
        let rows = rows.iter().filter(|(_, diff)| (*diff > 0) == added);
        RelExpr::constant_diffs(rows.map(|(row, diff)| (row.clone(), diff.abs())).collect(), typ.clone())
    };
    RelExpr::union_all(vec![table, part(true), part(false).negate()], typ.clone())
}

impl Environment {
    /// The tables among what a plan reads: what must not change before a block that read them commits.
    pub(super) fn tables_among(&self, reads: &BTreeSet<GlobalId>) -> BTreeSet<GlobalId> {
        let catalog = self.catalog();
        let is_table =
            |id: &GlobalId| catalog.item(*id).is_some_and(|i| matches!(i.details, ItemDetails::Table { .. }));
        reads.iter().copied().filter(is_table).collect()
    }
}
