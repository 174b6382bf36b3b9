//! The rows of one partition, sorted, in blocks: finding a position and changing a row touch one block and the list of blocks.
//!
//! ```text
//! blocks   | rows … | rows … | rows … |     each: rows with counts, and what they add up to, made when it is first asked for
//! View       0        251      498          positions of the blocks' first rows; equal rows take a position each
//! ```

use super::slide::Summary;
use super::{WindowExpr, Windows};
use crate::sort_key::{prefix_of, row_of};
use repr::{Datum, Diff, EvalError, Row, RowRef, SqlError, SqlState};
use std::cell::{Cell, OnceCell};
use std::ops::Range;

/// Rows that a block holds at most; it is halved beyond that.
const BLOCK_MAX: usize = 256;
/// Rows that a partition may have, equal ones counted: each is a row of output.
const ROWS_MAX: Diff = 1 << 32;

/// The rows of a partition as [`crate::sort_key::sorted_row`] makes them, with counts that are never 0.
#[derive(Default)]
pub struct Partition {
    blocks: Vec<Block>,
    /// Rows whose count is negative.
    negative: usize,
    rows: Diff,
}

/// Neighbours in a partition.
#[derive(Default)]
struct Block {
    entries: Vec<(Row, Diff)>,
    /// The sum of the counts.
    copies: Diff,
    /// How many groups of peers begin in it; forgotten when it or the block before it changes.
    groups: Cell<Option<usize>>,
    /// For each function what the rows add up to; forgotten when it changes.
    summary: OnceCell<Box<[Summary]>>,
}

impl Block {
    fn new(entries: Vec<(Row, Diff)>) -> Self {
        Block { copies: entries.iter().map(|(_, count)| count).sum(), entries, ..Block::default() }
    }

    fn last(&self) -> &[u8] {
        self.entries.last().map_or(&[], |(row, _)| row.encoded())
    }

    /// How many groups begin in it, the block before it ending with `before`.
    fn count_groups(&self, before: Option<RowRef<'_>>) -> usize {
        let mut previous = before.map(prefix_of);
        let mut groups = 0;
        for (row, _) in &self.entries {
            let prefix = prefix_of(row.as_ref());
            groups += usize::from(previous != Some(prefix));
            previous = Some(prefix);
        }
        groups
    }
}

impl Partition {
    /// Of rows in ascending order, each once.
    pub fn from_sorted(mut rows: Vec<(Row, Diff)>) -> Self {
        let mut partition = Partition {
            negative: rows.iter().filter(|(_, count)| *count < 0).count(),
            rows: rows.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count)),
            blocks: Vec::new(),
        };
        if rows.len() <= BLOCK_MAX {
            rows.shrink_to_fit();
            partition.blocks.extend((!rows.is_empty()).then(|| Block::new(rows)));
            return partition;
        }
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            // Not full, so that the next rows find room.
            partition.blocks.push(Block::new(rows.by_ref().take(BLOCK_MAX * 3 / 4).collect()));
        }
        partition
    }

    /// Adds to a row's count.
    pub fn update(&mut self, row: &Row, diff: Diff) {
        self.rows = self.rows.saturating_add(diff);
        if self.blocks.is_empty() {
            self.blocks.push(Block::default());
        }
        let at = self.blocks.partition_point(|block| block.last() < row.encoded()).min(self.blocks.len() - 1);
        let block = &mut self.blocks[at];
        block.copies += diff;
        let (before, after) = match block.entries.binary_search_by(|(other, _)| other.cmp(row)) {
            Ok(entry) => {
                let count = &mut block.entries[entry].1;
                let before = *count;
                *count += diff;
                if *count == 0 {
                    block.entries.remove(entry);
                }
                (before, before + diff)
            }
            Err(entry) => {
                block.entries.insert(entry, (row.clone(), diff));
                (0, diff)
            }
        };
        self.negative = self.negative + usize::from(after < 0) - usize::from(before < 0);
        self.touch(at);
    }

    /// A block has changed: forgets what was known of it, and sees to its size.
    fn touch(&mut self, at: usize) {
        let block = &mut self.blocks[at];
        block.groups.set(None);
        block.summary.take();
        if block.entries.len() > BLOCK_MAX {
            let upper = Block::new(block.entries.split_off(BLOCK_MAX / 2));
            block.copies -= upper.copies;
            self.blocks.insert(at + 1, upper);
        } else if block.entries.is_empty() {
            self.blocks.remove(at);
            if let Some(next) = self.blocks.get(at) {
                next.groups.set(None);
            }
        } else if let Some(next) = self.blocks.get(at + 1) {
            next.groups.set(None);
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Distinct rows, about.
    pub fn size(&self) -> usize {
        match &self.blocks[..] {
            [] => 0,
            [only] => only.entries.len(),
            many => many.len() * BLOCK_MAX / 2,
        }
    }

    /// Whether its rows can be looked at: none is there less than zero times, and there are not too many.
    pub fn check(&self) -> Result<(), EvalError> {
        if self.negative > 0 {
            return Err(SqlError::internal("negative row count in a window"));
        }
        if self.rows > ROWS_MAX {
            return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "too many rows in a partition of a window"));
        }
        Ok(())
    }

    /// Its rows by position; [`Partition::check`] has passed.
    pub fn view<'a>(&'a self, windows: &'a Windows) -> View<'a> {
        let mut starts = Vec::with_capacity(self.blocks.len() + 1);
        let mut at = 0;
        for block in &self.blocks {
            starts.push(at);
            // Counts are positive wherever positions are asked for.
            at += block.copies as usize;
        }
        starts.push(at);
        View { partition: self, windows, starts, groups: OnceCell::new(), near: Cell::new(0) }
    }
}

