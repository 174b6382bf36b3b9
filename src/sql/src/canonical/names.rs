//! Walks the names of items in a definition; [`Resolver`] turns them into identifiers, [`Namer`] back.

use super::id_name;
use crate::catalog::{CatalogItem, ItemDetails, SessionCatalog};
use crate::parser::Statement;
use crate::parser::extension::ast::{FunctionReturns, OptionValue, SourceFrom, TypeDefinition};
use crate::statement::names::{name_parts, undefined_relation};
use repr::{GlobalId, SqlError, SqlState};
use sqlparser::ast::*;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// What happens to names on a walk.
pub(super) trait NameMap {
    /// A name that refers to an item, other than in a query's FROM.
    fn item(&mut self, name: &mut ObjectName) -> Result<(), SqlError>;

    /// A relation in a query's FROM, with its alias.
    fn relation(&mut self, name: &mut ObjectName, alias: &mut Option<TableAlias>) -> Result<(), SqlError>;

    /// The function of a call, which most often is none of the catalog's items.
    fn function(&mut self, name: &mut ObjectName) -> Result<(), SqlError>;

    /// The relation before the dot of a qualified column or star.
    fn qualifier(&mut self, parts: &mut Vec<Ident>);
}

/// Walks the names of user-made types in a type.
fn visit_type(data_type: &mut DataType, map: &mut dyn NameMap) -> Result<(), SqlError> {
    match data_type {
        DataType::Custom(name, _) if !crate::types::is_builtin(name) => map.item(name),
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::Qualified(element, _)) => {
            visit_type(element, map)
        }
        _ => Ok(()),
    }
}

fn visit_columns(columns: &mut [ColumnDef], map: &mut dyn NameMap) -> Result<(), SqlError> {
    for column in columns {
        visit_type(&mut column.data_type, map)?;
        for option in &mut column.options {
            if let ColumnOption::Default(default) = &mut option.option {
                let mut walker = Walker { map, ctes: Vec::new(), withs: Vec::new(), columns_only: true };
                into_result(VisitMut::visit(default, &mut walker))?;
            }
        }
    }
    Ok(())
}

/// Walks a definition.
pub(super) fn visit_definition(definition: &mut Statement, map: &mut dyn NameMap) -> Result<(), SqlError> {
    match definition {
        Statement::CreateView(view) => visit_query(&mut view.query, map),
        Statement::CreateTable(table) => visit_columns(&mut table.columns, map),
        Statement::CreateIndex(index) => {
            map.item(&mut index.on)?;
            let mut walker = Walker { map, ctes: Vec::new(), withs: Vec::new(), columns_only: true };
            index.keys.iter_mut().try_for_each(|key| into_result(VisitMut::visit(key, &mut walker)))
        }
        Statement::CreateConnection(connection) => {
            connection.options.iter_mut().try_for_each(|option| match &mut option.value {
                OptionValue::Secret(name) => map.item(name),
                _ => Ok(()),
            })
        }
        Statement::CreateSource(source) => match &mut source.from {
            SourceFrom::Postgres(connection, _) => map.item(connection),
            SourceFrom::Counter(_) => Ok(()),
        },
        Statement::CreateTableFromSource(table) => map.item(&mut table.source),
        Statement::CreateFunction(function) => {
            for argument in &mut function.args {
                visit_type(&mut argument.data_type, map)?;
            }
            match &mut function.returns {
                FunctionReturns::Value(ty) | FunctionReturns::SetOf(ty) => visit_type(ty, map)?,
                FunctionReturns::Table(columns) => {
                    columns.iter_mut().try_for_each(|(_, ty)| visit_type(ty, map))?;
                }
            }
            visit_query(&mut function.body, map)
        }
        Statement::CreateType(ty) => match &mut ty.definition {
            TypeDefinition::Enum(_) => Ok(()),
            TypeDefinition::Composite(fields) => fields.iter_mut().try_for_each(|(_, ty)| visit_type(ty, map)),
            TypeDefinition::List(ty) | TypeDefinition::Map(ty) => visit_type(ty, map),
        },
        _ => Ok(()),
    }
}

