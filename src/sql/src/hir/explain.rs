//! Typed plans as text, for EXPLAIN RAW PLAN: one operator a line, inputs indented below it.

use super::{HirOrder, HirRel, JoinKind, SetKind, Subquery, SubqueryKind};
use expr::explain::explain_frame;
use expr::relation::RecLimit;
use expr::{AggregateExpr, ScalarExpr, Unmaterializable, WindowExpr};
use repr::Datum;
use std::fmt::Write;

/// The plan as text. Columns are shown as `#id`.
pub fn explain(rel: &HirRel) -> String {
    let mut out = String::new();
    relation(rel, 0, &mut out);
    out
}

fn relation(rel: &HirRel, depth: usize, out: &mut String) {
    line(depth, &headline(rel), out);
    for subquery in rel.subqueries() {
        subquery_text(subquery, depth + 1, out);
    }
    rel.inputs().into_iter().for_each(|input| relation(input, depth + 1, out));
}

fn line(depth: usize, text: &str, out: &mut String) {
    let _ = writeln!(out, "{:width$}{text}", "", width = depth * 2); // writing to a String cannot fail
}

fn subquery_text(subquery: &Subquery, depth: usize, out: &mut String) {
    let kind = match &subquery.kind {
        SubqueryKind::Exists => "exists".to_string(),
        SubqueryKind::Scalar(col) => format!("value #{col}"),
        SubqueryKind::In(left, right) => format!("({}) in ({})", scalars(left), columns(right)),
    };
    let when = subquery.when.as_ref().map(|w| format!(" when {}", scalar(w))).unwrap_or_default();
    line(depth, &format!("#{} := {kind}{when}", subquery.id), out);
    relation(&subquery.rel, depth + 1, out);
}

fn headline(rel: &HirRel) -> String {
    match rel {
        HirRel::Values { cols, rows } => {
            let rows: Vec<_> = rows.iter().map(|row| format!("({})", scalars(row))).collect();
            format!("Values {} -> {}", rows.join(", "), columns(cols))
        }
        HirRel::Get { name, cols, .. } => format!("Get {name} -> {}", columns(cols)),
        HirRel::Cte { name, id, cols, .. } => format!("Get {name}@{id} -> {}", columns(cols)),
        HirRel::Let { name, id, .. } => format!("With {name}@{id}"),
        HirRel::LetRec { bindings, .. } => {
            let names = bindings.iter().map(|b| format!("{}@{}{}", b.name, b.id, recursion_limit(b.limit.as_ref())));
            format!("With recursive {}", names.collect::<Vec<_>>().join(", "))
        }
        HirRel::CallTable { func, args, cols } => format!("CallTable {func:?}({}) -> {}", scalars(args), columns(cols)),
        HirRel::Project { cols, .. } => format!("Project {}", columns(cols)),
        HirRel::Map { exprs, .. } => format!("Map {}", named(exprs.iter().map(|(id, e)| (*id, scalar(e))))),
        HirRel::Filter { predicates, .. } => {
            format!("Filter {}", predicates.iter().map(scalar).collect::<Vec<_>>().join(" AND "))
        }
        HirRel::Apply { .. } => "Apply".to_string(),
        HirRel::Semi { negated, .. } => (if *negated { "AntiJoin" } else { "SemiJoin" }).to_string(),
        HirRel::Join { kind, on, .. } => join(*kind, on),
        HirRel::Reduce { keys, aggregates, .. } => format!(
            "Reduce group_by=[{}] aggregates=[{}]",
            named(keys.iter().map(|(id, e)| (*id, scalar(e)))),
            named(aggregates.iter().map(|(id, a)| (*id, aggregate(a))))
        ),
        HirRel::Distinct { .. } => "Distinct".to_string(),
        HirRel::TopK { group, order, limit, offset, .. } => top_k(group, order, limit.as_ref(), *offset),
        HirRel::Window { partition, order, functions, .. } => format!(
            "Window partition_by=[{}] order_by=[{}] functions=[{}]",
            columns(partition),
            order_by(order),
            named(functions.iter().map(|(id, f)| (*id, window(f))))
        ),
        HirRel::SetOp { kind, all, cols, .. } => {
            let name = match kind {
                SetKind::Union => "Union",
                SetKind::Except => "Except",
                SetKind::Intersect => "Intersect",
            };
            format!("{name}{} -> {}", if *all { "All" } else { "" }, columns(cols))
        }
    }
}

fn recursion_limit(limit: Option<&RecLimit>) -> String {
    let text = |l: &RecLimit| {
        let what = if l.return_at_limit { "return" } else { "error" };
        format!(" ({what} at {})", l.iterations)
    };
    limit.map(text).unwrap_or_default()
}

