//! From the text of an advanced regular expression (PostgreSQL's manual, section 9.7.3) to its tree.

use repr::{EvalError, SqlError, SqlState};

/// The most repetitions that `{m,n}` may ask for.
const REPETITIONS_MAX: u32 = 255;
/// How deep groups may nest.
const DEPTH_MAX: usize = 200;

/// How a pattern is read: what its flags say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// `i`: case does not matter.
    pub ignore_case: bool,
    /// `x`: blanks and comments in the pattern do not count.
    pub expanded: bool,
    /// `q`: the pattern is plain text.
    pub literal: bool,
    /// `n`, `p`: `.` and negated brackets do not match a newline.
    pub newline_stops: bool,
    /// `n`, `w`: `^` and `$` match at every line.
    pub line_anchors: bool,
}

impl Options {
    /// Applies one flag letter; `false` if there is no such flag.
    pub fn set(&mut self, flag: char) -> bool {
        match flag {
            'i' => self.ignore_case = true,
            'c' => self.ignore_case = false,
            'x' => self.expanded = true,
            't' => self.expanded = false,
            'q' => self.literal = true,
            'n' | 'm' => (self.newline_stops, self.line_anchors) = (true, true),
            's' => (self.newline_stops, self.line_anchors) = (false, false),
            'p' => (self.newline_stops, self.line_anchors) = (true, false),
            'w' => (self.newline_stops, self.line_anchors) = (false, true),
            'e' => {}
            _ => return false,
        }
        true
    }
}

/// A pattern's tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Nothing.
    Empty,
    /// This character.
    Char(char),
    /// `.`
    Any,
    /// `[…]`, `\d` and the like.
    Class {
        /// Whether it matches what is not in it.
        negated: bool,
        /// What is in it.
        items: Vec<ClassItem>,
    },
    /// A constraint on the position.
    Position(Position),
    /// `(?=…)`, `(?!…)`, `(?<=…)`, `(?<!…)`
    Look {
        /// What follows (true) or precedes.
        ahead: bool,
        /// Whether it must not be there.
        negated: bool,
        /// What is looked for.
        node: Box<Node>,
    },
    /// `(…)` with its number, `(?:…)` without.
    Group(Option<usize>, Box<Node>),
    /// `\1`
    Back(usize),
    /// A quantified atom.
    Repeat {
        /// The atom.
        node: Box<Node>,
        /// How often at least.
        min: u32,
        /// How often at most.
        max: Option<u32>,
        /// Whether as few as possible.
        lazy: bool,
        /// Whether it is `{m}`, which has its atom's preference.
        exact: bool,
    },
    /// One after the other.
    Concat(Vec<Node>),
    /// Any of these.
    Alternate(Vec<Node>),
}

/// A constraint on the position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Position {
    /// `\A`
    TextStart,
    /// `\Z`
    TextEnd,
    /// `^`
    LineStart,
    /// `$`
    LineEnd,
    /// `\m`
    WordStart,
    /// `\M`
    WordEnd,
    /// `\y`
    WordBoundary,
    /// `\Y`
    NoWordBoundary,
}

/// A part of a bracket expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClassItem {
    /// From one character to another.
    Range(char, char),
    /// A named class, as the library spells it inside of brackets.
    Named(&'static str),
}

/// 2201B
pub fn invalid(what: &str) -> EvalError {
    SqlError::new(SqlState::INVALID_REGULAR_EXPRESSION, format!("invalid regular expression: {what}"))
}

/// A parsed pattern.
pub struct Parsed {
    /// Its tree.
    pub node: Node,
    /// Flags, those that the pattern itself gives included.
    pub options: Options,
    /// How many groups capture.
    pub groups: usize,
}

/// Parses a pattern.
pub fn parse(pattern: &str, mut options: Options) -> Result<Parsed, EvalError> {
    let mut rest = pattern;
    if let Some(tail) = rest.strip_prefix("***=") {
        options.literal = true;
        rest = tail;
    } else if let Some(tail) = rest.strip_prefix("***:") {
        options.literal = false;
        rest = tail;
    }
    if !options.literal {
        rest = embedded(rest, &mut options)?;
    }
    if options.literal {
        let node = Node::Concat(rest.chars().map(Node::Char).collect());
        return Ok(Parsed { node, options, groups: 0 });
    }
    let chars = rest.chars().collect();
    let mut parser = Parser { chars, at: 0, options, groups: 0, closed: Vec::new(), looking: 0, depth: 0 };
    let node = parser.alternatives()?;
    if parser.at < parser.chars.len() {
        return Err(invalid("parentheses () not balanced"));
    }
    Ok(Parsed { node, options: parser.options, groups: parser.groups })
}

