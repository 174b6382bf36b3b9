//! Dice for the faulty wrappers: what goes wrong, and when, is decided by a seed.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::{Mutex, PoisonError};

/// How an operation fails, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It succeeds.
    None,
    /// It fails and did not happen.
    Before,
    /// It happens, but the answer is lost.
    After,
    /// The answer is lost, and it happens later, just before another operation.
    Late,
    /// The answer is lost, and it never happens.
    Lost,
}

/// A seeded source of faults.
#[derive(Debug)]
pub(crate) struct Faults {
    rng: Mutex<StdRng>,
    /// One operation in so many fails.
    one_in: u32,
}

impl Faults {
    pub(crate) fn new(seed: u64, one_in: u32) -> Self {
        Faults { rng: Mutex::new(StdRng::seed_from_u64(seed)), one_in }
    }

    /// The fate of the next operation.
    pub(crate) fn roll(&self) -> Fault {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        if !rng.random_ratio(1, self.one_in) {
            return Fault::None;
        }
        match rng.random_range(0..4) {
            0 => Fault::Before,
            1 => Fault::After,
            2 => Fault::Late,
            _ => Fault::Lost,
        }
    }

    /// Heads or tails.
    pub(crate) fn coin(&self) -> bool {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).random_bool(0.5)
    }
}
