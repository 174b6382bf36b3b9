//! What differs between plain and recursive time.

use super::bundle::Bundle;
use super::plan::Context;
use super::{join, recursion, temporal};
use crate::layout::{Errors, Keyed, Rows, Time};
use crate::ops::fold::{Fold, fold};
use crate::ops::group::{GroupLogic, group};
use differential_dataflow::dynamic::pointstamp::PointStamp;
use expr::Plan;
use expr::plan::DeltaPath;
use expr::relation::RecLimit;
use expr::temporal::Bound;
use repr::{Frontier, LocalId, Timestamp};
use timely::order::Product;

/// Time inside a recursion: the time outside, and the iteration of each recursion around.
pub type RecursiveTime = Product<Timestamp, PointStamp<u64>>;

/// Something that is computed from groups: either by a state that moves forward, or from the whole group.
pub trait Grouping {
    /// For totally ordered time.
    fn fold(self: Box<Self>) -> Box<dyn Fold>;
    /// For any time.
    fn group(self: Box<Self>) -> GroupLogic;
}

/// A binding of a recursion.
pub type Binding = (LocalId, Plan, Option<RecLimit>);

/// A time that plans are rendered at.
pub trait RenderTime: Time {
    /// A time outside recursions.
    fn at(time: Timestamp) -> Self;

    /// Computes something from groups.
    fn grouped<'s>(
        keyed: Keyed<'s, Self>,
        name: &str,
        grouping: Box<dyn Grouping>,
    ) -> (Rows<'s, Self>, Errors<'s, Self>);

    /// Renders a delta join.
    fn delta<'s>(inputs: Vec<Bundle<'s, Self>>, paths: &[DeltaPath]) -> Bundle<'s, Self>;

    /// Renders a temporal filter; only where [`super::plan::check`] lets one be.
    fn temporal_filter<'s>(
        input: Bundle<'s, Self>,
        arity: usize,
        bounds: &[Bound],
        until: Frontier,
    ) -> Bundle<'s, Self>;

    /// Renders a recursion.
    fn recurse<'s>(context: &mut Context<'s, Self>, bindings: &[Binding], body: &Plan) -> Bundle<'s, Self>;
}

impl RenderTime for Timestamp {
    fn at(time: Timestamp) -> Self {
        time
    }

    fn grouped<'s>(
        keyed: Keyed<'s, Self>,
        name: &str,
        grouping: Box<dyn Grouping>,
    ) -> (Rows<'s, Self>, Errors<'s, Self>) {
        fold(keyed, name, grouping.fold())
    }

    fn delta<'s>(inputs: Vec<Bundle<'s, Self>>, paths: &[DeltaPath]) -> Bundle<'s, Self> {
        join::delta(inputs, paths)
    }

    fn temporal_filter<'s>(
        input: Bundle<'s, Self>,
        arity: usize,
        bounds: &[Bound],
        until: Frontier,
    ) -> Bundle<'s, Self> {
        temporal::render(input, arity, bounds, until)
    }

    fn recurse<'s>(context: &mut Context<'s, Self>, bindings: &[Binding], body: &Plan) -> Bundle<'s, Self> {
        recursion::enter(context, bindings, body)
    }
}

impl RenderTime for RecursiveTime {
    fn at(time: Timestamp) -> Self {
        Product::new(time, PointStamp::default())
    }

    fn grouped<'s>(
        keyed: Keyed<'s, Self>,
        name: &str,
        grouping: Box<dyn Grouping>,
    ) -> (Rows<'s, Self>, Errors<'s, Self>) {
        group(keyed, name, grouping.group())
    }

    fn delta<'s>(mut inputs: Vec<Bundle<'s, Self>>, paths: &[DeltaPath]) -> Bundle<'s, Self> {
        // Each path is the whole join, taken as a chain; half joins need totally ordered time.
        let path = &paths[0];
        join::linear(&mut inputs, path.start, &path.initial, &path.stages)
    }

    fn temporal_filter<'s>(_: Bundle<'s, Self>, _: usize, _: &[Bound], _: Frontier) -> Bundle<'s, Self> {
        unreachable!("check() refuses temporal filters in recursions")
    }

    fn recurse<'s>(context: &mut Context<'s, Self>, bindings: &[Binding], body: &Plan) -> Bundle<'s, Self> {
        recursion::nest(context, bindings, body)
    }
}
