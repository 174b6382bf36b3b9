//! Templates of numbers: their patterns, and which of them go together.

use repr::{EvalError, SqlError, SqlState};

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Piece {
    /// What stands for a part of the number.
    Pattern(Pattern),
    /// What stands for itself.
    Literal(char),
}

/// A pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pattern {
    /// `9`
    Nine,
    /// `0`
    Zero,
    /// `.` and `D`
    Point,
    /// `,` and `G`
    Group,
    /// `L`
    Currency,
    /// `MI`
    Minus,
    /// `PL`
    Plus,
    /// `SG`
    Either,
    /// `TH` (true: upper case)
    Ordinal(bool),
    /// `RN` (true: upper case)
    Roman(bool),
    /// What shows nothing itself: `FM`, `S`, `PR`, `V`, `B`, `C`, `EEEE`.
    Other,
}

/// Where `S` puts the sign.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Sign {
    /// There is no `S`.
    #[default]
    None,
    /// Before the digits, after so many places.
    Leading(usize),
    /// After them.
    Trailing,
}

/// A template, understood.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// Its pieces.
    pub pieces: Vec<Piece>,
    /// Places before the point.
    pub whole: usize,
    /// Places after it.
    pub fraction: usize,
    /// The place of the first `0` before the point, from 0.
    pub zero_from: Option<usize>,
    /// How many places there are up to the last `0`.
    pub zero_to: Option<usize>,
    /// Whether it has a point.
    pub decimal: bool,
    /// Places after `V`.
    pub shift: usize,
    /// `FM`
    pub fill: bool,
    /// `S`
    pub sign: Sign,
    /// `PR`
    pub brackets: bool,
    /// `MI` or `SG`
    pub minus: bool,
    /// `PL` or `SG`
    pub plus: bool,
    /// `RN`
    pub roman: bool,
    /// `EEEE`
    pub scientific: bool,
    /// `V` has been seen.
    shifts: bool,
    /// `B` has been seen before all places.
    blank: bool,
}

/// Patterns that are more than a character, and single ones, as they are written in either case.
const NAMES: [(&str, &str); 20] = [
    ("EEEE", "eeee"),
    ("FM", "fm"),
    ("MI", "mi"),
    ("PL", "pl"),
    ("PR", "pr"),
    ("RN", "rn"),
    ("SG", "sg"),
    ("SP", "sp"),
    ("TH", "th"),
    (",", ","),
    (".", "."),
    ("0", "0"),
    ("9", "9"),
    ("B", "b"),
    ("C", "c"),
    ("D", "d"),
    ("G", "g"),
    ("L", "l"),
    ("S", "s"),
    ("V", "v"),
];

fn syntax(message: impl Into<String>) -> EvalError {
    SqlError::new(SqlState::SYNTAX_ERROR, message)
}

/// Reads a template; patterns that contradict each other fail with 42601.
pub fn understand(template: &str) -> Result<Template, EvalError> {
    let mut out = Template::default();
    let mut rest = template;
    while let Some(first) = rest.chars().next() {
        let name = NAMES.iter().find(|(upper, lower)| rest.starts_with(upper) || rest.starts_with(lower));
        if let Some((name, _)) = name {
            let pattern = out.add(name, rest.starts_with(name))?;
            out.pieces.push(Piece::Pattern(pattern));
            rest = &rest[name.len()..];
        } else if first == '"' {
            rest = out.quoted(&rest[1..]);
        } else {
            // A backslash is special before a quote only.
            let literal = if rest.starts_with("\\\"") { '"' } else { first };
            rest = &rest[first.len_utf8() + usize::from(literal != first)..];
            out.pieces.push(Piece::Literal(literal));
        }
    }
    Ok(out)
}

impl Template {
    /// What is left of it for a number in Roman digits.
    pub fn for_roman(self) -> Template {
        let Template { pieces, fill, .. } = self;
        Template { pieces, fill, roman: true, ..Template::default() }
    }

