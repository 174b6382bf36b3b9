//! Scalar expressions as text.

use crate::aggregate::AggregateExpr;
use crate::scalar::{ScalarExpr, Unmaterializable};
use crate::visit::grow;
use crate::window::{Bound, Exclude, Frame, Offset, Units, WindowExpr};
use repr::text::TextSettings;
use repr::{Datum, SqlType};

/// An expression as text.
pub fn explain_scalar(expr: &ScalarExpr) -> String {
    grow(|| match expr {
        ScalarExpr::Column(c) => format!("#{c}"),
        ScalarExpr::Literal(Ok(row), typ) => row.iter().next().map_or("()".into(), |d| explain_datum(d, &typ.ty)),
        ScalarExpr::Literal(Err(e), _) => format!("error({:?})", e.message),
        ScalarExpr::Unmaterializable(Unmaterializable::Parameter(n, _)) => format!("${}", n + 1),
        ScalarExpr::Unmaterializable(u) => format!("{u:?}()"),
        ScalarExpr::Call { func, args } => call(func.0.name, func.0.sql_name, args),
        ScalarExpr::If { condition, then, otherwise } => format!(
            "case when {} then {} else {} end",
            explain_scalar(condition),
            explain_scalar(then),
            explain_scalar(otherwise)
        ),
        ScalarExpr::And(operands) => joined(operands, " AND "),
        ScalarExpr::Or(operands) => joined(operands, " OR "),
        ScalarExpr::Coalesce(operands) => format!("coalesce({})", explain_scalars(operands)),
    })
}

/// Expressions as text, with commas.
pub fn explain_scalars(exprs: &[ScalarExpr]) -> String {
    exprs.iter().map(explain_scalar).collect::<Vec<_>>().join(", ")
}

/// Predicates that must all be true.
pub(super) fn explain_conjunction(predicates: &[ScalarExpr]) -> String {
    predicates.iter().map(explain_scalar).collect::<Vec<_>>().join(" AND ")
}

/// Expressions that are equal.
pub(super) fn explain_class(class: &[ScalarExpr]) -> String {
    class.iter().map(explain_scalar).collect::<Vec<_>>().join(" = ")
}

fn joined(operands: &[ScalarExpr], separator: &str) -> String {
    format!("({})", operands.iter().map(explain_scalar).collect::<Vec<_>>().join(separator))
}

fn call(name: &str, sql_name: &str, args: &[ScalarExpr]) -> String {
    let is_operator = !sql_name.is_empty() && !sql_name.contains(|c: char| c.is_alphanumeric() || c == '_');
    match args {
        [arg] if name == "is_null" => format!("({}) IS NULL", explain_scalar(arg)),
        [arg] if name == "is_not_null" => format!("({}) IS NOT NULL", explain_scalar(arg)),
        [arg] if name == "not" => format!("NOT({})", explain_scalar(arg)),
        [a, b] if is_operator => format!("({} {sql_name} {})", explain_scalar(a), explain_scalar(b)),
        [a] if is_operator => format!("({sql_name}{})", explain_scalar(a)),
        _ => format!("{name}({})", explain_scalars(args)),
    }
}

/// A value as SQL would write it.
pub(super) fn explain_datum(datum: Datum<'_>, ty: &SqlType) -> String {
    match datum {
        Datum::Null => return "null".into(),
        Datum::Bool(b) => return b.to_string(),
        _ => {}
    }
    let mut text = String::new();
    repr::text::format(datum, ty, &TextSettings::DEFAULT, &mut text);
    match ty {
        SqlType::Int2 | SqlType::Int4 | SqlType::Int8 | SqlType::Numeric(_) | SqlType::Oid => text,
        SqlType::Float4 | SqlType::Float8 => text,
        _ => format!("{:?}", text),
    }
}

/// An aggregate as text.
pub(super) fn explain_aggregate(aggregate: &AggregateExpr) -> String {
    let mut out = format!("{:?}(", aggregate.func).to_lowercase();
    if aggregate.distinct {
        out.push_str("distinct ");
    }
    out.push_str(if aggregate.args.is_empty() { "*" } else { "" });
    out.push_str(&explain_scalars(&aggregate.args));
    if !aggregate.order_exprs.is_empty() {
        out.push_str(&format!(" order by {}", explain_scalars(&aggregate.order_exprs)));
    }
    out.push(')');
    if let Some(filter) = &aggregate.filter {
        out.push_str(&format!(" filter ({})", explain_scalar(filter)));
    }
    out
}

/// A window function as text, with its frame where that is not the default.
pub(super) fn explain_window(function: &WindowExpr) -> String {
    let filter = function.filter.as_ref().map_or(String::new(), |f| format!(" filter ({})", explain_scalar(f)));
    format!("{}({}){filter}{}", function.func.name(), explain_scalars(&function.args), explain_frame(&function.frame))
}

/// A frame as SQL would write it, with a space before it; nothing for the default.
pub fn explain_frame(frame: &Frame) -> String {
    if *frame == Frame::default() {
        return String::new();
    }
    let units = match frame.units {
        Units::Rows => "rows",
        Units::Range => "range",
        Units::Groups => "groups",
    };
    let offset = |offset: &Offset| match offset {
        Offset::Count(count) => count.to_string(),
        Offset::Value(row) => row.iter().next().map_or(String::new(), |datum| match datum {
            Datum::Interval(_) => explain_datum(datum, &SqlType::Interval),
            Datum::Numeric(_) => explain_datum(datum, &SqlType::NUMERIC),
            Datum::Float8(_) => explain_datum(datum, &SqlType::Float8),
            datum => explain_datum(datum, &SqlType::Int8),
        }),
    };
    let bound = |bound: &Bound, unbounded: &str| match bound {
        Bound::Unbounded => unbounded.to_string(),
        Bound::CurrentRow => "current row".to_string(),
        Bound::Preceding(by) => format!("{} preceding", offset(by)),
        Bound::Following(by) => format!("{} following", offset(by)),
    };
    let exclude = match frame.exclude {
        Exclude::NoOthers => "",
        Exclude::CurrentRow => " exclude current row",
        Exclude::Group => " exclude group",
        Exclude::Ties => " exclude ties",
    };
    let (start, end) = (bound(&frame.start, "unbounded preceding"), bound(&frame.end, "unbounded following"));
    format!(" {units} between {start} and {end}{exclude}")
}
