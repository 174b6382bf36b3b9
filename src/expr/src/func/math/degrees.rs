//! Trigonometry in degrees, exact at multiples of 30 and 45 as PostgreSQL's is: each function is scaled by its own value there.

use super::super::FuncDef;
use super::super::build::*;
use super::{finite, unit};
use repr::{Arena, Datum, EvalError};

fn sin_0_to_30(x: f64) -> f64 {
    x.to_radians().sin() / 30f64.to_radians().sin() / 2.0
}

fn cos_0_to_60(x: f64) -> f64 {
    1.0 - (1.0 - x.to_radians().cos()) / (1.0 - 60f64.to_radians().cos()) / 2.0
}

fn sin_first_quadrant(x: f64) -> f64 {
    if x <= 30.0 { sin_0_to_30(x) } else { cos_0_to_60(90.0 - x) }
}

fn cos_first_quadrant(x: f64) -> f64 {
    if x <= 60.0 { cos_0_to_60(x) } else { sin_0_to_30(90.0 - x) }
}

fn tan_first_quadrant(x: f64) -> f64 {
    let tan = |x| sin_first_quadrant(x) / cos_first_quadrant(x);
    tan(x) / tan(45.0)
}

fn asin_positive(x: f64) -> f64 {
    if x <= 0.5 { x.asin() / 0.5f64.asin() * 30.0 } else { 90.0 - x.acos() / 0.5f64.acos() * 60.0 }
}

fn acos_positive(x: f64) -> f64 {
    if x <= 0.5 { 90.0 - x.asin() / 0.5f64.asin() * 30.0 } else { x.acos() / 0.5f64.acos() * 60.0 }
}

/// The angle's mirror image in the first quadrant, and whether it was mirrored at the horizontal and at the vertical axis.
fn first_quadrant(angle: f64) -> (f64, bool, bool) {
    let mut x = angle % 360.0;
    let mut below = x < 0.0;
    // A zero keeps its sign.
    x = if below { -x } else { x };
    if x > 180.0 {
        (x, below) = (360.0 - x, !below);
    }
    if x > 90.0 { (180.0 - x, below, true) } else { (x, below, false) }
}

fn signed(value: f64, negative: bool) -> f64 {
    // Not even zero gets a sign, but from a zero that has one.
    match negative {
        true if value == 0.0 => 0.0,
        true => -value,
        false if value == 0.0 && value.is_sign_positive() => 0.0,
        false => value,
    }
}

fn of_angle<'a>(args: &[Datum<'a>], f: impl Fn((f64, bool, bool)) -> f64) -> Result<Datum<'a>, EvalError> {
    let angle: f64 = arg(args, 0)?;
    if angle.is_nan() {
        return Ok(Datum::Float8(angle));
    }
    Ok(Datum::Float8(f(first_quadrant(finite(angle)?))))
}

/// The entries.
pub fn table() -> Vec<FuncDef> {
    let entry = |name: &'static str, eval| func(name, name, &[FLOAT8], FLOAT8, eval);
    vec![
        entry("sind", |a, _: &Arena| of_angle(a, |(x, below, _)| signed(sin_first_quadrant(x), below))),
        entry("cosd", |a, _| of_angle(a, |(x, _, left)| signed(cos_first_quadrant(x), left))),
        entry("tand", |a, _| of_angle(a, |(x, below, left)| signed(tan_first_quadrant(x), below != left))),
        entry("cotd", |a, _| {
            of_angle(a, |(x, below, left)| {
                let cot = |x| cos_first_quadrant(x) / sin_first_quadrant(x);
                signed(cot(x) / cot(45.0), below != left)
            })
        }),
        entry("asind", |a, _| {
            let x = unit(arg(a, 0)?)?;
            Ok(Datum::Float8(if x < 0.0 { -asin_positive(-x) } else { asin_positive(x) }))
        }),
        entry("acosd", |a, _| {
            let x = unit(arg(a, 0)?)?;
            Ok(Datum::Float8(if x < 0.0 { 90.0 + asin_positive(-x) } else { acos_positive(x) }))
        }),
        entry("atand", |a, _| Ok(Datum::Float8(arg::<f64>(a, 0)?.atan() / 1f64.atan() * 45.0))),
        func("atan2d", "atan2d", &[FLOAT8, FLOAT8], FLOAT8, |a, _| {
            Ok(Datum::Float8(arg::<f64>(a, 0)?.atan2(arg(a, 1)?) / 1f64.atan() * 45.0))
        }),
    ]
}
