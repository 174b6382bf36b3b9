//! What statements mean: [`plan`] makes a [`Plan`] of a parsed statement, [`describe`] tells what it returns and takes before it runs.
//!
//! ```text
//! ParsedStatement ──plan──▶ one file per family ──crate::query──▶ expressions, queries ──▶ Plan
//! ```
//!
//! Sessions call both for every statement; environmentd also plans stored definitions ([`crate::canonical`]) when it starts. Names, clusters
//! and types are checked here, against the snapshot that the statement sees; what can change until it takes effect (does the name exist by now?)
//! is checked again by the catalog transaction. Errors are PostgreSQL's in code and words.

mod alter;
mod connection;
mod constraint;
mod copy;
mod create_function;
mod create_index;
mod create_table;
mod create_table_as;
mod create_type;
mod create_view;
mod cursor;
mod drop;
mod explain;
mod insert;
pub(crate) mod names;
mod object;
mod on_conflict;
mod options;
mod returning;
mod select;
mod show;
mod signal;
mod source;
mod subscribe;
#[cfg(test)]
mod tests;
mod write;

pub use constraint::constraint_index;

use crate::catalog::SessionCatalog;
use crate::parser::{ParsedStatement, Statement};
use crate::plan::{ISOLATION_LEVEL, Params, Plan, SetVariablePlan, StatementDesc};
use crate::query::{Lifetime, QueryContext};
use repr::{RelationDesc, SqlError, SqlType};

/// What planning a statement depends on.
pub(crate) struct Cx<'a> {
    /// Names.
    pub catalog: &'a dyn SessionCatalog,
    /// For queries and expressions that run once; collects the types of parameters.
    pub query: QueryContext<'a>,
    /// The statement's own text.
    pub sql: &'a str,
}

impl<'a> Cx<'a> {
    fn new(catalog: &'a dyn SessionCatalog, stmt: &'a ParsedStatement) -> Self {
        let mut query = QueryContext::new(catalog, Lifetime::OneShot).with_lines(&stmt.lines);
        query.text = &stmt.sql;
        Cx { catalog, query, sql: &stmt.sql }
    }

    /// A context for a query that is kept: no parameters.
    pub fn maintained(&self) -> QueryContext<'a> {
        QueryContext::new(self.catalog, Lifetime::Maintained).with_lines(&self.query.lines)
    }
}

/// Plans a statement with the values of its parameters.
pub fn plan(catalog: &dyn SessionCatalog, stmt: &ParsedStatement, params: &Params) -> Result<Plan, SqlError> {
    crate::with_deep_stack(|| {
        let mut cx = Cx::new(catalog, stmt);
        cx.query = cx.query.with_params(params);
        let plan = plan_statement(&mut cx, &stmt.ast)?;
        // A SELECT takes what is to happen before; other statements have no place for it.
        match cx.query.effects.is_empty() {
            true => Ok(plan),
            false => Err(SqlError::unsupported("set_config and pg_sleep outside of SELECT")),
        }
    })
}

/// A statement's plan for whatever values its parameters, of these types, will have. Where the plan itself depends on a value (LIMIT), it fails.
pub fn plan_generic(
    catalog: &dyn SessionCatalog,
    stmt: &ParsedStatement,
    param_types: &[SqlType],
) -> Result<Plan, SqlError> {
    crate::with_deep_stack(|| {
        let mut cx = Cx::new(catalog, stmt);
        cx.query = cx.query.keeping_params(param_types);
        plan_statement(&mut cx, &stmt.ast)
    })
}

/// What a statement returns and takes; `param_types` are declared by the client, none where it leaves them open. Statements that need neither
/// parameters nor rows are not planned.
pub fn describe(
    catalog: &dyn SessionCatalog,
    stmt: &ParsedStatement,
    param_types: &[Option<SqlType>],
) -> Result<StatementDesc, SqlError> {
    if !is_described(&stmt.ast) {
        return Ok(StatementDesc::default());
    }
    crate::with_deep_stack(|| {
        let mut cx = Cx::new(catalog, stmt);
        cx.query = cx.query.with_param_types(param_types);
        let plan = plan_statement(&mut cx, &stmt.ast)?;
        let is_copy = matches!(plan, Plan::CopyTo(_) | Plan::CopyFrom(_));
        Ok(StatementDesc { relation: result_desc(&plan), params: cx.query.inferred_params()?, is_copy })
    })
}

/// Whether a statement has parameters or returns rows whose columns are known from itself.
fn is_described(statement: &Statement) -> bool {
    use Statement::*;
    matches!(
        statement,
        Select(_)
            | Subscribe(_)
            | Explain(_)
            | Copy(_)
            | Insert(_)
            | Update(_)
            | Delete(_)
            | ShowObjects(_)
            | ShowCreate(..)
            | ShowVariable(_)
            | ShowAll
    )
}

