//! Identifiers, each a type of its own that prints with a letter.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An object of the catalog or a transient dataflow export: `u7` (user), `s3` (system), `t12` (transient).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GlobalId {
    /// Built in.
    System(u64),
    /// Made by a user, durable.
    User(u64),
    /// Lives as long as one statement.
    Transient(u64),
}

impl GlobalId {
    /// Whether the object was made by a user and is durable.
    pub fn is_user(self) -> bool {
        matches!(self, GlobalId::User(_))
    }

    /// Whether the object is built in.
    pub fn is_system(self) -> bool {
        matches!(self, GlobalId::System(_))
    }

    /// Whether the object lives as long as one statement.
    pub fn is_transient(self) -> bool {
        matches!(self, GlobalId::Transient(_))
    }
}

impl fmt::Display for GlobalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GlobalId::System(n) => write!(f, "s{n}"),
            GlobalId::User(n) => write!(f, "u{n}"),
            GlobalId::Transient(n) => write!(f, "t{n}"),
        }
    }
}

impl fmt::Debug for GlobalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: {0:?}")]
pub struct ParseIdError(pub String);

impl FromStr for GlobalId {
    type Err = ParseIdError;
    fn from_str(s: &str) -> Result<Self, ParseIdError> {
        let number = |rest: &str| rest.parse().map_err(|_| ParseIdError(s.to_string()));
        match s.split_at_checked(1) {
            Some(("s", n)) => Ok(GlobalId::System(number(n)?)),
            Some(("u", n)) => Ok(GlobalId::User(number(n)?)),
            Some(("t", n)) => Ok(GlobalId::Transient(number(n)?)),
            _ => Err(ParseIdError(s.to_string())),
        }
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u64);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(s: &str) -> Result<Self, ParseIdError> {
                s.strip_prefix($letter)
                    .and_then(|n| n.parse().ok())
                    .map($name)
                    .ok_or_else(|| ParseIdError(s.to_string()))
            }
        }
    };
}

number_id!(
    /// A collection bound inside one plan: `l3`.
    LocalId, "l"
);
number_id!(
    /// A named pool of compute: `c1`.
    ClusterId, "c"
);
number_id!(
    /// One copy of a cluster's work: `r1`.
    ReplicaId, "r"
);

/// A durable collection: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShardId(pub [u8; 16]);

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", uuid::Uuid::from_bytes(self.0))
    }
}

impl fmt::Debug for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ShardId {
    type Err = ParseIdError;
    fn from_str(s: &str) -> Result<Self, ParseIdError> {
        s.strip_prefix('s')
            .and_then(|u| uuid::Uuid::parse_str(u).ok())
            .map(|u| ShardId(u.into_bytes()))
            .ok_or_else(|| ParseIdError(s.to_string()))
    }
}
