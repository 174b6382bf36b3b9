//! Functions that ask the catalog: each stands for a subquery over system relations.
//!
//! `f(a, b)` becomes `(SELECT body FROM (SELECT a, b) AS "$" (x1, x2))`: the arguments are planned where the call stands, and the body sees
//! them as columns, so that no name of theirs is captured.

use super::planner::Planner;
use crate::coerce::{Category, Operand, category, constant, null};
use crate::parser::Statement;
use expr::ScalarExpr;
use repr::{Datum, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, Expr, SelectItem, SetExpr, TableFactor};

/// Name, types that the arguments are cast to (`any`: none), and the body.
const BODIES: &[(&str, &[&str], &str)] = &[
    (
        "pg_table_is_visible",
        &["oid"],
        "(SELECT n.nspname = ANY (current_schemas(true)) FROM pg_catalog.pg_class c \
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = x1)",
    ),
    (
        "pg_type_is_visible",
        &["oid"],
        "(SELECT n.nspname = ANY (current_schemas(true)) FROM pg_catalog.pg_type t \
          JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = x1)",
    ),
    (
        "pg_function_is_visible",
        &["oid"],
        "(SELECT n.nspname = ANY (current_schemas(true)) FROM pg_catalog.pg_proc p \
          JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = x1)",
    ),
    (
        "pg_get_userbyid",
        &["oid"],
        "COALESCE((SELECT rolname FROM pg_catalog.pg_roles WHERE oid = x1), ('unknown (OID=' || x1::text || ')')::name)",
    ),
    ("pg_get_viewdef", &["regclass"], VIEW_DEFINITION),
    ("pg_get_viewdef", &["regclass", "any"], VIEW_DEFINITION),
    ("pg_get_indexdef", &["regclass"], INDEX_DEFINITION),
    ("pg_get_indexdef", &["regclass", "integer", "boolean"], INDEX_COLUMN),
    ("pg_get_constraintdef", &["oid"], "(SELECT conbin FROM pg_catalog.pg_constraint WHERE oid = x1)"),
    ("pg_get_constraintdef", &["oid", "boolean"], "(SELECT conbin FROM pg_catalog.pg_constraint WHERE oid = x1)"),
    ("pg_get_expr", &["text", "oid"], "x1"),
    ("pg_get_expr", &["text", "oid", "boolean"], "x1"),
    (
        "obj_description",
        &["oid"],
        "(SELECT description FROM pg_catalog.pg_description WHERE objoid = x1 AND objsubid = 0)",
    ),
    (
        "obj_description",
        &["oid", "name"],
        "(SELECT description FROM pg_catalog.pg_description WHERE objoid = x1 AND objsubid = 0 AND classoid = \
          (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
           WHERE c.relname = x2 AND n.nspname = 'pg_catalog'))",
    ),
    (
        "col_description",
        &["oid", "integer"],
        "(SELECT description FROM pg_catalog.pg_description WHERE objoid = x1 AND objsubid = x2)",
    ),
    (
        "shobj_description",
        &["oid", "name"],
        "(SELECT description FROM pg_catalog.pg_shdescription WHERE objoid = x1 AND classoid = \
          (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
           WHERE c.relname = x2 AND n.nspname = 'pg_catalog'))",
    ),
    (
        "pg_relation_is_publishable",
        &["regclass"],
        "COALESCE((SELECT relkind = 'r' FROM pg_catalog.pg_class WHERE oid = x1), false)",
    ),
    ("pg_encoding_to_char", &["integer"], "CASE x1 WHEN 0 THEN 'SQL_ASCII' WHEN 6 THEN 'UTF8' ELSE '' END::name"),
    ("to_regclass", &["text"], RELATION_BY_NAME),
    ("to_regtype", &["text"], "(SELECT min(oid)::regtype FROM pg_catalog.pg_type WHERE typname = x1)"),
    ("to_regnamespace", &["text"], "(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = x1)"),
    ("to_regrole", &["text"], "(SELECT oid FROM pg_catalog.pg_roles WHERE rolname = x1)"),
];

