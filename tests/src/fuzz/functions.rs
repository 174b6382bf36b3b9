//! The tables of functions and aggregates: `functions.txt` and `aggregates.txt`, read once.

use super::types::Type;
use std::sync::LazyLock;

/// A function for certain types.
#[derive(Clone, Debug)]
pub struct Function {
    /// The line of the table that it is from, by which it is counted.
    pub line: &'static str,
    /// The result's type.
    pub ret: Type,
    /// Whether it need not evaluate all its arguments.
    pub lazy: bool,
    /// Whether it fails for ordinary values.
    pub fails: bool,
    /// Whether the last digits of its floats may differ.
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
    Either(Vec<&'static str>),
}

impl Function {
    /// As an aggregate: the types of arguments of which it shows one out of several that are equal.
    pub fn loose_arguments(&self) -> impl Iterator<Item = Type> {
        let sums = ["sum(", "avg("].iter().any(|name| self.line.contains(name));
        self.parts.iter().filter_map(move |part| match part {
            Part::Hole(ty) if !sums => Some(*ty),
            _ => None,
        })
    }
}

/// A piece of a line, before its classes stand for types.
#[derive(Clone, Copy, Debug)]
enum Piece {
    Text(&'static str),
    Hole(&'static str),
    TypeName(&'static str),
    Repeat(usize),
    Small,
    Either(&'static str),
}

/// The functions of each line that have one type as result.
pub struct Table {
    by_type: Vec<Vec<Vec<Function>>>,
    lines: Vec<&'static str>,
}

/// All functions and operators.
pub static FUNCTIONS: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("functions.txt")));
/// All aggregates.
pub static AGGREGATES: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("aggregates.txt")));

/// Window functions of rows in a total order.
pub static FUNCTIONS_OVER_ROWS: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("windows.txt")));

impl Table {
    fn read(text: &'static str) -> Table {
        let lines: Vec<_> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let mut by_type: Vec<Vec<Vec<Function>>> = Type::all().map(|_| Vec::new()).collect();
        for line in &lines {
            let functions = functions(line);
            for ty in Type::all() {
                let members: Vec<_> = functions.iter().filter(|f| f.ret == ty).cloned().collect();
                by_type[ty as usize].extend((!members.is_empty()).then_some(members));
            }
        }
        Table { by_type, lines }
    }

    /// The functions with a result of this type, those of a line together.
    pub fn of(&self, ty: Type) -> &[Vec<Function>] {
        &self.by_type[ty as usize]
    }

    /// All lines.
    pub fn lines(&self) -> &[&'static str] {
        &self.lines
    }
}

/// The functions of a line: one for each choice of types for its classes.
fn functions(line: &'static str) -> Vec<Function> {
    let (float, rest) = line.strip_prefix("* ").map_or((false, line), |rest| (true, rest));
    let (ret, template) = rest.split_once(": ").expect("a line is `type: template`");
    let (lazy, template) = template.strip_prefix("~ ").map_or((false, template), |rest| (true, rest));
    let (fails, template) = template.strip_prefix("! ").map_or((false, template), |rest| (true, rest));
    let pieces = pieces(template);
    let names = pieces.iter().filter_map(|piece| match piece {
        Piece::Hole(name) | Piece::TypeName(name) => Some(*name),
        _ => None,
    });
    let mut classes: Vec<&str> = names.chain([ret]).filter(|name| is_class(name) && *name != "E").collect();
    classes.sort_unstable();
    classes.dedup();
    let choices = choices(&classes);
    let one = |chosen: &Vec<(&str, Type)>| {
        let resolve = |name: &str| resolve(name, chosen).unwrap_or_else(|| panic!("no type {name}: {line}"));
        let parts = pieces.iter().map(|piece| part(*piece, &resolve)).collect();
        Function { line, ret: resolve(ret), lazy, fails, float, parts }
    };
    choices.iter().map(one).collect()
}

fn is_class(name: &str) -> bool {
    name.len() == 1 && name.chars().all(|c| c.is_ascii_uppercase())
}

/// Each way to choose a type for each class.
fn choices<'a>(classes: &[&'a str]) -> Vec<Vec<(&'a str, Type)>> {
    let mut all = vec![Vec::new()];
    for class in classes {
        let members = Type::class(class.chars().next().unwrap_or('A'));
        let with = |chosen: &Vec<(&'a str, Type)>| -> Vec<Vec<(&'a str, Type)>> {
            members.iter().map(|member| chosen.iter().copied().chain([(*class, *member)]).collect()).collect()
        };
        all = all.iter().flat_map(with).collect();
    }
    all
}

/// The type of this name, where the classes are chosen.
fn resolve(name: &str, chosen: &[(&str, Type)]) -> Option<Type> {
    let of = |class: &str| chosen.iter().find(|(name, _)| *name == class).map(|(_, ty)| *ty);
    match name {
        "E" => of("Y").or(of("R")).map(Type::element),
        _ => of(name).or_else(|| Type::named(name)),
    }
}

fn pieces(mut template: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    while let Some((before, rest)) = template.split_once('$') {
        pieces.push(Piece::Text(before));
        let (piece, after) = match rest.chars().next() {
            Some('<') => {
                let (all, after) = rest[1..].split_once('>').expect("`$<` has its `>`");
                (Piece::Either(all), after)
            }
            Some(digit @ '0'..='9') => (Piece::Repeat(digit as usize - '0' as usize), &rest[1..]),
            Some(':') => {
                let (name, after) = hole_name(&rest[1..]);
                (Piece::TypeName(name), after)
            }
            _ => match hole_name(rest) {
                ("small", after) => (Piece::Small, after),
                (name, after) => (Piece::Hole(name), after),
            },
        };
        pieces.push(piece);
        template = after;
    }
    pieces.push(Piece::Text(template));
    pieces
}

/// A hole's type at the start of a text, and what follows.
fn hole_name(rest: &str) -> (&str, &str) {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    // An array's type, unless the brackets are a subscript: then they are not empty.
    let end = if rest[end..].starts_with("[]") { end + 2 } else { end };
    rest.split_at(end)
}

fn part(piece: Piece, resolve: &dyn Fn(&str) -> Type) -> Part {
    match piece {
        Piece::Text(text) => Part::Text(text.to_string()),
        Piece::Hole(name) => Part::Hole(resolve(name)),
        Piece::TypeName(name) => Part::Text(resolve(name).name().to_string()),
        Piece::Repeat(i) => Part::Repeat(i),
        Piece::Small => Part::Small,
        Piece::Either(all) => Part::Either(all.split(" | ").collect()),
    }
}
