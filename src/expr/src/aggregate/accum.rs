//! Sums that are kept up to date row by row.
//!
//! Everything in an [`Accum`] is linear: adding a row `diff` times adds `diff` times its accum, and rows that cancel leave
//! nothing. So it can serve as the difference type of an arrangement.

use super::AggregateFunc;
use super::bits::Bits;
use super::float_sum::{FloatSum, ratio};
use super::regression::{Pairs, RegressionFunc};
use super::wide::Wide;
use crate::func::build::{numeric_out, out_of_range};
use crate::func::interval::divide as divide_interval;
use crate::func::math::sqrt_to_scale;
use crate::func::numeric::{add, divide, divide_to_scale, division_scale};
use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, Zero};
use repr::{Arena, Datum, Diff, EvalError, Interval, Numeric, RowPacker, RowRef, SqlError, SqlState, SqlType};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// What a group has accumulated for one aggregate.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Accum {
    /// Nothing, of any aggregate.
    #[default]
    Zero,
    /// Rows, or values that are not NULL.
    Count(i64),
    /// Values that are not NULL, and their sum.
    Int(i64, i128),
    /// Booleans that are true, and that are false.
    Bool(i64, i64),
    /// Values that are not NULL, and sums of months, days and microseconds.
    Interval(i64, [i128; 3]),
    /// Floats.
    Float(Box<Floats>),
    /// Numerics.
    Numeric(Box<Numerics>),
    /// Bits of integers.
    Bits(Box<Bits>),
    /// Pairs of floats.
    Pairs(Box<Pairs>),
}

/// How many values were special.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Special {
    nan: i64,
    infinity: i64,
    neg_infinity: i64,
}

/// Sums of floats and, for variances, of their squares.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Floats {
    count: i64,
    special: Special,
    sum: FloatSum,
    squares: FloatSum,
}

/// Sums of numerics and, for variances, of their squares.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Numerics {
    count: i64,
    special: Special,
    /// One part for each scale, so that the largest scale of the values that are there is known; by scale, no empty ones.
    parts: Vec<ScalePart>,
}

/// Sums of the numbers of one scale, in units of their last digit.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct ScalePart {
    scale: u16,
    count: i64,
    sum: Wide,
    squares: Wide,
}

impl Special {
    /// What a value adds, `diff` times.
    pub(super) fn of(value: f64, diff: i64) -> Self {
        let mut special = Special::default();
        match value {
            v if v.is_nan() => special.nan = diff,
            f64::INFINITY => special.infinity = diff,
            f64::NEG_INFINITY => special.neg_infinity = diff,
            _ => {}
        }
        special
    }

    pub(super) fn plus(&mut self, other: &Special) {
        self.nan = self.nan.wrapping_add(other.nan);
        self.infinity = self.infinity.wrapping_add(other.infinity);
        self.neg_infinity = self.neg_infinity.wrapping_add(other.neg_infinity);
    }

    pub(super) fn multiply(&mut self, by: i64) {
        self.nan = self.nan.wrapping_mul(by);
        self.infinity = self.infinity.wrapping_mul(by);
        self.neg_infinity = self.neg_infinity.wrapping_mul(by);
    }

    /// The sum that special values make, if there are any.
    pub(super) fn sum(&self) -> Option<f64> {
        match (self.nan > 0, self.infinity > 0, self.neg_infinity > 0) {
            (true, ..) | (_, true, true) => Some(f64::NAN),
            (_, true, _) => Some(f64::INFINITY),
            (_, _, true) => Some(f64::NEG_INFINITY),
            _ => None,
        }
    }
}

impl Numerics {
    fn add_part(&mut self, part: ScalePart) {
        match self.parts.binary_search_by_key(&part.scale, |p| p.scale) {
            Ok(at) => {
                let own = &mut self.parts[at];
                own.count = own.count.wrapping_add(part.count);
                own.sum.add(&part.sum);
                own.squares.add(&part.squares);
                if own.count == 0 && own.sum.is_zero() && own.squares.is_zero() {
                    self.parts.remove(at);
                }
            }
            Err(at) => self.parts.insert(at, part),
        }
    }

    /// The sum, with the largest scale of the values.
    fn sum(&self) -> Numeric {
        if let Some(special) = self.special.sum() {
            return special_numeric(special);
        }
        let unit = |part: &ScalePart| BigDecimal::new(part.sum.to_big(), i64::from(part.scale));
        let scale = self.parts.iter().filter(|p| p.count > 0).map(|p| i64::from(p.scale)).max().unwrap_or(0);
        Numeric::Finite(self.parts.iter().map(unit).sum::<BigDecimal>().with_scale(scale))
    }

