//! `mz_internal.mz_keywords`, and `mz_internal.mz_described_objects`: what objects are called by the session that asks, and their definitions. The functions of PostgreSQL
//! that read the catalog (`pg_get_viewdef`, `pg_table_is_visible`, casts of `regclass`) are SQL over it.

use super::pg_catalog::{all_roles, create_sql, index_text, query_text, visible};
use super::pg_types::TYPES;
use super::rows::text_or_null;
use super::{SystemRelation, SystemState, functions, pg_type};
use repr::{Datum, Row, SqlType};
use sql::catalog::{ARRAY_OIDS, CatalogItem, FunctionItem, FunctionResult, ItemDetails, quote_ident};

/// The relations.
pub const RELATIONS: &[SystemRelation] = &[
    SystemRelation {
        id: 2101,
        name: "mz_described_objects",
        columns: "class text, oid oid, shown text, full_name text, visible bool, viewdef text?, indexdef text?, arguments text?, result text?",
        rows,
    },
    SystemRelation {
        id: 2102,
        name: "mz_keywords",
        columns: "word text, catcode char, barelabel bool, catdesc text, baredesc text",
        rows: keywords,
    },
];

/// The words of SQL, for `pg_get_keywords`.
fn keywords(_: &SystemState) -> Vec<Row> {
    let row = |keyword: sql::parser::keywords::Keyword| {
        let label = if keyword.is_bare_label { "can be bare label" } else { "requires AS" };
        let (code, category) = keyword.category;
        let bare = Datum::Bool(keyword.is_bare_label);
        Row::pack([Datum::Text(&keyword.word), Datum::Text(code), bare, Datum::Text(category), Datum::Text(label)])
    };
    sql::parser::keywords::keywords().into_iter().map(row).collect()
}

struct Described {
    class: &'static str,
    oid: u32,
    shown: String,
    full_name: String,
    visible: bool,
    viewdef: Option<String>,
    indexdef: Option<String>,
    arguments: Option<String>,
    result: Option<String>,
}

impl Described {
    fn new(class: &'static str, oid: u32, shown: String, full_name: String, visible: bool) -> Described {
        Described {
            class,
            oid,
            shown,
            full_name,
            visible,
            viewdef: None,
            indexdef: None,
            arguments: None,
            result: None,
        }
    }

    fn row(&self) -> Row {
        let text = |t: &Option<String>| t.clone();
        let (viewdef, indexdef) = (text(&self.viewdef), text(&self.indexdef));
        Row::pack([
            Datum::Text(self.class),
            Datum::Oid(self.oid),
            Datum::Text(&self.shown),
            Datum::Text(&self.full_name),
            Datum::Bool(self.visible),
            text_or_null(viewdef.as_ref()),
            text_or_null(indexdef.as_ref()),
            text_or_null(self.arguments.as_ref()),
            text_or_null(self.result.as_ref()),
        ])
    }
}

fn rows(state: &SystemState) -> Vec<Row> {
    let mut all: Vec<Described> = visible(state).map(|(entry, _)| relation(state, &entry.item)).collect();
    all.extend(TYPES.iter().map(|t| type_named(t.oid, t.name)));
    all.extend(pg_type::user_types(state).flat_map(|(item, _)| user_type(state, item)));
    all.extend(functions::all().iter().map(function));
    all.extend(functions::user_functions(state).map(|(item, f)| user_function(state, item, f)));
    all.extend(functions::all_operators().iter().map(|(oid, routine)| builtin("pg_operator", *oid, &routine.name)));
    all.extend(state.catalog.schemas().filter(|s| s.database.as_ref().is_none_or(|d| *d == state.database)).map(|s| {
        let name = quote_ident(&s.name);
        Described::new("pg_namespace", s.oid, name.clone(), name, true)
    }));
    all.extend(all_roles(state).map(|(oid, name)| {
        let name = quote_ident(name);
        Described::new("pg_authid", oid, name.clone(), name, true)
    }));
    all.extend(
        [(100, "\"default\""), (950, "\"C\""), (951, "\"POSIX\"")].map(|(oid, n)| builtin("pg_collation", oid, n)),
    );
    all.iter().map(Described::row).collect()
}

fn builtin(class: &'static str, oid: u32, name: &str) -> Described {
    Described::new(class, oid, name.to_string(), format!("pg_catalog.{name}"), true)
}

