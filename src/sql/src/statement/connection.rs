//! CREATE SECRET and CREATE CONNECTION.

use super::Cx;
use super::names::{check_free, new_name};
use super::options::Options;
use super::select::constant;
use crate::canonical;
use crate::parser::Statement;
use crate::parser::extension::ast::{CreateConnection, CreateSecret};
use crate::parser::extension::print;
use crate::plan::{ConnectionDetails, CreateItemPlan, NewItem, Plan, PostgresConnection};
use repr::{SqlError, SqlState, SqlType};

/// PostgreSQL's port.
const POSTGRES_PORT: u16 = 5432;
/// What `SSL MODE` may be.
const SSL_MODES: &[&str] = &["disable", "prefer", "require", "verify-ca", "verify-full"];

/// `CREATE SECRET`
pub(super) fn create_secret(cx: &mut Cx<'_>, s: &CreateSecret) -> Result<Plan, SqlError> {
    let name = new_name(cx.catalog, &s.name)?;
    check_free(cx.catalog, &name, s.if_not_exists)?;
    let value = constant(cx, &s.value, "CREATE SECRET", None)?;
    let ty = value.typ(&[]).ty;
    if !matches!(ty, SqlType::Text | SqlType::Varchar(_) | SqlType::Char(_) | SqlType::Name | SqlType::Bytea) {
        let message = format!("a secret must be of type text or bytea, not {ty}");
        return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
    }
    let stored = CreateSecret { name: canonical::full_name(&name), ..s.clone() };
    Ok(Plan::CreateItem(CreateItemPlan {
        name,
        item: NewItem::Secret { value },
        create_sql: stored.to_string(),
        depends_on: Vec::new(),
        if_not_exists: s.if_not_exists,
        replace: None,
    }))
}

/// `CREATE CONNECTION … TO POSTGRES`
pub(super) fn create_connection(cx: &Cx<'_>, s: &CreateConnection) -> Result<Plan, SqlError> {
    let name = new_name(cx.catalog, &s.name)?;
    check_free(cx.catalog, &name, s.if_not_exists)?;
    let details = ConnectionDetails::Postgres(postgres(cx, s)?);
    let validate = Options::new("CREATE CONNECTION", &s.with)?.bool("VALIDATE")?.unwrap_or(true);
    let name_sql = canonical::full_name(&name);
    let stored = CreateConnection { name: name_sql, if_not_exists: false, with: Vec::new(), ..s.clone() };
    let mut definition = Statement::CreateConnection(stored);
    let depends_on = canonical::resolve(cx.catalog, &mut definition)?.into_iter().collect();
    Ok(Plan::CreateItem(CreateItemPlan {
        name,
        item: NewItem::Connection { details, validate },
        create_sql: print::definition(&definition).unwrap_or_default(),
        depends_on,
        if_not_exists: s.if_not_exists,
        replace: None,
    }))
}

fn postgres(cx: &Cx<'_>, s: &CreateConnection) -> Result<PostgresConnection, SqlError> {
    let options = Options::new("POSTGRES connection", &s.options)?;
    for unsupported in ["SSL CERTIFICATE", "SSL KEY", "SSH TUNNEL", "AWS PRIVATELINK"] {
        if options.value(unsupported).is_some() {
            return Err(SqlError::unsupported(format!("{unsupported} of a POSTGRES connection")));
        }
    }
    let user = options.string_or_secret(cx.catalog, "USER")?;
    let required =
        || SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "USER option is required for POSTGRES connection");
    Ok(PostgresConnection {
        host: options.required("HOST")?,
        port: options.number("PORT")?.unwrap_or(POSTGRES_PORT),
        user: user.ok_or_else(required)?,
        password: options.secret(cx.catalog, "PASSWORD")?,
        database: options.required("DATABASE")?,
        ssl_mode: ssl_mode(&options)?,
        ssl_certificate_authority: options.string_or_secret(cx.catalog, "SSL CERTIFICATE AUTHORITY")?,
    })
}

fn ssl_mode(options: &Options<'_>) -> Result<String, SqlError> {
    let mode = options.text("SSL MODE")?.unwrap_or_else(|| "disable".to_string());
    let mode = mode.to_ascii_lowercase().replace('_', "-");
    if !SSL_MODES.contains(&mode.as_str()) {
        let error = SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid SSL MODE: \"{mode}\""));
        return Err(error.hint(format!("Available values: {}.", SSL_MODES.join(", "))));
    }
    if mode.starts_with("verify") && options.value("SSL CERTIFICATE AUTHORITY").is_none() {
        let message = format!("SSL MODE {mode} needs SSL CERTIFICATE AUTHORITY");
        return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(mode)
}
