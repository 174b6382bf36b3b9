//! `pg_catalog`: what PostgreSQL's tools expect to find, with PostgreSQL 15's columns.

use super::described::shown_name;
use super::functions;
use super::rows::*;
use super::{SystemRelation, SystemState, constraints, pg_type, pg_types};
use crate::catalog::{Entry, SYSTEM_ROLE};
use expr::ScalarExpr;
use repr::{Datum, RelationDesc, Row, SqlType};
use sql::catalog::{CatalogItem, ItemDetails, Uniqueness};

/// PostgreSQL's oids of the access methods that tables and indexes are said to have.
const HEAP: u32 = 2;
const BTREE: u32 = 403;

/// The relations of this schema.
pub const RELATIONS: &[SystemRelation] = &[
    SystemRelation {
        id: 3001,
        name: "pg_namespace",
        columns: "oid oid, nspname name, nspowner oid, nspacl text[]?",
        rows: namespaces,
    },
    SystemRelation {
        id: 3002,
        name: "pg_class",
        columns: "oid oid, relname name, relnamespace oid, reltype oid, reloftype oid, relowner oid, relam oid, relfilenode oid, reltablespace oid, relpages int4, reltuples float4, relallvisible int4, reltoastrelid oid, relhasindex bool, relisshared bool, relpersistence char, relkind char, relnatts int2, relchecks int2, relhasrules bool, relhastriggers bool, relhassubclass bool, relrowsecurity bool, relforcerowsecurity bool, relispopulated bool, relreplident char, relispartition bool, relrewrite oid, relfrozenxid oid, relminmxid oid, relacl text[]?, reloptions text[]?, relpartbound text?",
        rows: classes,
    },
    SystemRelation {
        id: 3003,
        name: "pg_attribute",
        columns: "attrelid oid, attname name, atttypid oid, attstattarget int4, attlen int2, attnum int2, attndims int4, attcacheoff int4, atttypmod int4, attbyval bool, attalign char, attstorage char, attcompression char, attnotnull bool, atthasdef bool, atthasmissing bool, attidentity char, attgenerated char, attisdropped bool, attislocal bool, attinhcount int4, attcollation oid, attacl text[]?, attoptions text[]?, attfdwoptions text[]?, attmissingval text?",
        rows: attributes,
    },
    SystemRelation {
        id: 3004,
        name: "pg_type",
        columns: "oid oid, typname name, typnamespace oid, typowner oid, typlen int2, typbyval bool, typtype char, typcategory char, typispreferred bool, typisdefined bool, typdelim char, typrelid oid, typsubscript regproc, typelem oid, typarray oid, typinput regproc, typoutput regproc, typreceive regproc, typsend regproc, typmodin regproc, typmodout regproc, typanalyze regproc, typalign char, typstorage char, typnotnull bool, typbasetype oid, typtypmod int4, typndims int4, typcollation oid, typdefaultbin text?, typdefault text?, typacl text[]?",
        rows: pg_type::types,
    },
    SystemRelation {
        id: 3005,
        name: "pg_database",
        columns: "oid oid, datname name, datdba oid, encoding int4, datlocprovider char, datistemplate bool, datallowconn bool, datconnlimit int4, datfrozenxid oid, datminmxid oid, dattablespace oid, datcollate text, datctype text, daticulocale text?, datcollversion text?, datacl text[]?",
        rows: databases,
    },
    SystemRelation {
        id: 3006,
        name: "pg_roles",
        columns: "rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool, rolcanlogin bool, rolreplication bool, rolconnlimit int4, rolpassword text?, rolvaliduntil timestamptz?, rolbypassrls bool, rolconfig text[]?, oid oid",
        rows: roles,
    },
    SystemRelation {
        id: 3007,
        name: "pg_index",
        columns: "indexrelid oid, indrelid oid, indnatts int2, indnkeyatts int2, indisunique bool, indnullsnotdistinct bool, indisprimary bool, indisexclusion bool, indimmediate bool, indisclustered bool, indisvalid bool, indcheckxmin bool, indisready bool, indislive bool, indisreplident bool, indkey int2vector, indcollation oidvector, indclass oidvector, indoption int2vector, indexprs text?, indpred text?",
        rows: indexes,
    },
    SystemRelation {
        id: 3008,
        name: "pg_description",
        columns: "objoid oid, classoid oid, objsubid int4, description text",
        rows: descriptions,
    },
    SystemRelation {
        id: 3009,
        name: "pg_settings",
        columns: "name text, setting text, unit text?, category text, short_desc text, extra_desc text?, context text, vartype text, source text, min_val text?, max_val text?, enumvals text[]?, boot_val text?, reset_val text?, sourcefile text?, sourceline int4?, pending_restart bool",
        rows: settings,
    },
    SystemRelation {
        id: 3010,
        name: "pg_am",
        columns: "oid oid, amname name, amhandler regproc, amtype char",
        rows: access_methods,
    },
    SystemRelation {
        id: 3011,
        name: "pg_attrdef",
        columns: "oid oid, adrelid oid, adnum int2, adbin text",
        rows: attribute_defaults,
    },
    SystemRelation {
        id: 3012,
        name: "pg_enum",
        columns: "oid oid, enumtypid oid, enumsortorder float4, enumlabel name",
        rows: pg_type::enums,
    },
    SystemRelation {
        id: 3013,
        name: "pg_range",
        columns: "rngtypid oid, rngsubtype oid, rngmultitypid oid, rngcollation oid, rngsubopc oid, rngcanonical regproc, rngsubdiff regproc",
        rows: pg_type::ranges,
    },
    SystemRelation {
        id: 3014,
        name: "pg_proc",
        columns: "oid oid, proname name, pronamespace oid, proowner oid, prolang oid, procost float4, prorows float4, provariadic oid, prosupport regproc, prokind char, prosecdef bool, proleakproof bool, proisstrict bool, proretset bool, provolatile char, proparallel char, pronargs int2, pronargdefaults int2, prorettype oid, proargtypes oidvector, proallargtypes oid[]?, proargmodes char[]?, proargnames text[]?, proargdefaults text?, protrftypes oid[]?, prosrc text, probin text?, prosqlbody text?, proconfig text[]?, proacl text[]?",
        rows: functions::procedures,
    },
    SystemRelation {
        id: 3015,
        name: "pg_tables",
        columns: "schemaname name, tablename name, tableowner name, tablespace name?, hasindexes bool, hasrules bool, hastriggers bool, rowsecurity bool",
        rows: tables,
    },
    SystemRelation {
        id: 3016,
        name: "pg_views",
        columns: "schemaname name, viewname name, viewowner name, definition text",
        rows: views,
    },
    SystemRelation {
        id: 3017,
        name: "pg_matviews",
        columns: "schemaname name, matviewname name, matviewowner name, tablespace name?, hasindexes bool, ispopulated bool, definition text",
        rows: matviews,
    },
    SystemRelation {
        id: 3018,
        name: "pg_constraint",
        columns: "oid oid, conname name, connamespace oid, contype char, condeferrable bool, condeferred bool, convalidated bool, conrelid oid, contypid oid, conindid oid, conparentid oid, confrelid oid, confupdtype char, confdeltype char, confmatchtype char, conislocal bool, coninhcount int4, connoinherit bool, conkey int2[]?, confkey int2[]?, conpfeqop oid[]?, conppeqop oid[]?, conffeqop oid[]?, confdelsetcols int2[]?, conexclop oid[]?, conbin text?",
        rows: constraints::constraints,
    },
    SystemRelation {
        id: 3019,
        name: "pg_inherits",
        columns: "inhrelid oid, inhparent oid, inhseqno int4, inhdetachpending bool",
        rows: no_rows,
    },
    SystemRelation {
        id: 3020,
        name: "pg_policy",
        columns: "oid oid, polname name, polrelid oid, polcmd char, polpermissive bool, polroles oid[], polqual text?, polwithcheck text?",
        rows: no_rows,
    },
    SystemRelation {
        id: 3021,
        name: "pg_collation",
        columns: "oid oid, collname name, collnamespace oid, collowner oid, collprovider char, collisdeterministic bool, collencoding int4, collcollate text?, collctype text?, colliculocale text?, collversion text?",
        rows: collations,
    },
    SystemRelation {
        id: 3022,
        name: "pg_trigger",
        columns: "oid oid, tgrelid oid, tgparentid oid, tgname name, tgfoid oid, tgtype int2, tgenabled char, tgisinternal bool, tgconstrrelid oid, tgconstrindid oid, tgconstraint oid, tgdeferrable bool, tginitdeferred bool, tgnargs int2, tgattr int2vector, tgargs text, tgqual text?, tgoldtable name?, tgnewtable name?",
        rows: no_rows,
    },
    SystemRelation {
        id: 3024,
        name: "pg_extension",
        columns: "oid oid, extname name, extowner oid, extnamespace oid, extrelocatable bool, extversion text, extconfig oid[]?, extcondition text[]?",
        rows: no_rows,
    },
    SystemRelation {
        id: 3025,
        name: "pg_depend",
        columns: "classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, refobjsubid int4, deptype char",
        rows: no_rows,
    },
    SystemRelation {
        id: 3026,
        name: "pg_tablespace",
        columns: "oid oid, spcname name, spcowner oid, spcacl text[]?, spcoptions text[]?",
        rows: tablespaces,
    },
    SystemRelation {
        id: 3027,
        name: "pg_rewrite",
        columns: "oid oid, rulename name, ev_class oid, ev_type char, ev_enabled char, is_instead bool, ev_qual text, ev_action text",
        rows: no_rows,
    },
    SystemRelation {
        id: 3028,
        name: "pg_indexes",
        columns: "schemaname name, tablename name, indexname name, tablespace name?, indexdef text",
        rows: index_definitions,
    },
    SystemRelation {
        id: 3029,
        name: "pg_publication",
        columns: "oid oid, pubname name, pubowner oid, puballtables bool, pubinsert bool, pubupdate bool, pubdelete bool, pubtruncate bool, pubviaroot bool",
        rows: no_rows,
    },
    SystemRelation {
        id: 3030,
        name: "pg_user",
        columns: "usename name, usesysid oid, usecreatedb bool, usesuper bool, userepl bool, usebypassrls bool, passwd text?, valuntil timestamptz?, useconfig text[]?",
        rows: users,
    },
    SystemRelation {
        id: 3031,
        name: "pg_auth_members",
        columns: "roleid oid, member oid, grantor oid, admin_option bool",
        rows: no_rows,
    },
    SystemRelation {
        id: 3032,
        name: "pg_shdescription",
        columns: "objoid oid, classoid oid, description text",
        rows: shared_descriptions,
    },
    SystemRelation {
        id: 3033,
        name: "pg_statistic_ext",
        columns: "oid oid, stxrelid oid, stxname name, stxnamespace oid, stxowner oid, stxstattarget int4, stxkeys int2vector, stxkind char[], stxexprs text?",
        rows: no_rows,
    },
    SystemRelation {
        id: 3034,
        name: "pg_publication_rel",
        columns: "oid oid, prpubid oid, prrelid oid, prqual text?, prattrs int2vector?",
        rows: no_rows,
    },
    SystemRelation {
        id: 3104,
        name: "pg_authid",
        columns: "oid oid, rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool, rolcanlogin bool, rolreplication bool, rolbypassrls bool, rolconnlimit int4, rolpassword text?, rolvaliduntil timestamptz?",
        rows: authids,
    },
    SystemRelation {
        id: 3108,
        name: "pg_cast",
        columns: "oid oid, castsource oid, casttarget oid, castfunc oid, castcontext char, castmethod char",
        rows: functions::casts,
    },
    SystemRelation {
        id: 3101,
        name: "pg_aggregate",
        columns: "aggfnoid regproc, aggkind char, aggnumdirectargs int2, aggtransfn regproc, aggfinalfn regproc, aggcombinefn regproc, aggserialfn regproc, aggdeserialfn regproc, aggmtransfn regproc, aggminvtransfn regproc, aggmfinalfn regproc, aggfinalextra bool, aggmfinalextra bool, aggfinalmodify char, aggmfinalmodify char, aggsortop oid, aggtranstype oid, aggtransspace int4, aggmtranstype oid, aggmtransspace int4, agginitval text?, aggminitval text?",
        rows: functions::aggregates,
    },
    SystemRelation {
        id: 3128,
        name: "pg_operator",
        columns: "oid oid, oprname name, oprnamespace oid, oprowner oid, oprkind char, oprcanmerge bool, oprcanhash bool, oprleft oid, oprright oid, oprresult oid, oprcom oid, oprnegate oid, oprcode regproc, oprrest regproc, oprjoin regproc",
        rows: functions::operators,
    },
    SystemRelation {
        id: 3123,
        name: "pg_language",
        columns: "oid oid, lanname name, lanowner oid, lanispl bool, lanpltrusted bool, lanplcallfoid oid, laninline oid, lanvalidator oid, lanacl text[]?",
        rows: functions::languages,
    },
];

