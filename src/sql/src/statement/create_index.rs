//! CREATE INDEX.

use super::Cx;
use super::create_view::{check_materializable, check_scalar};
use super::names::{check_free, cluster, cluster_ident, fold, new_name, resolve_relation};
use crate::canonical;
use crate::catalog::{CatalogItem, ItemDetails, ItemName, SessionCatalog};
use crate::parser::Statement;
use crate::parser::extension::{ast::CreateIndex, print};
use crate::plan::{CreateItemPlan, NewItem, Plan};
use crate::query::{ScalarPlace, plan_scalar};
use expr::ScalarExpr;
use repr::{RelationDesc, SqlError, SqlState};
use sqlparser::ast::{Expr, Ident, ObjectName};

/// `CREATE [DEFAULT] INDEX`
pub(super) fn create_index(cx: &mut Cx<'_>, s: &CreateIndex) -> Result<Plan, SqlError> {
    let on = resolve_relation(cx.catalog, &s.on)?;
    check_indexable(cx.catalog, on)?;
    let desc = on.details.desc().cloned().unwrap_or_default();
    let key_exprs = if s.default { default_keys(&desc) } else { s.keys.clone() };
    let keys = plan_keys(cx, on, &desc, &key_exprs)?;
    let cluster = cluster(cx.catalog, &s.cluster)?;
    let name = index_name(cx.catalog, s, on, &key_exprs)?;
    check_free(cx.catalog, &name, s.if_not_exists)?;
    let stored = CreateIndex {
        name: Some(print::exact_ident(&name.item)),
        if_not_exists: false,
        default: false,
        cluster: cluster_ident(cx.catalog, cluster),
        on: canonical::id_name(on.id),
        keys: key_exprs,
    };
    let mut definition = Statement::CreateIndex(stored);
    canonical::resolve(cx.catalog, &mut definition)?;
    let create_sql = print::definition(&definition).unwrap_or_default();
    Ok(Plan::CreateItem(CreateItemPlan {
        name,
        item: NewItem::Index { on: on.id, keys, cluster },
        create_sql,
        depends_on: vec![on.id],
        if_not_exists: s.if_not_exists,
        replace: None,
    }))
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
    let relation = Some((on.name.item.as_str(), desc));
    let mut planned = Vec::with_capacity(keys.len());
    for key in keys {
        let place = ScalarPlace { relation, expected: None, clause: "index expressions" };
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
    let middle = if s.default { "primary".to_string() } else { columns.join("_") };
    let base = format!("{}_{middle}_idx", on.name.item);
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
