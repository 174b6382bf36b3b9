//! A stream of changes looks up an arrangement: the step of a delta join, for totally ordered time.
//!
//! A delta join of R₀ … Rₙ is the sum of n paths. Path i takes the changes of Rᵢ at t and meets Rⱼ as it is *at* t if j < i, and
//! as it was *before* t if j > i; so each combination of changes is counted exactly once. Since everything met is not later
//! than t, results are at t. (McSherry et al., "Delta joins"; for partially ordered time more is needed, see half_join in dogs³.)

use super::join::JoinLogic;
use super::{RowOrError, flat_map};
use crate::layout::{Errors, Keyed, KeyedUpdate, RowArranged, RowTrace, Rows, SeenBatch, route};
use differential_dataflow::AsCollection;
use differential_dataflow::consolidation::consolidate;
use differential_dataflow::trace::{Cursor, TraceReader};
use repr::{Diff, Row, Timestamp};
use std::collections::BTreeMap;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::progress::Antichain;
use timely::progress::frontier::MutableAntichain;

/// Which state of the arrangement a change at t meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meets {
    /// That at t.
    At,
    /// That before t.
    Before,
}

impl Meets {
    fn includes(self, other: Timestamp, time: Timestamp) -> bool {
        match self {
            Meets::At => other <= time,
            Meets::Before => other < time,
        }
    }

    /// Whether the state is complete.
    fn is_ready(self, frontier: &MutableAntichain<Timestamp>, time: Timestamp) -> bool {
        match self {
            Meets::At => !frontier.less_equal(&time),
            Meets::Before => !frontier.less_than(&time),
        }
    }
}

type Update = ((Row, Row), Diff);
type Pending = BTreeMap<Timestamp, (Capability<Timestamp>, Vec<Update>)>;
type RowOrErrorBuilder = CapacityContainerBuilder<Vec<(RowOrError, Timestamp, Diff)>>;

/// Joins changes (by key) with the arrangement's state; `logic` gets the stream's row and the arrangement's.
pub fn half_join<'s>(
    changes: Keyed<'s, Timestamp>,
    arranged: RowArranged<'s, Timestamp>,
    meets: Meets,
    mut logic: JoinLogic,
) -> (Rows<'s, Timestamp>, Errors<'s, Timestamp>) {
    let mut builder = OperatorBuilder::new("HalfJoin".to_string(), changes.inner.scope());
    let pact = Exchange::new(|((key, _), _, _): &KeyedUpdate<Timestamp>| route(key));
    let mut input = builder.new_input(changes.inner, pact);
    let mut batches = builder.new_input(arranged.stream, Pipeline);
    let (output, stream) = builder.new_output();
    let mut output = OutputBuilder::<Timestamp, RowOrErrorBuilder>::from(output);
    builder.build(move |_capabilities| {
        let mut trace = Some(arranged.trace);
        let mut pending: Pending = BTreeMap::new();
        move |frontiers| {
            input.for_each(|capability, updates| {
                for (update, time, diff) in updates.drain(..) {
                    let (_, waiting) =
                        pending.entry(time).or_insert_with(|| (capability.delayed(&time, 0), Vec::new()));
                    waiting.push((update, diff));
                }
            });
            batches.for_each(|_, batches: &mut Vec<SeenBatch<Timestamp>>| batches.clear());
            let mut output = output.activate();
            while let Some(entry) = pending.first_entry() {
                let time = *entry.key();
                if !meets.is_ready(&frontiers[1], time) {
                    break;
                }
                let (capability, updates) = entry.remove();
                let trace = trace.as_mut().expect("the trace is held while changes may come");
                let mut session = output.session(&capability);
                look_up(trace, updates, time, meets, &mut |left, right, diff| {
                    if let Some(result) = logic(left, right) {
                        session.give((result, time, diff));
                    }
                });
            }
            hold_back(&mut trace, pending.keys().next(), frontiers, meets);
        }
    });
    flat_map::split(stream.as_collection())
}

/// Finds the matches of all changes of a time.
fn look_up(
    trace: &mut RowTrace<Timestamp>,
    mut updates: Vec<Update>,
    time: Timestamp,
    meets: Meets,
    emit: &mut dyn FnMut(repr::RowRef<'_>, repr::RowRef<'_>, Diff),
) {
    consolidate(&mut updates);
    if updates.is_empty() {
        return;
    }
    let (mut cursor, batches) = trace.cursor();
    for ((key, row), change) in &updates {
        cursor.seek_key(&batches, key.as_ref());
        if cursor.get_key(&batches) != Some(key.as_ref()) {
            continue;
        }
        cursor.rewind_vals(&batches);
        while let Some(value) = cursor.get_val(&batches) {
            let mut count = 0;
            cursor.map_times(&batches, |other, diff| {
                if meets.includes(*other, time) {
                    count += *diff;
                }
            });
            if count != 0 {
                emit(row.as_ref(), value, count * change);
            }
            cursor.step_val(&batches);
        }
    }
}

/// Tells the trace which distinctions are still needed; lets go of it when no changes can come any more.
fn hold_back(
    trace: &mut Option<RowTrace<Timestamp>>,
    pending: Option<&Timestamp>,
    frontiers: &[MutableAntichain<Timestamp>],
    meets: Meets,
) {
    let earliest = pending.into_iter().chain(frontiers[0].frontier().first()).min().copied();
    match (trace.as_mut(), earliest) {
        (Some(trace), Some(earliest)) => {
            // What happened at the time itself must stay distinct from what happened before it.
            let since = if meets == Meets::Before { earliest.saturating_sub(1) } else { earliest };
            trace.set_logical_compaction(Antichain::from_elem(since).borrow());
            trace.set_physical_compaction(frontiers[1].frontier());
        }
        _ => *trace = None,
    }
}
