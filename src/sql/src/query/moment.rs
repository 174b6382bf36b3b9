//! Date and time literals that mean a moment of the session: `now`, `today`, `tomorrow`, `yesterday`, perhaps with a time of the day.

use super::planner::Planner;
use crate::coerce::{Context, Operand, constant, literal_from_text};
use expr::{ScalarExpr, Unmaterializable};
use repr::{Datum, SqlError, SqlType};

impl Planner<'_, '_> {
    /// The value of such a literal, of a type that can be cast to `ty`; none of another literal.
    pub(crate) fn special_moment(&mut self, text: &str, ty: &SqlType) -> Result<Option<ScalarExpr>, SqlError> {
        use SqlType::{Date, Time, TimeTz, Timestamp, Timestamptz};
        if !matches!(ty, Date | Time | TimeTz | Timestamp(_) | Timestamptz(_)) {
            return Ok(None);
        }
        let lower = text.to_ascii_lowercase();
        let special = |word: &&str| matches!(*word, "now" | "today" | "tomorrow" | "yesterday");
        let Some(word) = lower.split_whitespace().find(special) else { return Ok(None) };
        let rest: Vec<&str> = text.split_whitespace().filter(|part| !part.eq_ignore_ascii_case(word)).collect();
        let now = ScalarExpr::Unmaterializable(Unmaterializable::CurrentTimestamp);
        if word == "now" {
            return Ok(rest.is_empty().then_some(now));
        }
        if matches!(ty, Time | TimeTz) {
            return Ok(None);
        }
        let mut value = self.cast(now, &Date, Context::Explicit)?;
        let days = match word {
            "tomorrow" => 1,
            "yesterday" => -1,
            _ => 0,
        };
        if days != 0 {
            let days = Operand::Typed(constant(Datum::Int4(days), SqlType::Int4));
            value = self.operator("+", vec![Operand::Typed(value), days])?;
        }
        if !rest.is_empty() {
            let time = literal_from_text(&rest.join(" "), &Time, &self.text_settings())?;
            value = self.operator("+", vec![Operand::Typed(value), Operand::Typed(time)])?;
        }
        Ok(Some(value))
    }
}
