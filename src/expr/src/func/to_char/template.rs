//! Cutting a date template into patterns and literal text.

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// A pattern by its upper-case name, as it was written, with what stands around it.
    Pattern(Pattern),
    /// Text that stands for itself.
    Literal(char),
    /// The same in quotes.
    Quoted(char),
    /// `FX`: the text to be read has all blanks and separators that the template has.
    Exact,
}

/// A pattern with its modifiers.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// Its name in the table below.
    pub name: &'static str,
    /// How it was written: case decides the case of names.
    pub written: String,
    /// `FM`: without padding.
    pub fill: bool,
    /// `TM`: a name in the session's language, which is not padded.
    pub translated: bool,
    /// `TH` (true: upper case) or `th`: an ordinal suffix.
    pub ordinal: Option<bool>,
}

/// Patterns, longer ones before their prefixes.
const NAMES: &[&str] = &[
    "A.D.", "A.M.", "B.C.", "P.M.", "AD", "AM", "BC", "CC", "DAY", "DDD", "DD", "DY", "D", "FF1", "FF2", "FF3", "FF4",
    "FF5", "FF6", "HH24", "HH12", "HH", "IDDD", "ID", "IW", "IYYY", "IYY", "IY", "I", "J", "MI", "MM", "MONTH", "MON",
    "MS", "OF", "PM", "Q", "RM", "SSSSS", "SSSS", "SS", "TZH", "TZM", "TZ", "US", "WW", "W", "Y,YYY", "YYYY", "YYY",
    "YY", "Y",
];

/// Names that are also written with a capital.
const CAPITALS: [(&str, &str); 4] = [("DAY", "Day"), ("DY", "Dy"), ("MONTH", "Month"), ("MON", "Mon")];

/// Cuts a template.
pub fn cut(template: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        let (mut fill, mut translated) = (false, false);
        if let Some(tail) = strip(rest, "FM") {
            (fill, rest) = (true, tail);
        } else if let Some(tail) = strip(rest, "TM") {
            (translated, rest) = (true, tail);
        }
        if let Some(tail) = strip(rest, "FX") {
            pieces.push(Piece::Exact);
            rest = tail;
            continue;
        }
        if let Some(name) = NAMES.iter().find(|name| is_written(rest, name)) {
            let written = rest[..name.len()].to_string();
            rest = &rest[name.len()..];
            let ordinal = [("TH", true), ("th", false)].into_iter().find(|(suffix, _)| rest.starts_with(suffix));
            let suffix = ordinal.map_or(if rest.starts_with("SP") { "SP" } else { "" }, |(suffix, _)| suffix);
            rest = &rest[suffix.len()..];
            let ordinal = ordinal.map(|(_, upper)| upper);
            pieces.push(Piece::Pattern(Pattern { name, written, fill, translated, ordinal }));
            continue;
        }
        rest = literal(rest, &mut pieces);
    }
    pieces
}

/// A character that stands for itself, or several in quotes; what follows.
fn literal<'a>(text: &'a str, pieces: &mut Vec<Piece>) -> &'a str {
    let Some(first) = text.chars().next() else { return text };
    if first == '"' {
        return quoted(&text[1..], pieces);
    }
    if let Some(rest) = text.strip_prefix("\\\"") {
        pieces.push(Piece::Quoted('"'));
        return rest;
    }
    pieces.push(Piece::Literal(first));
    &text[first.len_utf8()..]
}

/// What follows a word that is written in one case.
fn strip<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.strip_prefix(word).or_else(|| text.strip_prefix(&word.to_lowercase()))
}

/// Whether a pattern begins here: in capitals, in small letters, and names of days and months with one capital.
fn is_written(text: &str, name: &str) -> bool {
    let capital = CAPITALS.iter().find(|(upper, _)| *upper == name);
    strip(text, name).is_some() || capital.is_some_and(|(_, capital)| text.starts_with(capital))
}

/// Literal text up to the closing quote; what follows it.
fn quoted<'a>(text: &'a str, pieces: &mut Vec<Piece>) -> &'a str {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return &text[at + 1..],
            '\\' => pieces.extend(chars.next().map(|(_, c)| Piece::Quoted(c))),
            c => pieces.push(Piece::Quoted(c)),
        }
    }
    ""
}