const VIEW_DEFINITION: &str = "(SELECT d.definition FROM pg_catalog.pg_class c \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    JOIN (SELECT schemaname, viewname AS name, definition FROM pg_catalog.pg_views \
          UNION ALL SELECT schemaname, matviewname, definition FROM pg_catalog.pg_matviews) d \
      ON d.schemaname = n.nspname AND d.name = c.relname WHERE c.oid = x1)";

const INDEX_DEFINITION: &str = "(SELECT d.indexdef FROM pg_catalog.pg_class c \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    JOIN pg_catalog.pg_indexes d ON d.schemaname = n.nspname AND d.indexname = c.relname WHERE c.oid = x1)";

const INDEX_COLUMN: &str = "CASE WHEN x2 = 0 THEN \
    (SELECT d.indexdef FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_catalog.pg_indexes d ON d.schemaname = n.nspname AND d.indexname = c.relname WHERE c.oid = x1) \
    ELSE (SELECT a.attname::text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid \
          WHERE i.indexrelid = x1 AND a.attnum = i.indkey[x2] AND a.attnum > 0) END";

const RELATION_BY_NAME: &str = "(SELECT min(c.oid)::regclass FROM pg_catalog.pg_class c \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = x1 AND n.nspname = ANY (current_schemas(true)))";

/// Privilege inquiries: what their object is cast to if it is no oid, and the test that it exists. All roles may do all there is to do.
const INQUIRIES: &[(&str, &str, &str)] = &[
    ("has_table_privilege", "regclass", "pg_catalog.pg_class WHERE oid = x1"),
    ("has_any_column_privilege", "regclass", "pg_catalog.pg_class WHERE oid = x1"),
    ("has_sequence_privilege", "regclass", "pg_catalog.pg_class WHERE oid = x1"),
    ("has_type_privilege", "regtype", "pg_catalog.pg_type WHERE oid = x1"),
    ("has_schema_privilege", "name", "pg_catalog.pg_namespace WHERE nspname = x1"),
    ("has_database_privilege", "name", "pg_catalog.pg_database WHERE datname = x1"),
    ("pg_has_role", "name", "pg_catalog.pg_roles WHERE rolname = x1"),
];

/// Words that name privileges.
const PRIVILEGES: &[&str] = &[
    "select",
    "insert",
    "update",
    "delete",
    "truncate",
    "references",
    "trigger",
    "usage",
    "create",
    "connect",
    "temporary",
    "temp",
    "execute",
    "member",
];

impl Planner<'_, '_> {
    /// A function of this file; none if it is another one.
    pub(super) fn catalog_function(&mut self, name: &str, args: &[&Expr]) -> Result<Option<ScalarExpr>, SqlError> {
        if let ("to_regclass" | "to_regtype", [arg]) = (name, args)
            && let Some(found) = self.constant_object(name, arg)?
        {
            return Ok(Some(found));
        }
        let fits = |(known, types, _): &&(&str, &[&str], &str)| *known == name && types.len() == args.len();
        if let Some((_, types, body)) = BODIES.iter().find(fits) {
            return self
                .catalog_query(body, &args.iter().copied().zip(types.iter().copied()).collect::<Vec<_>>())
                .map(Some);
        }
        if let ("has_column_privilege", [.., table, column, privilege]) = (name, args) {
            self.check_privilege(privilege)?;
            let text = self.is_textual(column)?;
            let (ty, test) = if text { ("name", "a.attname = x2") } else { ("int2", "a.attnum = x2") };
            let body = format!("(SELECT true FROM pg_catalog.pg_attribute a WHERE a.attrelid = x1 AND {test})");
            return self.catalog_query(&body, &[(*table, "regclass"), (*column, ty)]).map(Some);
        }
        let Some((_, ty, test)) = INQUIRIES.iter().find(|(known, ..)| *known == name) else { return Ok(None) };
        let [.., object, privilege] = args else { return Ok(None) };
        self.check_privilege(privilege)?;
        let by_name = self.is_textual(object)?;
        let ty = if by_name { ty } else { "oid" };
        let test = if by_name { test.to_string() } else { format!("{} WHERE oid = x1", table_of(test)) };
        self.catalog_query(&format!("(SELECT true FROM {test})"), &[(*object, ty)]).map(Some)
    }