    fn squares(&self) -> BigDecimal {
        let unit = |part: &ScalePart| BigDecimal::new(part.squares.to_big(), 2 * i64::from(part.scale));
        self.parts.iter().map(unit).sum()
    }
}

fn special_numeric(value: f64) -> Numeric {
    match value {
        f64::INFINITY => Numeric::Infinity,
        f64::NEG_INFINITY => Numeric::NegInfinity,
        _ => Numeric::NaN,
    }
}

impl Accum {
    /// What no rows have accumulated.
    pub fn new(_func: &AggregateFunc) -> Self {
        Accum::Zero
    }

    /// Adds a row of arguments, `diff` times. Arguments of other types than the aggregate's are an error of the plan; they
    /// count as NULL.
    pub fn add(&mut self, func: &AggregateFunc, args: RowRef<'_>, diff: Diff) {
        let args: SmallVec<[Datum<'_>; 2]> = args.iter().collect();
        let added = func.accumulate(&args, diff);
        debug_assert!(added.is_ok(), "{added:?}");
        self.plus_equals(&added.unwrap_or_default());
    }

    /// As [`Accum::plus_equals`].
    pub fn plus(&mut self, other: &Accum) {
        self.plus_equals(other);
    }

    /// Whether it is what no rows at all have accumulated.
    pub fn is_zero(&self) -> bool {
        match self {
            Accum::Zero => true,
            Accum::Count(n) => *n == 0,
            Accum::Int(n, sum) => *n == 0 && *sum == 0,
            Accum::Bool(t, f) => *t == 0 && *f == 0,
            Accum::Interval(n, sums) => *n == 0 && *sums == [0; 3],
            Accum::Float(f) => {
                f.count == 0 && f.special == Special::default() && f.sum.is_zero() && f.squares.is_zero()
            }
            Accum::Numeric(n) => n.count == 0 && n.special == Special::default() && n.parts.is_empty(),
            Accum::Bits(bits) => bits.is_zero(),
            Accum::Pairs(pairs) => pairs.is_zero(),
        }
    }

    /// Adds what other rows have accumulated for the same aggregate.
    pub fn plus_equals(&mut self, other: &Accum) {
        match (&mut *self, other) {
            (_, Accum::Zero) => {}
            (Accum::Zero, _) => *self = other.clone(),
            (Accum::Count(a), Accum::Count(b)) => *a = a.wrapping_add(*b),
            (Accum::Int(n, sum), Accum::Int(m, other)) => {
                *n = n.wrapping_add(*m);
                *sum = sum.wrapping_add(*other);
            }
            (Accum::Bool(t, f), Accum::Bool(u, g)) => {
                *t = t.wrapping_add(*u);
                *f = f.wrapping_add(*g);
            }
            (Accum::Interval(n, sums), Accum::Interval(m, others)) => {
                *n = n.wrapping_add(*m);
                sums.iter_mut().zip(others).for_each(|(a, b)| *a = a.wrapping_add(*b));
            }
            (Accum::Float(a), Accum::Float(b)) => {
                a.count = a.count.wrapping_add(b.count);
                a.special.plus(&b.special);
                a.sum.plus(&b.sum);
                a.squares.plus(&b.squares);
            }
            (Accum::Numeric(a), Accum::Numeric(b)) => {
                a.count = a.count.wrapping_add(b.count);
                a.special.plus(&b.special);
                b.parts.iter().for_each(|part| a.add_part(part.clone()));
            }
            (Accum::Bits(a), Accum::Bits(b)) => a.plus(b),
            (Accum::Pairs(a), Accum::Pairs(b)) => a.plus(b),
            _ => debug_assert!(false, "accums of different aggregates were added"),
        }
    }

    /// Multiplies by a count.
    pub fn multiply(&mut self, by: Diff) {
        let wide = i128::from(by);
        match self {
            Accum::Zero => {}
            Accum::Count(n) => *n = n.wrapping_mul(by),
            Accum::Int(n, sum) => {
                *n = n.wrapping_mul(by);
                *sum = sum.wrapping_mul(wide);
            }
            Accum::Bool(t, f) => {
                *t = t.wrapping_mul(by);
                *f = f.wrapping_mul(by);
            }
            Accum::Interval(n, sums) => {
                *n = n.wrapping_mul(by);
                sums.iter_mut().for_each(|sum| *sum = sum.wrapping_mul(wide));
            }
            Accum::Float(f) => {
                f.count = f.count.wrapping_mul(by);
                f.special.multiply(by);
                f.sum.multiply(by);
                f.squares.multiply(by);
            }
            Accum::Numeric(n) => {
                n.count = n.count.wrapping_mul(by);
                n.special.multiply(by);
                for part in &mut n.parts {
                    part.count = part.count.wrapping_mul(by);
                    part.sum.multiply(by);
                    part.squares.multiply(by);
                }
                n.parts.retain(|p| p.count != 0 || !p.sum.is_zero() || !p.squares.is_zero());
            }
            Accum::Bits(bits) => bits.multiply(by),
            Accum::Pairs(pairs) => pairs.multiply(by),
        }
    }

    /// How many values, or rows for `count(*)`, there are.
    fn count(&self) -> i64 {
        match self {
            Accum::Zero => 0,
            Accum::Count(n) | Accum::Int(n, _) | Accum::Interval(n, _) => *n,
            Accum::Bool(t, f) => t.wrapping_add(*f),
            Accum::Float(f) => f.count,
            Accum::Numeric(n) => n.count,
            Accum::Bits(bits) => bits.count(),
            Accum::Pairs(pairs) => pairs.count(),
        }
    }
}

fn floats(value: f64, diff: Diff, squares: bool) -> Accum {
    let mut floats = Floats { count: diff, ..Floats::default() };
    match value {
        v if v.is_nan() => floats.special.nan = diff,
        f64::INFINITY => floats.special.infinity = diff,
        f64::NEG_INFINITY => floats.special.neg_infinity = diff,
        v => {
            floats.sum.add(v, diff);
            if squares {
                floats.squares.add_square(v, diff);
            }
        }
    }
    Accum::Float(Box::new(floats))
}

fn numerics(value: Numeric, diff: Diff, squares: bool) -> Accum {
    let mut numerics = Numerics { count: diff, ..Numerics::default() };
    match value {
        Numeric::NaN => numerics.special.nan = diff,
        Numeric::Infinity => numerics.special.infinity = diff,
        Numeric::NegInfinity => numerics.special.neg_infinity = diff,
        Numeric::Finite(decimal) => {
            let (digits, scale) = decimal.into_bigint_and_scale();
            let square = if squares { Wide::new(&(&digits * &digits)) } else { Wide::default() };
            let mut part =
                ScalePart { scale: scale.max(0) as u16, count: diff, sum: Wide::new(&digits), squares: square };
            part.sum.multiply(diff);
            part.squares.multiply(diff);
            if diff != 0 {
                numerics.parts.push(part);
            }
        }
    }
    Accum::Numeric(Box::new(numerics))
}

fn wrong_argument(func: &AggregateFunc, datum: Datum<'_>) -> EvalError {
    SqlError::internal(format!("{func:?} over {datum:?}"))
}

impl AggregateFunc {
    /// Whether its value follows from an [`Accum`].
    pub fn accumulable(&self) -> bool {
        use AggregateFunc::*;
        let sorted = matches!(self, PercentileCont { .. } | PercentileDisc { .. } | Mode);
        let whole = matches!(self, Min | Max | StringAgg | ByteaAgg | ArrayAgg(_) | ListAgg(_) | MapAgg(_));
        let json = matches!(self, JsonbAgg | JsonbObjectAgg | JsonAgg(_) | JsonObjectAgg);
        !sorted && !whole && !json && !matches!(self, RangeIntersect)
    }

