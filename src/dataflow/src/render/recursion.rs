//! Mutual recursion: bindings that feed back into themselves until nothing changes.
//!
//! Times are pairs of the time outside and the iteration of each recursion around ([`RecursiveTime`]). All nested recursions
//! share one scope; entering one is counting one more coordinate, leaving it is dropping that coordinate.

use super::bundle::Bundle;
use super::plan::Context;
use super::reduce;
use super::time::{Binding, RecursiveTime, RenderTime};
use crate::layout::{Errors, Rows};
use differential_dataflow::AsCollection;
use differential_dataflow::dynamic::feedback_summary;
use differential_dataflow::dynamic::pointstamp::PointStamp;
use differential_dataflow::operators::iterate::Variable;
use expr::Plan;
use expr::interpret::{COPIES_MAX, too_many_copies};
use expr::relation::{Id, RecLimit};
use repr::{Diff, LocalId, Row, SqlError, SqlState, Timestamp};
use timely::dataflow::operators::vec::Filter;
use timely::order::Product;

/// A recursion outside any other: opens the scope, and renders the body outside of it.
pub fn enter<'s>(context: &mut Context<'s, Timestamp>, bindings: &[Binding], body: &Plan) -> Bundle<'s, Timestamp> {
    let outer = context.scope;
    let fixed = outer.iterative::<PointStamp<u64>, _, _>(|scope| {
        let mut inner = Context::new(scope, context.as_of, context.until);
        for id in used(bindings) {
            let Some(bundle) = context.bound(id) else { continue };
            inner.bind(id, Bundle::new(bundle.rows().enter(scope), bundle.errors.clone().enter(scope)));
        }
        let fixed = bind_fixed_points(&mut inner, bindings);
        let leave = |(id, bundle): (LocalId, Bundle<'_, RecursiveTime>)| {
            (id, Bundle::new(bundle.rows().leave(outer), bundle.errors.leave(outer)))
        };
        fixed.into_iter().map(leave).collect::<Vec<_>>()
    });
    with_bound(context, fixed, body)
}

/// A recursion inside another.
pub fn nest<'s>(
    context: &mut Context<'s, RecursiveTime>,
    bindings: &[Binding],
    body: &Plan,
) -> Bundle<'s, RecursiveTime> {
    let fixed = bind_fixed_points(context, bindings);
    with_bound(context, fixed, body)
}

fn with_bound<'s, T: RenderTime>(
    context: &mut Context<'s, T>,
    fixed: Vec<(LocalId, Bundle<'s, T>)>,
    body: &Plan,
) -> Bundle<'s, T> {
    let ids: Vec<LocalId> = fixed.iter().map(|(id, _)| *id).collect();
    // An error in any binding may have kept rows from all others: it is an error of the whole.
    let errors: Vec<_> = fixed.iter().map(|(_, bundle)| bundle.errors.clone()).collect();
    for (id, bundle) in fixed {
        context.bind(Id::Local(id), Bundle::new(bundle.rows(), empty_like(&bundle.errors)));
    }
    let mut body = context.plan(body);
    ids.into_iter().for_each(|id| context.unbind(Id::Local(id)));
    body.errors = body.errors.concatenate(errors);
    body
}

/// The bindings' fixed points, at the times around the recursion.
fn bind_fixed_points<'s>(
    context: &mut Context<'s, RecursiveTime>,
    bindings: &[Binding],
) -> Vec<(LocalId, Bundle<'s, RecursiveTime>)> {
    context.level += 1;
    let level = context.level;
    let step = Product::new(Default::default(), feedback_summary::<u64>(level, 1));
    let mut variables = Vec::new();
    for (id, _, _) in bindings {
        let (variable, rows) = Variable::new(context.scope, step.clone());
        let bundle = context.without_errors(rows);
        context.bind(Id::Local(*id), bundle);
        variables.push(variable);
    }
    let mut fixed = Vec::new();
    for ((id, plan, limit), variable) in bindings.iter().zip(variables) {
        let value = context.plan(plan);
        // Changes of an iteration that cancel must not go round again, and counts must not grow until they overflow.
        let (rows, too_many) = reduce::consolidate_within(value.rows(), COPIES_MAX, too_many_copies());
        let (again, over) = within_limit(rows.clone(), limit.as_ref(), level);
        variable.set(again);
        // Later bindings of the same iteration see what this one has become.
        let now = context.without_errors(rows.clone());
        context.bind(Id::Local(*id), now);
        let errors = value.errors.concatenate(over.into_iter().chain([too_many]));
        fixed.push((*id, Bundle::new(rows.leave_dynamic(level), errors.leave_dynamic(level))));
    }
    bindings.iter().for_each(|(id, _, _)| context.unbind(Id::Local(*id)));
    context.level -= 1;
    fixed
}

type LimitedRows<'s> = (Rows<'s, RecursiveTime>, Option<Errors<'s, RecursiveTime>>);

/// The changes that go round again; with a limit, those that are left out, as errors if the limit asks for that.
fn within_limit<'s>(rows: Rows<'s, RecursiveTime>, limit: Option<&RecLimit>, level: usize) -> LimitedRows<'s> {
    let Some(RecLimit { iterations, return_at_limit }) = limit.copied() else { return (rows, None) };
    // Iterations count from 0, so what the last one makes is not fed back.
    let is_last = move |(_, time, _): &(Row, RecursiveTime, Diff)| {
        time.inner.get(level - 1).copied().unwrap_or_default() + 1 >= iterations
    };
    let again = rows.inner.clone().filter(move |update| !is_last(update)).as_collection();
    if return_at_limit {
        return (again, None);
    }
    let left_out = rows.inner.filter(move |update| is_last(update)).as_collection();
    let error = SqlError::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        format!("recursive query exceeded the recursion limit {iterations}"),
    )
    .hint("Use RETURN AT RECURSION LIMIT to stop at the limit without an error.");
    (again, Some(reduce::any_change(left_out, error)))
}

/// All ids that the bindings' plans get.
fn used(bindings: &[Binding]) -> Vec<Id> {
    let mut ids = Vec::new();
    for (_, plan, _) in bindings {
        plan.visit_pre(&mut |node| {
            if let Plan::Get { id, .. } = node
                && !ids.contains(id)
            {
                ids.push(*id);
            }
        });
    }
    ids
}

/// No errors, where these are.
fn empty_like<'s, T: RenderTime>(errors: &Errors<'s, T>) -> Errors<'s, T> {
    differential_dataflow::collection::concatenate(errors.inner.scope(), [])
}
