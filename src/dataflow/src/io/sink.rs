//! The way out of a dataflow: an operator on each worker, and the gathering of what all workers say.

use super::SinkMessage;
use crate::layout::{Errors, Rows};
use crate::traces::to_frontier;
use persist::Update;
use repr::{DataflowError, Diff, Frontier, GlobalId, Row, Timestamp};
use std::any::Any;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use tokio::sync::mpsc;

/// Tells the task that the dataflow is over.
struct Token(mpsc::UnboundedSender<SinkMessage>);

impl Drop for Token {
    fn drop(&mut self) {
        // Without a receiver the task has ended already.
        let _ = self.0.send(SinkMessage::Closed);
    }
}

/// The operator of one worker: passes on what comes, and how far the input is.
pub(super) fn build<'s>(
    id: GlobalId,
    rows: Rows<'s, Timestamp>,
    errors: Errors<'s, Timestamp>,
    queue: mpsc::UnboundedSender<SinkMessage>,
) -> Box<dyn Any> {
    let scope = rows.inner.scope();
    let worker = scope.worker().index();
    let mut builder = OperatorBuilder::new(format!("sink {id}"), scope);
    let mut rows = builder.new_input(rows.inner, Pipeline);
    let mut errors = builder.new_input(errors.inner, Pipeline);
    let sender = queue.clone();
    builder.build(move |_| {
        let mut reported = Frontier::MIN;
        move |frontiers| {
            let mut updates = Vec::new();
            rows.for_each(|_, data: &mut Vec<(Row, Timestamp, Diff)>| {
                updates.extend(data.drain(..).map(|(row, time, diff)| Update { data: Ok(row), time, diff }));
            });
            errors.for_each(|_, data: &mut Vec<(DataflowError, Timestamp, Diff)>| {
                updates.extend(data.drain(..).map(|(error, time, diff)| Update { data: Err(error), time, diff }));
            });
            if !updates.is_empty() {
                let _ = sender.send(SinkMessage::Updates(updates));
            }
            let upper = frontiers.iter().map(|f| to_frontier(f.frontier())).fold(Frontier::DONE, Frontier::meet);
            if upper != reported {
                reported = upper;
                let _ = sender.send(SinkMessage::Frontier(worker, upper));
            }
        }
    });
    Box::new(Token(queue))
}

/// What all workers have said so far.
pub(super) struct Gathered {
    messages: mpsc::UnboundedReceiver<SinkMessage>,
    frontiers: Vec<Frontier>,
    buffer: Vec<SinkMessage>,
}

/// Messages taken at once.
const MESSAGES_MAX: usize = 1024;

impl Gathered {
    pub(super) fn new(messages: mpsc::UnboundedReceiver<SinkMessage>, workers: usize) -> Self {
        Gathered { messages, frontiers: vec![Frontier::MIN; workers], buffer: Vec::new() }
    }

    /// Waits for something new and returns all updates that are there; none once the dataflow is over.
    pub(super) async fn next(&mut self) -> Option<Vec<Update>> {
        if self.messages.recv_many(&mut self.buffer, MESSAGES_MAX).await == 0 {
            return None;
        }
        let mut updates = Vec::new();
        for message in self.buffer.drain(..) {
            match message {
                SinkMessage::Updates(more) if updates.is_empty() => updates = more,
                SinkMessage::Updates(more) => updates.extend(more),
                SinkMessage::Frontier(worker, upper) => self.frontiers[worker] = upper,
                SinkMessage::Closed => return None,
            }
        }
        Some(updates)
    }

    /// Up to where every worker's input is complete.
    pub(super) fn upper(&self) -> Frontier {
        self.frontiers.iter().copied().fold(Frontier::DONE, Frontier::meet)
    }
}