const FALSE: Datum<'static> = Datum::Bool(false);
const TRUE: Datum<'static> = Datum::Bool(true);
const NO_OID: Datum<'static> = Datum::Oid(0);

/// An item's definition with names in place of identifiers.
pub fn create_sql(state: &SystemState, item: &CatalogItem) -> String {
    let view = state.catalog.for_session(&crate::catalog::replay::system_context());
    sql::canonical::display(&item.create_sql, &view)
}

/// The query of a view, its relations as the session would call them, with a final semicolon: so PostgreSQL shows definitions.
pub fn query_text(state: &SystemState, item: &CatalogItem) -> String {
    let view = state.catalog.for_session(&crate::catalog::replay::system_context());
    let name = |item: &CatalogItem| match shown_name(state, item) {
        (_, true) => sql::canonical::name_of(&[&item.name.item]),
        (_, false) => sql::canonical::name_of(&[&item.name.schema, &item.name.item]),
    };
    sql::canonical::query(&item.create_sql, &view, &name).map_or_else(String::new, |query| format!("{query};"))
}

/// A scalar expression over named columns.
pub fn expression_text(expr: &ScalarExpr, desc: &RelationDesc) -> String {
    match expr {
        ScalarExpr::Column(c) => desc.names.get(*c).map_or_else(|| format!("#{c}"), |n| sql::catalog::quote_ident(n)),
        ScalarExpr::Literal(Ok(row), typ) => literal_text(row, &typ.ty),
        ScalarExpr::Call { func, args } => {
            let args: Vec<_> = args.iter().map(|arg| expression_text(arg, desc)).collect();
            format!("{}({})", func.0.name, args.join(", "))
        }
        other => format!("{other:?}"),
    }
}

