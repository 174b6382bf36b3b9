//! Merging sorted runs of chunks, and splitting them at a frontier.

use super::{Chunk, Time};
use differential_dataflow::trace::implementations::merge_batcher::Merger;
use std::cmp::Ordering;
use timely::progress::Antichain;
use timely::progress::frontier::AntichainRef;

/// Merges runs of [`Chunk`]s; stateless.
pub struct RowMerger<T>(std::marker::PhantomData<T>);

impl<T> Default for RowMerger<T> {
    fn default() -> Self {
        RowMerger(std::marker::PhantomData)
    }
}

/// A run under construction.
struct Run<'a, T: Time> {
    chunk: Chunk<T>,
    done: &'a mut Vec<Chunk<T>>,
}

impl<'a, T: Time> Run<'a, T> {
    fn new(done: &'a mut Vec<Chunk<T>>) -> Self {
        Run { chunk: Chunk::default(), done }
    }

    fn push_from(&mut self, chunk: &Chunk<T>, index: usize) {
        self.chunk.push_from(chunk, index);
        if self.chunk.is_full() {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.chunk.is_empty() {
            self.chunk.shrink();
            self.done.push(std::mem::take(&mut self.chunk));
        }
    }

    /// Takes a chunk as it is; it sorts after everything so far.
    fn push_chunk(&mut self, chunk: Chunk<T>) {
        self.flush();
        self.done.push(chunk);
    }
}

/// A position in a run that is read.
struct Head<T> {
    chunk: Chunk<T>,
    index: usize,
    rest: std::vec::IntoIter<Chunk<T>>,
}

impl<T: Time> Head<T> {
    fn new(run: Vec<Chunk<T>>) -> Self {
        Head { chunk: Chunk::default(), index: 0, rest: run.into_iter() }
    }

    /// Stands at the next update, if there is one.
    fn settle(&mut self) -> bool {
        while self.index == self.chunk.len() {
            let Some(chunk) = self.rest.next() else { return false };
            (self.chunk, self.index) = (chunk, 0);
        }
        true
    }

    fn move_to(&mut self, run: &mut Run<'_, T>) {
        run.push_from(&self.chunk, self.index);
        self.index += 1;
    }

    fn drain_to(mut self, run: &mut Run<'_, T>) {
        while self.index < self.chunk.len() {
            self.move_to(run);
        }
        self.rest.for_each(|chunk| run.push_chunk(chunk));
    }
}

impl<T: Time> Merger for RowMerger<T> {
    type Chunk = Chunk<T>;
    type Time = T;

    fn merge(&mut self, a: Vec<Chunk<T>>, b: Vec<Chunk<T>>, output: &mut Vec<Chunk<T>>, _: &mut Vec<Chunk<T>>) {
        let (mut a, mut b) = (Head::new(a), Head::new(b));
        let mut run = Run::new(output);
        while a.settle() && b.settle() {
            match a.chunk.get(a.index).cmp(&b.chunk.get(b.index)) {
                Ordering::Less => a.move_to(&mut run),
                Ordering::Greater => b.move_to(&mut run),
                Ordering::Equal => {
                    let diff = a.chunk.diff(a.index) + b.chunk.diff(b.index);
                    if diff != 0 {
                        let (key, value, time) = a.chunk.get(a.index);
                        run.chunk.push(key, value, time.clone(), diff);
                    }
                    (a.index, b.index) = (a.index + 1, b.index + 1);
                }
            }
        }
        a.drain_to(&mut run);
        b.drain_to(&mut run);
        run.flush();
    }

    fn extract(
        &mut self,
        merged: Vec<Chunk<T>>,
        upper: AntichainRef<'_, T>,
        frontier: &mut Antichain<T>,
        readied: &mut Vec<Chunk<T>>,
        kept: &mut Vec<Chunk<T>>,
        _: &mut Vec<Chunk<T>>,
    ) {
        let (mut ready, mut keep) = (Run::new(readied), Run::new(kept));
        for chunk in merged {
            let mut late = 0;
            for time in chunk.times().iter().filter(|time| upper.less_equal(time)) {
                frontier.insert_ref(time);
                late += 1;
            }
            // A chunk that lies on one side moves there as it is.
            if late == 0 {
                ready.push_chunk(chunk);
            } else if late == chunk.len() {
                keep.push_chunk(chunk);
            } else {
                for index in 0..chunk.len() {
                    let late = upper.less_equal(&chunk.times()[index]);
                    if late { &mut keep } else { &mut ready }.push_from(&chunk, index);
                }
            }
        }
        ready.flush();
        keep.flush();
    }

    fn len(chunk: &Chunk<T>) -> usize {
        chunk.len()
    }
}