fn visit_query(query: &mut Query, map: &mut dyn NameMap) -> Result<(), SqlError> {
    let mut walker = Walker { map, ctes: Vec::new(), withs: Vec::new(), columns_only: false };
    into_result(VisitMut::visit(query, &mut walker))
}

fn into_result(flow: ControlFlow<Box<SqlError>>) -> Result<(), SqlError> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(*error),
    }
}

fn into_flow(result: Result<(), SqlError>) -> ControlFlow<Box<SqlError>> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(Box::new(error)),
    }
}

/// Walks queries and keeps track of which names are CTEs at each place.
struct Walker<'a> {
    map: &'a mut dyn NameMap,
    /// Names of the CTEs in scope, innermost last.
    ctes: Vec<String>,
    /// The WITH clause of each query around this place; taken out of the query while its body is walked.
    withs: Vec<(Option<With>, usize)>,
    /// Expressions over one relation: columns need no qualifier at all.
    columns_only: bool,
}

impl Walker<'_> {
    /// Walks the CTEs of a query, each with those before it in scope.
    fn visit_ctes(&mut self, with: &mut With) -> ControlFlow<Box<SqlError>> {
        let names: Vec<String> = with.cte_tables.iter().map(|cte| folded(&cte.alias.name)).collect();
        if with.recursive {
            self.ctes.extend(names.iter().cloned());
        }
        for (cte, name) in with.cte_tables.iter_mut().zip(names) {
            VisitMut::visit(&mut cte.query, self)?;
            if !with.recursive {
                self.ctes.push(name);
            }
        }
        ControlFlow::Continue(())
    }

    fn visit_relation(&mut self, name: &mut ObjectName, alias: &mut Option<TableAlias>) -> Result<(), SqlError> {
        let is_cte = match name.0.as_slice() {
            [ObjectNamePart::Identifier(ident)] => self.ctes.contains(&folded(ident)),
            _ => false,
        };
        if is_cte { Ok(()) } else { self.map.relation(name, alias) }
    }
}