fn literal_text(row: &Row, ty: &SqlType) -> String {
    let datum = row.iter().next().unwrap_or(Datum::Null);
    if datum.is_null() {
        return "NULL".to_string();
    }
    let mut text = String::new();
    repr::text::format(datum, ty, &Default::default(), &mut text);
    match ty {
        SqlType::Int2 | SqlType::Int4 | SqlType::Int8 | SqlType::Numeric(_) | SqlType::Bool => text,
        _ => format!("'{}'::{ty}", text.replace('\'', "''")),
    }
}

/// A table column's default as SQL, if it has one.
pub fn default_text(item: &CatalogItem, position: usize) -> Option<String> {
    let ItemDetails::Table { defaults, .. } = &item.details else { return None };
    match defaults.get(position)? {
        ScalarExpr::Literal(Ok(row), _) if row.iter().next().is_none_or(|d| d.is_null()) => None,
        _ => sql::canonical::column_default(&item.create_sql, position),
    }
}

fn namespaces(state: &SystemState) -> Vec<Row> {
    let in_database = |s: &&crate::catalog::Schema| s.database.as_ref().is_none_or(|d| *d == state.database);
    let row = |s: &crate::catalog::Schema| {
        let owner = Datum::Oid(role_oid(&state.catalog, &s.owner));
        Row::pack([Datum::Oid(s.oid), Datum::Text(&s.name), owner, Datum::Null])
    };
    state.catalog.schemas().filter(in_database).map(row).collect()
}

