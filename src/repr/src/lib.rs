//! Values: what a cell, a row, a type, a time and an identifier are, and how they look as bytes and as text.
//!
//! Every other crate stands on this one; it knows nothing of them, does no I/O and reads no clock.

pub mod arena;
pub mod array;
pub mod binary;
pub mod canonical;
pub mod composite;
pub mod datetime;
pub mod datum;
pub mod enums;
pub mod error;
pub mod extent;
pub mod filler;
pub mod ids;
pub mod interval;
pub mod json;
pub mod jsonb;
pub mod map;
pub mod numeric;
pub mod pg;
pub mod range;
pub mod row;
pub mod text;
pub mod time;
pub mod timetz;
pub mod types;

pub use arena::Arena;
pub use array::ArrayRef;
pub use composite::CompositeType;
pub use datum::Datum;
pub use enums::{EnumRef, EnumType};
pub use error::{DataflowError, EvalError, SqlError, SqlState};
pub use extent::{Extent, Values};
pub use ids::{ClusterId, GlobalId, LocalId, ReplicaId, ShardId};
pub use interval::Interval;
pub use jsonb::JsonbRef;
pub use numeric::{Numeric, NumericRef};
pub use range::RangeRef;
pub use row::{Row, RowPacker, RowRef};
pub use time::{Diff, Frontier, Timestamp};
pub use timetz::TimeTz;
pub use types::{ColumnName, ColumnType, RangeKind, RelationDesc, RelationType, SqlType, VectorKind};
