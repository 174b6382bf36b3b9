//! COPY to and from the client.

use super::Cx;
use super::options::Options;
use super::select::plan_text;
use super::write::{Target, column_position, target};
use super::{names, plan_statement};
use crate::catalog::CatalogItem;
use crate::parser::extension::ast::{CopyRelation, CopyStatement, OptionValue};
use crate::parser::extension::print::exact_ident;
use crate::plan::{CopyFormat, CopyFromPlan, CopyHeader, CopyToPlan, Plan};
use crate::query::{ScalarPlace, plan_scalar};
use crate::statement::names::{fold, resolve_relation};
use expr::ScalarExpr;
use repr::{RelationDesc, RelationType, SqlError, SqlState, SqlType};
use sqlparser::ast::{Expr, Ident, ObjectName};

/// `COPY`
pub(super) fn copy(cx: &mut Cx<'_>, s: &CopyStatement) -> Result<Plan, SqlError> {
    if s.selection.is_some() && !s.from_stdin {
        let error = SqlError::new(SqlState::SYNTAX_ERROR, "WHERE clause not allowed with COPY TO");
        return Err(error.hint("Try the COPY (SELECT ... WHERE ...) TO variant."));
    }
    match (&s.relation, s.from_stdin) {
        (CopyRelation::Table(table, columns), true) => copy_from(cx, s, table, columns),
        (CopyRelation::Statement(_), true) => {
            Err(SqlError::new(SqlState::SYNTAX_ERROR, "cannot copy from STDIN into a query"))
        }
        (CopyRelation::Table(table, columns), false) => {
            let (text, relation) = select_text(cx, table, columns)?;
            let inner = plan_text(cx, &text)?;
            copy_to(s, inner, Some(&relation))
        }
        (CopyRelation::Statement(inner), false) => {
            let inner = plan_statement(cx, inner)?;
            copy_to(s, inner, None)
        }
    }
}

fn copy_to(s: &CopyStatement, inner: Plan, relation: Option<&CatalogItem>) -> Result<Plan, SqlError> {
    let names = match &inner {
        Plan::Select(plan) => &plan.desc.names,
        Plan::Subscribe(plan) => &plan.output_desc.names,
        _ => return Err(SqlError::unsupported("COPY of anything but SELECT and SUBSCRIBE")),
    };
    let format = format(s, &Copied { columns: names, relation })?;
    Ok(Plan::CopyTo(CopyToPlan { inner: Box::new(inner), format }))
}

/// The query whose rows `COPY table (columns) TO` sends, and the relation.
fn select_text(cx: &Cx<'_>, table: &ObjectName, columns: &[Ident]) -> Result<(String, CatalogItem), SqlError> {
    let item = resolve_relation(cx.catalog, table)?;
    if !matches!(item.details.kind(), "table" | "source" | "materialized-view") {
        let message = format!("cannot copy from {} \"{}\"", item.details.kind().replace('-', " "), item.name.item);
        let error = SqlError::new(SqlState::WRONG_OBJECT_TYPE, message);
        return Err(error.hint("Try the COPY (SELECT ...) TO variant."));
    }
    let desc = item.details.desc().cloned().unwrap_or_default();
    let columns = positions(columns, &desc, |name| {
        let message = format!("column \"{name}\" of relation \"{}\" does not exist", item.name.item);
        SqlError::new(SqlState::UNDEFINED_COLUMN, message)
    })?;
    let columns: Vec<String> = columns.iter().map(|i| exact_ident(&desc.names[*i]).to_string()).collect();
    Ok((format!("SELECT {} FROM {}", columns.join(", "), crate::canonical::id_name(item.id)), item.clone()))
}

/// Positions of the columns named, each once; of all columns if none is named.
fn positions(
    columns: &[Ident],
    desc: &RelationDesc,
    missing: impl Fn(&str) -> SqlError,
) -> Result<Vec<usize>, SqlError> {
    if columns.is_empty() {
        return Ok((0..desc.arity()).collect());
    }
    let mut positions = Vec::new();
    for column in columns {
        let name = fold(column);
        let position = desc.position(&name).ok_or_else(|| missing(&name))?;
        if positions.contains(&position) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, message));
        }
        positions.push(position);
    }
    Ok(positions)
}

