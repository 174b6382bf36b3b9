//! Session variables: names, defaults, checks; `SET`, `SHOW`, `RESET`.
//!
//! One table lists them all. Those marked `report` are sent to the client as ParameterStatus at start-up and whenever they change.

mod check;

use super::context::Isolation;
use check::{check, duration_ms, split_list};
use repr::datetime::zone;
use repr::text::{ByteaOutput, DateOrder, DateStyle, IntervalStyle, TextSettings};
use repr::{SqlError, SqlState};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

/// What values a variable takes.
#[derive(Clone, Copy)]
enum Kind {
    /// Anything.
    Text,
    /// `on` or `off`, in all of PostgreSQL's spellings.
    Bool,
    /// An integer in a range.
    Int(i64, i64),
    /// Milliseconds, or a number with a unit; 0 is none.
    Duration,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A list of identifiers.
    List,
    /// A time zone.
    TimeZone,
    /// Cannot be set.
    Fixed,
}

struct Def {
    name: &'static str,
    shown: &'static str,
    default: &'static str,
    kind: Kind,
    report: bool,
    help: &'static str,
}

const fn def(name: &'static str, default: &'static str, kind: Kind, help: &'static str) -> Def {
    Def { name, shown: name, default, kind, report: false, help }
}

const fn reported(name: &'static str, shown: &'static str, default: &'static str, kind: Kind) -> Def {
    Def { name, shown, default, kind, report: true, help: "Reported to clients as in PostgreSQL." }
}

const MESSAGES: &[&str] = &["debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"];
const ISOLATION: &[&str] =
    &["strict serializable", "serializable", "repeatable read", "read committed", "read uncommitted"];
const INTERVAL_STYLES: &[&str] = &["postgres", "postgres_verbose", "sql_standard", "iso_8601"];

/// All variables, by lower-case name.
const VARS: &[Def] = &[
    reported("application_name", "application_name", "", Kind::Text),
    def("auto_route_catalog_queries", "on", Kind::Bool, "Queries over system relations need no cluster."),
    def("array_nulls", "on", Kind::Words(&["on"]), "NULL in arrays is read as such."),
    def("bytea_output", "hex", Kind::Words(&["hex", "escape"]), "Text form of bytea."),
    reported("client_encoding", "client_encoding", "UTF8", Kind::Words(&["utf8", "unicode", "sqlascii"])),
    def("check_function_bodies", "on", Kind::Bool, "Accepted for compatibility."),
    def("client_min_messages", "notice", Kind::Words(MESSAGES), "Least severe message sent."),
    def("cluster", "quickstart", Kind::Text, "Cluster that queries run in."),
    def("database", "materialize", Kind::Text, "Current database."),
    reported("datestyle", "DateStyle", "ISO, MDY", Kind::List),
    reported("default_transaction_read_only", "default_transaction_read_only", "off", Kind::Bool),
    def(
        "default_transaction_isolation",
        "strict serializable",
        Kind::Words(ISOLATION),
        "Isolation of new transactions.",
    ),
    def("default_table_access_method", "heap", Kind::Text, "Accepted for compatibility."),
    def("default_tablespace", "", Kind::Text, "Accepted for compatibility."),
    def("escape_string_warning", "on", Kind::Bool, "Accepted for compatibility."),
    def("extra_float_digits", "1", Kind::Int(-15, 3), "Digits of floats; 1 and more: shortest exact."),
    def("idle_in_transaction_session_timeout", "0", Kind::Duration, "How long a transaction may idle."),
    reported("in_hot_standby", "in_hot_standby", "off", Kind::Fixed),
    reported("integer_datetimes", "integer_datetimes", "on", Kind::Fixed),
    reported("intervalstyle", "IntervalStyle", "postgres", Kind::Words(INTERVAL_STYLES)),
    reported("is_superuser", "is_superuser", "on", Kind::Fixed),
    def("jit", "off", Kind::Bool, "Accepted for compatibility."),
    def("lc_messages", "C", Kind::Text, "Accepted for compatibility."),
    def("lc_monetary", "C", Kind::Text, "Accepted for compatibility."),
    def("lc_numeric", "C", Kind::Text, "Accepted for compatibility."),
    def("lc_time", "C", Kind::Text, "Accepted for compatibility."),
    def("lock_timeout", "0", Kind::Duration, "Accepted for compatibility; reads take no locks."),
    def("max_identifier_length", "255", Kind::Fixed, "Longest identifier in bytes."),
    def("max_index_keys", "32", Kind::Fixed, "As in PostgreSQL; clients read it."),
    def("row_security", "on", Kind::Bool, "Accepted for compatibility."),
    reported("scram_iterations", "scram_iterations", "4096", Kind::Fixed),
    def("search_path", "public", Kind::List, "Schemas of unqualified names."),
    reported("server_encoding", "server_encoding", "UTF8", Kind::Fixed),
    reported("server_version", "server_version", "15.0", Kind::Fixed),
    def("server_version_num", "150000", Kind::Fixed, "PostgreSQL version that behaviour follows."),
    reported("session_authorization", "session_authorization", "materialize", Kind::Fixed),
    reported("standard_conforming_strings", "standard_conforming_strings", "on", Kind::Words(&["on"])),
    def("statement_timeout", "0", Kind::Duration, "How long a statement may run."),
    reported("timezone", "TimeZone", "UTC", Kind::TimeZone),
    def("synchronize_seqscans", "on", Kind::Bool, "Accepted for compatibility."),
    def("transaction_isolation", "strict serializable", Kind::Words(ISOLATION), "Isolation of this transaction."),
    def("transaction_read_only", "off", Kind::Bool, "Whether this transaction may write."),
    def("welcome_message", "on", Kind::Bool, "Accepted for compatibility."),
    def("xmloption", "content", Kind::Text, "Accepted for compatibility."),
];

