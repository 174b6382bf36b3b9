//! What an expression can be over rows of which only each column's least and greatest value are known.
//!
//! LAW: if the columns of a row lie within their extents, what the expression gives for it lies within [`extent`]'s. So a whole part of a
//! collection can be left unread where no row of it can pass a filter: see [`may_keep`].

#[cfg(test)]
mod tests;

use crate::func::{ArgType, Func, Nulls};
use crate::mfp::Mfp;
use crate::scalar::ScalarExpr;
use crate::visit::grow;
use repr::{Arena, Datum, Extent, Values};

/// Whether any row with columns of these extents may pass the filters, or fail in them.
pub fn may_keep(mfp: &Mfp, columns: &[Extent<'_>]) -> bool {
    let arena = Arena::new();
    // Predicates over computed columns come after these may have failed.
    let first = mfp.predicates.iter().take_while(|(needed, _)| *needed <= mfp.input_arity);
    first.into_iter().all(|(_, predicate)| {
        let extent = extent(predicate, columns, &arena);
        extent.may_be(true) || extent.error
    })
}

/// What the expression may be.
pub fn extent<'a>(expr: &'a ScalarExpr, columns: &[Extent<'a>], arena: &'a Arena) -> Extent<'a> {
    grow(|| match expr {
        ScalarExpr::Column(c) => columns.get(*c).copied().unwrap_or(Extent::UNKNOWN),
        ScalarExpr::Literal(Ok(row), _) => row.iter().next().map_or(Extent::UNKNOWN, Extent::of),
        ScalarExpr::Literal(Err(_), _) => Extent { values: Values::None, null: false, error: true },
        ScalarExpr::Unmaterializable(_) => Extent::VALUE,
        ScalarExpr::And(operands) => connected(operands, false, columns, arena),
        ScalarExpr::Or(operands) => connected(operands, true, columns, arena),
        ScalarExpr::If { condition, then, otherwise } => {
            let condition = extent(condition, columns, arena);
            let then = condition.may_be(true).then(|| extent(then, columns, arena));
            let other = (condition.may_be(false) || condition.null).then(|| extent(otherwise, columns, arena));
            let nothing = Extent { values: Values::None, null: false, error: condition.error };
            [then, other].into_iter().flatten().fold(nothing, Extent::or)
        }
        ScalarExpr::Coalesce(operands) => {
            let all: Vec<_> = operands.iter().map(|e| extent(e, columns, arena)).collect();
            let null = all.iter().all(|e| e.null);
            let nothing = Extent { values: Values::None, null: false, error: false };
            Extent { null, ..all.into_iter().fold(nothing, Extent::or) }
        }
        ScalarExpr::Call { func, args } => {
            let args: Vec<_> = args.iter().map(|e| extent(e, columns, arena)).collect();
            call(*func, &args, arena)
        }
    })
}

/// AND, or OR: `decisive` is the truth that one operand is enough for, whatever the errors of others.
fn connected<'a>(operands: &'a [ScalarExpr], decisive: bool, columns: &[Extent<'a>], arena: &'a Arena) -> Extent<'a> {
    let all: Vec<_> = operands.iter().map(|e| extent(e, columns, arena)).collect();
    let always = |e: &Extent<'_>| !e.may_be(!decisive) && !e.null && !e.error && e.may_be(decisive);
    if all.iter().any(always) {
        return Extent::of(Datum::Bool(decisive));
    }
    let (one, each) = (all.iter().any(|e| e.may_be(decisive)), all.iter().all(|e| e.may_be(!decisive)));
    let values = if decisive { truth(one, each) } else { truth(each, one) };
    Extent { values, null: all.iter().any(|e| e.null), error: all.iter().any(|e| e.error) }
}

fn call<'a>(func: Func, args: &[Extent<'a>], arena: &'a Arena) -> Extent<'a> {
    let error = args.iter().any(|arg| arg.error);
    let strict = matches!(func.0.nulls, Nulls::Strict | Nulls::StrictMayReturnNull);
    if strict && args.iter().any(|arg| arg.values == Values::None) {
        return Extent { values: Values::None, null: args.iter().any(|arg| arg.null), error };
    }
    if let Some(constants) = args.iter().map(Extent::constant).collect::<Option<Vec<_>>>()
        && func.0.volatility == crate::func::Volatility::Immutable
    {
        return match func.0.call(&constants, arena) {
            Ok(value) => Extent::of(value),
            Err(_) => Extent { values: Values::None, null: false, error: true },
        };
    }
    let null = match func.0.nulls {
        Nulls::Strict => args.iter().any(|arg| arg.null),
        Nulls::NeverNull => false,
        Nulls::StrictMayReturnNull | Nulls::Called => true,
    };
    let known = match args {
        [arg] => unary(func, arg),
        [left, right] => comparison(func, left, right),
        _ => None,
    };
    let values = known.or_else(|| monotone(func, args, arena)).unwrap_or(Values::Any);
    Extent { values, null, error: error || func.0.fallible }
}

/// Truth values.
fn truth<'a>(may_be_true: bool, may_be_false: bool) -> Values<'a> {
    match (may_be_false, may_be_true) {
        (false, false) => Values::None,
        (f, t) => Values::Between(Datum::Bool(!f), Datum::Bool(t)),
    }
}

fn unary<'a>(func: Func, arg: &Extent<'a>) -> Option<Values<'a>> {
    let has_value = arg.values != Values::None;
    match func.0.name {
        "is_null" => Some(truth(arg.null, has_value)),
        "is_not_null" => Some(truth(has_value, arg.null)),
        "not" => Some(truth(arg.may_be(false), arg.may_be(true))),
        // Another type, the same value.
        name if name.starts_with("relabel(") => Some(arg.values),
        _ => None,
    }
}

/// A function of one argument that varies, in which it is monotone: its values lie between those at the argument's ends.
fn monotone<'a>(func: Func, args: &[Extent<'a>], arena: &'a Arena) -> Option<Values<'a>> {
    let mut varying = (0..args.len()).filter(|at| args[*at].constant().is_none());
    let at = varying.next().filter(|_| varying.next().is_none())?;
    if !func.0.monotone.get(at).copied().unwrap_or(false) || func.0.nulls != Nulls::Strict {
        return None;
    }
    let Values::Between(low, high) = args[at].values else { return None };
    let value = |end: Datum<'a>| {
        let with_end = |(i, arg): (usize, &Extent<'a>)| if i == at { Some(end) } else { arg.constant() };
        let args: Vec<Datum<'a>> = args.iter().enumerate().map(with_end).collect::<Option<_>>()?;
        func.0.call(&args, arena).ok().filter(|value| !value.is_null())
    };
    let (a, b) = (value(low)?, value(high)?);
    Some(Values::Between(a.min(b), a.max(b)))
}

/// A comparison by the order of values: of two arguments of one type.
fn comparison<'a>(func: Func, left: &Extent<'_>, right: &Extent<'_>) -> Option<Values<'a>> {
    let [a, b] = func.0.args else { return None };
    if a != b || matches!(a, ArgType::Any) {
        return None;
    }
    let (Values::Between(a, b), Values::Between(c, d)) = (left.values, right.values) else { return None };
    Some(match func.0.sql_name {
        "=" => truth(a <= d && c <= b, a != b || c != d || a != c),
        "<>" => truth(a != b || c != d || a != c, a <= d && c <= b),
        "<" => truth(a < d, b >= c),
        "<=" => truth(a <= d, b > c),
        ">" => truth(b > c, a <= d),
        ">=" => truth(b >= c, a < d),
        _ => return None,
    })
}