/// A partition's rows by position. Equal rows take a position each.
pub struct View<'a> {
    partition: &'a Partition,
    windows: &'a Windows,
    /// The position of each block's first row, then how many there are.
    starts: Vec<usize>,
    /// How many groups of peers begin before each block, then how many there are.
    groups: OnceCell<Vec<usize>>,
    /// The block that was found last: the next position is near it.
    near: Cell<usize>,
}

impl<'a> View<'a> {
    /// The functions and the order.
    pub fn windows(&self) -> &'a Windows {
        self.windows
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn block_of(&self, position: usize) -> usize {
        let near = self.near.get();
        for block in [near, near + 1] {
            if block + 1 < self.starts.len() && (self.starts[block]..self.starts[block + 1]).contains(&position) {
                self.near.set(block);
                return block;
            }
        }
        let block = self.starts.partition_point(|start| *start <= position) - 1;
        self.near.set(block);
        block
    }

    /// The block and the entry of a position, and the entry's first position.
    fn place(&self, position: usize) -> (usize, usize, usize) {
        let block = self.block_of(position);
        let entries = &self.partition.blocks[block].entries;
        let mut at = self.starts[block];
        if self.starts[block + 1] - at == entries.len() {
            return (block, position - at, position);
        }
        for (entry, (_, count)) in entries.iter().enumerate() {
            let next = at + *count as usize;
            if position < next {
                return (block, entry, at);
            }
            at = next;
        }
        unreachable!("the block's rows cover its positions")
    }

