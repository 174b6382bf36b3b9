//! SUBSCRIBE.

use super::Cx;
use super::names::resolve_relation;
use super::options::Options;
use super::select::{constant, when, whole};
use crate::parser::extension::ast::{SubscribeRelation, SubscribeStatement};
use crate::plan::{Plan, SubscribeFrom, SubscribePlan};
use crate::query::plan_query;
use repr::{RelationDesc, SqlError, SqlType};

/// `SUBSCRIBE`
pub(super) fn subscribe(cx: &mut Cx<'_>, s: &SubscribeStatement) -> Result<Plan, SqlError> {
    let mut options = Options::new("SUBSCRIBE", &s.options)?;
    let with_snapshot = options.bool("SNAPSHOT")?.unwrap_or(true);
    let emit_progress = options.bool("PROGRESS")?.unwrap_or(false);
    let (from, desc) = subscribe_from(cx, &s.from)?;
    let when = when(cx, &s.as_of)?;
    let up_to = s.up_to.as_ref().map(|time| constant(cx, time, "UP TO", None)).transpose()?;
    let output_desc = output_desc(&desc, emit_progress);
    Ok(Plan::Subscribe(SubscribePlan { from, when, up_to, with_snapshot, emit_progress, desc, output_desc }))
}

fn subscribe_from(cx: &mut Cx<'_>, from: &SubscribeRelation) -> Result<(SubscribeFrom, RelationDesc), SqlError> {
    match from {
        SubscribeRelation::Name(name) => {
            let item = resolve_relation(cx.catalog, name)?;
            cx.query.depends_on.insert(item.id);
            let desc = item.details.desc().cloned().unwrap_or_default();
            Ok((SubscribeFrom::Item(item.id), desc))
        }
        SubscribeRelation::Query(query) => {
            let (expr, desc) = whole(plan_query(&mut cx.query, query)?);
            Ok((SubscribeFrom::Query(expr), desc))
        }
    }
}

fn output_desc(desc: &RelationDesc, emit_progress: bool) -> RelationDesc {
    let mut output = RelationDesc::empty().with("mz_timestamp", SqlType::NUMERIC, false);
    if emit_progress {
        output = output.with("mz_progressed", SqlType::Bool, false);
    }
    output = output.with("mz_diff", SqlType::Int8, emit_progress);
    let column = |output: RelationDesc, (name, typ): (&String, &repr::ColumnType)| {
        output.with(name, typ.ty.clone(), typ.nullable || emit_progress)
    };
    desc.iter().fold(output, column)
}