fn copy_from(cx: &mut Cx<'_>, s: &CopyStatement, table: &ObjectName, columns: &[Ident]) -> Result<Plan, SqlError> {
    let target = target(cx, table, "copy to")?;
    let missing = |name: &str| column_position(&target, name).err().unwrap_or_else(|| SqlError::internal("a column"));
    let columns = positions(columns, target.desc, missing)?;
    let names: Vec<_> = columns.iter().map(|i| target.desc.names[*i].clone()).collect();
    let format = format(s, &Copied { columns: &names, relation: Some(target.item) })?;
    let selection = s.selection.as_ref().map(|expr| condition(cx, expr, &target)).transpose()?;
    let types = columns.iter().map(|i| target.desc.typ.columns[*i].clone()).collect();
    Ok(Plan::CopyFrom(CopyFromPlan {
        table: target.item.id,
        columns,
        input_desc: RelationDesc::new(names, RelationType::new(types)),
        defaults: target.defaults.to_vec(),
        selection,
        format,
    }))
}

/// Which rows are kept.
fn condition(cx: &mut Cx<'_>, expr: &Expr, target: &Target<'_>) -> Result<ScalarExpr, SqlError> {
    let relations = &[(target.item.name.item.as_str(), target.desc)];
    let place = ScalarPlace { relations, expected: None, clause: "COPY FROM WHERE conditions" };
    let condition = plan_scalar(&mut cx.query, expr, place)?;
    match condition.typ(&target.desc.typ.columns).ty.without_modifier() {
        SqlType::Bool => Ok(condition),
        other => {
            let message = format!("argument of WHERE must be type boolean, not type {other}");
            Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message))
        }
    }
}

/// What is copied.
struct Copied<'a> {
    columns: &'a [String],
    /// None for a query.
    relation: Option<&'a CatalogItem>,
}

impl Copied<'_> {
    /// The error for a column that is not among those copied.
    fn missing(&self, option: &str, column: &str) -> SqlError {
        let exists = self.relation.and_then(|item| item.details.desc()?.position(column)).is_some();
        let (code, message) = match self.relation {
            Some(_) if exists => {
                let message = format!("{option} column \"{column}\" not referenced by COPY");
                (SqlState::INVALID_COLUMN_REFERENCE, message)
            }
            Some(item) => {
                let message = format!("column \"{column}\" of relation \"{}\" does not exist", item.name.item);
                (SqlState::UNDEFINED_COLUMN, message)
            }
            None => (SqlState::UNDEFINED_COLUMN, format!("column \"{column}\" does not exist")),
        };
        SqlError::new(code, message)
    }
}

/// The format of a COPY.
fn format(s: &CopyStatement, copied: &Copied<'_>) -> Result<CopyFormat, SqlError> {
    let mut options = Options::new("COPY", &s.options)?;
    let given = Given::new(&mut options, s.from_stdin)?;
    let forced = |name| forced(&options, name, copied, s.from_stdin);
    let name = options.text("FORMAT")?.unwrap_or_else(|| "text".to_string());
    match name.to_ascii_lowercase().as_str() {
        "csv" => {
            let quote = given.quote.unwrap_or(b'"');
            let delimiter = given.delimiter.unwrap_or(b',');
            if quote == delimiter {
                return Err(invalid("COPY delimiter and quote must be different"));
            }
            let null = given.null.unwrap_or_default();
            refuse_in_null("COPY delimiter", delimiter, &null)?;
            refuse_in_null("CSV quote character", quote, &null)?;
            Ok(CopyFormat::Csv {
                delimiter,
                quote,
                escape: given.escape.unwrap_or(quote),
                null,
                header: given.header.unwrap_or(CopyHeader::Absent),
                force_quote: forced("FORCE_QUOTE")?,
                force_null: forced("FORCE_NULL")?,
                force_not_null: forced("FORCE_NOT_NULL")?,
            })
        }
        "text" => {
            given.refuse_csv_only(&options)?;
            let null = given.null.unwrap_or_else(|| "\\N".to_string());
            let header = given.header.unwrap_or(CopyHeader::Absent);
            let delimiter = text_delimiter(given.delimiter)?;
            refuse_in_null("COPY delimiter", delimiter, &null)?;
            Ok(CopyFormat::Text { delimiter, null, header })
        }
        "binary" => {
            let refused = [
                ("DELIMITER", given.delimiter.is_some()),
                ("NULL", given.null.is_some()),
                ("HEADER", given.header.is_some_and(|h| h != CopyHeader::Absent)),
            ];
            if let Some((what, _)) = refused.iter().find(|(_, given)| *given) {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("cannot specify {what} in BINARY mode")));
            }
            given.refuse_csv_only(&options)?;
            Ok(CopyFormat::Binary)
        }
        other => {
            let message = format!("COPY format \"{other}\" not recognized");
            Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
    }
}

/// Options that are read before the format tells whether they fit.
struct Given {
    null: Option<String>,
    header: Option<CopyHeader>,
    delimiter: Option<u8>,
    quote: Option<u8>,
    escape: Option<u8>,
}

