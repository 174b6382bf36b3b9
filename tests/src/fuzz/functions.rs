//! The tables of functions and aggregates: `functions.txt` and `aggregates.txt`, read once.

use super::types::Type;
use std::sync::LazyLock;

/// A function for certain types.
#[derive(Clone, Debug)]
pub struct Function {
    /// The result's type.
    pub ret: Type,
    /// Whether it need not evaluate all its arguments.
    pub lazy: bool,
    /// Whether it fails for ordinary values.
    pub fails: bool,
    /// Whether it is an aggregate of floats.
    pub float: bool,
    /// Its SQL.
    pub parts: Vec<Part>,
}

/// A piece of a function's SQL.
#[derive(Clone, Debug)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// An argument.
    Hole(Type),
    /// The same argument again.
    Repeat(usize),
    /// A small integer.
    Small,
    /// One of these.
    Either(Vec<String>),
}

/// All functions and operators.
pub static FUNCTIONS: LazyLock<Vec<Function>> = LazyLock::new(|| read(include_str!("functions.txt")));
/// All aggregates.
pub static AGGREGATES: LazyLock<Vec<Function>> = LazyLock::new(|| read(include_str!("aggregates.txt")));

fn read(table: &str) -> Vec<Function> {
    let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.flat_map(line).collect()
}

/// The functions of a line: one for each type of its class.
fn line(line: &str) -> Vec<Function> {
    let (float, line) = line.strip_prefix("* ").map_or((false, line), |rest| (true, rest));
    let (ret, template) = line.split_once(": ").expect("a line is `type: template`");
    let (lazy, template) = template.strip_prefix("~ ").map_or((false, template), |rest| (true, rest));
    let (fails, template) = template.strip_prefix("! ").map_or((false, template), |rest| (true, rest));
    let is_class = |name: &str| name.len() == 1 && name.chars().all(|c| c.is_ascii_uppercase());
    let words = template.split('$').skip(1).map(|hole| hole_name(hole).0);
    let class = words.chain([ret]).find(|name| is_class(name)).map(|name| name.chars().next().unwrap_or('A'));
    let members = class.map_or(vec![Type::Bool], Type::class);
    let functions = members.into_iter().map(|member| {
        let resolve = |name: &str| {
            if is_class(name) { member } else { Type::named(name).unwrap_or_else(|| panic!("no type {name}: {line}")) }
        };
        Function { ret: resolve(ret), lazy, fails, float, parts: parts(template, &resolve) }
    });
    functions.collect()
}

/// A hole's type at the start of a text, and what follows.
fn hole_name(rest: &str) -> (&str, &str) {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    // An array's type, unless the brackets are a subscript: then they are not empty.
    let end = if rest[end..].starts_with("[]") { end + 2 } else { end };
    rest.split_at(end)
}

fn parts(mut template: &str, resolve: &dyn Fn(&str) -> Type) -> Vec<Part> {
    let mut parts = Vec::new();
    while let Some((before, rest)) = template.split_once('$') {
        parts.push(Part::Text(before.to_string()));
        let (part, after) = match rest.chars().next() {
            Some('<') => {
                let (all, after) = rest[1..].split_once('>').expect("`$<` has its `>`");
                (Part::Either(all.split(" | ").map(str::to_string).collect()), after)
            }
            Some(digit @ '0'..='9') => (Part::Repeat(digit as usize - '0' as usize), &rest[1..]),
            _ => match hole_name(rest) {
                ("small", after) => (Part::Small, after),
                (name, after) => (Part::Hole(resolve(name)), after),
            },
        };
        parts.push(part);
        template = after;
    }
    parts.push(Part::Text(template.to_string()));
    parts
}
