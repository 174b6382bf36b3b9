//! CREATE INDEX.

use super::Cx;
use super::create_view::{check_materializable, check_scalar};
use super::names::{check_free, cluster, cluster_ident, fold, new_name, resolve_relation};
use crate::canonical;
use crate::catalog::{CatalogItem, ItemDetails, ItemName, SessionCatalog, Uniqueness};
use crate::parser::Statement;
use crate::parser::extension::{ast::CreateIndex, print};
use crate::plan::{CreateItemPlan, NewItem, Plan};
use crate::query::{ScalarPlace, plan_scalar};
use expr::ScalarExpr;
use repr::{ClusterId, RelationDesc, SqlError, SqlState};
use sqlparser::ast::{Expr, Ident, ObjectName};

/// `CREATE [DEFAULT] INDEX`
pub(super) fn create_index(cx: &mut Cx<'_>, s: &CreateIndex) -> Result<Plan, SqlError> {
    let on = resolve_relation(cx.catalog, &s.on)?;
    check_indexable(cx.catalog, on)?;
    check_unique(on, s.unique)?;
    let desc = on.details.desc().cloned().unwrap_or_default();
    let key_exprs = if s.default { default_keys(&desc) } else { s.keys.clone() };
    let keys = plan_keys(cx, on, &desc, &key_exprs)?;
    let cluster = cluster(cx.catalog, &s.cluster)?;
    let name = index_name(cx.catalog, s, on, &key_exprs)?;
    check_free(cx.catalog, &name, s.if_not_exists)?;
    NewIndex { name, on, keys, key_exprs, cluster, unique: s.unique }
        .plan(cx.catalog, s.if_not_exists)
        .map(Plan::CreateItem)
}

/// An index to be.
pub(super) struct NewIndex<'a> {
    /// Its name.
    pub name: ItemName,
    /// What it indexes.
    pub on: &'a CatalogItem,
    /// By what.
    pub keys: Vec<ScalarExpr>,
    /// The same as it was written.
    pub key_exprs: Vec<Expr>,
    /// Where.
    pub cluster: ClusterId,
    /// Whether its keys must differ.
    pub unique: Option<Uniqueness>,
}

impl NewIndex<'_> {
    /// The plan that creates it.
    pub fn plan(self, catalog: &dyn SessionCatalog, if_not_exists: bool) -> Result<CreateItemPlan, SqlError> {
        let NewIndex { name, on, keys, key_exprs, cluster, unique } = self;
        let stored = CreateIndex {
            name: Some(print::exact_ident(&name.item)),
            if_not_exists: false,
            default: false,
            unique,
            cluster: cluster_ident(catalog, cluster),
            on: canonical::id_name(on.id),
            keys: key_exprs,
        };
        let mut definition = Statement::CreateIndex(stored);
        canonical::resolve(catalog, &mut definition)?;
        Ok(CreateItemPlan {
            name,
            item: NewItem::Index { on: on.id, keys, cluster, unique },
            create_sql: print::definition(&definition).unwrap_or_default(),
            depends_on: vec![on.id],
            if_not_exists,
            replace: None,
        })
    }
}

fn check_indexable(catalog: &dyn SessionCatalog, on: &CatalogItem) -> Result<(), SqlError> {
    match &on.details {
        ItemDetails::SystemRelation { .. } => {
            let message = format!("cannot create index on system relation \"{}\"", on.name.item);
            Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
        }
        ItemDetails::View { expr, .. } => check_materializable(catalog, expr),
        _ => Ok(()),
    }
}

/// Only what SQL writes is checked.
fn check_unique(on: &CatalogItem, unique: Option<Uniqueness>) -> Result<(), SqlError> {
    if unique.is_none() || matches!(on.details, ItemDetails::Table { .. }) {
        return Ok(());
    }
    let kind = on.details.kind().replace('-', " ");
    let message = format!("cannot create unique index on {kind} \"{}\"", on.name.item);
    Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message).hint("CREATE INDEX makes lookups just as fast."))
}

/// The shortest key of a relation, or all its columns.
fn default_keys(desc: &RelationDesc) -> Vec<Expr> {
    let all: Vec<usize> = (0..desc.arity()).collect();
    let shortest = desc.typ.keys.iter().filter(|key| !key.is_empty()).min_by_key(|key| key.len());
    let columns = shortest.unwrap_or(&all).iter();
    columns.map(|i| Expr::Identifier(print::exact_ident(&desc.names[*i]))).collect()
}

fn plan_keys(
    cx: &mut Cx<'_>,
    on: &CatalogItem,
    desc: &RelationDesc,
    keys: &[Expr],
) -> Result<Vec<ScalarExpr>, SqlError> {
    let relations = &[(on.name.item.as_str(), desc)];
    let mut planned = Vec::with_capacity(keys.len());
    for key in keys {
        let place = ScalarPlace { relations, expected: None, clause: "index expressions" };
        let key = plan_scalar(&mut cx.maintained(), key, place)?;
        check_scalar(&key)?;
        planned.push(key);
    }
    Ok(planned)
}

/// The name given, or one made of the relation's and the columns'; indexes live in the schema of what they index.
fn index_name(
    catalog: &dyn SessionCatalog,
    s: &CreateIndex,
    on: &CatalogItem,
    keys: &[Expr],
) -> Result<ItemName, SqlError> {
    if let Some(name) = &s.name {
        new_name(catalog, &ObjectName::from(vec![name.clone()]))?;
        return Ok(ItemName { item: fold(name), ..on.name.clone() });
    }
    let columns: Vec<String> = keys.iter().map(key_name).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    free_name(catalog, on, if s.default { &["primary"] } else { &columns }, "idx")
}

/// A name that nothing has yet: `relation_columns_label`, or with a number at its end.
pub(super) fn free_name(
    catalog: &dyn SessionCatalog,
    on: &CatalogItem,
    columns: &[&str],
    label: &str,
) -> Result<ItemName, SqlError> {
    let parts: Vec<&str> = [on.name.item.as_str()].iter().chain(columns).chain([&label]).copied().collect();
    let base = parts.join("_");
    let candidates = std::iter::once(base.clone()).chain((1..).map(|n| format!("{base}{n}")));
    let mut names = candidates.map(|item| ItemName { item, ..on.name.clone() });
    names.find(|name| !catalog.exists(name)).ok_or_else(|| SqlError::internal("no free name for an index"))
}

fn key_name(key: &Expr) -> String {
    let last = |parts: &[Ident]| parts.last().map(fold);
    match key {
        Expr::Identifier(ident) => fold(ident),
        Expr::CompoundIdentifier(parts) => last(parts).unwrap_or_default(),
        Expr::Nested(inner) => key_name(inner),
        _ => "expr".to_string(),
    }
}