/// PostgreSQL's letter for an item in `pg_class`; none if it is not there.
fn relkind(item: &CatalogItem) -> Option<&'static str> {
    match &item.details {
        ItemDetails::Table { .. } | ItemDetails::SourceTable { .. } => Some("r"),
        ItemDetails::Source { .. } => Some("r"),
        ItemDetails::View { .. } | ItemDetails::SystemRelation { .. } => Some("v"),
        ItemDetails::MaterializedView { .. } => Some("m"),
        ItemDetails::Index { .. } => Some("i"),
        ItemDetails::Secret | ItemDetails::Connection(_) | ItemDetails::Type(_) | ItemDetails::Function(_) => None,
    }
}

/// The items of the session's database and the system schemas that have a row in `pg_class`.
pub(super) fn visible(state: &SystemState) -> impl Iterator<Item = (&Entry, &'static str)> {
    let in_database = |entry: &&Entry| entry.item.name.database.as_ref().is_none_or(|d| *d == state.database);
    let entries = state.catalog.entries().map(AsRef::as_ref).filter(in_database);
    entries.filter_map(|entry| relkind(&entry.item).map(|kind| (entry, kind)))
}

fn has_index(state: &SystemState, item: &CatalogItem) -> bool {
    let is_index = |id| state.catalog.item(id).is_some_and(|i| matches!(i.details, ItemDetails::Index { .. }));
    state.catalog.used_by(item.id).any(is_index)
}

