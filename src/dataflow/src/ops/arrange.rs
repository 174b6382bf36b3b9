//! Arranging collections, and bringing in arrangements of other dataflows.

use crate::layout::{
    Chunker, Keyed, KeyedUpdate, RcRowBuilder, RowAgent, RowArranged, RowBatcher, RowSpine, RowTrace, SeenBatch, Time,
    route,
};
use differential_dataflow::operators::arrange::arrangement::arrange_core;
use differential_dataflow::operators::arrange::{Arranged, ShutdownButton};
use differential_dataflow::trace::wrappers::frontier::{BatchFrontier, TraceFrontier};
use repr::{Frontier, Timestamp};
use std::any::Any;
use timely::dataflow::Scope;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::vec::Map;
use timely::progress::Antichain;

/// An arrangement to use in its dataflow, with the handle that other dataflows can have of it.
#[derive(Clone)]
pub struct Arrangement<'s, T: Time> {
    /// As operators use it.
    pub seen: RowArranged<'s, T>,
    /// For export.
    pub agent: RowAgent<T>,
}

/// Brings each key to its worker and arranges the collection there.
pub fn arrange<'s, T: Time>(keyed: Keyed<'s, T>, name: &str) -> Arrangement<'s, T> {
    let pact = Exchange::new(|((key, _), _, _): &KeyedUpdate<T>| route(key));
    let Arranged { stream, trace } =
        arrange_core::<_, _, Chunker<T>, RowBatcher<T>, RcRowBuilder<T>, RowSpine<T>>(keyed.inner, pact, name);
    Arrangement { seen: seen(stream, &trace), agent: trace }
}

/// An arrangement as imported ones look, so that operators are compiled for one kind only.
pub fn seen<'s, T: Time>(
    stream: timely::dataflow::Stream<'s, T, Vec<crate::layout::RowBatch<T>>>,
    trace: &RowAgent<T>,
) -> RowArranged<'s, T> {
    let (since, until) = (Antichain::from_elem(T::minimum()), Antichain::new());
    let trace: RowTrace<T> = TraceFrontier::make_from(trace.clone(), since.borrow(), until.borrow());
    let stream =
        stream.map(move |batch| -> SeenBatch<T> { BatchFrontier::make_from(batch, since.borrow(), until.borrow()) });
    Arranged { stream, trace }
}

/// Presses the button when dropped.
struct Button(ShutdownButton<timely::dataflow::operators::CapabilitySet<Timestamp>>);

impl Drop for Button {
    fn drop(&mut self) {
        self.0.press();
    }
}

/// Brings in an arrangement of another dataflow: from `as_of` on, without times at or after `until`. The token keeps it going.
pub fn import<'s>(
    scope: Scope<'s, Timestamp>,
    agent: &RowAgent<Timestamp>,
    name: &str,
    as_of: Timestamp,
    until: Frontier,
) -> (RowArranged<'s, Timestamp>, Box<dyn Any>) {
    let mut agent = agent.clone();
    let since = Antichain::from_elem(as_of);
    let (seen, button) = agent.import_frontier_core(scope, name, since, crate::traces::to_antichain(until));
    (seen, Box::new(Button(button)))
}