    /// The row at a position with its order before it.
    pub fn sorted(&self, position: usize) -> RowRef<'a> {
        let (block, entry, _) = self.place(position);
        self.partition.blocks[block].entries[entry].0.as_ref()
    }

    /// The row at a position.
    pub fn row(&self, position: usize) -> RowRef<'a> {
        row_of(self.sorted(position))
    }

    /// A column of the row at a position.
    pub fn datum(&self, position: usize, column: usize) -> Datum<'a> {
        self.row(position).iter().nth(column).unwrap_or(Datum::Null)
    }

    /// The first position whose row is not `before`: which holds for the first rows, up to some, and for none after that.
    fn search(&self, before: impl Fn(&[u8]) -> bool) -> usize {
        let blocks = &self.partition.blocks;
        let block = blocks.partition_point(|block| before(block.last()));
        let Some(found) = blocks.get(block) else { return self.len() };
        let entry = found.entries.partition_point(|(row, _)| before(row.encoded()));
        self.starts[block] + found.entries[..entry].iter().map(|(_, count)| *count as usize).sum::<usize>()
    }

    /// The first position whose sorted row is at or after these bytes.
    pub fn lower(&self, bytes: &[u8]) -> usize {
        self.search(|row| row < bytes)
    }

    /// The first position whose sorted row is after all that begin with these bytes.
    pub fn upper(&self, bytes: &[u8]) -> usize {
        self.search(|row| &row[..row.len().min(bytes.len())] <= bytes)
    }

    /// The positions of a row and its peers.
    pub fn peers(&self, position: usize) -> Range<usize> {
        let prefix = prefix_of(self.sorted(position));
        self.lower(prefix)..self.upper(prefix)
    }

    fn groups(&self) -> &[usize] {
        self.groups.get_or_init(|| {
            let mut groups = Vec::with_capacity(self.starts.len());
            let (mut count, mut before) = (0, None);
            for block in &self.partition.blocks {
                groups.push(count);
                let own = block.groups.get().unwrap_or_else(|| block.count_groups(before));
                block.groups.set(Some(own));
                count += own;
                before = block.entries.last().map(|(row, _)| row.as_ref());
            }
            groups.push(count);
            groups
        })
    }

    /// How many groups of peers begin before this position, which is the first of one or the end.
    pub fn groups_before(&self, position: usize) -> usize {
        if position >= self.len() {
            return self.groups().last().copied().unwrap_or(0);
        }
        let (block, entry, _) = self.place(position);
        self.groups()[block] + self.entry_groups(block, entry)
    }

    /// How many groups begin in a block before an entry.
    fn entry_groups(&self, block: usize, entry: usize) -> usize {
        let entries = &self.partition.blocks[block].entries[..entry];
        let before = block.checked_sub(1).and_then(|b| self.partition.blocks[b].entries.last());
        let mut previous = before.map(|(row, _)| prefix_of(row.as_ref()));
        let mut groups = 0;
        for (row, _) in entries {
            let prefix = prefix_of(row.as_ref());
            groups += usize::from(previous != Some(prefix));
            previous = Some(prefix);
        }
        groups
    }

    /// Where the group of peers with this number, from 0, starts; the end if there are not so many.
    pub fn group_start(&self, group: usize) -> usize {
        let groups = self.groups();
        let block = groups.partition_point(|before| *before <= group);
        if block == groups.len() {
            return self.len();
        }
        let block = block - 1;
        let entries = &self.partition.blocks[block].entries;
        let before = block.checked_sub(1).and_then(|b| self.partition.blocks[b].entries.last());
        let mut previous = before.map(|(row, _)| prefix_of(row.as_ref()));
        let (mut seen, mut position) = (groups[block], self.starts[block]);
        for (row, count) in entries {
            let prefix = prefix_of(row.as_ref());
            if previous != Some(prefix) {
                if seen == group {
                    return position;
                }
                seen += 1;
            }
            previous = Some(prefix);
            position += *count as usize;
        }
        position
    }

    /// Calls `f` for the parts of a range: whole blocks by their number, rows outside of them by themselves with their counts.
    pub(super) fn parts(&self, range: Range<usize>, f: &mut dyn FnMut(Part<'a>)) {
        let mut position = range.start;
        while position < range.end {
            let (block, entry, mut at) = self.place(position);
            let (start, end) = (self.starts[block], self.starts[block + 1]);
            if start == position && end <= range.end && self.has_blocks() {
                f(Part::Block(block));
                position = end;
                continue;
            }
            for (row, count) in &self.partition.blocks[block].entries[entry..] {
                if at >= range.end {
                    break;
                }
                let next = at + *count as usize;
                let copies = next.min(range.end) - at.max(range.start);
                f(Part::Row(row_of(row.as_ref()), copies as Diff));
                at = next;
            }
            position = end;
        }
    }

    /// What the rows of a block add up to for a function.
    pub(super) fn summary(&self, block: usize, function: usize) -> &Summary {
        let block = &self.partition.blocks[block];
        let make = || {
            let of = |function: &WindowExpr| {
                let rows = block.entries.iter().map(|(row, count)| (row_of(row.as_ref()), *count));
                Summary::of(function, rows)
            };
            self.windows.functions.iter().map(of).collect()
        };
        &block.summary.get_or_init(make)[function]
    }

    /// The block that ends with this position's row or holds it, and its positions.
    pub(super) fn block_range(&self, position: usize) -> (usize, Range<usize>) {
        let block = self.block_of(position);
        (block, self.starts[block]..self.starts[block + 1])
    }

    /// Whether sums of blocks are worth asking for.
    pub(super) fn has_blocks(&self) -> bool {
        self.partition.blocks.len() > 1
    }
}

/// A part of a range.
pub(super) enum Part<'a> {
    /// All of a block.
    Block(usize),
    /// A row, so many times.
    Row(RowRef<'a>, Diff),
}
