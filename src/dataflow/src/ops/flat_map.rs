//! Stateless operators: each row, or each entry of an arrangement, to any number of rows and errors.

use super::{Output, RowOrError, errors};
use crate::layout::{Errors, RowArranged, Rows, SeenBatch, Time};
use differential_dataflow::trace::{Cursor, Navigable};
use differential_dataflow::{AsCollection, Data, VecCollection};
use repr::{DataflowError, Diff, RowRef};
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::{Scope, Stream};
use timely::progress::operate::FrontierInterest;

/// From a row to results.
pub type RowLogic<D> = Box<dyn FnMut(RowRef<'_>, &mut Output<D>)>;

type Outputs<'s, T, D> = (VecCollection<'s, T, D, Diff>, Errors<'s, T>);

/// Applies `logic` to each row; counts multiply.
pub fn flat_map<'s, T: Time, D: Data>(rows: Rows<'s, T>, name: &str, mut logic: RowLogic<D>) -> Outputs<'s, T, D> {
    let mut output = Output::default();
    unary(rows.inner, name, move |updates: &mut Vec<(repr::Row, T, Diff)>, sink| {
        for (row, time, diff) in updates.drain(..) {
            logic(row.as_ref(), &mut output);
            sink.take(&mut output, time, diff);
        }
    })
}

/// Applies `logic` to the value row of each entry of an arrangement; with `key`, only to entries of that key.
pub fn flat_map_arranged<'s, T: Time, D: Data>(
    arranged: RowArranged<'s, T>,
    name: &str,
    key: Option<repr::Row>,
    mut logic: RowLogic<D>,
) -> Outputs<'s, T, D> {
    let mut output = Output::default();
    unary(arranged.stream, name, move |batches: &mut Vec<SeenBatch<T>>, sink| {
        for batch in batches.drain(..) {
            let mut cursor = batch.cursor();
            if let Some(key) = &key {
                cursor.seek_key(&batch, key.as_ref());
            }
            while let Some(found) = cursor.get_key(&batch) {
                if key.as_ref().is_some_and(|key| key.as_ref() != found) {
                    break;
                }
                while let Some(value) = cursor.get_val(&batch) {
                    logic(value, &mut output);
                    cursor.map_times(&batch, |time, diff| sink.copy(&output, time, *diff));
                    output.rows.clear();
                    output.errors.clear();
                    cursor.step_val(&batch);
                }
                cursor.step_key(&batch);
            }
        }
    })
}

/// Parts rows and errors.
pub fn split<'s, T: Time>(both: VecCollection<'s, T, RowOrError, Diff>) -> (Rows<'s, T>, Errors<'s, T>) {
    unary(both.inner, "Split", move |updates: &mut Vec<(RowOrError, T, Diff)>, sink| {
        for (result, time, diff) in updates.drain(..) {
            match result {
                Ok(row) => sink.rows.push((row, time, diff)),
                Err(error) => sink.errors.push((errors::unpack(error.as_ref()), time, diff)),
            }
        }
    })
}

/// Updates that one container of input gave.
struct Sink<D, T> {
    rows: Vec<(D, T, Diff)>,
    errors: Vec<(DataflowError, T, Diff)>,
}

impl<D: Data, T: Time> Sink<D, T> {
    fn take(&mut self, output: &mut Output<D>, time: T, diff: Diff) {
        let last = output.rows.len().saturating_sub(1);
        if output.rows.len() == 1 {
            // Nearly always one row: its time need not be cloned.
            let (row, count) = output.rows.swap_remove(last);
            if !output.errors.is_empty() {
                self.errors.extend(output.errors.drain(..).map(|(e, count)| (e, time.clone(), count * diff)));
            }
            self.rows.push((row, time, count * diff));
            return;
        }
        self.rows.extend(output.rows.drain(..).map(|(row, count)| (row, time.clone(), count * diff)));
        self.errors.extend(output.errors.drain(..).map(|(error, count)| (error, time.clone(), count * diff)));
    }

    fn copy(&mut self, output: &Output<D>, time: &T, diff: Diff) {
        self.rows.extend(output.rows.iter().map(|(row, count)| (row.clone(), time.clone(), count * diff)));
        self.errors.extend(output.errors.iter().map(|(error, count)| (error.clone(), time.clone(), count * diff)));
    }
}

/// Updates after which output is sent on, so that a container that explodes does not pile up.
const SEND_UPDATES: usize = 4096;

fn unary<'s, T: Time, C: timely::Container + Clone + 'static, D: Data>(
    stream: Stream<'s, T, C>,
    name: &str,
    mut logic: impl FnMut(&mut C, &mut Sink<D, T>) + 'static,
) -> Outputs<'s, T, D> {
    let scope: Scope<'s, T> = stream.scope();
    let mut builder = OperatorBuilder::new(name.to_string(), scope);
    let mut input = builder.new_input(stream, Pipeline);
    builder.set_notify_for(0, FrontierInterest::Never);
    let (rows, row_stream) = builder.new_output();
    let (errors, error_stream) = builder.new_output();
    let mut rows = OutputBuilder::<T, timely::container::CapacityContainerBuilder<Vec<(D, T, Diff)>>>::from(rows);
    let mut errors =
        OutputBuilder::<T, timely::container::CapacityContainerBuilder<Vec<(DataflowError, T, Diff)>>>::from(errors);
    builder.build(move |_capabilities| {
        let mut sink = Sink { rows: Vec::new(), errors: Vec::new() };
        move |_frontiers| {
            let (mut rows, mut errors) = (rows.activate(), errors.activate());
            input.for_each(|capability, container| {
                logic(container, &mut sink);
                for mut chunk in chunks(&mut sink.rows) {
                    rows.session(&capability).give_container(&mut chunk);
                }
                for mut chunk in chunks(&mut sink.errors) {
                    errors.session(&capability).give_container(&mut chunk);
                }
            });
        }
    });
    (row_stream.as_collection(), error_stream.as_collection())
}

/// The updates in containers of bounded size; the vector keeps nothing.
fn chunks<U>(updates: &mut Vec<U>) -> impl Iterator<Item = Vec<U>> {
    let mut rest = std::mem::take(updates);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let tail = rest.split_off(rest.len().min(SEND_UPDATES));
        Some(std::mem::replace(&mut rest, tail))
    })
}
