//! What planning and reading need to know of a session.

use super::vars::Vars;

/// How reads are ordered with what other clients see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// A read sees every write acknowledged before it began, by any client.
    #[default]
    StrictSerializable,
    /// A read sees some consistent state, the newest that is complete here.
    Serializable,
}

impl Isolation {
    /// As `SHOW transaction_isolation` prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Isolation::StrictSerializable => "strict serializable",
            Isolation::Serializable => "serializable",
        }
    }
}

/// A session's identity and the settings that planning and reading depend on.
#[derive(Clone, Debug)]
pub struct SessionContext {
    /// PostgreSQL's backend process id; unique among live sessions.
    pub connection_id: u32,
    /// Role.
    pub user: String,
    /// Current database.
    pub database: String,
    /// Schemas that unqualified names are looked up in, after the implicit ones.
    pub search_path: Vec<String>,
    /// Cluster that queries run in.
    pub cluster: String,
    /// All variables.
    pub vars: Vars,
    /// For reads.
    pub isolation: Isolation,
    /// Start of the transaction: microseconds since 2000-01-01 UTC.
    pub now_us: i64,
    /// Start of the statement, likewise.
    pub statement_us: i64,
}
