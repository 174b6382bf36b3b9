//! Functions that give another value with every call.
//!
//! Randomness comes in explicitly: the planner passes a seed, a literal by the time anything is evaluated, a number for each place
//! that calls, and the columns of the row, which tell the rows of one place apart. A row that goes away takes its number with it.

use super::build::*;
use super::{FuncDef, Volatility};
use repr::{Datum, EvalError, Row};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The entries: their arguments are a seed, the number of the place, and what the row has.
pub fn table() -> Vec<FuncDef> {
    let entry = |name: &str, ret, eval| {
        let mut entry = func(name, "", &[INT8, INT4, ANY], ret, eval).variadic().never_null().infallible();
        entry.volatility = Volatility::Volatile;
        entry
    };
    vec![
        entry("random", FLOAT8, |a, _| Ok(Datum::Float8((word(a, 0)? >> 11) as f64 / (1u64 << 53) as f64))),
        entry("gen_random_uuid", UUID, |a, _| {
            let bytes = (u128::from(word(a, 0)?) << 64 | u128::from(word(a, 1)?)).to_be_bytes();
            Ok(Datum::Uuid(uuid::Builder::from_random_bytes(bytes).into_uuid().into_bytes()))
        }),
    ]
}

/// 64 bits that the seed, the place, the row and `part` determine.
fn word(args: &[Datum<'_>], part: u64) -> Result<u64, EvalError> {
    let seed: i64 = optional(args, 0)?.unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    Row::pack(args[1..].iter().copied()).hash(&mut hasher);
    Ok(mix(mix(seed as u64 ^ part) ^ hasher.finish()))
}

/// One step of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}
