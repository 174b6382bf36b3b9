//! Unique indexes: what a commit adds to one must not be in it yet.
//!
//! ```text
//!  changes of rows ─▶ keys that become more ─▶ rows that have such a key, read through the index ─▶ commit, unless the table has changed since
//! ```
//!
//! LAW: after every commit no two rows of a table have the same key of one of its unique indexes. Keys with NULL in them differ from all others.
//! A statement is checked when it ends; a transaction is checked again, whole, when it commits.

use super::Environment;
use super::block::Block;
use super::timestamp::ReadTransaction;
use super::write::evaluate;
use crate::catalog::Catalog;
use crate::catalog::system::expression_text;
use crate::session::SessionContext;
use expr::plan_key::comparable_key;
use expr::{AggregateExpr, AggregateFunc, RelExpr, RowSetFinishing, ScalarExpr};
use repr::{
    Arena, ClusterId, Datum, Diff, GlobalId, RelationDesc, RelationType, Row, SqlError, SqlState, SqlType, Timestamp,
};
use sql::catalog::ItemDetails;
use sql::plan::When;
use std::collections::{BTreeMap, BTreeSet};

/// Keys that one query looks for. Beyond it there are more queries.
const KEYS_PER_QUERY: usize = 10_000;
/// Up to so many keys are looked up one by one; more are joined with the index.
const LOOKUPS_MAX: usize = 16;

/// How many more rows will have each key, by unique index. Every unique index of the tables written is here, with keys or without.
#[derive(Clone, Debug, Default)]
pub struct KeyChanges(BTreeMap<GlobalId, BTreeMap<Row, KeyChange>>);

/// What happens to one key.
#[derive(Clone, Debug, Default)]
struct KeyChange {
    diff: Diff,
    /// The key as it was written, if that is not its canonical form.
    written: Option<Row>,
}

impl KeyChanges {
    /// The indexes.
    pub fn indexes(&self) -> impl Iterator<Item = GlobalId> + '_ {
        self.0.keys().copied()
    }

    /// These changes and others.
    pub fn merge(&mut self, other: &KeyChanges) {
        self.merge_where(other, |_, _| true);
    }

    fn merge_where(&mut self, other: &KeyChanges, wanted: impl Fn(&GlobalId, &Row) -> bool) {
        for (index, keys) in &other.0 {
            let mine = self.0.entry(*index).or_default();
            for (key, change) in keys.iter().filter(|(key, _)| wanted(index, key)) {
                let merged = mine.entry(key.clone()).or_default();
                merged.diff += change.diff;
                merged.written = change.written.clone().or(merged.written.take());
            }
        }
    }

    /// What writes do together to the keys of `wanted`.
    pub fn of<'a>(writes: impl Iterator<Item = &'a KeyChanges>, wanted: &KeyChanges) -> Self {
        let mut all = KeyChanges::default();
        for write in writes {
            all.merge_where(write, |index, key| wanted.0.get(index).is_some_and(|keys| keys.contains_key(key)));
        }
        all
    }

    /// Those of `wanted` that will have more rows, with how many more.
    fn added<'a>(&'a self, index: GlobalId, wanted: &'a KeyChanges) -> impl Iterator<Item = (&'a Row, &'a KeyChange)> {
        let all = self.0.get(&index);
        let keys = wanted.0.get(&index).into_iter().flat_map(BTreeMap::keys);
        keys.filter_map(move |key| all?.get_key_value(key)).filter(|(_, change)| change.diff > 0)
    }
}

/// The unique indexes of a table.
pub(super) struct UniqueIndexes(pub Vec<UniqueIndex>);

/// A unique index with what it needs of its table.
pub(super) struct UniqueIndex {
    id: GlobalId,
    name: String,
    table: GlobalId,
    desc: RelationDesc,
    keys: Vec<ScalarExpr>,
    /// The same in canonical form, if that is another.
    canonical: Option<Vec<ScalarExpr>>,
    cluster: ClusterId,
}

/// The key of a row, if none of it is NULL.
pub(super) struct RowKey {
    /// In canonical form.
    pub key: Row,
    /// As it was written, if that is another.
    pub written: Option<Row>,
}

impl UniqueIndexes {
    /// Those that a table has now.
    pub fn of(catalog: &Catalog, table: GlobalId) -> Self {
        let of_table = |index: &UniqueIndex| index.table == table;
        UniqueIndexes(catalog.used_by(table).filter_map(|id| UniqueIndex::find(catalog, id)).filter(of_table).collect())
    }

    /// No changes yet.
    pub fn no_changes(&self) -> KeyChanges {
        KeyChanges(self.0.iter().map(|index| (index.id, BTreeMap::new())).collect())
    }