    /// Whether an argument is a text, or a string without a type.
    fn is_textual(&mut self, arg: &Expr) -> Result<bool, SqlError> {
        let operand = self.operand(arg)?;
        Ok(self.operand_type(&operand).is_none_or(|ty| category(&ty) == Category::String))
    }

    fn check_privilege(&mut self, arg: &Expr) -> Result<(), SqlError> {
        let Operand::Text(text, _) = self.operand(arg)? else { return Ok(()) };
        let word = |part: &str| {
            let part = part.trim().to_ascii_lowercase();
            part.strip_suffix(" with grant option").unwrap_or(&part).to_string()
        };
        match text.split(',').find(|part| !PRIVILEGES.contains(&word(part).as_str())) {
            None => Ok(()),
            Some(part) => {
                let message = format!("unrecognized privilege type: \"{}\"", part.trim());
                Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message))
            }
        }
    }

    /// What a constant name means, as `to_regclass` and `to_regtype` say it.
    fn constant_object(&mut self, name: &str, arg: &Expr) -> Result<Option<ScalarExpr>, SqlError> {
        let Operand::Text(text, _) = self.operand(arg)? else { return Ok(None) };
        let (oid, ty) = match name {
            "to_regclass" => {
                let item = self.qcx.catalog.resolve(&crate::coerce::split_name(&text));
                (item.filter(|item| item.details.desc().is_some()).map(|item| item.oid), SqlType::Regclass)
            }
            _ => (self.type_named(&text).ok().map(|ty| repr::pg::oid(&ty)), SqlType::Regtype),
        };
        Ok(Some(oid.map_or_else(|| null(&ty), |oid| constant(Datum::Oid(oid), ty.clone()))))
    }

    fn catalog_query(&mut self, body: &str, args: &[(&Expr, &str)]) -> Result<ScalarExpr, SqlError> {
        let zeros = vec!["0"; args.len()].join(", ");
        let names: Vec<String> = (1..=args.len()).map(|i| format!("x{i}")).collect();
        let text = format!("SELECT {body} FROM (SELECT {zeros}) AS \"$\" ({})", names.join(", "));
        let mut parsed = crate::parser::parse(&text)?;
        let Some(Statement::Select(mut select)) = parsed.pop().map(|parsed| parsed.ast) else {
            return Err(SqlError::internal(format!("not a query: {text}")));
        };
        let Some(projection) = arguments_of(&mut select.query) else {
            return Err(SqlError::internal(format!("no place for arguments: {text}")));
        };
        for (item, (arg, ty)) in projection.iter_mut().zip(args) {
            let arg = if *ty == "any" { (*arg).clone() } else { cast(arg, ty)? };
            *item = SelectItem::UnnamedExpr(arg);
        }
        self.scalar_subquery(&select.query)
    }
}

/// The relation that a test is over.
fn table_of(test: &str) -> &str {
    test.split(' ').next().unwrap_or(test)
}

/// The select list of the derived table that holds the arguments.
fn arguments_of(query: &mut ast::Query) -> Option<&mut Vec<SelectItem>> {
    let SetExpr::Select(select) = &mut *query.body else { return None };
    let TableFactor::Derived { subquery, .. } = &mut select.from.first_mut()?.relation else { return None };
    match &mut *subquery.body {
        SetExpr::Select(select) => Some(&mut select.projection),
        _ => None,
    }
}

/// `arg::ty`
fn cast(arg: &Expr, ty: &str) -> Result<Expr, SqlError> {
    let mut parsed = crate::parser::parse_expr(&format!("(0)::{ty}"))?;
    if let Expr::Cast { expr, .. } = &mut parsed {
        **expr = arg.clone();
    }
    Ok(parsed)
}
