//! JSON as a text (`json`): its parts, which are pieces of it.
//!
//! The texts are JSON: their input function saw to that. What is none has no parts.

/// What kind of value a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// a number
    Number,
    /// a string
    String,
    /// an array
    Array,
    /// an object
    Object,
}

/// What kind of value a text is.
pub fn kind(text: &str) -> Kind {
    match trim(text).as_bytes().first() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b'"') => Kind::String,
        Some(b't' | b'f') => Kind::Bool,
        Some(b'n') => Kind::Null,
        _ => Kind::Number,
    }
}

/// The elements of an array; none of another value.
pub fn elements(text: &str) -> Option<Vec<&str>> {
    let mut rest = trim(text).strip_prefix('[')?;
    let mut elements = Vec::new();
    while !trim(rest).starts_with(']') {
        let (element, tail) = split(rest)?;
        elements.push(element);
        rest = trim(tail);
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    Some(elements)
}

/// The members of an object as they are written, keys with their quotes; none of another value.
pub fn members(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut rest = trim(text).strip_prefix('{')?;
    let mut members = Vec::new();
    while !trim(rest).starts_with('}') {
        let (key, tail) = split(rest)?;
        let (value, tail) = split(trim(tail).strip_prefix(':')?)?;
        members.push((key, value));
        rest = trim(tail);
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    Some(members)
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// The value at the head of a text without blanks around it, and what follows it.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r']);
    let (mut depth, mut quoted, mut escaped) = (0u32, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '[' | '{' if !quoted => depth += 1,
            ',' | ':' | ']' | '}' if !quoted && depth == 0 => return Some((trim(&text[..at]), &text[at..])),
            ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    None
}