    /// What a row of these arguments, `diff` times, accumulates. Only for accumulable aggregates.
    pub fn accumulate(&self, args: &[Datum<'_>], diff: Diff) -> Result<Accum, EvalError> {
        use AggregateFunc::*;
        let Some(&datum) = args.first() else {
            return Ok(Accum::Count(diff));
        };
        if datum.is_null() {
            return Ok(Accum::Zero);
        }
        if let Regression(_) = self {
            return match args {
                [Datum::Float8(y), Datum::Float8(x)] => Ok(Accum::Pairs(Box::new(Pairs::of(*y, *x, diff)))),
                [_, Datum::Null] => Ok(Accum::Zero),
                _ => Err(wrong_argument(self, datum)),
            };
        }
        Ok(match (self, datum) {
            (Count, _) => Accum::Count(diff),
            (SumInt | SumInt8 | AvgInt, Datum::Int2(v)) => Accum::Int(diff, i128::from(v) * i128::from(diff)),
            (SumInt | SumInt8 | AvgInt, Datum::Int4(v)) => Accum::Int(diff, i128::from(v) * i128::from(diff)),
            (SumInt | SumInt8 | AvgInt, Datum::Int8(v)) => Accum::Int(diff, i128::from(v) * i128::from(diff)),
            (SumUint | AvgInt, Datum::Uint2(v)) => Accum::Int(diff, i128::from(v) * i128::from(diff)),
            (SumUint | AvgInt, Datum::Uint4(v)) => Accum::Int(diff, i128::from(v) * i128::from(diff)),
            (SumInt8 | AvgInt, Datum::Uint8(v)) => Accum::Int(diff, i128::from(v) * i128::from(diff)),
            (SumFloat4 | SumFloat8 | AvgFloat, Datum::Float4(v)) => floats(f64::from(v), diff, false),
            (SumFloat8 | AvgFloat, Datum::Float8(v)) => floats(v, diff, false),
            (SumNumeric | AvgNumeric, Datum::Numeric(v)) => numerics(v.to_numeric(), diff, false),
            (SumInterval | AvgInterval, Datum::Interval(v)) => {
                let parts = [i128::from(v.months), i128::from(v.days), i128::from(v.micros)];
                Accum::Interval(diff, parts.map(|part| part.wrapping_mul(i128::from(diff))))
            }
            (BoolAnd | BoolOr, Datum::Bool(true)) => Accum::Bool(diff, 0),
            (BoolAnd | BoolOr, Datum::Bool(false)) => Accum::Bool(0, diff),
            (StddevSamp(true) | StddevPop(true) | VarSamp(true) | VarPop(true), Datum::Float8(v)) => {
                floats(v, diff, true)
            }
            (StddevSamp(false) | StddevPop(false) | VarSamp(false) | VarPop(false), Datum::Numeric(v)) => {
                numerics(v.to_numeric(), diff, true)
            }
            (Bit(_, _), datum) => match Bits::of(datum, diff) {
                Some(bits) => Accum::Bits(Box::new(bits)),
                None => return Err(wrong_argument(self, datum)),
            },
            _ => return Err(wrong_argument(self, datum)),
        })
    }

    /// Appends the aggregate's value; a negative number of values is an error of the plan (XX000).
    pub fn finish(&self, accum: &Accum, out: &mut RowPacker) -> Result<(), EvalError> {
        let arena = Arena::new();
        out.push(self.value(accum, &arena)?);
        Ok(())
    }

    /// The aggregate's value; a negative number of values is an error of the plan (XX000).
    pub fn value<'a>(&self, accum: &Accum, arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
        use AggregateFunc::*;
        let count = accum.count();
        if count < 0 {
            return Err(SqlError::internal(format!("{self:?} over {count} rows")));
        }
        if matches!(self, Count | Regression(RegressionFunc::Count)) {
            return Ok(Datum::Int8(count));
        }
        if count == 0 {
            return Ok(Datum::Null);
        }
        match (self, accum) {
            (SumInt, Accum::Int(_, sum)) => i64::try_from(*sum).map(Datum::Int8).map_err(|_| out_of_range("bigint")),
            (SumUint, Accum::Int(_, sum)) => u64::try_from(*sum).map(Datum::Uint8).map_err(|_| out_of_range("uint8")),
            (SumInt8, Accum::Int(_, sum)) => Ok(numeric_out(&Numeric::Finite(BigDecimal::from(*sum)), arena)),
            (AvgInt, Accum::Int(_, sum)) => {
                Ok(numeric_out(&divide(Numeric::Finite(BigDecimal::from(*sum)), Numeric::Finite(count.into()))?, arena))
            }
            (BoolAnd, Accum::Bool(_, falses)) => Ok(Datum::Bool(*falses == 0)),
            (BoolOr, Accum::Bool(trues, _)) => Ok(Datum::Bool(*trues != 0)),
            (SumInterval, Accum::Interval(_, sums)) => sum_interval(sums).map(Datum::Interval),
            (AvgInterval, Accum::Interval(_, sums)) => {
                divide_interval(sum_interval(sums)?, count as f64).map(Datum::Interval)
            }
            (SumFloat4, Accum::Float(f)) => {
                let sum = f.special.sum().map_or_else(|| f.sum.to_f32(), |v| v as f32);
                finite_sum(f64::from(sum), f).map(|_| Datum::Float4(sum))
            }
            (SumFloat8, Accum::Float(f)) => {
                finite_sum(f.special.sum().unwrap_or_else(|| f.sum.to_f64()), f).map(Datum::Float8)
            }
            (AvgFloat, Accum::Float(f)) => Ok(Datum::Float8(mean(f))),
            (SumNumeric, Accum::Numeric(n)) => Ok(numeric_out(&n.sum(), arena)),
            (AvgNumeric, Accum::Numeric(n)) => Ok(numeric_out(&divide(n.sum(), Numeric::Finite(count.into()))?, arena)),
            (Bit(func, ty), Accum::Bits(bits)) => Ok(integer(ty, bits.value(*func))),
            (Regression(func), Accum::Pairs(pairs)) => Ok(pairs.value(*func).map_or(Datum::Null, Datum::Float8)),
            (StddevSamp(_) | StddevPop(_) | VarSamp(_) | VarPop(_), _) => self.finish_spread(accum, arena),
            _ => Err(SqlError::internal(format!("{self:?} from {accum:?}"))),
        }
    }

