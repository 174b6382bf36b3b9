//! The reference of functions as Markdown: `docs/functions.md`.

use super::{Kind, Routine, all};
use expr::func::ArgType;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The families in the order of the reference.
const FAMILIES: [&str; 17] = [
    "Comparison",
    "Logic",
    "Numbers",
    "Text",
    "Patterns",
    "Bytes and hashes",
    "Dates and times",
    "JSON",
    "Arrays",
    "Lists and maps",
    "Ranges",
    "Enums",
    "Rows, types and sizes",
    "Aggregates",
    "Window functions",
    "Table functions",
    "Session and moment",
];

const HEAD: &str = "# Functions and operators

Made from the tables of functions that queries are planned with (`REWRITE=1 cargo test -p sql routines`). `any...` may repeat.
`anyelement` stands for one type throughout a signature, `anyarray`, `anylist`, `anymap` and `anyrange` for those of it.
";

/// The whole text.
pub fn reference() -> String {
    let routines = all();
    let mut out = HEAD.to_string();
    for family in FAMILIES.iter().chain(&["Catalog and environment"]) {
        let mut by_name: BTreeMap<&str, Vec<&Routine>> = BTreeMap::new();
        for routine in routines.iter().filter(|routine| routine.family == *family) {
            by_name.entry(&routine.name).or_default().push(routine);
        }
        let _ = write!(out, "\n## {family}\n\n| name | signatures | |\n|---|---|---|\n");
        for (name, routines) in by_name {
            let mut signatures: Vec<String> = routines.iter().map(|routine| signature(routine)).collect();
            signatures.sort();
            signatures.dedup();
            let signatures = signatures.join("<br>");
            let description = routines[0].description().unwrap_or_default();
            let _ = writeln!(out, "| {} | {signatures} | {} |", code(name), description.replace('|', "\\|"));
        }
    }
    out
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// `name(types) → result`, or operands with the operator between.
fn signature(routine: &Routine) -> String {
    let args: Vec<String> = routine.args.iter().map(type_text).collect();
    let name = &routine.name;
    let call = match (routine.kind, &args[..]) {
        (Kind::Operator, [left, right]) => format!("{left} {name} {right}"),
        (Kind::Operator, [right]) => format!("{name} {right}"),
        (Kind::OrderedSet(direct) | Kind::HypotheticalSet(direct), args) => {
            let (direct, ordered) = if routine.variadic { (args, args) } else { args.split_at(direct) };
            let more = if routine.variadic { "..." } else { "" };
            format!("{name}({}{more}) WITHIN GROUP (ORDER BY {}{more})", direct.join(", "), ordered.join(", "))
        }
        (_, args) => format!("{name}({}{})", args.join(", "), if routine.variadic { "..." } else { "" }),
    };
    code(&format!("{call} → {}", result(routine)))
}

fn result(routine: &Routine) -> String {
    let column = |(name, ty): &(Option<&str>, ArgType)| match name {
        Some(name) => format!("{name} {}", type_text(ty)),
        None => type_text(ty),
    };
    let columns: Vec<String> = routine.ret.iter().map(column).collect();
    match (routine.set, &columns[..]) {
        (false, [one]) => one.clone(),
        (true, [one]) => format!("setof {one}"),
        (_, columns) => format!("table({})", columns.join(", ")),
    }
}

/// A type as the reference writes it.
fn type_text(arg: &ArgType) -> String {
    match arg {
        ArgType::Exact(ty) => short(ty),
        ArgType::Any => "any".to_string(),
        ArgType::Element => "anyelement".to_string(),
        ArgType::ArrayOfElement => "anyarray".to_string(),
        ArgType::RangeOfElement => "anyrange".to_string(),
        ArgType::ListOfElement => "anylist".to_string(),
        ArgType::MapOfElement => "anymap".to_string(),
        ArgType::Enum => "anyenum".to_string(),
    }
}

fn short(ty: &repr::SqlType) -> String {
    match ty {
        repr::SqlType::Array(element) => format!("{}[]", short(element)),
        other => repr::pg::typname(other),
    }
}