fn classes(state: &SystemState) -> Vec<Row> {
    visible(state).map(|(entry, kind)| class(state, entry, kind)).collect()
}

fn class(state: &SystemState, entry: &Entry, kind: &'static str) -> Row {
    let item = &entry.item;
    let columns = match &item.details {
        ItemDetails::Index { keys, .. } => keys.len(),
        details => details.desc().map_or(0, RelationDesc::arity),
    };
    Row::pack([
        Datum::Oid(item.oid),
        Datum::Text(&item.name.item),
        Datum::Oid(schema_oid(&state.catalog, item)),
        NO_OID,
        NO_OID,
        Datum::Oid(role_oid(&state.catalog, &item.owner)),
        Datum::Oid(access_method(kind)),
        Datum::Oid(item.oid),
        NO_OID,
        Datum::Int4(0),
        Datum::Float4(-1.0),
        Datum::Int4(0),
        NO_OID,
        Datum::Bool(has_index(state, item)),
        FALSE,
        Datum::Text(if item.name.is_temporary() { "t" } else { "p" }),
        Datum::Text(kind),
        Datum::Int2(columns as i16),
        Datum::Int2(0),
        FALSE,
        FALSE,
        FALSE,
        FALSE,
        FALSE,
        TRUE,
        Datum::Text("d"),
        FALSE,
        NO_OID,
        NO_OID,
        NO_OID,
        Datum::Null,
        Datum::Null,
        Datum::Null,
    ])
}

fn attributes(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for (entry, _) in visible(state) {
        if let Some(desc) = entry.item.details.desc() {
            for position in 0..desc.arity() {
                rows.push(attribute(&entry.item, desc, position));
            }
        }
        if let ItemDetails::Index { on, keys, .. } = &entry.item.details {
            let Some(desc) = state.catalog.item(*on).and_then(|i| i.details.desc()) else { continue };
            let key_desc = keys.iter().fold(RelationDesc::empty(), |key_desc, key| {
                let typ = key.typ(&desc.typ.columns);
                key_desc.with(&expression_text(key, desc), typ.ty, typ.nullable)
            });
            rows.extend((0..key_desc.arity()).map(|position| attribute(&entry.item, &key_desc, position)));
        }
    }
    rows
}

