//! COPY to and from the client.

use super::Cx;
use super::options::Options;
use super::select::plan_text;
use super::write::{column_position, target};
use super::{names, plan_statement};
use crate::parser::extension::ast::{CopyRelation, CopyStatement};
use crate::parser::extension::print::exact_ident;
use crate::plan::{CopyFormat, CopyFromPlan, CopyToPlan, Plan};
use crate::statement::names::{fold, resolve_relation};
use repr::{RelationDesc, RelationType, SqlError, SqlState};
use sqlparser::ast::{Ident, ObjectName};

/// `COPY`
pub(super) fn copy(cx: &mut Cx<'_>, s: &CopyStatement) -> Result<Plan, SqlError> {
    let format = format(s)?;
    match (&s.relation, s.from_stdin) {
        (CopyRelation::Table(table, columns), true) => copy_from(cx, table, columns, format),
        (CopyRelation::Statement(_), true) => {
            Err(SqlError::new(SqlState::SYNTAX_ERROR, "cannot copy from STDIN into a query"))
        }
        (CopyRelation::Table(table, columns), false) => {
            let text = select_text(cx, table, columns)?;
            let inner = Box::new(plan_text(cx, &text)?);
            Ok(Plan::CopyTo(CopyToPlan { inner, format }))
        }
        (CopyRelation::Statement(inner), false) => match plan_statement(cx, inner)? {
            inner @ (Plan::Select(_) | Plan::Subscribe(_)) => {
                Ok(Plan::CopyTo(CopyToPlan { inner: Box::new(inner), format }))
            }
            _ => Err(SqlError::unsupported("COPY of anything but SELECT and SUBSCRIBE")),
        },
    }
}

/// The query whose rows `COPY table (columns) TO` sends.
fn select_text(cx: &Cx<'_>, table: &ObjectName, columns: &[Ident]) -> Result<String, SqlError> {
    let item = resolve_relation(cx.catalog, table)?;
    if !matches!(item.details.kind(), "table" | "source" | "materialized-view") {
        let kind = names::article(item.details.kind());
        let error = SqlError::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("cannot copy from \"{}\": it is {kind}", item.name.item),
        );
        return Err(error.hint("Try the COPY (SELECT ...) TO variant."));
    }
    let desc = item.details.desc().cloned().unwrap_or_default();
    let columns = positions(columns, &desc, |name| {
        let message = format!("column \"{name}\" of relation \"{}\" does not exist", item.name.item);
        SqlError::new(SqlState::UNDEFINED_COLUMN, message)
    })?;
    let columns: Vec<String> = columns.iter().map(|i| exact_ident(&desc.names[*i]).to_string()).collect();
    Ok(format!("SELECT {} FROM {}", columns.join(", "), crate::canonical::id_name(item.id)))
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

fn copy_from(cx: &Cx<'_>, table: &ObjectName, columns: &[Ident], format: CopyFormat) -> Result<Plan, SqlError> {
    let target = target(cx, table, "copy to")?;
    let missing = |name: &str| column_position(&target, name).err().unwrap_or_else(|| SqlError::internal("a column"));
    let columns = positions(columns, target.desc, missing)?;
    let names = columns.iter().map(|i| target.desc.names[*i].clone()).collect();
    let types = columns.iter().map(|i| target.desc.typ.columns[*i].clone()).collect();
    Ok(Plan::CopyFrom(CopyFromPlan {
        table: target.item.id,
        columns,
        input_desc: RelationDesc::new(names, RelationType::new(types)),
        defaults: target.defaults.to_vec(),
        format,
    }))
}

fn format(s: &CopyStatement) -> Result<CopyFormat, SqlError> {
    let mut options = Options::new("COPY", &s.options)?;
    let null = options.text("NULL")?;
    let header = options.bool("HEADER")?;
    let delimiter = one_byte(&options, "DELIMITER")?;
    let quote = one_byte(&options, "QUOTE")?;
    if let Some(escape) = one_byte(&options, "ESCAPE")?
        && escape != quote.unwrap_or(b'"')
    {
        return Err(SqlError::unsupported("ESCAPE that differs from QUOTE"));
    }
    let only =
        |what: &str| SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, format!("COPY {what} available only in CSV mode"));
    let name = options.text("FORMAT")?.unwrap_or_else(|| "text".to_string());
    match name.to_ascii_lowercase().as_str() {
        "csv" => Ok(CopyFormat::Csv {
            delimiter: delimiter.unwrap_or(b','),
            quote: quote.unwrap_or(b'"'),
            null: null.unwrap_or_default(),
            header: header.unwrap_or(false),
        }),
        "text" if quote.is_some() => Err(only("quote")),
        "text" if header == Some(true) => Err(only("HEADER")),
        "text" => {
            let null = null.unwrap_or_else(|| "\\N".to_string());
            Ok(CopyFormat::Text { delimiter: delimiter.unwrap_or(b'\t'), null })
        }
        "binary" if delimiter.is_some() || null.is_some() || quote.is_some() || header == Some(true) => {
            let message = "cannot specify DELIMITER, NULL, QUOTE or HEADER in BINARY mode";
            Err(SqlError::new(SqlState::SYNTAX_ERROR, message))
        }
        "binary" => Ok(CopyFormat::Binary),
        other => {
            let message = format!("COPY format \"{other}\" not recognized");
            Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
    }
}

fn one_byte(options: &Options<'_>, name: &str) -> Result<Option<u8>, SqlError> {
    let Some(text) = options.text(name)? else { return Ok(None) };
    match text.as_bytes() {
        [byte] if !matches!(byte, b'\n' | b'\r') => Ok(Some(*byte)),
        _ => {
            let message = format!("COPY {} must be a single one-byte character", name.to_lowercase());
            Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message))
        }
    }
}
