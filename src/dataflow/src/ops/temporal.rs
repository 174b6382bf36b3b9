//! Temporal filters: rows that come and go with time.
//!
//! LAW: at every time the output holds the rows of the input at that time whose lifetime contains it.
//!
//! A row that is not due yet, and the end of one that is there, wait in a [`Wheel`] until the input's frontier passes their time: what
//! comes after this operator never sees an update before its time is near, and pays nothing for those that wait.

mod wheel;

use crate::layout::{Rows, route};
use differential_dataflow::AsCollection;
use expr::temporal::Lifetime;
use repr::{Diff, Frontier, Row, RowRef, Timestamp};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
pub(crate) use wheel::Wheel;

/// From a row to what is left of it, and when that is there.
pub type LifetimeLogic = Box<dyn FnMut(RowRef<'_>) -> (Row, Lifetime)>;

/// Updates that one activation lets go: a few milliseconds of work, after which other operators have their turn.
const UPDATES_PER_ACTIVATION: usize = 16 << 10;

type Builder = CapacityContainerBuilder<Vec<(Row, Timestamp, Diff)>>;

/// Keeps each row for its lifetime. Updates at or after `until` are dropped.
pub fn temporal_filter<'s>(
    rows: Rows<'s, Timestamp>,
    until: Frontier,
    mut logic: LifetimeLogic,
) -> Rows<'s, Timestamp> {
    let scope = rows.inner.scope();
    let mut builder = OperatorBuilder::new("TemporalFilter".to_string(), scope);
    let activator = scope.activator_for(builder.operator_info().address);
    // The same row always waits on the same worker, so that what cancels meets.
    let pact = Exchange::new(|(row, _, _): &(Row, Timestamp, Diff)| route(row));
    let mut input = builder.new_input(rows.inner, pact);
    let (output, stream) = builder.new_output();
    let mut output = OutputBuilder::<Timestamp, Builder>::from(output);
    builder.build(move |_capabilities| {
        let mut waiting = Waiting::default();
        move |frontiers| {
            let mut output = output.activate();
            input.for_each(|capability, updates| {
                let mut session = output.session(&capability);
                for (row, time, diff) in updates.drain(..) {
                    let (row, lifetime) = logic(row.as_ref());
                    let from = lifetime.from.max(time);
                    if lifetime.until.less_equal(from) {
                        continue;
                    }
                    if let Some(end) = lifetime.until.time().filter(|end| until.is_beyond(*end)) {
                        waiting.hold(end, || capability.delayed(&end, 0));
                        waiting.wheel.insert(end, row.clone(), -diff);
                    }
                    if from == time {
                        session.give((row, time, diff));
                    } else if until.is_beyond(from) {
                        waiting.hold(from, || capability.delayed(&from, 0));
                        waiting.wheel.insert(from, row, diff);
                    }
                }
            });
            let frontier = frontiers[0].frontier().first().map_or(Frontier::DONE, |time| Frontier::at(*time));
            let due = waiting.wheel.take_before(frontier, UPDATES_PER_ACTIVATION);
            let Some(capability) = &mut waiting.capability else { return };
            for (time, updates) in due {
                let now = capability.delayed(&time);
                let mut session = output.session(&now);
                session.give_iterator(updates.into_iter().map(|(row, diff)| (row, time, diff)));
            }
            match waiting.wheel.next_time() {
                Some(next) => {
                    let held = *capability.time();
                    capability.downgrade(&held.max(next));
                    if frontier.is_beyond(next) {
                        activator.activate();
                    }
                }
                None => waiting.capability = None,
            }
        }
    });
    stream.as_collection()
}

/// What waits, and the right to say it: the capability is at or before all times in the wheel.
#[derive(Default)]
struct Waiting {
    wheel: Wheel,
    capability: Option<Capability<Timestamp>>,
}

impl Waiting {
    /// Sees to it that something can be said at `time`.
    fn hold(&mut self, time: Timestamp, capability: impl FnOnce() -> Capability<Timestamp>) {
        if self.capability.as_ref().is_none_or(|held| time < *held.time()) {
            self.capability = Some(capability());
        }
    }
}