/// A variable as `pg_settings` shows it.
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// What RESET goes back to.
    pub reset: String,
    /// Its built-in default.
    pub default: &'static str,
    /// What it is for.
    pub help: &'static str,
    /// `bool`, `integer`, `enum`, `string`
    pub kind: &'static str,
    /// What a number counts.
    pub unit: Option<&'static str>,
    /// Least value of a number.
    pub min: Option<i64>,
    /// Greatest value of a number.
    pub max: Option<i64>,
    /// The values it can take, if they are few.
    pub words: &'static [&'static str],
    /// Whether it cannot be set.
    pub fixed: bool,
}

impl Setting {
    /// One that cannot be set and is no session's.
    pub fn preset(name: &'static str, value: &str) -> Setting {
        let (kind, words, help) = ("string", &[][..], "");
        let (value, reset) = (value.to_string(), value.to_string());
        Setting { name, value, reset, default: "", help, kind, unit: None, min: None, max: None, words, fixed: true }
    }
}

/// All variables with the values that a session gave them.
pub fn settings(overrides: &[(&'static str, String)]) -> Vec<Setting> {
    let setting = |def: &Def| {
        let value = overrides.iter().find(|(name, _)| *name == def.name).map_or(def.default, |(_, value)| value);
        let mut setting = Setting::preset(def.shown, def.default);
        setting.value = value.to_string();
        (setting.default, setting.help, setting.fixed) = (def.default, def.help, matches!(def.kind, Kind::Fixed));
        match def.kind {
            Kind::Bool => setting.kind = "bool",
            Kind::Int(min, max) => (setting.kind, setting.min, setting.max) = ("integer", Some(min), Some(max)),
            Kind::Duration => {
                (setting.kind, setting.unit) = ("integer", Some("ms"));
                (setting.min, setting.max) = (Some(0), Some(i64::from(i32::MAX)));
                setting.value = duration_ms(&setting.value).unwrap_or(0.0).to_string();
            }
            Kind::Words(words) => (setting.kind, setting.words) = ("enum", words),
            _ => {}
        }
        setting
    };
    VARS.iter().map(setting).collect()
}

fn find(name: &str) -> Result<&'static Def, SqlError> {
    let name = name.to_ascii_lowercase();
    let position = VARS.iter().position(|d| d.name == name);
    position.map(|i| &VARS[i]).ok_or_else(|| {
        SqlError::new(SqlState::UNDEFINED_OBJECT, format!("unrecognized configuration parameter \"{name}\""))
    })
}

/// A session's variables. Changes inside a transaction go back with it.
#[derive(Clone, Debug)]
pub struct Vars {
    defaults: BTreeMap<&'static str, String>,
    session: BTreeMap<&'static str, String>,
    local: BTreeMap<&'static str, String>,
    before_transaction: Option<BTreeMap<&'static str, String>>,
    changed: Vec<&'static str>,
    version: u64,
    resolved: Resolved,
}

/// What every statement asks for, parsed once for as long as no variable changes.
#[derive(Clone, Debug)]
struct Resolved {
    text: TextSettings,
    isolation: Isolation,
    statement_timeout: Option<Duration>,
    idle_timeout: Option<Duration>,
}

impl Default for Vars {
    fn default() -> Self {
        let resolved = Resolved {
            text: TextSettings::DEFAULT,
            isolation: Isolation::default(),
            statement_timeout: None,
            idle_timeout: None,
        };
        let (defaults, session, local) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Vars { defaults, session, local, before_transaction: None, changed: Vec::new(), version: 0, resolved }
    }
}

impl Vars {
    /// A number that is another one after every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Parses again what statements ask for.
    fn resolve(&mut self) {
        self.version += 1;
        self.resolved = Resolved {
            text: self.parse_text_settings(),
            isolation: self.parse_isolation(),
            statement_timeout: self.timeout("statement_timeout"),
            idle_timeout: self.timeout("idle_in_transaction_session_timeout"),
        };
    }

    /// Sets what the start-up packet says, which RESET goes back to; `user` becomes the session's authorization.
    pub fn start(&mut self, user: &str, parameters: &[(String, String)]) -> Result<(), SqlError> {
        self.defaults.insert("session_authorization", user.to_string());
        for (name, value) in parameters {
            let def = find(name)?;
            self.defaults.insert(def.name, check(def, std::slice::from_ref(value), def.default)?);
        }
        self.resolve();
        Ok(())
    }

    fn raw(&self, def: &'static Def) -> &str {
        let layers = [&self.local, &self.session, &self.defaults];
        layers.into_iter().find_map(|layer| layer.get(def.name)).map_or(def.default, String::as_str)
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Result<&str, SqlError> {
        find(name).map(|def| self.raw(def))
    }

    fn known(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    /// `SET`; no values mean DEFAULT. `local` values end with the transaction.
    pub fn set(&mut self, name: &str, values: &[String], local: bool) -> Result<(), SqlError> {
        let def = find(name)?;
        let value = if values.is_empty() {
            self.defaults.get(def.name).cloned().unwrap_or_else(|| def.default.to_string())
        } else {
            check(def, values, self.raw(def))?
        };
        let layer = if local { &mut self.local } else { &mut self.session };
        layer.insert(def.name, value);
        if !local {
            self.local.remove(def.name);
        }
        self.changed.push(def.name);
        self.resolve();
        Ok(())
    }

    /// `RESET name`, `RESET ALL`.
    pub fn reset(&mut self, name: Option<&str>) -> Result<(), SqlError> {
        match name {
            Some(name) => self.set(name, &[], false),
            None => {
                self.changed.extend(self.session.keys().chain(self.local.keys()));
                self.session.clear();
                self.local.clear();
                self.resolve();
                Ok(())
            }
        }
    }

    /// A transaction block begins.
    pub fn begin(&mut self) {
        self.before_transaction = Some(self.session.clone());
    }

    /// All values are again what they were in `before`, a copy made in the present transaction.
    pub fn go_back_to(&mut self, before: &Vars) {
        let layers = [&self.session, &self.local, &before.session, &before.local];
        self.changed.extend(layers.into_iter().flat_map(BTreeMap::keys));
        self.session = before.session.clone();
        self.local = before.local.clone();
        self.resolve();
    }

    /// A transaction block, or a statement outside of one, ends.
    pub fn end(&mut self, commit: bool) {
        let before = self.before_transaction.take();
        let mut changes = !self.local.is_empty();
        self.changed.extend(self.local.keys());
        self.local.clear();
        if let (false, Some(before)) = (commit, before) {
            self.changed.extend(self.session.keys().chain(before.keys()));
            self.session = before;
            changes = true;
        }
        // These two name the present transaction, which is over.
        changes |= self.session.remove("transaction_isolation").is_some();
        changes |= self.session.remove("transaction_read_only").is_some();
        if changes {
            self.resolve();
        }
    }

    /// Names and values to report at start-up.
    pub fn reported(&self) -> Vec<(&'static str, String)> {
        VARS.iter().filter(|d| d.report).map(|d| (d.shown, self.raw(d).to_string())).collect()
    }

    /// Reported variables that changed since the last call.
    pub fn take_changes(&mut self) -> Vec<(&'static str, String)> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        let defs = VARS.iter().filter(|d| d.report && changed.contains(&d.name));
        defs.map(|d| (d.shown, self.raw(d).to_string())).collect()
    }

    /// Name, value and description of every variable.
    pub fn all(&self) -> Vec<(&'static str, String, &'static str)> {
        VARS.iter().map(|d| (d.shown, self.raw(d).to_string(), d.help)).collect()
    }

    /// Those that differ from their built-in defaults.
    pub fn overrides(&self) -> Vec<(&'static str, String)> {
        let layers = [&self.defaults, &self.session, &self.local];
        let all: BTreeMap<_, _> = layers.into_iter().flatten().map(|(name, value)| (*name, value.clone())).collect();
        all.into_iter().collect()
    }

    /// How values are printed and read.
    pub fn text_settings(&self) -> TextSettings {
        self.resolved.text.clone()
    }

    fn parse_text_settings(&self) -> TextSettings {
        let (date_style, date_order) = self.known("datestyle").split_once(", ").unwrap_or_default();
        TextSettings {
            time_zone: zone(self.known("timezone")).unwrap_or(TextSettings::DEFAULT.time_zone),
            zone_name: Cow::Owned(self.known("timezone").to_string()),
            date_style: match date_style {
                "SQL" => DateStyle::Sql,
                "Postgres" => DateStyle::Postgres,
                "German" => DateStyle::German,
                _ => DateStyle::Iso,
            },
            date_order: match date_order {
                "DMY" => DateOrder::Dmy,
                "YMD" => DateOrder::Ymd,
                _ => DateOrder::Mdy,
            },
            interval_style: match self.known("intervalstyle") {
                "postgres_verbose" => IntervalStyle::PostgresVerbose,
                "sql_standard" => IntervalStyle::SqlStandard,
                "iso_8601" => IntervalStyle::Iso8601,
                _ => IntervalStyle::Postgres,
            },
            extra_float_digits: self.known("extra_float_digits").parse().unwrap_or(1),
            bytea_output: match self.known("bytea_output") {
                "escape" => ByteaOutput::Escape,
                _ => ByteaOutput::Hex,
            },
        }
    }

    /// The search path's entries.
    pub fn search_path(&self) -> Vec<String> {
        split_list(self.known("search_path"))
    }

    /// The isolation level of the present transaction.
    pub fn isolation(&self) -> Isolation {
        self.resolved.isolation
    }

    fn parse_isolation(&self) -> Isolation {
        let explicit = self.local.get("transaction_isolation").or_else(|| self.session.get("transaction_isolation"));
        match explicit.map_or_else(|| self.known("default_transaction_isolation"), String::as_str) {
            "strict serializable" => Isolation::StrictSerializable,
            _ => Isolation::Serializable,
        }
    }

    /// How long a statement may run.
    pub fn statement_timeout(&self) -> Option<Duration> {
        self.resolved.statement_timeout
    }

    /// How long a transaction may idle.
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.resolved.idle_timeout
    }

    fn timeout(&self, name: &str) -> Option<Duration> {
        let ms = duration_ms(self.known(name)).unwrap_or(0.0);
        (ms > 0.0).then(|| Duration::from_millis(ms as u64))
    }
}