    /// Text up to the closing quote, in which a backslash takes the next character as it is; what follows it.
    fn quoted<'a>(&mut self, text: &'a str) -> &'a str {
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            let c = match c {
                '"' => return &text[at + 1..],
                '\\' => chars.next().map_or('\\', |(_, next)| next),
                c => c,
            };
            self.pieces.push(Piece::Literal(c));
        }
        ""
    }

    fn add(&mut self, name: &str, upper: bool) -> Result<Pattern, EvalError> {
        if self.scientific {
            return Err(syntax("\"EEEE\" must be the last pattern used"));
        }
        match name {
            "9" | "0" => return self.digit(name),
            "." | "D" => return self.point(),
            "S" => self.anchor()?,
            "MI" | "PL" | "SG" | "PR" => return self.sign_pattern(name),
            "V" if self.decimal => return Err(syntax("cannot use \"V\" and decimal point together")),
            "V" => self.shifts = true,
            "B" => self.blank |= self.whole + self.fraction == 0 && self.zero_from.is_none(),
            "FM" => self.fill = true,
            "EEEE" => self.exponent()?,
            "RN" => {
                self.roman = true;
                return Ok(Pattern::Roman(upper));
            }
            "TH" => return Ok(Pattern::Ordinal(upper)),
            "," | "G" => return Ok(Pattern::Group),
            "L" => return Ok(Pattern::Currency),
            _ => {}
        }
        Ok(Pattern::Other)
    }

    fn digit(&mut self, name: &str) -> Result<Pattern, EvalError> {
        if self.brackets {
            return Err(syntax(format!("\"{name}\" must be ahead of \"PR\"")));
        }
        if name == "9" && self.shifts {
            self.shift += 1;
            return Ok(Pattern::Nine);
        }
        if name == "0" && !self.decimal {
            self.zero_from = self.zero_from.or(Some(self.whole));
        }
        *(if self.decimal { &mut self.fraction } else { &mut self.whole }) += 1;
        if name == "9" {
            return Ok(Pattern::Nine);
        }
        self.zero_to = Some(self.whole + self.fraction);
        Ok(Pattern::Zero)
    }

    fn point(&mut self) -> Result<Pattern, EvalError> {
        if self.decimal {
            return Err(syntax("multiple decimal points"));
        }
        if self.shifts {
            return Err(syntax("cannot use \"V\" and decimal point together"));
        }
        self.decimal = true;
        Ok(Pattern::Point)
    }

    fn anchor(&mut self) -> Result<(), EvalError> {
        if self.sign != Sign::None {
            return Err(syntax("cannot use \"S\" twice"));
        }
        if self.plus || self.minus || self.brackets {
            return Err(syntax("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together"));
        }
        self.sign = if self.decimal { Sign::Trailing } else { Sign::Leading(self.whole) };
        Ok(())
    }

    fn sign_pattern(&mut self, name: &str) -> Result<Pattern, EvalError> {
        let anchored = self.sign != Sign::None;
        if name == "PR" {
            if anchored || self.plus || self.minus {
                return Err(syntax("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together"));
            }
            self.brackets = true;
            return Ok(Pattern::Other);
        }
        if anchored {
            return Err(syntax(format!("cannot use \"S\" and \"{name}\" together")));
        }
        self.minus |= name != "PL";
        self.plus |= name != "MI";
        Ok(match name {
            "MI" => Pattern::Minus,
            "PL" => Pattern::Plus,
            _ => Pattern::Either,
        })
    }

    fn exponent(&mut self) -> Result<(), EvalError> {
        let other = self.blank
            || self.fill
            || self.sign != Sign::None
            || self.brackets
            || self.minus
            || self.plus
            || self.roman
            || self.shifts;
        if other {
            let hint = "\"EEEE\" may only be used together with digit and decimal point patterns.";
            return Err(syntax("\"EEEE\" is incompatible with other formats").hint(hint));
        }
        self.scientific = true;
        Ok(())
    }
}