fn attribute(item: &CatalogItem, desc: &RelationDesc, position: usize) -> Row {
    let column = &desc.typ.columns[position];
    let oid = repr::pg::oid(&column.ty);
    let len = pg_types::by_oid(oid).map_or(-1, |t| t.len);
    let dimensions = i32::from(matches!(column.ty, SqlType::Array(_) | SqlType::Vector(_)));
    Row::pack([
        Datum::Oid(item.oid),
        Datum::Text(&desc.names[position]),
        Datum::Oid(oid),
        Datum::Int4(-1),
        Datum::Int2(len),
        Datum::Int2(position as i16 + 1),
        Datum::Int4(dimensions),
        Datum::Int4(-1),
        Datum::Int4(repr::pg::typmod(&column.ty)),
        Datum::Bool((1..=8).contains(&len)),
        Datum::Text("i"),
        Datum::Text("p"),
        Datum::Text(""),
        Datum::Bool(!column.nullable),
        Datum::Bool(default_text(item, position).is_some()),
        FALSE,
        Datum::Text(""),
        Datum::Text(""),
        FALSE,
        TRUE,
        Datum::Int4(0),
        NO_OID,
        Datum::Null,
        Datum::Null,
        Datum::Null,
        Datum::Null,
    ])
}

fn databases(state: &SystemState) -> Vec<Row> {
    let row = |d: &crate::catalog::Database| {
        Row::pack([
            Datum::Oid(d.oid),
            Datum::Text(&d.name),
            Datum::Oid(role_oid(&state.catalog, &d.owner)),
            Datum::Int4(6),
            Datum::Text("c"),
            FALSE,
            TRUE,
            Datum::Int4(-1),
            NO_OID,
            NO_OID,
            Datum::Oid(1663),
            Datum::Text("C"),
            Datum::Text("C"),
            Datum::Null,
            Datum::Null,
            Datum::Null,
        ])
    };
    state.catalog.databases().map(row).collect()
}

/// Oid and name of every role.
pub(super) fn all_roles(state: &SystemState) -> impl Iterator<Item = (u32, &str)> {
    let users = state.catalog.roles().map(|role| (role.oid, role.name.as_str()));
    std::iter::once((SYSTEM_ROLE_OID, SYSTEM_ROLE)).chain(users)
}

fn roles(state: &SystemState) -> Vec<Row> {
    let row = |(oid, name): (u32, &str)| {
        Row::pack([
            Datum::Text(name),
            TRUE,
            TRUE,
            TRUE,
            TRUE,
            TRUE,
            FALSE,
            Datum::Int4(-1),
            Datum::Text("********"),
            Datum::Null,
            TRUE,
            Datum::Null,
            Datum::Oid(oid),
        ])
    };
    all_roles(state).map(row).collect()
}

fn users(state: &SystemState) -> Vec<Row> {
    let row = |(oid, name): (u32, &str)| {
        let (password, null) = (Datum::Text("********"), Datum::Null);
        Row::pack([Datum::Text(name), Datum::Oid(oid), TRUE, TRUE, FALSE, TRUE, password, null, null])
    };
    all_roles(state).map(row).collect()
}

fn indexes(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for (entry, _) in visible(state) {
        let ItemDetails::Index { on, keys, unique, .. } = &entry.item.details else { continue };
        let Some(relation) = state.catalog.item(*on) else { continue };
        rows.push(index(entry, relation.oid, keys, *unique));
    }
    rows
}

fn index(entry: &Entry, relation: u32, keys: &[ScalarExpr], unique: Option<Uniqueness>) -> Row {
    let column = |key: &ScalarExpr| match key {
        ScalarExpr::Column(c) => Datum::Int2(*c as i16 + 1),
        _ => Datum::Int2(0),
    };
    let columns = repr::array::encode_vector(keys.iter().map(column));
    let zeros = repr::array::encode_vector(keys.iter().map(|_| Datum::Int2(0)));
    let no_oids = repr::array::encode_vector(keys.iter().map(|_| NO_OID));
    let array = |bytes| Datum::Array(repr::ArrayRef::from_encoded(bytes));
    let count = Datum::Int2(keys.len() as i16);
    Row::pack([
        Datum::Oid(entry.item.oid),
        Datum::Oid(relation),
        count,
        count,
        Datum::Bool(unique.is_some()),
        FALSE,
        Datum::Bool(unique == Some(Uniqueness::PrimaryKey)),
        FALSE,
        TRUE,
        FALSE,
        TRUE,
        FALSE,
        TRUE,
        TRUE,
        FALSE,
        array(&columns),
        array(&no_oids),
        array(&no_oids),
        array(&zeros),
        Datum::Null,
        Datum::Null,
    ])
}

