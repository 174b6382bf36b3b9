//! Which rows of a partition changes can reach.
//!
//! LAW: a row outside of all regions shows the same before and after the changes. Regions are ranges of sorted rows rather than positions, so
//! that they mean the same before and after.

use expr::window::{Carry, Reach, View};
use repr::{Diff, Row};
use std::ops::Range;

/// Sorted rows from `from` on, up to all that begin with `to`; without it, to the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first row is at or after these bytes.
    pub from: Vec<u8>,
    /// The last row is before these bytes or begins with them.
    pub to: Option<Vec<u8>>,
}

impl Region {
    fn all() -> Self {
        Region { from: Vec::new(), to: None }
    }
}

/// What has to be known of a partition before it changes.
pub struct Before {
    /// Regions that are reached through spans; none if that could not be told.
    spans: Option<Vec<Region>>,
    /// For each function the carry after each change, if it has one.
    carries: Vec<Vec<Carry>>,
    rows: usize,
}

impl Before {
    /// Of a partition as it is.
    pub fn of(view: &View<'_>, changes: &[(Row, Diff)]) -> Self {
        Before { spans: spans(view, changes), carries: carries(view, changes), rows: view.len() }
    }
}

/// All regions that changes reach, given what was before and the partition as it is after; none if that could not be told.
pub fn regions(before: Before, after: &View<'_>, changes: &[(Row, Diff)]) -> Option<Vec<Region>> {
    let mut regions = before.spans?;
    regions.extend(spans(after, changes)?);
    let carries = carries(after, changes);
    for (function, expr) in after.windows().functions.iter().enumerate() {
        let same = |at: usize| {
            let (old, new) = (&before.carries[function][at], &carries[function][at]);
            old == new && *new != Carry::Unknown
        };
        match expr.reach() {
            Reach::Span => {}
            Reach::All if same(changes.len() - 1) => {}
            Reach::All => regions.push(Region::all()),
            Reach::Forward { counted: true, .. } if before.rows != after.len() => regions.push(Region::all()),
            Reach::Forward { peers, .. } => forward(changes, peers, same, &mut regions),
        }
    }
    Some(merged(regions))
}

/// From each change on, up to the next one after which all is as it was.
fn forward(changes: &[(Row, Diff)], peers: bool, same: impl Fn(usize) -> bool, regions: &mut Vec<Region>) {
    let mut open: Option<Vec<u8>> = None;
    for (at, (row, _)) in changes.iter().enumerate() {
        let key = key(row, peers);
        open.get_or_insert_with(|| key.to_vec());
        if same(at) {
            regions.extend(open.take().map(|from| Region { from, to: Some(key.to_vec()) }));
        }
    }
    regions.extend(open.map(|from| Region { from, to: None }));
}

/// The bytes that a row, or it and its peers, begin with.
fn key(row: &Row, peers: bool) -> &[u8] {
    if peers { expr::sort_key::prefix_of(row.as_ref()) } else { row.encoded() }
}

fn carries(view: &View<'_>, changes: &[(Row, Diff)]) -> Vec<Vec<Carry>> {
    let of = |(function, expr): (usize, &expr::WindowExpr)| match expr.reach() {
        Reach::Span => Vec::new(),
        Reach::All => vec![view.carry(function, view.len()); changes.len()],
        Reach::Forward { peers, .. } => {
            changes.iter().map(|(row, _)| view.carry(function, view.upper(key(row, peers)))).collect()
        }
    };
    view.windows().functions.iter().enumerate().map(of).collect()
}

/// The changed rows themselves, and the rows whose span a change lies in or next to.
fn spans(view: &View<'_>, changes: &[(Row, Diff)]) -> Option<Vec<Region>> {
    let functions = &view.windows().functions;
    let spanning: Vec<usize> = (0..functions.len()).filter(|at| functions[*at].reach() == Reach::Span).collect();
    let mut regions = Vec::new();
    for (row, _) in changes {
        let bytes = row.encoded().to_vec();
        let changed = view.lower(&bytes)..view.upper(&bytes);
        regions.push(Region { from: bytes.clone(), to: Some(bytes) });
        for function in &spanning {
            let reached = reached(view, *function, &changed)?;
            if !reached.is_empty() {
                let (first, last) = (view.sorted(reached.start), view.sorted(reached.end - 1));
                regions.push(Region { from: first.encoded().to_vec(), to: Some(last.encoded().to_vec()) });
            }
        }
    }
    Some(regions)
}

/// The positions of rows whose span touches these positions; found by bisection, as the ends of spans never move backward.
fn reached(view: &View<'_>, function: usize, changed: &Range<usize>) -> Option<Range<usize>> {
    let first = bisect(view.len(), |at| Some(view.span(function, at).ok()?.end < changed.start))?;
    let end = bisect(view.len(), |at| Some(view.span(function, at).ok()?.start <= changed.end))?;
    Some(first..end.max(first))
}

/// The first number below `len` for which `holds` does not; none if it cannot be told.
fn bisect(len: usize, holds: impl Fn(usize) -> Option<bool>) -> Option<usize> {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Some(low)
}

/// Regions in order, those that overlap put together.
fn merged(mut regions: Vec<Region>) -> Vec<Region> {
    regions.sort_by(|a, b| a.from.cmp(&b.from));
    let mut out: Vec<Region> = Vec::new();
    for region in regions {
        match out.last_mut() {
            Some(Region { to: None, .. }) => break,
            Some(last) if last.to.as_ref().is_some_and(|to| holds(to, &region.from)) => {
                last.to = match (last.to.take(), region.to) {
                    (Some(a), Some(b)) => Some(later(a, b)),
                    _ => None,
                };
            }
            _ => out.push(region),
        }
    }
    out
}

/// Whether a region up to `to` reaches rows that begin with `from`.
fn holds(to: &[u8], from: &[u8]) -> bool {
    &from[..from.len().min(to.len())] <= to
}

/// The end that lies further; of two that begin alike the shorter one, which more rows begin with.
fn later(a: Vec<u8>, b: Vec<u8>) -> Vec<u8> {
    let common = a.len().min(b.len());
    match a[..common].cmp(&b[..common]) {
        std::cmp::Ordering::Less => b,
        std::cmp::Ordering::Greater => a,
        std::cmp::Ordering::Equal if a.len() <= b.len() => a,
        std::cmp::Ordering::Equal => b,
    }
}