impl VisitorMut for Walker<'_> {
    type Break = Box<SqlError>;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        let depth = self.ctes.len();
        let mut with = query.with.take();
        if let Some(with) = &mut with {
            self.visit_ctes(with)?;
        }
        self.withs.push((with, depth));
        expand_table_commands(&mut query.body);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        if let Some((with, depth)) = self.withs.pop() {
            query.with = with;
            self.ctes.truncate(depth);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Self::Break> {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => into_flow(self.visit_relation(name, alias)),
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                into_flow(self.map.function(name))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        for item in &mut select.projection {
            if let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) = item {
                let mut parts: Vec<Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
                if parts.len() == name.0.len() {
                    self.map.qualifier(&mut parts);
                    *name = ObjectName::from(parts);
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        match expr {
            Expr::Cast { data_type, .. } => into_flow(visit_type(data_type, self.map))?,
            Expr::Function(call) => into_flow(self.map.function(&mut call.name))?,
            Expr::TypedString(typed) => into_flow(visit_type(&mut typed.data_type, self.map))?,
            _ => {}
        }
        if let Expr::CompoundIdentifier(parts) = expr
            && let Some(column) = parts.pop()
        {
            if self.columns_only {
                parts.clear();
            } else {
                self.map.qualifier(parts);
            }
            parts.push(column);
        }
        ControlFlow::Continue(())
    }
}

/// Rewrites `TABLE t` as `SELECT * FROM t`, in which a name can be resolved.
fn expand_table_commands(body: &mut SetExpr) {
    match body {
        SetExpr::SetOperation { left, right, .. } => {
            expand_table_commands(left);
            expand_table_commands(right);
        }
        SetExpr::Table(table) => {
            let name: Vec<Ident> = table.schema_name.iter().chain(&table.table_name).map(Ident::new).collect();
            let text = format!("SELECT * FROM {}", ObjectName::from(name));
            if let Ok(Some(Statement::Select(select))) = crate::parser::parse(&text).map(|mut s| s.pop().map(|s| s.ast))
            {
                *body = *select.query.body;
            }
        }
        _ => {}
    }
}

fn folded(ident: &Ident) -> String {
    crate::statement::names::fold(ident)
}

/// Names to identifiers.
pub(super) struct Resolver<'a> {
    catalog: &'a dyn SessionCatalog,
    ids: BTreeSet<GlobalId>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(catalog: &'a dyn SessionCatalog) -> Self {
        Resolver { catalog, ids: BTreeSet::new() }
    }

    pub(super) fn into_ids(self) -> BTreeSet<GlobalId> {
        self.ids
    }

    fn id(&mut self, name: &ObjectName) -> Result<GlobalId, SqlError> {
        let item = self.catalog.resolve(&name_parts(name)?).ok_or_else(|| undefined_relation(name))?;
        self.ids.insert(item.id);
        Ok(item.id)
    }
}

impl NameMap for Resolver<'_> {
    fn item(&mut self, name: &mut ObjectName) -> Result<(), SqlError> {
        *name = id_name(self.id(name)?);
        Ok(())
    }

    fn relation(&mut self, name: &mut ObjectName, alias: &mut Option<TableAlias>) -> Result<(), SqlError> {
        let id = self.id(name)?;
        let own_name = name.0.last().and_then(ObjectNamePart::as_ident).cloned();
        if let (None, Some(own_name)) = (&alias, own_name)
            && name_parts(name)?.first().is_none_or(|first| first != super::ID_MARK)
        {
            *alias = Some(TableAlias { explicit: true, name: own_name, columns: Vec::new(), at: None });
        }
        *name = id_name(id);
        Ok(())
    }

    fn function(&mut self, name: &mut ObjectName) -> Result<(), SqlError> {
        let parts = name_parts(name)?;
        if parts.len() == 1 && crate::routines::is_known(&parts[0]) {
            return Ok(());
        }
        if let Some(item) = self.catalog.resolve(&parts)
            && let ItemDetails::Function(_) = item.details
        {
            self.ids.insert(item.id);
            *name = id_name(item.id);
        }
        Ok(())
    }

    /// `schema.table.column` becomes `table.column`: in FROM the table has its own name as an alias.
    fn qualifier(&mut self, parts: &mut Vec<Ident>) {
        let folded: Vec<String> = parts.iter().map(folded).collect();
        if parts.len() > 1 && self.catalog.resolve(&folded).is_some() {
            parts.drain(..parts.len() - 1);
        }
    }
}

/// Identifiers to names.
pub(super) struct Namer<'a> {
    pub(super) catalog: &'a dyn SessionCatalog,
    /// The name of an item.
    pub(super) name: &'a dyn Fn(&CatalogItem) -> ObjectName,
}

impl NameMap for Namer<'_> {
    fn item(&mut self, name: &mut ObjectName) -> Result<(), SqlError> {
        let gone = || SqlError::new(SqlState::UNDEFINED_OBJECT, "an item no longer exists");
        let item = self.catalog.resolve(&name_parts(name)?).ok_or_else(gone)?;
        *name = (self.name)(item);
        Ok(())
    }

    fn relation(&mut self, name: &mut ObjectName, alias: &mut Option<TableAlias>) -> Result<(), SqlError> {
        self.item(name)?;
        let own_name = name.0.last().and_then(ObjectNamePart::as_ident).map(folded);
        if alias.as_ref().is_some_and(|a| a.columns.is_empty() && Some(folded(&a.name)) == own_name) {
            *alias = None;
        }
        Ok(())
    }

    fn function(&mut self, name: &mut ObjectName) -> Result<(), SqlError> {
        if name_parts(name)?.first().is_some_and(|first| first == super::ID_MARK) { self.item(name) } else { Ok(()) }
    }

    fn qualifier(&mut self, _parts: &mut Vec<Ident>) {}
}