/// `(?xyz)` at the very beginning.
fn embedded<'a>(pattern: &'a str, options: &mut Options) -> Result<&'a str, EvalError> {
    let Some(tail) = pattern.strip_prefix("(?") else { return Ok(pattern) };
    let Some((letters, rest)) = tail.split_once(')') else { return Ok(pattern) };
    if letters.is_empty() || !letters.chars().all(|c| c.is_ascii_alphabetic()) {
        return Ok(pattern);
    }
    if letters.chars().all(|flag| options.set(flag)) { Ok(rest) } else { Err(invalid("invalid embedded option")) }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    options: Options,
    groups: usize,
    /// The groups that are complete.
    closed: Vec<usize>,
    /// How many look-around constraints are open: inside them nothing captures.
    looking: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = text.chars().enumerate().all(|(i, c)| self.chars.get(self.at + i) == Some(&c));
        if found {
            self.at += text.chars().count();
        }
        found
    }

    /// Skips `(?#…)`, and blanks and comments where they do not count.
    fn skip_comments(&mut self) {
        loop {
            if self.eat("(?#") {
                while self.next().is_some_and(|c| c != ')') {}
                continue;
            }
            match self.peek() {
                Some(c) if self.options.expanded && c.is_whitespace() => self.at += 1,
                Some('#') if self.options.expanded => while self.next().is_some_and(|c| c != '\n') {},
                _ => return,
            }
        }
    }

    fn alternatives(&mut self) -> Result<Node, EvalError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(invalid("regular expression is too complex"));
        }
        let mut branches = vec![self.branch()?];
        while self.eat("|") {
            branches.push(self.branch()?);
        }
        self.depth -= 1;
        Ok(if branches.len() == 1 { branches.remove(0) } else { Node::Alternate(branches) })
    }

    fn branch(&mut self) -> Result<Node, EvalError> {
        let mut nodes = Vec::new();
        loop {
            self.skip_comments();
            match self.peek() {
                None | Some('|' | ')') => break,
                _ => {}
            }
            let atom = self.atom()?;
            nodes.push(self.quantified(atom)?);
        }
        Ok(match nodes.len() {
            0 => Node::Empty,
            1 => nodes.remove(0),
            _ => Node::Concat(nodes),
        })
    }

    fn atom(&mut self) -> Result<Node, EvalError> {
        let Some(c) = self.next() else { return Ok(Node::Empty) };
        Ok(match c {
            '.' => Node::Any,
            '^' => Node::Position(Position::LineStart),
            '$' => Node::Position(Position::LineEnd),
            '[' => return self.bracket(),
            '(' => return self.group(),
            '\\' => return self.escape(),
            '*' | '+' | '?' => return Err(invalid("quantifier operand invalid")),
            '{' if self.peek().is_some_and(|c| c.is_ascii_digit()) => {
                return Err(invalid("quantifier operand invalid"));
            }
            c => Node::Char(c),
        })
    }

    fn group(&mut self) -> Result<Node, EvalError> {
        let look = [("?=", true, false), ("?!", true, true), ("?<=", false, false), ("?<!", false, true)];
        for (prefix, ahead, negated) in look {
            if self.eat(prefix) {
                self.looking += 1;
                let node = Box::new(self.closed_alternatives()?);
                self.looking -= 1;
                return Ok(Node::Look { ahead, negated, node });
            }
        }
        if self.eat("?:") {
            return Ok(Node::Group(None, Box::new(self.closed_alternatives()?)));
        }
        if self.peek() == Some('?') || self.peek() == Some('*') || self.peek() == Some('+') {
            return Err(invalid("quantifier operand invalid"));
        }
        if self.looking > 0 {
            return Ok(Node::Group(None, Box::new(self.closed_alternatives()?)));
        }
        self.groups += 1;
        let number = self.groups;
        let node = self.closed_alternatives()?;
        self.closed.push(number);
        Ok(Node::Group(Some(number), Box::new(node)))
    }

    fn closed_alternatives(&mut self) -> Result<Node, EvalError> {
        let node = self.alternatives()?;
        if self.eat(")") { Ok(node) } else { Err(invalid("parentheses () not balanced")) }
    }

    fn quantified(&mut self, atom: Node) -> Result<Node, EvalError> {
        self.skip_comments();
        let (min, max, exact) = match self.peek() {
            Some('*') => (0, None, false),
            Some('+') => (1, None, false),
            Some('?') => (0, Some(1), false),
            Some('{') if self.chars.get(self.at + 1).is_some_and(char::is_ascii_digit) => return self.bounds(atom),
            _ => return Ok(atom),
        };
        self.at += 1;
        self.repeated(atom, min, max, exact)
    }

    fn bounds(&mut self, atom: Node) -> Result<Node, EvalError> {
        self.at += 1;
        let min = self.number()?.ok_or_else(|| invalid("invalid repetition count(s)"))?;
        let (max, exact) = if self.eat(",") { (self.number()?, false) } else { (Some(min), true) };
        match self.next() {
            Some('}') => {}
            None => return Err(invalid("braces {} not balanced")),
            Some(_) => return Err(invalid("invalid repetition count(s)")),
        }
        if max.is_some_and(|max| max < min) {
            return Err(invalid("invalid repetition count(s)"));
        }
        self.repeated(atom, min, max, exact)
    }

    fn number(&mut self) -> Result<Option<u32>, EvalError> {
        let mut value = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            let next = value.unwrap_or(0) * 10 + digit;
            if next > REPETITIONS_MAX {
                return Err(invalid("invalid repetition count(s)"));
            }
            value = Some(next);
            self.at += 1;
        }
        Ok(value)
    }

    fn repeated(&mut self, atom: Node, min: u32, max: Option<u32>, exact: bool) -> Result<Node, EvalError> {
        let lazy = self.eat("?");
        if matches!(atom, Node::Position(Position::LineStart)) {
            return Err(invalid("quantifier operand invalid"));
        }
        self.skip_comments();
        if matches!(self.peek(), Some('*' | '+' | '?')) {
            return Err(invalid("quantifier operand invalid"));
        }
        Ok(Node::Repeat { node: Box::new(atom), min, max, lazy, exact })
    }

    /// What follows a backslash outside of brackets.
    fn escape(&mut self) -> Result<Node, EvalError> {
        let class = |negated, name| Node::Class { negated, items: vec![ClassItem::Named(name)] };
        let Some(c) = self.peek() else { return Err(invalid("invalid escape \\ sequence")) };
        let position = match c {
            'A' => Position::TextStart,
            'Z' => Position::TextEnd,
            'm' => Position::WordStart,
            'M' => Position::WordEnd,
            'y' => Position::WordBoundary,
            'Y' => Position::NoWordBoundary,
            _ => {
                self.at += 1;
                return Ok(match c {
                    'd' => class(false, "\\d"),
                    's' => class(false, "\\s"),
                    'w' => class(false, "\\w"),
                    'D' => class(true, "\\d"),
                    'S' => class(true, "\\s"),
                    'W' => class(true, "\\w"),
                    '1'..='9' => return self.back_reference(c),
                    c => Node::Char(self.character_escape(c)?),
                });
            }
        };
        self.at += 1;
        Ok(Node::Position(position))
    }

    /// `\1`; several digits are a reference if there are so many groups, else an octal character code.
    fn back_reference(&mut self, first: char) -> Result<Node, EvalError> {
        let start = self.at;
        let mut number = first as usize - '0' as usize;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            let longer = number * 10 + digit as usize;
            if longer > self.groups {
                break;
            }
            number = longer;
            self.at += 1;
        }
        if self.at == start && self.peek().is_some_and(|c| c.is_digit(8)) && first.is_digit(8) {
            return Ok(Node::Char(self.octal(first)?));
        }
        if self.looking > 0 || !self.closed.contains(&number) {
            return Err(invalid("invalid backreference number"));
        }
        Ok(Node::Back(number))
    }

    fn octal(&mut self, first: char) -> Result<char, EvalError> {
        let mut value = first.to_digit(8).unwrap_or(0);
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            value = value * 8 + digit;
            self.at += 1;
        }
        character(value)
    }

    /// The character that `\c`, already read, stands for, inside and outside of brackets.
    fn character_escape(&mut self, c: char) -> Result<char, EvalError> {
        Ok(match c {
            'a' => '\x07',
            'b' => '\x08',
            'B' => '\\',
            'c' => {
                let c = self.next().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
                return character(c as u32 & 0x1F);
            }
            'e' => '\x1B',
            'f' => '\x0C',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0B',
            'u' => return self.hexadecimal(4, 4),
            'U' => return self.hexadecimal(8, 8),
            'x' => return self.hexadecimal(1, 255),
            '0' => return self.octal('0'),
            c if c.is_alphanumeric() => return Err(invalid("invalid escape \\ sequence")),
            c => c,
        })
    }

    fn hexadecimal(&mut self, least: usize, most: usize) -> Result<char, EvalError> {
        let (mut value, mut count) = (0u32, 0);
        while count < most {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(16)) else { break };
            value = value.checked_mul(16).ok_or_else(|| invalid("invalid escape \\ sequence"))? + digit;
            self.at += 1;
            count += 1;
        }
        if count < least {
            return Err(invalid("invalid escape \\ sequence"));
        }
        character(value)
    }

    /// `[…]` after its opening bracket.
    fn bracket(&mut self) -> Result<Node, EvalError> {
        if self.eat("[:<:]]") {
            return Ok(Node::Position(Position::WordStart));
        }
        if self.eat("[:>:]]") {
            return Ok(Node::Position(Position::WordEnd));
        }
        let negated = self.eat("^");
        let mut items = Vec::new();
        let mut first = true;
        loop {
            let c = self.peek().ok_or_else(|| invalid("brackets [] not balanced"))?;
            if c == ']' && !first {
                self.at += 1;
                break;
            }
            first = false;
            self.bracket_item(&mut items)?;
        }
        Ok(Node::Class { negated, items })
    }

    fn bracket_item(&mut self, items: &mut Vec<ClassItem>) -> Result<(), EvalError> {
        if self.eat("[:") {
            let name = self.until(":]")?;
            items.extend(named_class(&name).ok_or_else(|| invalid("invalid character class"))?);
            return Ok(());
        }
        if let Some(class) = self.class_escape()? {
            items.push(ClassItem::Named(class));
            return Ok(());
        }
        let low = self.bracket_char()?;
        let range = self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']');
        if !range {
            items.push(ClassItem::Range(low, low));
            return Ok(());
        }
        self.at += 1;
        if self.class_escape()?.is_some() {
            return Err(invalid("invalid character range"));
        }
        let high = self.bracket_char()?;
        if high < low {
            return Err(invalid("invalid character range"));
        }
        items.push(ClassItem::Range(low, high));
        Ok(())
    }

    /// `\d`, `\s`, `\w` inside of brackets.
    fn class_escape(&mut self) -> Result<Option<&'static str>, EvalError> {
        if self.peek() != Some('\\') {
            return Ok(None);
        }
        let class = match self.chars.get(self.at + 1) {
            Some('d') => "\\d",
            Some('s') => "\\s",
            Some('w') => "\\w",
            Some('D') => "\\D",
            Some('S') => "\\S",
            Some('W') => "\\W",
            _ => return Ok(None),
        };
        self.at += 2;
        Ok(Some(class))
    }

    fn bracket_char(&mut self) -> Result<char, EvalError> {
        for (open, close) in [("[.", ".]"), ("[=", "=]")] {
            if self.eat(open) {
                let name = self.until(close)?;
                let mut chars = name.chars();
                return match (chars.next(), chars.next()) {
                    (Some(c), None) => Ok(c),
                    _ => Err(invalid("invalid collating element")),
                };
            }
        }
        match self.next() {
            Some('\\') => {
                let c = self.next().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
                self.character_escape(c)
            }
            Some(c) => Ok(c),
            None => Err(invalid("brackets [] not balanced")),
        }
    }

    fn until(&mut self, end: &str) -> Result<String, EvalError> {
        let mut text = String::new();
        while !self.eat(end) {
            text.push(self.next().ok_or_else(|| invalid("brackets [] not balanced"))?);
        }
        Ok(text)
    }
}

fn character(code: u32) -> Result<char, EvalError> {
    char::from_u32(code).ok_or_else(|| invalid("invalid escape \\ sequence"))
}

fn named_class(name: &str) -> Option<Vec<ClassItem>> {
    let names: &[&'static str] = match name {
        "alpha" => &["\\p{Alphabetic}"],
        "digit" => &["\\d"],
        "alnum" => &["\\p{Alphabetic}", "\\d"],
        "lower" => &["\\p{Lowercase}"],
        "upper" => &["\\p{Uppercase}"],
        "space" => &["\\s"],
        "word" => &["\\w"],
        "punct" => &["[:punct:]"],
        "blank" => &["[:blank:]"],
        "cntrl" => &["[:cntrl:]"],
        "graph" => &["[:graph:]"],
        "print" => &["[:print:]"],
        "xdigit" => &["[:xdigit:]"],
        "ascii" => &["[:ascii:]"],
        _ => return None,
    };
    Some(names.iter().map(|name| ClassItem::Named(name)).collect())
}
