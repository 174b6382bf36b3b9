//! Stateful operators for totally ordered time: one state per key, moved forward time by time.
//!
//! Differential keeps histories to answer at any time of a partial order. Times of u64 are complete one after the other, so
//! the present state is enough: an update costs one hash lookup and the group's own work, whatever the group's size allows.
//!
//! ```text
//! updates --exchange by key--> pending[time] --frontier passes time--> state: old result out, new result in
//! ```

mod aggregates;
mod counts;
mod groups;
mod windows;

pub use aggregates::{Aggregates, ResultLogic, Spec, aggregates_from_scratch};
pub use counts::{CountLogic, Counts};
pub use groups::Groups;
pub use windows::{WindowedRows, windows_from_scratch};

use super::Output;
use crate::layout::{Errors, Keyed, KeyedUpdate, Rows, route};
use differential_dataflow::AsCollection;
use repr::{DataflowError, Diff, Row, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

/// A state that updates of a time are folded into.
///
/// LAW: what all flushes up to a time have emitted is a function of the updates up to that time, as a multiset.
pub trait Fold {
    /// Keeps an update until its time is complete.
    fn absorb(&mut self, time: Timestamp, key: Row, value: Row, diff: Diff);
    /// The time is complete, and all before it were flushed: applies its updates and emits how the result changes.
    fn flush(&mut self, time: Timestamp, output: &mut Output<Row>);
}

/// Rows by key. The keys of one worker agree in what `route` makes of them, so their hash is mixed once more.
pub type RowMap<V> = HashMap<Row, V, BuildHasherDefault<Mixer>>;

/// Spreads the row hash over all bits.
#[derive(Default)]
pub struct Mixer(u64);

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        self.write_u64(repr::row::hash_encoded(bytes));
    }
    fn write_u64(&mut self, hash: u64) {
        let mixed = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9); // a multiplier of SplitMix64's finalizer
        self.0 = mixed ^ (mixed >> 32);
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

type VecBuilder<D> = CapacityContainerBuilder<Vec<(D, Timestamp, Diff)>>;

/// Brings each key to its worker and folds it there.
pub fn fold<'s>(
    keyed: Keyed<'s, Timestamp>,
    name: &str,
    mut fold: Box<dyn Fold>,
) -> (Rows<'s, Timestamp>, Errors<'s, Timestamp>) {
    let mut builder = OperatorBuilder::new(name.to_string(), keyed.inner.scope());
    let pact = Exchange::new(|((key, _), _, _): &KeyedUpdate<Timestamp>| route(key));
    let mut input = builder.new_input(keyed.inner, pact);
    let (rows, row_stream) = builder.new_output();
    let (errors, error_stream) = builder.new_output();
    let mut rows = OutputBuilder::<Timestamp, VecBuilder<Row>>::from(rows);
    let mut errors = OutputBuilder::<Timestamp, VecBuilder<DataflowError>>::from(errors);
    builder.build(move |_capabilities| {
        let mut pending: BTreeMap<Timestamp, [Capability<Timestamp>; 2]> = BTreeMap::new();
        let mut output = Output::default();
        move |frontiers| {
            input.for_each(|capability, updates| {
                for ((key, value), time, diff) in updates.drain(..) {
                    pending.entry(time).or_insert_with(|| [capability.delayed(&time, 0), capability.delayed(&time, 1)]);
                    fold.absorb(time, key, value, diff);
                }
            });
            let (mut rows, mut errors) = (rows.activate(), errors.activate());
            while let Some(entry) = pending.first_entry() {
                let time = *entry.key();
                if frontiers[0].less_equal(&time) {
                    break;
                }
                let [row_capability, error_capability] = entry.remove();
                fold.flush(time, &mut output);
                let mut session = rows.session(&row_capability);
                session.give_iterator(output.rows.drain(..).map(|(row, diff)| (row, time, diff)));
                let mut session = errors.session(&error_capability);
                session.give_iterator(output.errors.drain(..).map(|(error, diff)| (error, time, diff)));
            }
        }
    });
    (row_stream.as_collection(), error_stream.as_collection())
}
