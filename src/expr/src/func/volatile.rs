//! Functions that give another value with every call.
//!
//! Randomness comes in explicitly: the planner passes a seed, a literal by the time anything is evaluated, and a number for each place
//! that calls. A counter of the thread tells the rows of one place apart.

use super::build::*;
use super::{FuncDef, Volatility};
use repr::{Datum, EvalError};
use std::cell::Cell;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// The entries: their arguments are a seed and the number of the place.
pub fn table() -> Vec<FuncDef> {
    let entry = |name: &str, ret, eval| {
        let mut entry = func(name, "", &[INT8, INT4], ret, eval).infallible();
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

/// 64 bits that the seed, the place, the call and `part` determine.
fn word(args: &[Datum<'_>], part: u64) -> Result<u64, EvalError> {
    let (seed, place): (i64, i32) = (arg(args, 0)?, arg(args, 1)?);
    let call = CALLS.get();
    CALLS.set(call.wrapping_add(1));
    let mixed = mix(mix(seed as u64 ^ part).wrapping_add(place as u64)).wrapping_add(call);
    Ok(mix(mixed))
}

/// One step of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}
