//! PostgreSQL's advanced regular expressions.
//!
//! `parse` reads a pattern, `print` writes it in the syntax of the libraries that match it: `regex-automata`, in linear time, where the
//! pattern is regular; `fancy-regex`, which backtracks, where it has back references or look-around, under a limit (2201B beyond it).
//!
//! PostgreSQL prefers by length, the libraries by order: of all matches at the leftmost place it takes the longest, or the shortest if
//! the pattern's first quantifier says so, and then divides it among the groups. Where that can make a difference, the end of
//! a match is found first, and the groups in a second search between start and end.

mod parse;
mod print;
#[cfg(test)]
mod tests;

use fancy_regex::{Error as FancyError, RegexBuilder};
pub use parse::Options;
use parse::invalid;
use print::Target;
use regex_automata::nfa::thompson::{self, pikevm::PikeVM};
use regex_automata::{Anchored, Input, MatchKind, meta, util::syntax};
use repr::EvalError;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Compiled expressions that a thread keeps; beyond it all are forgotten and compiled again as needed.
const COMPILED_MAX: usize = 64;
/// Memory that a compiled expression may take.
const COMPILED_BYTES_MAX: usize = 8 << 20;
/// Steps that a backtracking search may take: some hundred milliseconds.
const BACKTRACKS_MAX: usize = 1_000_000;

thread_local! {
    /// Compiling costs far more than matching; a memo of a pure function.
    static COMPILED: RefCell<HashMap<(String, Options), Rc<Regex>>> = RefCell::default();
}

/// Where a match and its groups lie, in bytes; the whole match comes first.
pub type Groups = Vec<Option<(usize, usize)>>;

/// A compiled expression.
pub struct Regex {
    engine: Engine,
    groups: usize,
}

enum Engine {
    /// Matches of one place differ in length, and the first by order is the one wanted.
    Ordered(meta::Regex),
    /// The length decides.
    ByLength(Box<ByLength>),
    Backtracking(fancy_regex::Regex),
}

struct ByLength {
    /// Finds where a match starts.
    start: meta::Regex,
    /// Finds where it ends.
    end: PikeVM,
    end_cache: RefCell<thompson::pikevm::Cache>,
    shortest: bool,
    /// The pattern up to the end of the text, which divides a match among the groups.
    whole: meta::Regex,
}

/// The compiled expression; 2201B if it is none.
pub fn compile(pattern: &str, options: Options) -> Result<Rc<Regex>, EvalError> {
    let key = (pattern.to_string(), options);
    if let Some(found) = COMPILED.with_borrow(|compiled| compiled.get(&key).cloned()) {
        return Ok(found);
    }
    let compiled = Rc::new(Regex::new(pattern, options)?);
    COMPILED.with_borrow_mut(|all| {
        if all.len() >= COMPILED_MAX {
            all.clear();
        }
        all.insert(key, compiled.clone());
    });
    Ok(compiled)
}

fn too_complex<E>(_: E) -> EvalError {
    invalid("regular expression is too complex")
}

impl Regex {
    fn new(pattern: &str, options: Options) -> Result<Self, EvalError> {
        let mut parsed = parse::parse(pattern, options)?;
        print::settle_nested(&mut parsed.node);
        let shortest = print::prefers_short(&parsed.node) == Some(true);
        let engine = if print::needs_backtracking(&parsed.node) {
            if shortest {
                print::force(&mut parsed.node, true);
            }
            let source = print::print(&parsed.node, &parsed.options, Target::Backtracking);
            let by_length = !shortest && print::has_choices(&parsed.node);
            Engine::Backtracking(backtracking(&source, &parsed.options, by_length)?)
        } else {
            let source = print::print(&parsed.node, &parsed.options, Target::Automata);
            if print::has_choices(&parsed.node) || shortest {
                Engine::ByLength(Box::new(ByLength::new(&source, &parsed.options, shortest)?))
            } else {
                Engine::Ordered(automaton(&source, &parsed.options)?)
            }
        };
        Ok(Regex { engine, groups: parsed.groups })
    }

    /// How many groups capture.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Whether it matches anywhere.
    pub fn is_match(&self, text: &str) -> Result<bool, EvalError> {
        match &self.engine {
            Engine::Ordered(regex) => Ok(regex.is_match(text)),
            Engine::ByLength(regex) => Ok(regex.start.is_match(text)),
            Engine::Backtracking(regex) => regex.is_match(text).map_err(too_complex),
        }
    }

