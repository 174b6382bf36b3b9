//! Values of options in parentheses: each at most once, each of its type.

use super::names::{dotted, resolve_kind};
use crate::catalog::SessionCatalog;
use crate::parser::extension::ast::{ObjectKind, OptionValue, WithOption};
use crate::plan::StringOrSecret;
use repr::text::IntervalStyle;
use repr::{GlobalId, SqlError, SqlState};
use std::str::FromStr;
use std::time::Duration;

/// The options of a statement; each is asked for by name.
pub(super) struct Options<'a> {
    statement: &'static str,
    options: &'a [WithOption],
}

impl<'a> Options<'a> {
    /// Options of a statement, which messages call so; none may be given twice.
    pub fn new(statement: &'static str, options: &'a [WithOption]) -> Result<Self, SqlError> {
        for (i, option) in options.iter().enumerate() {
            if options[..i].iter().any(|earlier| earlier.name == option.name) {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options"));
            }
        }
        Ok(Options { statement, options })
    }

    /// The value of an option.
    pub fn value(&self, name: &str) -> Option<&'a OptionValue> {
        self.options.iter().find(|option| option.name == name).map(|option| &option.value)
    }

    fn invalid(&self, name: &str, wanted: &str) -> SqlError {
        let message = format!("invalid value for {} option {name}: {wanted} is needed", self.statement);
        SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
    }

    /// A string, number or bare word.
    pub fn text(&self, name: &str) -> Result<Option<String>, SqlError> {
        match self.value(name) {
            None => Ok(None),
            Some(OptionValue::Text(text)) => Ok(Some(text.clone())),
            Some(OptionValue::Name(word)) => Ok(Some(dotted(word))),
            Some(_) => Err(self.invalid(name, "a string")),
        }
    }

    /// A string that must be there.
    pub fn required(&self, name: &str) -> Result<String, SqlError> {
        let missing = || {
            let message = format!("{name} option is required for {}", self.statement);
            SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
        };
        self.text(name)?.ok_or_else(missing)
    }

    /// True if the option stands alone; else what it says.
    pub fn bool(&mut self, name: &str) -> Result<Option<bool>, SqlError> {
        if let Some(OptionValue::None) = self.value(name) {
            return Ok(Some(true));
        }
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "on" | "1" => Ok(Some(true)),
            "false" | "off" | "0" => Ok(Some(false)),
            _ => Err(self.invalid(name, "a boolean")),
        }
    }

    /// A number.
    pub fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, SqlError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.invalid(name, "a number in range"))
    }

    /// An interval without months.
    pub fn duration(&self, name: &str) -> Result<Option<Duration>, SqlError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let interval = repr::text::interval::parse(&text, IntervalStyle::Postgres)?;
        let micros = i64::from(interval.days).checked_mul(86_400_000_000).and_then(|d| d.checked_add(interval.micros));
        let micros = micros.filter(|_| interval.months == 0).and_then(|micros| u64::try_from(micros).ok());
        micros.map(Duration::from_micros).map(Some).ok_or_else(|| self.invalid(name, "an interval of days and less"))
    }

    /// A string, or the secret that holds it.
    pub fn string_or_secret(
        &self,
        catalog: &dyn SessionCatalog,
        name: &str,
    ) -> Result<Option<StringOrSecret>, SqlError> {
        match self.value(name) {
            Some(OptionValue::Secret(_)) => Ok(self.secret(catalog, name)?.map(StringOrSecret::Secret)),
            _ => Ok(self.text(name)?.map(StringOrSecret::String)),
        }
    }

    /// A secret.
    pub fn secret(&self, catalog: &dyn SessionCatalog, name: &str) -> Result<Option<GlobalId>, SqlError> {
        match self.value(name) {
            None => Ok(None),
            Some(OptionValue::Secret(secret)) => Ok(Some(resolve_kind(catalog, secret, ObjectKind::Secret)?.id)),
            Some(_) => {
                let hint = "Create one with CREATE SECRET, then write SECRET and its name.";
                Err(self.invalid(name, "a secret").hint(hint))
            }
        }
    }
}