impl Given {
    fn new(options: &mut Options<'_>, from_stdin: bool) -> Result<Given, SqlError> {
        let null = options.text("NULL")?;
        if null.as_ref().is_some_and(|null| null.contains(['\n', '\r'])) {
            return Err(invalid("COPY null representation cannot use newline or carriage return"));
        }
        if let Some(encoding) = options.text("ENCODING")?
            && !["utf8", "utf-8", "unicode"].contains(&encoding.to_ascii_lowercase().as_str())
        {
            return Err(SqlError::unsupported(format!("the encoding {encoding}")));
        }
        options.bool("FREEZE")?;
        Ok(Given {
            null,
            header: header(options, from_stdin)?,
            delimiter: one_byte(options, "DELIMITER")?,
            quote: one_byte(options, "QUOTE")?,
            escape: one_byte(options, "ESCAPE")?,
        })
    }

    fn refuse_csv_only(&self, options: &Options<'_>) -> Result<(), SqlError> {
        let given = [
            ("quote", self.quote.is_some()),
            ("escape", self.escape.is_some()),
            ("force quote", options.value("FORCE_QUOTE").is_some()),
            ("force not null", options.value("FORCE_NOT_NULL").is_some()),
            ("force null", options.value("FORCE_NULL").is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((what, _)) => {
                let message = format!("COPY {what} available only in CSV mode");
                Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message))
            }
            None => Ok(()),
        }
    }
}

fn refuse_in_null(what: &str, byte: u8, null: &str) -> Result<(), SqlError> {
    if !null.as_bytes().contains(&byte) {
        return Ok(());
    }
    let message = format!("{what} must not appear in the NULL specification");
    Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message))
}

fn invalid(message: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn header(options: &mut Options<'_>, from_stdin: bool) -> Result<Option<CopyHeader>, SqlError> {
    if let Ok(Some(word)) = options.text("HEADER")
        && word.eq_ignore_ascii_case("match")
    {
        return match from_stdin {
            true => Ok(Some(CopyHeader::Match)),
            false => Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot use \"match\" with HEADER in COPY TO")),
        };
    }
    let Ok(given) = options.bool("HEADER") else {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "header requires a Boolean value or \"match\""));
    };
    Ok(given.map(|given| if given { CopyHeader::Present } else { CopyHeader::Absent }))
}

/// A delimiter of the text format: nothing that could be data or an escape.
fn text_delimiter(delimiter: Option<u8>) -> Result<u8, SqlError> {
    let Some(delimiter) = delimiter else { return Ok(b'\t') };
    if delimiter == b'\\' || delimiter == b'.' || delimiter.is_ascii_lowercase() || delimiter.is_ascii_digit() {
        let message = format!("COPY delimiter cannot be \"{}\"", char::from(delimiter));
        return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(delimiter)
}

/// The positions of the columns that an option names; `*` is all.
fn forced(options: &Options<'_>, name: &str, copied: &Copied<'_>, from_stdin: bool) -> Result<Vec<usize>, SqlError> {
    let what = name.to_lowercase().replace('_', " ");
    let fits = (name == "FORCE_QUOTE") != from_stdin;
    let names = match options.value(name) {
        None => return Ok(Vec::new()),
        Some(_) if !fits => {
            let way = if from_stdin { "TO" } else { "FROM" };
            let message = format!("COPY {what} only available using COPY {way}");
            return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        Some(OptionValue::Text(all)) if all == "*" => return Ok((0..copied.columns.len()).collect()),
        Some(OptionValue::List(names)) => names,
        Some(_) => {
            let message = format!("argument to option \"{}\" must be a list of column names", name.to_lowercase());
            return Err(invalid(&message));
        }
    };
    let position = |value: &OptionValue| {
        let given = match value {
            OptionValue::Name(name) => names::dotted(name),
            OptionValue::Text(text) => text.clone(),
            _ => String::new(),
        };
        let position = copied.columns.iter().position(|column| *column == given);
        position.ok_or_else(|| copied.missing(name, &given))
    };
    names.iter().map(position).collect()
}

fn one_byte(options: &Options<'_>, name: &str) -> Result<Option<u8>, SqlError> {
    let Some(text) = options.text(name)? else { return Ok(None) };
    match text.as_bytes() {
        [b'\n' | b'\r'] => {
            let message = format!("COPY {} cannot be newline or carriage return", name.to_lowercase());
            Err(invalid(&message))
        }
        [byte] => Ok(Some(*byte)),
        _ => {
            let message = format!("COPY {} must be a single one-byte character", name.to_lowercase());
            Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message))
        }
    }
}
