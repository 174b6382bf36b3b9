//! Statements back to text, as the catalog stores them. Only those that define items can be stored; what is printed parses to the same tree.

use super::ast::*;
use crate::catalog::{Uniqueness, quote_ident};
use sqlparser::ast::Ident;
use std::fmt::{self, Display, Formatter};

/// The text of a statement that defines an item; none for other statements.
pub fn definition(statement: &Statement) -> Option<String> {
    let printed = match statement {
        Statement::CreateTable(s) => s.to_string(),
        Statement::CreateTableFromSource(s) => s.to_string(),
        Statement::CreateView(s) => s.to_string(),
        Statement::CreateIndex(s) => s.to_string(),
        Statement::CreateSecret(s) => s.to_string(),
        Statement::CreateConnection(s) => s.to_string(),
        Statement::CreateSource(s) => s.to_string(),
        Statement::CreateType(s) => s.to_string(),
        Statement::CreateFunction(s) => s.to_string(),
        _ => return None,
    };
    Some(crate::parser::respell::restore(&printed))
}

/// Items with commas between them.
fn list<T: Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn in_cluster(f: &mut Formatter<'_>, cluster: &Option<Ident>) -> fmt::Result {
    cluster.iter().try_for_each(|cluster| write!(f, " IN CLUSTER {cluster}"))
}

/// A string as SQL reads it back.
pub(crate) fn quote_string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Display for CreateTable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "CREATE TABLE {} ({}", self.name, list(&self.columns))?;
        self.constraints.iter().try_for_each(|constraint| write!(f, ", {constraint}"))?;
        f.write_str(")")
    }
}

impl Display for CreateTableFromSource {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "CREATE TABLE {} ({})", self.name, list(&self.columns))?;
        write!(f, " FROM SOURCE {} (REFERENCE {})", self.source, self.reference)?;
        if self.options.is_empty() { Ok(()) } else { write!(f, " WITH ({})", list(&self.options)) }
    }
}

impl Display for CreateView {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let kind = if self.materialized { "MATERIALIZED VIEW" } else { "VIEW" };
        write!(f, "CREATE {kind} {}", self.name)?;
        if !self.columns.is_empty() {
            write!(f, " ({})", list(&self.columns))?;
        }
        in_cluster(f, &self.cluster)?;
        write!(f, " AS {}", self.query)
    }
}

impl Display for CreateIndex {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.unique.is_some() { "CREATE UNIQUE INDEX" } else { "CREATE INDEX" })?;
        self.name.iter().try_for_each(|name| write!(f, " {name}"))?;
        in_cluster(f, &self.cluster)?;
        write!(f, " ON {} ({})", self.on, list(&self.keys))?;
        f.write_str(match self.unique {
            Some(Uniqueness::PrimaryKey) => " AS PRIMARY KEY",
            Some(Uniqueness::Constraint) => " AS UNIQUE",
            Some(Uniqueness::Index) | None => "",
        })
    }
}

impl Display for CreateSecret {
    /// Without its value, which is never shown.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "CREATE SECRET {} AS '********'", self.name)
    }
}

impl Display for CreateConnection {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "CREATE CONNECTION {} TO POSTGRES ({})", self.name, list(&self.options))
    }
}

impl Display for CreateSource {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "CREATE SOURCE {}", self.name)?;
        in_cluster(f, &self.cluster)?;
        match &self.from {
            SourceFrom::Postgres(connection, options) => {
                write!(f, " FROM POSTGRES CONNECTION {connection} ({})", list(options))?;
            }
            SourceFrom::Counter(options) if options.is_empty() => f.write_str(" FROM LOAD GENERATOR COUNTER")?,
            SourceFrom::Counter(options) => write!(f, " FROM LOAD GENERATOR COUNTER ({})", list(options))?,
        }
        write!(f, "{}", self.tables)
    }
}

impl Display for CreateType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "CREATE TYPE {} AS {}", self.name, self.definition)
    }
}

impl Display for CreateFunction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "CREATE FUNCTION {} ({}) RETURNS {}", self.name, list(&self.args), self.returns)?;
        write!(f, " LANGUAGE sql {}", self.volatility.word())?;
        f.write_str(if self.strict { " STRICT" } else { "" })?;
        write!(f, " BEGIN ATOMIC {}; END", self.body)
    }
}

impl Display for FunctionParameter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.name.iter().try_for_each(|name| write!(f, "{name} "))?;
        write!(f, "{}", self.data_type)?;
        self.default.iter().try_for_each(|default| write!(f, " DEFAULT {default}"))
    }
}

impl Display for FunctionReturns {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            FunctionReturns::Value(ty) => write!(f, "{ty}"),
            FunctionReturns::SetOf(ty) => write!(f, "SETOF {ty}"),
            FunctionReturns::Table(columns) => {
                let columns: Vec<String> = columns.iter().map(|(name, ty)| format!("{name} {ty}")).collect();
                write!(f, "TABLE ({})", columns.join(", "))
            }
        }
    }
}

impl Display for TypeDefinition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            TypeDefinition::Enum(labels) => {
                let label = |label: &EnumLabel| match label.place {
                    Some(place) => format!("{} AT '{place}'", quote_string(&label.text)),
                    None => quote_string(&label.text),
                };
                let labels: Vec<String> = labels.iter().map(label).collect();
                write!(f, "ENUM ({})", labels.join(", "))
            }
            TypeDefinition::Composite(fields) => {
                let fields: Vec<String> = fields.iter().map(|(name, ty)| format!("{name} {ty}")).collect();
                write!(f, "({})", fields.join(", "))
            }
            TypeDefinition::List(element) => write!(f, "LIST (ELEMENT TYPE = {element})"),
            TypeDefinition::Map(value) => write!(f, "MAP (KEY TYPE = text, VALUE TYPE = {value})"),
        }
    }
}

impl Display for SourceTables {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            SourceTables::None => Ok(()),
            SourceTables::All => f.write_str(" FOR ALL TABLES"),
            SourceTables::Schemas(schemas) => write!(f, " FOR SCHEMAS ({})", list(schemas)),
            SourceTables::Tables(tables) => {
                let table = |(upstream, here): &(_, Option<_>)| match here {
                    Some(here) => format!("{upstream} AS {here}"),
                    None => format!("{upstream}"),
                };
                let tables: Vec<String> = tables.iter().map(table).collect();
                write!(f, " FOR TABLES ({})", tables.join(", "))
            }
        }
    }
}

impl Display for WithOption {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.value {
            OptionValue::None => f.write_str(self.name),
            value => write!(f, "{} = {value}", self.name),
        }
    }
}

impl Display for OptionValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            OptionValue::None => Ok(()),
            OptionValue::Text(text) => f.write_str(&quote_string(text)),
            OptionValue::Name(name) => write!(f, "{name}"),
            OptionValue::Secret(name) => write!(f, "SECRET {name}"),
            OptionValue::List(values) => write!(f, "({})", list(values)),
        }
    }
}

/// An identifier that prints so that it is read back as it is.
pub(crate) fn exact_ident(value: &str) -> Ident {
    if quote_ident(value) == value && !is_reserved(value) { Ident::new(value) } else { Ident::with_quote('"', value) }
}

/// Whether a plain word would be read as part of the grammar.
fn is_reserved(word: &str) -> bool {
    sqlparser::keywords::ALL_KEYWORDS.binary_search(&word.to_ascii_uppercase().as_str()).is_ok()
}
