//! Quoting, and `format`.

use super::super::FuncDef;
use super::super::build::*;
use repr::text::TextSettings;
use repr::{Datum, EvalError, SqlError, SqlState, SqlType};

/// The entries.
pub fn table() -> Vec<FuncDef> {
    vec![
        func("quote_ident", "quote_ident", &[TEXT], TEXT, |a, arena| Ok(text_out(quote_ident(arg(a, 0)?), arena)))
            .infallible(),
        func("quote_literal", "quote_literal", &[TEXT], TEXT, |a, arena| {
            Ok(text_out(quote_literal(arg(a, 0)?), arena))
        })
        .infallible(),
        func("quote_nullable", "quote_nullable", &[TEXT], TEXT, |a, arena| {
            Ok(match optional::<&str>(a, 0)? {
                Some(text) => text_out(quote_literal(text), arena),
                None => Datum::Text("NULL"),
            })
        })
        .never_null()
        .infallible(),
        session("quote_literal_any", "quote_literal", &[ANY], TEXT, |a, arena, settings| {
            Ok(text_out(converted(as_cast(a[0]), 'L', settings)?, arena))
        }),
        session("quote_nullable_any", "quote_nullable", &[ANY], TEXT, |a, arena, settings| {
            Ok(text_out(converted(as_cast(a[0]), 'L', settings)?, arena))
        })
        .never_null(),
        session("text_format", "format", &[TEXT, ANY], TEXT, |a, arena, settings| {
            let Some(template) = optional::<&str>(a, 0)? else { return Ok(Datum::Null) };
            let text = format(template, &a[1..], settings)?;
            check_length(text.len())?;
            Ok(text_out(text, arena))
        })
        .variadic()
        .called(),
        func("text_format1", "format", &[TEXT], TEXT, |a, arena| {
            Ok(text_out(format(arg(a, 0)?, &[], &super::super::DEFAULT_SETTINGS)?, arena))
        }),
    ]
}

/// Words that SQL reads as something else than a name.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lateral",
    "leading",
    "limit",
    "localtime",
    "localtimestamp",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "placing",
    "primary",
    "references",
    "returning",
    "select",
    "session_user",
    "some",
    "symmetric",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];

/// A name as SQL reads it back.
fn quote_ident(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !RESERVED.contains(&name);
    if plain { name.to_string() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A text as SQL reads it back.
fn quote_literal(text: &str) -> String {
    let prefix = if text.contains('\\') { "E" } else { "" };
    format!("{prefix}'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// One `%…` of a template: which argument, how wide, of which kind.
struct Specifier {
    /// Which argument, from 1; the next if none.
    position: Option<usize>,
    left: bool,
    width: Width,
    kind: char,
}

/// How wide at least.
enum Width {
    Fixed(usize),
    /// An argument says so: this one, from 1, or the next.
    Argument(Option<usize>),
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn unterminated() -> EvalError {
    invalid_parameter("unterminated format() type specifier").hint("For a single \"%\" use \"%%\".")
}

fn number(chars: &mut Chars<'_>) -> Option<usize> {
    let mut value = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        value = Some(value.unwrap_or(0usize).saturating_mul(10).saturating_add(digit as usize));
        chars.next();
    }
    value
}

fn check_position(position: usize) -> Result<usize, EvalError> {
    if position == 0 {
        return Err(invalid_parameter("format specifies argument 0, but arguments are numbered from 1"));
    }
    Ok(position)
}

fn specifier(chars: &mut Chars<'_>) -> Result<Specifier, EvalError> {
    let mut first = number(chars);
    let mut position = None;
    if first.is_some() && chars.next_if_eq(&'$').is_some() {
        position = first.take().map(check_position).transpose()?;
    }
    let mut left = false;
    while first.is_none() && chars.next_if_eq(&'-').is_some() {
        left = true;
    }
    let width = if first.is_none() && chars.next_if_eq(&'*').is_some() {
        let argument = number(chars);
        if argument.is_some() && chars.next_if_eq(&'$').is_none() {
            let error = invalid_parameter("width argument position must be ended by \"$\"");
            return Err(if chars.peek().is_none() { unterminated() } else { error });
        }
        Width::Argument(argument.map(check_position).transpose()?)
    } else {
        Width::Fixed(first.or_else(|| number(chars)).unwrap_or(0))
    };
    let kind = chars.next().ok_or_else(unterminated)?;
    Ok(Specifier { position, left, width, kind })
}

/// The arguments, and which one is next, from 0.
struct Arguments<'a, 'd> {
    args: &'a [Datum<'d>],
    next: usize,
}

impl<'d> Arguments<'_, 'd> {
    fn take(&mut self, position: Option<usize>) -> Result<Datum<'d>, EvalError> {
        let at = position.map_or(self.next, |position| position - 1);
        self.next = at + 1;
        self.args.get(at).copied().ok_or_else(|| invalid_parameter("too few arguments for format()"))
    }

    /// A width; a negative one aligns to the left, NULL is none.
    fn width(&mut self, position: Option<usize>) -> Result<i64, EvalError> {
        Ok(match self.take(position)? {
            Datum::Null => 0,
            Datum::Int2(width) => width.into(),
            Datum::Int4(width) => width.into(),
            other => {
                let text = repr::text::to_string(other, &SqlType::Text);
                repr::text::number::parse_int::<i32>(&text, "integer")?.into()
            }
        })
    }
}

fn format(template: &str, args: &[Datum<'_>], settings: &TextSettings) -> Result<String, EvalError> {
    let mut out = String::new();
    let mut args = Arguments { args, next: 0 };
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.next_if_eq(&'%').is_some() {
            out.push('%');
            continue;
        }
        let Specifier { position, left, width, kind } = specifier(&mut chars)?;
        if !matches!(kind, 's' | 'I' | 'L') {
            let error = invalid_parameter(format!("unrecognized format() type specifier \"{kind}\""));
            return Err(error.hint("For a single \"%\" use \"%%\"."));
        }
        let width = match width {
            Width::Fixed(width) => i64::try_from(width).unwrap_or(i64::MAX),
            Width::Argument(argument) => args.width(argument)?,
        };
        let left = left || width < 0;
        let width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
        let text = converted(args.take(position)?, kind, settings)?;
        check_length(out.len().saturating_add(text.len()).saturating_add(width))?;
        let missing = " ".repeat(width.saturating_sub(text.chars().count()));
        let (before, after) = if left { ("", missing.as_str()) } else { (missing.as_str(), "") };
        out.extend([before, &text, after]);
    }
    Ok(out)
}

/// A value as a cast to text shows it: only truth values are printed otherwise.
fn as_cast(datum: Datum<'_>) -> Datum<'_> {
    match datum {
        Datum::Bool(true) => Datum::Text("true"),
        Datum::Bool(false) => Datum::Text("false"),
        other => other,
    }
}

fn converted(datum: Datum<'_>, kind: char, settings: &TextSettings) -> Result<String, EvalError> {
    let mut text = String::new();
    repr::text::format(datum, &SqlType::Text, settings, &mut text);
    match kind {
        's' => Ok(text),
        'I' if datum.is_null() => {
            Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, "null values cannot be formatted as an SQL identifier"))
        }
        'I' => Ok(quote_ident(&text)),
        'L' if datum.is_null() => Ok("NULL".to_string()),
        _ => Ok(quote_literal(&text)),
    }
}
