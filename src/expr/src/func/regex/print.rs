//! A pattern's tree in the syntax of the regular expression libraries, and what it prefers.

use super::parse::{ClassItem, Node, Options, Position};
use std::fmt::Write;

/// For whom a pattern is printed.
#[derive(Clone, Copy, PartialEq)]
pub enum Target {
    /// The linear-time engines.
    Automata,
    /// The backtracking engine, which has look-around instead of half word boundaries.
    Backtracking,
}

/// Whether it needs back references or look-around.
pub fn needs_backtracking(node: &Node) -> bool {
    match node {
        Node::Back(_) | Node::Look { .. } => true,
        Node::Group(_, node) | Node::Repeat { node, .. } => needs_backtracking(node),
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().any(needs_backtracking),
        _ => false,
    }
}

/// Whether a node prefers the shortest match (true) or the longest; none if it matches one length only.
pub fn prefers_short(node: &Node) -> Option<bool> {
    match node {
        Node::Repeat { node, exact: true, .. } => prefers_short(node),
        Node::Repeat { lazy, .. } => Some(*lazy),
        Node::Group(_, node) => prefers_short(node),
        Node::Concat(nodes) => nodes.iter().find_map(prefers_short),
        Node::Alternate(_) => Some(false),
        _ => None,
    }
}

/// Whether matches of several lengths may begin at one place in an order that is not by length.
pub fn has_choices(node: &Node) -> bool {
    fn count(node: &Node) -> usize {
        match node {
            Node::Repeat { lazy: true, .. } | Node::Alternate(_) => 2,
            Node::Repeat { node, .. } => 1 + count(node),
            Node::Group(_, node) => count(node),
            Node::Concat(nodes) => nodes.iter().map(count).sum(),
            _ => 0,
        }
    }
    count(node) > 1
}

/// Makes every quantifier below as few (true) or as many as possible.
pub fn force(node: &mut Node, short: bool) {
    match node {
        Node::Repeat { node, lazy, .. } => {
            *lazy = short;
            force(node, short);
        }
        Node::Group(_, node) => force(node, short),
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter_mut().for_each(|node| force(node, short)),
        _ => {}
    }
}

/// A quantifier decides for the one quantified atom it stands around: `(l*){1,1}?` takes as few as `l*?`.
pub fn settle_nested(node: &mut Node) {
    match node {
        Node::Repeat { node: inner, lazy, exact: false, .. } => {
            settle_nested(inner);
            if let Some(Node::Repeat { lazy: inner_lazy, exact: false, .. }) = only_quantifier(inner) {
                *inner_lazy = *lazy;
            }
        }
        Node::Repeat { node, .. } | Node::Group(_, node) | Node::Look { node, .. } => settle_nested(node),
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter_mut().for_each(settle_nested),
        _ => {}
    }
}

fn only_quantifier(node: &mut Node) -> Option<&mut Node> {
    match node {
        Node::Group(_, inner) => only_quantifier(inner),
        Node::Repeat { .. } => Some(node),
        _ => None,
    }
}

/// The pattern in the libraries' syntax.
pub fn print(node: &Node, options: &Options, target: Target) -> String {
    let mut out = String::new();
    Printer { options, target, out: &mut out }.node(node);
    out
}

struct Printer<'a> {
    options: &'a Options,
    target: Target,
    out: &'a mut String,
}

impl Printer<'_> {
    fn node(&mut self, node: &Node) {
        match node {
            Node::Empty => self.out.push_str("(?:)"),
            Node::Char(c) => push_char(*c, self.out),
            Node::Any => self.out.push_str(if self.options.newline_stops { "[^\\n]" } else { "(?s:.)" }),
            Node::Class { negated, items } => self.class(*negated, items),
            Node::Position(position) => self.out.push_str(self.position(*position)),
            Node::Look { ahead, negated, node } => {
                let sign = if *negated { '!' } else { '=' };
                self.enclosed(&format!("(?{}{sign}", if *ahead { "" } else { "<" }), node);
            }
            Node::Group(Some(_), node) => self.enclosed("(", node),
            Node::Group(None, node) => self.enclosed("(?:", node),
            // Writing to a string cannot fail.
            Node::Back(number) => _ = write!(self.out, "(?:\\{number})"),
            Node::Repeat { node, min, max, lazy, .. } => {
                self.enclosed("(?:", node);
                _ = match (min, max) {
                    (0, None) => write!(self.out, "*"),
                    (1, None) => write!(self.out, "+"),
                    (0, Some(1)) => write!(self.out, "?"),
                    (min, None) => write!(self.out, "{{{min},}}"),
                    (min, Some(max)) => write!(self.out, "{{{min},{max}}}"),
                };
                self.out.push_str(if *lazy { "?" } else { "" });
            }
            Node::Concat(nodes) => nodes.iter().for_each(|node| match node {
                Node::Alternate(_) => self.enclosed("(?:", node),
                node => self.node(node),
            }),
            Node::Alternate(branches) => {
                for (i, branch) in branches.iter().enumerate() {
                    self.out.push_str(if i > 0 { "|" } else { "" });
                    self.node(branch);
                }
            }
        }
    }

    fn enclosed(&mut self, open: &str, node: &Node) {
        self.out.push_str(open);
        if *node != Node::Empty {
            self.node(node);
        }
        self.out.push(')');
    }

    fn position(&self, position: Position) -> &'static str {
        let automata = self.target == Target::Automata;
        match position {
            Position::TextStart => "\\A",
            Position::TextEnd => "\\z",
            Position::LineStart if self.options.line_anchors => "(?m:^)",
            Position::LineStart => "\\A",
            Position::LineEnd if self.options.line_anchors => "(?m:$)",
            Position::LineEnd => "\\z",
            Position::WordStart if automata => "\\b{start}",
            Position::WordStart => "(?:(?<!\\w)(?=\\w))",
            Position::WordEnd if automata => "\\b{end}",
            Position::WordEnd => "(?:(?<=\\w)(?!\\w))",
            Position::WordBoundary => "\\b",
            Position::NoWordBoundary => "\\B",
        }
    }

    fn class(&mut self, negated: bool, items: &[ClassItem]) {
        self.out.push_str(if negated { "[^" } else { "[" });
        for item in items {
            match item {
                ClassItem::Named(name) => self.out.push_str(name),
                ClassItem::Range(low, high) => {
                    push_char(*low, self.out);
                    if low != high {
                        self.out.push('-');
                        push_char(*high, self.out);
                    }
                }
            }
        }
        if negated && self.options.newline_stops {
            self.out.push_str("\\n");
        }
        self.out.push(']');
    }
}

/// A character that stands for itself, inside and outside of brackets.
fn push_char(c: char, out: &mut String) {
    if c.is_alphanumeric() || c == '_' {
        out.push(c);
    } else {
        _ = write!(out, "\\x{{{:X}}}", u32::from(c));
    }
}