    fn finish_spread<'a>(&self, accum: &Accum, arena: &'a Arena) -> Result<Datum<'a>, EvalError> {
        use AggregateFunc::{StddevPop, StddevSamp, VarSamp};
        let sample = matches!(self, StddevSamp(_) | VarSamp(_));
        let root = matches!(self, StddevSamp(_) | StddevPop(_));
        let count = accum.count();
        if sample && count < 2 {
            return Ok(Datum::Null);
        }
        let divisor = BigInt::from(count) * BigInt::from(if sample { count - 1 } else { count });
        match accum {
            Accum::Float(f) => {
                if f.special != Special::default() {
                    return Ok(Datum::Float8(f64::NAN));
                }
                let variance = float_variance(f, &divisor);
                Ok(Datum::Float8(if root { variance.sqrt() } else { variance }))
            }
            Accum::Numeric(n) => Ok(numeric_out(&numeric_variance(n, &divisor, root)?, arena)),
            _ => Err(SqlError::internal(format!("{self:?} from {accum:?}"))),
        }
    }
}

/// The low bits as an integer of a type.
fn integer<'a>(ty: &SqlType, bits: i64) -> Datum<'a> {
    match ty {
        SqlType::Int2 => Datum::Int2(bits as i16),
        SqlType::Int4 => Datum::Int4(bits as i32),
        _ => Datum::Int8(bits),
    }
}

