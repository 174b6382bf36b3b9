//! Linear regression, covariance and correlation over pairs of floats: exact sums, rounded where they are read.
//!
//! With `n` pairs, `n·Sxx = n Σx² − (Σx)²` and so on are integers times a power of two; only their quotients are rounded.

use super::accum::Special;
use super::float_sum::{FloatSum, ratio, round};
use bigdecimal::num_bigint::BigInt;
use bigdecimal::{Signed, Zero};
use repr::Diff;
use serde::{Deserialize, Serialize};

/// Which function of the pairs is computed; the dependent variable `y` is the first argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RegressionFunc {
    /// `regr_count`
    Count,
    /// `regr_sxx`
    Sxx,
    /// `regr_syy`
    Syy,
    /// `regr_sxy`
    Sxy,
    /// `regr_avgx`
    AvgX,
    /// `regr_avgy`
    AvgY,
    /// `regr_r2`
    R2,
    /// `regr_slope`
    Slope,
    /// `regr_intercept`
    Intercept,
    /// `covar_pop`
    CovarPop,
    /// `covar_samp`
    CovarSamp,
    /// `corr`
    Corr,
}

impl RegressionFunc {
    /// All of them, by the names that SQL has for them.
    pub const NAMES: [(&'static str, Self); 12] = [
        ("corr", RegressionFunc::Corr),
        ("covar_pop", RegressionFunc::CovarPop),
        ("covar_samp", RegressionFunc::CovarSamp),
        ("regr_avgx", RegressionFunc::AvgX),
        ("regr_avgy", RegressionFunc::AvgY),
        ("regr_count", RegressionFunc::Count),
        ("regr_intercept", RegressionFunc::Intercept),
        ("regr_r2", RegressionFunc::R2),
        ("regr_slope", RegressionFunc::Slope),
        ("regr_sxx", RegressionFunc::Sxx),
        ("regr_sxy", RegressionFunc::Sxy),
        ("regr_syy", RegressionFunc::Syy),
    ];
}

/// Sums over pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pairs {
    count: i64,
    special_x: Special,
    special_y: Special,
    x: FloatSum,
    y: FloatSum,
    xx: FloatSum,
    yy: FloatSum,
    xy: FloatSum,
}

/// An integer times a power of two.
type Exact = (BigInt, i64);

fn product(a: &Exact, b: &Exact) -> Exact {
    (&a.0 * &b.0, a.1 + b.1)
}

fn difference(a: Exact, b: Exact) -> Exact {
    let exponent = a.1.min(b.1);
    ((a.0 << (a.1 - exponent)) - (b.0 << (b.1 - exponent)), exponent)
}

/// `a / b` as the nearest float but for the last bit; `b` is not zero.
fn quotient(a: &Exact, b: &Exact) -> f64 {
    let negative = (a.0.is_negative()) != (b.0.is_negative());
    let magnitude = ratio(&a.0.abs(), a.1 - b.1, &b.0.abs());
    if negative { -magnitude } else { magnitude }
}

fn over(a: &Exact, divisor: i128) -> f64 {
    quotient(a, &(BigInt::from(divisor), 0))
}

impl Pairs {
    /// A pair, `diff` times.
    pub fn of(y: f64, x: f64, diff: Diff) -> Self {
        let mut pairs = Pairs { count: diff, ..Pairs::default() };
        pairs.special_x = Special::of(x, diff);
        pairs.special_y = Special::of(y, diff);
        if x.is_finite() {
            pairs.x.add(x, diff);
            pairs.xx.add_square(x, diff);
        }
        if y.is_finite() {
            pairs.y.add(y, diff);
            pairs.yy.add_square(y, diff);
        }
        if x.is_finite() && y.is_finite() {
            pairs.xy.add_product(x, y, diff);
        }
        pairs
    }

    /// How many pairs there are.
    pub fn count(&self) -> i64 {
        self.count
    }

    fn sums(&self) -> [&FloatSum; 5] {
        [&self.x, &self.y, &self.xx, &self.yy, &self.xy]
    }

    fn sums_mut(&mut self) -> [&mut FloatSum; 5] {
        [&mut self.x, &mut self.y, &mut self.xx, &mut self.yy, &mut self.xy]
    }

    /// Whether nothing was added that was not taken back.
    pub fn is_zero(&self) -> bool {
        self.count == 0
            && self.special_x == Special::default()
            && self.special_y == Special::default()
            && self.sums().into_iter().all(FloatSum::is_zero)
    }

    /// Adds other pairs.
    pub fn plus(&mut self, other: &Pairs) {
        self.count = self.count.wrapping_add(other.count);
        self.special_x.plus(&other.special_x);
        self.special_y.plus(&other.special_y);
        self.sums_mut().into_iter().zip(other.sums()).for_each(|(sum, added)| sum.plus(added));
    }

    /// Multiplies by a count.
    pub fn multiply(&mut self, by: Diff) {
        self.count = self.count.wrapping_mul(by);
        self.special_x.multiply(by);
        self.special_y.multiply(by);
        self.sums_mut().into_iter().for_each(|sum| sum.multiply(by));
    }

    /// `n Σab − Σa Σb`
    fn spread(&self, ab: &FloatSum, a: &FloatSum, b: &FloatSum) -> Exact {
        let (sum, exponent) = ab.exact();
        difference((sum * self.count, exponent), product(&a.exact(), &b.exact()))
    }

    /// The value; none where it is NULL. There is at least one pair.
    pub fn value(&self, func: RegressionFunc) -> Option<f64> {
        use RegressionFunc::*;
        let n = i128::from(self.count);
        match func {
            AvgX => return Some(mean(&self.special_x, &self.x, n)),
            AvgY => return Some(mean(&self.special_y, &self.y, n)),
            CovarSamp if n < 2 => return None,
            _ => {}
        }
        if self.special_x.sum().is_some() || self.special_y.sum().is_some() {
            return Some(f64::NAN);
        }
        let sxx = self.spread(&self.xx, &self.x, &self.x);
        let syy = self.spread(&self.yy, &self.y, &self.y);
        let sxy = self.spread(&self.xy, &self.x, &self.y);
        let (no_x, no_y) = (sxx.0.is_zero(), syy.0.is_zero());
        Some(match func {
            Sxx => over(&sxx, n),
            Syy => over(&syy, n),
            Sxy => over(&sxy, n),
            CovarPop => over(&sxy, n * n),
            CovarSamp => over(&sxy, n * (n - 1)),
            R2 | Slope | Intercept if no_x => return None,
            R2 if no_y => 1.0,
            R2 => quotient(&product(&sxy, &sxy), &product(&sxx, &syy)),
            Slope => quotient(&sxy, &sxx),
            Intercept => {
                let (x, y) = (self.x.exact(), self.y.exact());
                let numerator = difference(product(&y, &sxx), product(&x, &sxy));
                quotient(&numerator, &product(&sxx, &(BigInt::from(n), 0)))
            }
            Corr if no_x || no_y => return None,
            Corr => {
                let square = quotient(&product(&sxy, &sxy), &product(&sxx, &syy));
                square.sqrt().copysign(round(&sxy.0.signum(), 0, 53, -1074))
            }
            Count | AvgX | AvgY => return None,
        })
    }
}

fn mean(special: &Special, sum: &FloatSum, count: i128) -> f64 {
    special.sum().unwrap_or_else(|| over(&sum.exact(), count))
}
