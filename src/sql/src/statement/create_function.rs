//! CREATE FUNCTION: functions whose body is SQL.

use super::Cx;
use super::names::{new_name, undefined_relation, wrong_kind};
use crate::canonical;
use crate::catalog::{FunctionArgument, FunctionItem, FunctionResult, ItemName};
use crate::parser::Statement;
use crate::parser::extension::ast::{
    CreateFunction, FunctionParameter, FunctionReturns, FunctionVolatility, ObjectKind,
};
use crate::parser::extension::print::definition;
use crate::plan::{CreateItemPlan, NewItem, Plan};
use crate::query::{check_function, fold};
use crate::types::sql_type;
use expr::func::Volatility;
use repr::{GlobalId, SqlError, SqlState};
use std::sync::Arc;

/// `CREATE [OR REPLACE] FUNCTION`
pub(super) fn create_function(cx: &Cx<'_>, s: &CreateFunction) -> Result<Plan, SqlError> {
    let name = new_name(cx.catalog, &s.name)?;
    if crate::routines::is_known(&name.item) {
        return Err(SqlError::unsupported(format!("a function called {}, as one of the system's", name.item)));
    }
    let replace = replaced(cx, s, &name)?;
    let function = Arc::new(function_item(cx, &name.item, s)?);
    check_function(&mut cx.maintained(), &function)?;
    let stored = CreateFunction { name: canonical::full_name(&name), or_replace: false, ..s.clone() };
    let mut stored = Statement::CreateFunction(stored);
    let ids = canonical::resolve(cx.catalog, &mut stored)?;
    if replace.is_some_and(|id| ids.contains(&id)) {
        let message = format!("function {} refers to itself", name.item);
        return Err(SqlError::new(SqlState::INVALID_RECURSION, message));
    }
    let create_sql = definition(&stored).ok_or_else(|| SqlError::internal("a function without a definition"))?;
    let (item, depends_on) = (NewItem::Function(function), ids.into_iter().collect());
    Ok(Plan::CreateItem(CreateItemPlan { name, item, create_sql, depends_on, if_not_exists: false, replace }))
}

/// The function that OR REPLACE replaces, if there is one; any other item of the name is in the way.
fn replaced(cx: &Cx<'_>, s: &CreateFunction, name: &ItemName) -> Result<Option<GlobalId>, SqlError> {
    if !cx.catalog.exists(name) {
        return Ok(None);
    }
    let full: Vec<String> = name.database.iter().chain([&name.schema, &name.item]).cloned().collect();
    let item = cx.catalog.resolve(&full).ok_or_else(|| undefined_relation(&s.name))?;
    match (item.details.kind() == ObjectKind::Function.item_kind(), s.or_replace) {
        (true, true) => Ok(Some(item.id)),
        (false, true) => Err(wrong_kind(item, ObjectKind::Function)),
        _ => {
            let message = format!("{} \"{}\" already exists", item.details.kind(), name.item);
            let error = SqlError::new(SqlState::DUPLICATE_FUNCTION, message);
            Err(error.hint("A function shares its name with no other item of its schema."))
        }
    }
}

fn function_item(cx: &Cx<'_>, name: &str, s: &CreateFunction) -> Result<FunctionItem, SqlError> {
    let argument = |parameter: &FunctionParameter| {
        let ty = sql_type(cx.catalog, &parameter.data_type)?.without_modifier();
        Ok(FunctionArgument { name: parameter.name.as_ref().map(fold), ty, default: parameter.default.clone() })
    };
    let result = match &s.returns {
        FunctionReturns::Value(ty) => FunctionResult::Value(sql_type(cx.catalog, ty)?.without_modifier()),
        FunctionReturns::SetOf(ty) => FunctionResult::SetOf(sql_type(cx.catalog, ty)?.without_modifier()),
        FunctionReturns::Table(columns) => {
            let column = |(name, ty): &(_, _)| Ok((fold(name), sql_type(cx.catalog, ty)?.without_modifier()));
            FunctionResult::Table(columns.iter().map(column).collect::<Result<_, SqlError>>()?)
        }
    };
    let volatility = match s.volatility {
        FunctionVolatility::Immutable => Volatility::Immutable,
        FunctionVolatility::Stable => Volatility::Stable,
        FunctionVolatility::Volatile => Volatility::Volatile,
    };
    let args = s.args.iter().map(argument).collect::<Result<Vec<_>, SqlError>>()?;
    let (name, strict, body) = (name.to_string(), s.strict, s.body.clone());
    Ok(FunctionItem { name, args, result, volatility, strict, body })
}