    /// A row comes or goes.
    pub fn add(&self, changes: &mut KeyChanges, row: &Row, diff: Diff) -> Result<(), SqlError> {
        for index in &self.0 {
            let Some(RowKey { key, written }) = index.key(row)? else { continue };
            let keys = changes.0.entry(index.id).or_default();
            let change = keys.entry(key.clone()).or_default();
            change.diff += diff;
            change.written = written;
            if change.diff == 0 {
                keys.remove(&key);
            }
        }
        Ok(())
    }
}

impl Environment {
    /// Fails with 23505 if a key of `wanted` would be that of two rows after all of `changes`; else tells when which tables were read: they must
    /// not change until the commit.
    pub async fn check_unique(
        &self,
        cx: &SessionContext,
        changes: &KeyChanges,
        wanted: &KeyChanges,
    ) -> Result<BTreeMap<GlobalId, Timestamp>, SqlError> {
        let mut reads = BTreeMap::new();
        // What a block has written is among the changes; it is what others have committed that they are compared with.
        let (mut read, mut tables_read) = (None, BTreeSet::new());
        let mut committed = Block { read: &mut read, tables_read: &mut tables_read, writes: &[] };
        for index in wanted.indexes() {
            let added: Vec<_> = changes.added(index, wanted).collect();
            if added.is_empty() {
                continue;
            }
            // An index that was dropped meanwhile asks for nothing.
            let Some(index) = UniqueIndex::find(&self.catalog(), index) else { continue };
            if let Some((key, change)) = added.iter().find(|(_, change)| change.diff > 1) {
                return Err(index.violated(change.written.as_ref().unwrap_or(key)));
            }
            let keys: Vec<&Row> = added.iter().map(|(key, _)| *key).collect();
            if let Some(row) = self.read_rows_with(cx, &index, &keys, Some(1), committed.reborrow()).await?.first() {
                let present = index.key(row)?.map(|present| present.key).unwrap_or_default();
                let written = changes.0.get(&index.id).and_then(|keys| keys.get(&present)?.written.as_ref());
                return Err(index.violated(written.unwrap_or(&present)));
            }
            reads.extend(committed.read.as_ref().map(|read: &ReadTransaction| (index.table, read.timestamp())));
        }
        Ok(reads)
    }

    /// Fails with 23505 if a table has the same key of a new unique index twice.
    pub(super) async fn check_present_rows(&self, cx: &SessionContext, index: GlobalId) -> Result<(), SqlError> {
        let Some(index) = UniqueIndex::find(&self.catalog(), index) else { return Ok(()) };
        match self.read(cx, &index, &index.repeated(), Some(1), None).await?.first() {
            Some(key) => Err(index.not_unique(key)),
            None => Ok(()),
        }
    }

    /// The rows of a table that have one of these keys, `limit` for each query at most.
    pub(super) async fn read_rows_with(
        &self,
        cx: &SessionContext,
        index: &UniqueIndex,
        keys: &[&Row],
        limit: Option<u64>,
        mut block: Block<'_>,
    ) -> Result<Vec<Row>, SqlError> {
        let mut rows = Vec::new();
        for keys in keys.chunks(KEYS_PER_QUERY) {
            rows.extend(self.read(cx, index, &index.rows_with(keys), limit, Some(block.reborrow())).await?);
        }
        Ok(rows)
    }

    /// Reads where the index is.
    async fn read(
        &self,
        cx: &SessionContext,
        index: &UniqueIndex,
        query: &RelExpr,
        limit: Option<u64>,
        block: Option<Block<'_>>,
    ) -> Result<Vec<Row>, SqlError> {
        let cluster = self.catalog().cluster(index.cluster).map(|cluster| cluster.name.clone());
        let cx = SessionContext { cluster: cluster.unwrap_or_else(|| cx.cluster.clone()), ..cx.clone() };
        let finishing = RowSetFinishing { limit, ..RowSetFinishing::trivial(query.arity()) };
        self.select(&cx, query, &When::Immediately, &finishing, block).await?.collect().await
    }
}

impl UniqueIndex {
    /// The index of this identifier, if it is there and unique.
    pub fn find(catalog: &Catalog, id: GlobalId) -> Option<Self> {
        let index = catalog.item(id)?;
        let ItemDetails::Index { on, keys, cluster, unique: Some(_) } = &index.details else { return None };
        let desc = catalog.item(*on)?.details.desc()?.clone();
        let canonical = comparable_key(keys, &desc.typ.columns);
        let canonical = (canonical != *keys).then_some(canonical);
        let (name, keys, cluster) = (index.name.item.clone(), keys.clone(), *cluster);
        Some(UniqueIndex { id, name, table: *on, desc, keys, canonical, cluster })
    }

