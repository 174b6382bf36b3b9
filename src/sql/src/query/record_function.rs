//! JSON as rows of types that the call says: `jsonb_to_recordset(json) AS t (name type, …)`, `jsonb_populate_record(NULL::type, json)` and
//! their like, for `json` and `jsonb`.

use super::expr::call;
use super::planner::{Planner, fold};
use super::table_function::Rows;
use crate::coerce::{Context, Operand};
use crate::hir::{ColId, HirRel};
use crate::types::sql_type;
use expr::{ScalarExpr, TableFunc};
use repr::{ColumnName, ColumnType, SqlError, SqlState, SqlType};
use sqlparser::ast::TableAlias;

/// What such a function takes and gives.
#[derive(Clone, Copy, PartialEq, Eq)]
struct RecordFunction {
    /// Whether its first argument has the type; else the alias says it.
    populates: bool,
    /// Whether it gives a row for each element of an array.
    set: bool,
}

fn record_function(name: &str) -> Option<RecordFunction> {
    let stem = name.strip_prefix("jsonb_").or_else(|| name.strip_prefix("json_"))?;
    let (populates, set) = match stem {
        "to_record" => (false, false),
        "to_recordset" => (false, true),
        "populate_record" => (true, false),
        "populate_recordset" => (true, true),
        _ => return None,
    };
    Some(RecordFunction { populates, set })
}

/// Whether a function of this name is one of them.
pub(super) fn is_one(name: &str) -> bool {
    record_function(name).is_some()
}

impl Planner<'_, '_> {
    /// Such a call in FROM; none if the function is another.
    pub(super) fn record_rows(
        &mut self,
        name: &str,
        args: &[Operand],
        alias: Option<&TableAlias>,
    ) -> Result<Option<Rows>, SqlError> {
        let Some(function) = record_function(name) else { return Ok(None) };
        let ty = match function.populates {
            true => self.populated_type(name, args)?,
            false => self.described_type(alias)?,
        };
        let json = self.json_argument(name, args, function)?;
        let (rel, record) = self.records(json, &ty, function)?;
        let mut columns = Vec::new();
        let mut values = Vec::new();
        for (at, (field, column)) in ty.fields().unwrap_or_default().iter().enumerate() {
            let id = self.column(field, column.clone());
            values.push((id, call(&format!("field({at})"), vec![ScalarExpr::Column(record)])?));
            columns.push((field.clone(), id));
        }
        let cols = columns.iter().map(|(_, id)| *id).collect();
        Ok(Some((rel.map(values).project(cols), columns)))
    }

    /// Such a call in an expression: the record itself.
    pub(super) fn record_value(&mut self, name: &str, args: &[Operand]) -> Result<Option<ScalarExpr>, SqlError> {
        match record_function(name) {
            Some(function) if function.populates && !function.set => {
                let ty = self.populated_type(name, args)?;
                let json = self.json_argument(name, args, function)?;
                read_as(json, &ty).map(Some)
            }
            Some(_) => Err(SqlError::unsupported(format!("{name} outside of FROM"))),
            None => Ok(None),
        }
    }

    /// One record, or one for each element.
    fn records(
        &mut self,
        json: ScalarExpr,
        ty: &SqlType,
        function: RecordFunction,
    ) -> Result<(HirRel, ColId), SqlError> {
        let record = self.column("record", ty.clone().nullable(true));
        if !function.set {
            return Ok((HirRel::unit().map(vec![(record, read_as(json, ty)?)]), record));
        }
        let element = self.column("value", SqlType::Jsonb.nullable(false));
        let rel = HirRel::CallTable { func: TableFunc::JsonbArrayElements, args: vec![json], cols: vec![element] };
        Ok((rel.map(vec![(record, read_as(ScalarExpr::Column(element), ty)?)]), record))
    }

    /// The argument that is JSON, as `jsonb`.
    fn json_argument(
        &mut self,
        name: &str,
        args: &[Operand],
        function: RecordFunction,
    ) -> Result<ScalarExpr, SqlError> {
        let types = self.operand_types(args);
        let json =
            args.get(usize::from(function.populates)).filter(|_| args.len() == 1 + usize::from(function.populates));
        let json = json.ok_or_else(|| super::function::no_function(name, &types))?;
        let ty = if name.starts_with("jsonb_") { SqlType::Jsonb } else { SqlType::Json };
        let json = self.coerce(json.clone(), &ty, Context::Implicit)?;
        self.cast(json, &SqlType::Jsonb, Context::Explicit)
    }

    /// The composite type of the first argument, whose value must be NULL: what JSON does not say is NULL.
    fn populated_type(&mut self, name: &str, args: &[Operand]) -> Result<SqlType, SqlError> {
        let Some(Operand::Typed(base)) = args.first() else {
            return Err(super::function::no_function(name, &self.operand_types(args)));
        };
        let ty = self.typ(base).ty;
        if ty.fields().is_none_or(<[_]>::is_empty) {
            let message = format!("first argument of {name} must be a row type");
            return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
        }
        if !super::fixed_value(base).is_ok_and(|row| row.iter().all(|datum| datum.is_null())) {
            return Err(SqlError::unsupported(format!("{name} with a first argument other than NULL")));
        }
        Ok(ty)
    }

    /// The type that an alias with column definitions describes.
    fn described_type(&mut self, alias: Option<&TableAlias>) -> Result<SqlType, SqlError> {
        let mut fields: Vec<(ColumnName, ColumnType)> = Vec::new();
        for column in alias.map(|alias| alias.columns.as_slice()).unwrap_or_default() {
            let Some(data_type) = &column.data_type else { continue };
            fields.push((fold(&column.name), sql_type(self.qcx.catalog, data_type)?.nullable(true)));
        }
        if fields.is_empty() {
            let message = "a column definition list is required for functions returning \"record\"";
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
        }
        Ok(SqlType::Record(fields))
    }
}

/// A JSON value as one of a type.
fn read_as(json: ScalarExpr, ty: &SqlType) -> Result<ScalarExpr, SqlError> {
    // A type is names and numbers, which can be written.
    call(&format!("from_json({})", serde_json::to_string(ty).unwrap_or_default()), vec![json])
}