fn join(kind: JoinKind, on: &[ScalarExpr]) -> String {
    let name = match kind {
        JoinKind::Inner if on.is_empty() => return "CrossJoin".to_string(),
        JoinKind::Inner => "InnerJoin",
        JoinKind::Left => "LeftOuterJoin",
        JoinKind::Right => "RightOuterJoin",
        JoinKind::Full => "FullOuterJoin",
    };
    format!("{name} {}", on.iter().map(scalar).collect::<Vec<_>>().join(" AND "))
}

fn order_by(order: &[HirOrder]) -> String {
    let order = order.iter().map(|o| {
        let direction = if o.desc { " desc" } else { "" };
        let nulls = if o.nulls_first == o.desc {
            ""
        } else if o.nulls_first {
            " nulls_first"
        } else {
            " nulls_last"
        };
        format!("#{}{direction}{nulls}", o.col)
    });
    order.collect::<Vec<_>>().join(", ")
}

fn top_k(group: &[usize], order: &[HirOrder], limit: Option<&ScalarExpr>, offset: u64) -> String {
    let limit = limit.map(|l| format!(" limit={}", scalar(l))).unwrap_or_default();
    let offset = if offset > 0 { format!(" offset={offset}") } else { String::new() };
    format!("TopK group_by=[{}] order_by=[{}]{limit}{offset}", columns(group), order_by(order))
}

fn columns(cols: &[usize]) -> String {
    cols.iter().map(|c| format!("#{c}")).collect::<Vec<_>>().join(", ")
}

fn named(exprs: impl Iterator<Item = (usize, String)>) -> String {
    exprs.map(|(id, text)| format!("#{id} := {text}")).collect::<Vec<_>>().join(", ")
}

fn scalars(exprs: &[ScalarExpr]) -> String {
    exprs.iter().map(scalar).collect::<Vec<_>>().join(", ")
}

fn aggregate(aggregate: &AggregateExpr) -> String {
    let distinct = if aggregate.distinct { "distinct " } else { "" };
    let filter = aggregate.filter.as_ref().map(|f| format!(" filter {}", scalar(f))).unwrap_or_default();
    let args = if aggregate.args.is_empty() { "*".to_string() } else { scalars(&aggregate.args) };
    let order = if aggregate.order.is_empty() {
        String::new()
    } else {
        format!(" order by {}", scalars(&aggregate.order_exprs))
    };
    format!("{:?}({distinct}{args}{order}){filter}", aggregate.func)
}

fn window(function: &WindowExpr) -> String {
    let filter = function.filter.as_ref().map(|f| format!(" filter {}", scalar(f))).unwrap_or_default();
    let frame = explain_frame(&function.frame);
    format!("{}({}){filter}{frame}", function.func.name(), scalars(&function.args))
}

/// A scalar expression as text.
pub(crate) fn scalar(expr: &ScalarExpr) -> String {
    let list = |parts: &[ScalarExpr], with: &str| parts.iter().map(scalar).collect::<Vec<_>>().join(with);
    match expr {
        ScalarExpr::Column(id) => format!("#{id}"),
        ScalarExpr::Literal(Ok(row), typ) => match row.iter().next() {
            Some(Datum::Null) | None => "null".to_string(),
            Some(datum) => literal(datum, &typ.ty),
        },
        ScalarExpr::Literal(Err(error), _) => format!("error({})", error.message),
        ScalarExpr::Unmaterializable(f) => unmaterializable(f),
        ScalarExpr::Call { func, args } => format!("{}({})", func.0.name, list(args, ", ")),
        ScalarExpr::If { condition, then, otherwise } => {
            format!("case when {} then {} else {} end", scalar(condition), scalar(then), scalar(otherwise))
        }
        ScalarExpr::And(parts) => format!("({})", list(parts, " AND ")),
        ScalarExpr::Or(parts) => format!("({})", list(parts, " OR ")),
        ScalarExpr::Coalesce(parts) => format!("coalesce({})", list(parts, ", ")),
    }
}

fn literal(datum: Datum<'_>, ty: &repr::SqlType) -> String {
    let mut text = String::new();
    repr::text::format(datum, ty, &repr::text::TextSettings::default(), &mut text);
    match datum {
        Datum::Bool(_) | Datum::Int2(_) | Datum::Int4(_) | Datum::Int8(_) | Datum::Numeric(_) => text,
        _ => format!("'{}'", text.replace('\'', "''")),
    }
}

fn unmaterializable(f: &Unmaterializable) -> String {
    if let Unmaterializable::Parameter(n, _) = f {
        return format!("${}", n + 1);
    }
    let debug = format!("{f:?}");
    let mut name = String::new();
    for (i, c) in debug.chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name + "()"
}