/// The columns of the rows that a plan returns to the client, if it returns any.
pub fn result_desc(plan: &Plan) -> Option<RelationDesc> {
    let text = |names: &[&str]| {
        Some(names.iter().fold(RelationDesc::empty(), |desc, name| desc.with(name, SqlType::Text, false)))
    };
    match plan {
        Plan::Select(p) => Some(p.desc.clone()),
        Plan::Subscribe(p) => Some(p.output_desc.clone()),
        Plan::Insert(p) => p.returning.as_ref().map(|r| r.desc.clone()),
        Plan::ReadThenWrite(p) => p.returning.as_ref().map(|r| r.desc.clone()),
        Plan::Explain(p) => text(p.stage.titles()),
        Plan::ShowVariable(name) if name == ISOLATION_LEVEL => text(&["transaction_isolation"]),
        Plan::ShowVariable(name) => text(&[name]),
        Plan::ShowAllVariables => text(&["name", "setting", "description"]),
        Plan::ShowCreate(_) => text(&["name", "create_sql"]),
        _ => None,
    }
}

/// One line per statement.
pub(crate) fn plan_statement(cx: &mut Cx<'_>, statement: &Statement) -> Result<Plan, SqlError> {
    match statement {
        Statement::Select(s) => select::select(cx, s),
        Statement::Subscribe(s) => subscribe::subscribe(cx, s),
        Statement::Explain(s) => explain::explain(cx, s),
        Statement::Copy(s) => copy::copy(cx, s),
        Statement::Insert(s) => insert::insert(cx, s),
        Statement::Update(s) => write::update(cx, s),
        Statement::Delete(s) => write::delete(cx, s),
        Statement::Truncate(names) => write::truncate(cx, names),
        Statement::CreateDatabase(s) => object::create_database(cx, s),
        Statement::CreateSchema(s) => object::create_schema(cx, s),
        Statement::CreateCluster(s) => object::create_cluster(cx, s),
        Statement::CreateTable(s) => create_table::create_table(cx, s),
        Statement::CreateTableAs(s) => create_table_as::create_table_as(cx, s),
        Statement::CreateTableFromSource(s) => source::create_table_from_source(cx, s),
        Statement::CreateView(s) => create_view::create_view(cx, s),
        Statement::CreateIndex(s) => create_index::create_index(cx, s),
        Statement::CreateSecret(s) => connection::create_secret(cx, s),
        Statement::CreateConnection(s) => connection::create_connection(cx, s),
        Statement::CreateSource(s) => source::create_source(cx, s),
        Statement::CreateType(s) => create_type::create_type(cx, s),
        Statement::CreateFunction(s) => create_function::create_function(cx, s),
        Statement::Drop(s) => drop::drop(cx, s),
        Statement::Alter(s) => alter::alter(cx, s),
        Statement::AlterRole(role) => Ok(alter::check_roles(cx, "ALTER ROLE", std::slice::from_ref(role))),
        Statement::Comment(s) => alter::comment(cx, s),
        Statement::CreateRole(role) => Ok(alter::create_role(role)),
        Statement::DropRoles(roles, if_exists) => Ok(alter::drop_roles(roles, *if_exists)),
        Statement::Grant(true, roles) => Ok(alter::check_roles(cx, "GRANT", roles)),
        Statement::Grant(false, roles) => Ok(alter::check_roles(cx, "REVOKE", roles)),
        Statement::ShowObjects(s) => show::show_objects(cx, s),
        Statement::ShowCreate(kind, name) => show::show_create(cx, *kind, name),
        Statement::ShowVariable(name) => Ok(Plan::ShowVariable(name.clone())),
        Statement::ShowAll => Ok(Plan::ShowAllVariables),
        Statement::Set(s) => {
            let (name, values) = (s.name.clone(), s.values.clone());
            Ok(Plan::SetVariable(SetVariablePlan { name, values, local: s.local }))
        }
        Statement::Reset(name) => Ok(Plan::ResetVariable(name.clone())),
        Statement::Discard(what) => Ok(Plan::Discard(*what)),
        Statement::Begin(modes) => Ok(Plan::Begin(modes.clone())),
        Statement::SetTransaction(modes) => Ok(Plan::SetTransaction(modes.clone())),
        Statement::Commit => Ok(Plan::Commit),
        Statement::Rollback => Ok(Plan::Rollback),
        Statement::Savepoint(name) => Ok(Plan::Savepoint(names::fold(name))),
        Statement::Release(name) => Ok(Plan::Release(names::fold(name))),
        Statement::RollbackTo(name) => Ok(Plan::RollbackTo(names::fold(name))),
        Statement::Maintain(tag, tables) => object::maintain(cx, tag, tables),
        Statement::Unlisten => Ok(Plan::NothingToDo("UNLISTEN")),
        Statement::Declare(name, inner) => cursor::declare(cx, name, inner),
        Statement::Fetch(s) => cursor::fetch(s),
        Statement::Close(name) => Ok(Plan::Close(name.as_ref().map(names::fold))),
        Statement::Prepare(s) => cursor::prepare(cx, s),
        Statement::Execute(name, values) => cursor::execute(cx, name, values),
        Statement::Deallocate(name) => Ok(Plan::Deallocate(name.as_ref().map(names::fold))),
        Statement::Unsupported(what) => Err(SqlError::unsupported(what)),
    }
}