fn finite_sum(sum: f64, floats: &Floats) -> Result<f64, EvalError> {
    if sum.is_infinite() && floats.special == Special::default() {
        return Err(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow"));
    }
    Ok(sum)
}

/// The mean, rounded once.
fn mean(floats: &Floats) -> f64 {
    if let Some(special) = floats.special.sum() {
        return special;
    }
    let (sum, exponent) = floats.sum.exact();
    let sign = if sum < BigInt::zero() { -1.0 } else { 1.0 };
    let magnitude = if sign < 0.0 { -sum } else { sum };
    sign * ratio(&magnitude, exponent, &BigInt::from(floats.count))
}

/// `(n Σx² − (Σx)²) / divisor`, exact until the division.
fn float_variance(floats: &Floats, divisor: &BigInt) -> f64 {
    let (sum, sum_exponent) = floats.sum.exact();
    let (squares, squares_exponent) = floats.squares.exact();
    let exponent = (2 * sum_exponent).min(squares_exponent);
    let scaled = (squares * floats.count) << (squares_exponent - exponent);
    let numerator = scaled - ((&sum * &sum) << (2 * sum_exponent - exponent));
    ratio(&numerator, exponent, divisor)
}

/// The same over numerics, with the scale that PostgreSQL gives the quotient; or its root.
fn numeric_variance(numerics: &Numerics, divisor: &BigInt, root: bool) -> Result<Numeric, EvalError> {
    let sum = match numerics.sum() {
        Numeric::Finite(sum) => sum,
        _ => return Ok(Numeric::NaN),
    };
    let numerator = numerics.squares() * BigDecimal::from(numerics.count) - &sum * &sum;
    if numerator <= BigDecimal::zero() {
        return Ok(Numeric::zero());
    }
    let numerator = numerator.with_scale(2 * sum.fractional_digit_count());
    let divisor = BigDecimal::new(divisor.clone(), 0);
    let scale = division_scale(&numerator, &divisor);
    let variance = divide_to_scale(&numerator, &divisor, scale);
    if root {
        Ok(Numeric::Finite(sqrt_to_scale(&variance, scale)))
    } else {
        add(Numeric::Finite(variance), Numeric::zero())
    }
}

fn sum_interval(sums: &[i128; 3]) -> Result<Interval, EvalError> {
    let [months, days, micros] = sums;
    let interval = (|| {
        Some(Interval {
            months: i32::try_from(*months).ok()?,
            days: i32::try_from(*days).ok()?,
            micros: i64::try_from(*micros).ok()?,
        })
    })();
    interval.ok_or_else(repr::datetime::interval_out_of_range)
}