/// The name that a session would use for an item: its own if nothing hides it, else with its schema.
pub(in crate::catalog) fn shown_name(state: &SystemState, item: &CatalogItem) -> (String, bool) {
    let catalog = &state.catalog;
    let named = |schema: &String| {
        let database = (!crate::catalog::view::is_system_schema(schema)).then(|| state.database.clone());
        let name = sql::catalog::ItemName { database, schema: schema.clone(), item: item.name.item.clone() };
        catalog.by_name(&name).map(|found| found.id)
    };
    // What stands in `mz_catalog` is found without its schema, yet is no user's: `\d` would show all of it.
    let visible = item.name.schema != "mz_catalog" && state.search_path.iter().find_map(named) == Some(item.id);
    let own = quote_ident(&item.name.item);
    if visible { (own, true) } else { (format!("{}.{own}", quote_ident(&item.name.schema)), false) }
}

fn relation(state: &SystemState, item: &CatalogItem) -> Described {
    let (shown, visible) = shown_name(state, item);
    let full = format!("{}.{}", quote_ident(&item.name.schema), quote_ident(&item.name.item));
    let mut described = Described::new("pg_class", item.oid, shown, full, visible);
    match &item.details {
        ItemDetails::View { .. } | ItemDetails::MaterializedView { .. } => {
            described.viewdef = Some(format!(" {}", query_text(state, item)));
        }
        ItemDetails::Index { .. } => described.indexdef = index_text(state, item),
        _ => {}
    }
    described
}

fn type_named(oid: u32, name: &str) -> Described {
    let shown = repr::pg::from_oid(oid).map_or_else(|| name.to_string(), |ty| ty.to_string());
    Described::new("pg_type", oid, shown, format!("pg_catalog.{name}"), true)
}

/// A type that a user made, and arrays of it.
fn user_type(state: &SystemState, item: &CatalogItem) -> [Described; 2] {
    let (shown, visible) = shown_name(state, item);
    let schema = quote_ident(&item.name.schema);
    let full = format!("{schema}.{}", quote_ident(&item.name.item));
    let array = format!("{schema}.{}", quote_ident(&format!("_{}", item.name.item)));
    [
        Described::new("pg_type", ARRAY_OIDS + item.oid, format!("{shown}[]"), array, visible),
        Described::new("pg_type", item.oid, shown, full, visible),
    ]
}

fn function(p: &functions::Procedure) -> Described {
    let type_name = |oid: u32| match oid {
        2276 => "\"any\"".to_string(),
        other => type_text(other),
    };
    let args: Vec<String> = p.args.iter().map(|oid| type_name(*oid)).collect();
    let result = if p.set { format!("SETOF {}", type_text(p.ret)) } else { type_text(p.ret) };
    let args = args.join(", ");
    let viewdef = p.definition(&args, &result);
    Described { viewdef, arguments: Some(args), result: Some(result), ..builtin("pg_proc", p.oid, &p.name) }
}

/// A function that a user made.
fn user_function(state: &SystemState, item: &CatalogItem, function: &FunctionItem) -> Described {
    let (shown, visible) = shown_name(state, item);
    let full = format!("{}.{}", quote_ident(&item.name.schema), quote_ident(&item.name.item));
    let typed = |name: Option<&String>, ty: &SqlType| match name {
        Some(name) => format!("{} {ty}", quote_ident(name)),
        None => ty.to_string(),
    };
    let args = function.args.iter().map(|argument| {
        let default = argument.default.as_ref().map(|value| format!(" DEFAULT {value}")).unwrap_or_default();
        typed(argument.name.as_ref(), &argument.ty) + &default
    });
    let args: Vec<String> = args.collect();
    let result = match &function.result {
        FunctionResult::Value(ty) => ty.to_string(),
        FunctionResult::SetOf(ty) => format!("SETOF {ty}"),
        FunctionResult::Table(columns) => {
            let columns: Vec<String> = columns.iter().map(|(name, ty)| typed(Some(name), ty)).collect();
            format!("TABLE({})", columns.join(", "))
        }
    };
    let mut described = Described::new("pg_proc", item.oid, shown, full, visible);
    described.viewdef = Some(create_sql(state, item));
    (described.arguments, described.result) = (Some(args.join(", ")), Some(result));
    described
}

/// A type as `format_type` prints it, pseudo-types too.
fn type_text(oid: u32) -> String {
    let known: Option<SqlType> = repr::pg::from_oid(oid);
    let pseudo = || TYPES.iter().find(|t| t.oid == oid).map_or_else(|| "\"any\"".to_string(), |t| t.name.to_string());
    known.map_or_else(pseudo, |ty| ty.to_string())
}