fn index_definitions(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for (entry, _) in visible(state) {
        let ItemDetails::Index { on, .. } = &entry.item.details else { continue };
        let Some(relation) = state.catalog.item(*on) else { continue };
        let definition = index_text(state, &entry.item).unwrap_or_default();
        rows.push(Row::pack([
            Datum::Text(&entry.item.name.schema),
            Datum::Text(&relation.name.item),
            Datum::Text(&entry.item.name.item),
            Datum::Null,
            Datum::Text(&definition),
        ]));
    }
    rows
}

/// An index's definition as PostgreSQL writes it.
pub(super) fn index_text(state: &SystemState, item: &CatalogItem) -> Option<String> {
    let ItemDetails::Index { on, keys, unique, .. } = &item.details else { return None };
    let relation = state.catalog.item(*on)?;
    let desc = relation.details.desc()?;
    let quote = sql::catalog::quote_ident;
    let key = |key: &ScalarExpr| match key {
        ScalarExpr::Column(_) | ScalarExpr::Call { .. } => expression_text(key, desc),
        other => format!("({})", expression_text(other, desc)),
    };
    let keys: Vec<_> = keys.iter().map(key).collect();
    let (name, schema, table) = (quote(&item.name.item), quote(&relation.name.schema), quote(&relation.name.item));
    let create = if unique.is_some() { "CREATE UNIQUE INDEX" } else { "CREATE INDEX" };
    Some(format!("{create} {name} ON {schema}.{table} USING btree ({})", keys.join(", ")))
}

fn settings(state: &SystemState) -> Vec<Row> {
    let row = |s: crate::session::vars::Setting| {
        let (text, null) = (Datum::Text, Datum::Null);
        let context = if s.fixed { "internal" } else { "user" };
        let source = if s.value == s.reset { "default" } else { "session" };
        let category = if s.fixed { "Preset Options" } else { "Client Connection Defaults" };
        let words = repr::array::encode_list(s.words.iter().map(|word| text(word)));
        let words = if s.words.is_empty() { null } else { Datum::Array(repr::ArrayRef::from_encoded(&words)) };
        let unit = text_or_null(s.unit);
        let head = [text(s.name), text(&s.value), unit, text(category), text(s.help), null, text(context)];
        let (min, max) = (s.min.map(|n| n.to_string()), s.max.map(|n| n.to_string()));
        let bounds = [text_or_null(min.as_ref()), text_or_null(max.as_ref()), words];
        let tail = [text(s.default), text(&s.reset), null, null, FALSE];
        Row::pack(head.into_iter().chain([text(s.kind), text(source)]).chain(bounds).chain(tail))
    };
    let environment = crate::session::vars::Setting::preset("mz_environment_id", &state.environment_id);
    crate::session::vars::settings(&state.settings).into_iter().chain([environment]).map(row).collect()
}

/// The access method of what is of this `relkind`.
fn access_method(kind: &str) -> u32 {
    match kind {
        "i" => BTREE,
        "r" | "m" => HEAP,
        _ => 0,
    }
}

fn access_methods(_: &SystemState) -> Vec<Row> {
    let row = |(oid, name, kind): (u32, &str, &str)| {
        Row::pack([Datum::Oid(oid), Datum::Text(name), NO_OID, Datum::Text(kind)])
    };
    [(HEAP, "heap", "t"), (BTREE, "btree", "i")].into_iter().map(row).collect()
}

fn attribute_defaults(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for (entry, _) in visible(state) {
        let arity = entry.item.details.desc().map_or(0, RelationDesc::arity);
        for position in 0..arity {
            let Some(default) = default_text(&entry.item, position) else { continue };
            let number = Datum::Int2(position as i16 + 1);
            let oid = Datum::Oid(entry.item.oid.wrapping_add(position as u32));
            rows.push(Row::pack([oid, Datum::Oid(entry.item.oid), number, Datum::Text(&default)]));
        }
    }
    rows
}