    /// The leftmost match that starts at byte `from` or later.
    pub fn find_at(&self, text: &str, from: usize) -> Result<Option<Groups>, EvalError> {
        let input = Input::new(text).span(from..text.len());
        match &self.engine {
            Engine::Ordered(regex) => Ok(captures(regex, input)),
            Engine::ByLength(regex) => Ok(regex.find(text, from, self.groups)),
            Engine::Backtracking(regex) => {
                let found = regex.captures_from_pos(text, from).map_err(too_complex)?;
                Ok(found.map(|c| (0..c.len()).map(|i| c.get(i).map(|m| (m.start(), m.end()))).collect()))
            }
        }
    }

    /// All matches from byte `from` on, none within another; after an empty one the search goes on a character later.
    pub fn find_all<'t>(&'t self, text: &'t str, from: usize) -> Matches<'t> {
        Matches { regex: self, text, from: Some(from) }
    }
}

/// Matches as they are asked for.
pub struct Matches<'t> {
    regex: &'t Regex,
    text: &'t str,
    from: Option<usize>,
}

impl Iterator for Matches<'_> {
    type Item = Result<Groups, EvalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let from = self.from.take()?;
        match self.regex.find_at(self.text, from) {
            Ok(None) => None,
            Ok(Some(groups)) => {
                let (start, end) = groups[0].unwrap_or((from, from));
                let step = if end > start { 0 } else { self.text[end..].chars().next().map_or(1, char::len_utf8) };
                self.from = Some(end + step).filter(|next| *next <= self.text.len());
                Some(Ok(groups))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

fn captures(regex: &meta::Regex, input: Input<'_>) -> Option<Groups> {
    let mut found = regex.create_captures();
    regex.search_captures(&input, &mut found);
    found.is_match().then(|| (0..found.group_len()).map(|i| found.get_group(i).map(|s| (s.start, s.end))).collect())
}

fn backtracking(source: &str, options: &Options, by_length: bool) -> Result<fancy_regex::Regex, EvalError> {
    let mut builder = RegexBuilder::new(source);
    builder.case_insensitive(options.ignore_case).backtrack_limit(BACKTRACKS_MAX).leftmost_longest(by_length);
    builder.delegate_size_limit(COMPILED_BYTES_MAX).build().map_err(|error| match error {
        FancyError::ParseError(..) => invalid("a look-behind constraint has no bounded length"),
        error => too_complex(error),
    })
}

fn syntax(options: &Options) -> syntax::Config {
    syntax::Config::new().case_insensitive(options.ignore_case).nest_limit(2_000)
}

fn automaton(source: &str, options: &Options) -> Result<meta::Regex, EvalError> {
    let limits = meta::Config::new().nfa_size_limit(Some(COMPILED_BYTES_MAX));
    meta::Regex::builder().configure(limits).syntax(syntax(options)).build(source).map_err(too_complex)
}

impl ByLength {
    fn new(source: &str, options: &Options, shortest: bool) -> Result<Self, EvalError> {
        let end = PikeVM::builder()
            .configure(PikeVM::config().match_kind(MatchKind::All))
            .thompson(thompson::Config::new().nfa_size_limit(Some(COMPILED_BYTES_MAX)))
            .syntax(syntax(options))
            .build(source)
            .map_err(too_complex)?;
        let end_cache = RefCell::new(end.create_cache());
        let whole = automaton(&format!("(?:{source})\\z"), options)?;
        Ok(ByLength { start: automaton(source, options)?, end, end_cache, shortest, whole })
    }

    fn find(&self, text: &str, from: usize, groups: usize) -> Option<Groups> {
        let start = self.start.find(Input::new(text).span(from..text.len()))?.start();
        let end = self.end_of(text, start)?;
        if groups == 0 {
            return Some(vec![Some((start, end))]);
        }
        let anchored = Input::new(&text[..end]).span(start..end).anchored(Anchored::Yes);
        let found = captures(&self.whole, anchored);
        Some(found.unwrap_or_else(|| std::iter::once(Some((start, end))).chain((0..groups).map(|_| None)).collect()))
    }

    fn end_of(&self, text: &str, start: usize) -> Option<usize> {
        let input = Input::new(text).span(start..text.len()).anchored(Anchored::Yes).earliest(self.shortest);
        let mut found = self.end.create_captures();
        self.end.search(&mut self.end_cache.borrow_mut(), &input, &mut found);
        found.get_match().map(|found| found.end())
    }
}