    /// The key of a row; none if there is NULL in it.
    pub fn key(&self, row: &Row) -> Result<Option<RowKey>, SqlError> {
        let (arena, datums) = (Arena::new(), row.unpack());
        let written = evaluate(&self.keys, &datums, &arena)?;
        if written.iter().any(|datum| datum.is_null()) {
            return Ok(None);
        }
        Ok(Some(match &self.canonical {
            Some(exprs) => RowKey { key: evaluate(exprs, &datums, &arena)?, written: Some(written) },
            None => RowKey { key: written, written: None },
        }))
    }

    fn types(&self) -> Vec<SqlType> {
        self.keys.iter().map(|key| key.typ(&self.desc.typ.columns).ty).collect()
    }

    /// The rows of the table that have one of these keys.
    fn rows_with(&self, keys: &[&Row]) -> RelExpr {
        let types: Vec<SqlType> = self.types().iter().map(SqlType::without_modifier).collect();
        let table = RelExpr::get_global(self.table, self.desc.typ.clone());
        if keys.len() <= LOOKUPS_MAX {
            let equal = |((key, datum), ty): ((&ScalarExpr, Datum<'_>), &SqlType)| {
                key.clone().eq(ScalarExpr::literal(datum, ty.clone()))
            };
            let is_key =
                |row: &&Row| ScalarExpr::conjunction(self.keys.iter().zip(row.iter()).zip(&types).map(equal).collect());
            let mut wanted: Vec<_> = keys.iter().map(is_key).collect();
            let wanted = if wanted.len() == 1 { wanted.remove(0) } else { ScalarExpr::Or(wanted) };
            return table.filter(vec![wanted]);
        }
        let arity = self.desc.arity();
        let typ = RelationType::new(types.into_iter().map(|ty| ty.nullable(false)).collect());
        let wanted = RelExpr::constant(keys.iter().map(|key| (*key).clone()).collect(), typ);
        let pair = |(position, key): (usize, &ScalarExpr)| vec![key.clone(), ScalarExpr::Column(arity + position)];
        let equivalences = self.keys.iter().enumerate().map(pair).collect();
        RelExpr::join(vec![table, wanted], equivalences).project((0..arity).collect())
    }

    /// The keys that more than one row of the table has.
    fn repeated(&self) -> RelExpr {
        let count = AggregateExpr {
            func: AggregateFunc::Count,
            args: Vec::new(),
            filter: None,
            distinct: false,
            order: Vec::new(),
            order_exprs: Vec::new(),
        };
        let table = RelExpr::get_global(self.table, self.desc.typ.clone());
        let known = self.keys.iter().map(|key| key.clone().is_null().not()).collect();
        let more =
            ScalarExpr::literal(Datum::Int8(1), SqlType::Int8).call_binary("lt", ScalarExpr::Column(self.keys.len()));
        let groups = table.filter(known).reduce(self.keys.clone(), vec![count]);
        groups.filter(vec![more]).project((0..self.keys.len()).collect())
    }

    /// `duplicate key value violates unique constraint "t_pkey"`
    fn violated(&self, key: &Row) -> SqlError {
        let message = format!("duplicate key value violates unique constraint \"{}\"", self.name);
        SqlError::new(SqlState::UNIQUE_VIOLATION, message).detail(format!("{} already exists.", self.shown(key)))
    }

    /// `could not create unique index "i"`
    fn not_unique(&self, key: &Row) -> SqlError {
        let message = format!("could not create unique index \"{}\"", self.name);
        SqlError::new(SqlState::UNIQUE_VIOLATION, message).detail(format!("{} is duplicated.", self.shown(key)))
    }

    /// `Key (a, b)=(1, x)`
    fn shown(&self, key: &Row) -> String {
        let names: Vec<_> = self.keys.iter().map(|key| expression_text(key, &self.desc)).collect();
        let value = |(datum, ty): (Datum<'_>, SqlType)| {
            let mut text = String::new();
            repr::text::format(datum, &ty, &Default::default(), &mut text);
            text
        };
        let values: Vec<_> = key.iter().zip(self.types()).map(value).collect();
        format!("Key ({})=({})", names.join(", "), values.join(", "))
    }
}

/// Whether the keys of all unique indexes that a table has were looked at.
pub(super) fn all_checked(catalog: &Catalog, table: GlobalId, checked: &BTreeSet<GlobalId>) -> bool {
    let is_unique = |id: &GlobalId| {
        let details = catalog.item(*id).map(|item| &item.details);
        matches!(details, Some(ItemDetails::Index { on, unique: Some(_), .. }) if *on == table)
    };
    catalog.used_by(table).filter(is_unique).all(|id| checked.contains(&id))
}