fn tables(state: &SystemState) -> Vec<Row> {
    let row = |(entry, _): (&Entry, _)| {
        Row::pack([
            Datum::Text(&entry.item.name.schema),
            Datum::Text(&entry.item.name.item),
            Datum::Text(&entry.item.owner),
            Datum::Null,
            Datum::Bool(has_index(state, &entry.item)),
            FALSE,
            FALSE,
            FALSE,
        ])
    };
    visible(state).filter(|(_, kind)| *kind == "r").map(row).collect()
}

fn views(state: &SystemState) -> Vec<Row> {
    let row = |(entry, _): (&Entry, _)| {
        let definition = query_text(state, &entry.item);
        Row::pack([
            Datum::Text(&entry.item.name.schema),
            Datum::Text(&entry.item.name.item),
            Datum::Text(&entry.item.owner),
            Datum::Text(&definition),
        ])
    };
    visible(state).filter(|(_, kind)| *kind == "v").map(row).collect()
}

fn matviews(state: &SystemState) -> Vec<Row> {
    let row = |(entry, _): (&Entry, _)| {
        let definition = query_text(state, &entry.item);
        Row::pack([
            Datum::Text(&entry.item.name.schema),
            Datum::Text(&entry.item.name.item),
            Datum::Text(&entry.item.owner),
            Datum::Null,
            Datum::Bool(has_index(state, &entry.item)),
            TRUE,
            Datum::Text(&definition),
        ])
    };
    visible(state).filter(|(_, kind)| *kind == "m").map(row).collect()
}

/// Comments on what belongs to one database.
fn descriptions(state: &SystemState) -> Vec<Row> {
    let local = state.catalog.comments().filter(|c| !c.is_shared());
    let row = |c: &crate::catalog::Comment| {
        let class = Datum::Oid(super::class_oid(&c.class));
        Row::pack([Datum::Oid(c.oid), class, Datum::Int4(c.column), Datum::Text(&c.text)])
    };
    local.map(row).collect()
}

/// Comments on databases and roles.
fn shared_descriptions(state: &SystemState) -> Vec<Row> {
    let shared = state.catalog.comments().filter(|c| c.is_shared());
    let row = |c: &crate::catalog::Comment| {
        Row::pack([Datum::Oid(c.oid), Datum::Oid(super::class_oid(&c.class)), Datum::Text(&c.text)])
    };
    shared.map(row).collect()
}

/// Text sorts by bytes; `default` is the same.
fn collations(state: &SystemState) -> Vec<Row> {
    let namespace = state.catalog.schema(None, "pg_catalog").map_or(0, |s| s.oid);
    let row = |(oid, name): (u32, &str)| {
        let (text, null) = (Datum::Text, Datum::Null);
        let head = [Datum::Oid(oid), text(name), Datum::Oid(namespace), Datum::Oid(SYSTEM_ROLE_OID), text("c"), TRUE];
        Row::pack(head.into_iter().chain([Datum::Int4(-1), text("C"), text("C"), null, null]))
    };
    [(100, "default"), (950, "C"), (951, "POSIX")].into_iter().map(row).collect()
}

fn tablespaces(_: &SystemState) -> Vec<Row> {
    let row = |(oid, name): (u32, &str)| {
        Row::pack([Datum::Oid(oid), Datum::Text(name), Datum::Oid(SYSTEM_ROLE_OID), Datum::Null, Datum::Null])
    };
    [(1663, "pg_default"), (1664, "pg_global")].into_iter().map(row).collect()
}

/// Roles as `pg_authid` has them; passwords are never shown.
fn authids(state: &SystemState) -> Vec<Row> {
    let row = |(oid, name): (u32, &str)| {
        let head = [Datum::Oid(oid), Datum::Text(name), TRUE, TRUE, TRUE, TRUE, TRUE, FALSE, TRUE];
        Row::pack(head.into_iter().chain([Datum::Int4(-1), Datum::Null, Datum::Null]))
    };
    all_roles(state).map(row).collect()
}
