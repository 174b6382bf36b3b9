//! Reads SQL/JSON paths: `$.a[*] ? (@.b > 1).c`, with `lax` or `strict` before.

use super::{Bound, Compare, Expr, Method, Operator, Path, Predicate, Step};
use repr::text::number::parse_numeric;
use repr::{EvalError, Numeric, SqlError, SqlState};

/// How deep expressions may nest, as readers recurse.
const DEPTH_MAX: usize = 128;

/// The path of a text; 42601 if it is none.
pub fn parse(text: &str) -> Result<Path, EvalError> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let strict = parser.word("strict");
    if !strict {
        parser.word("lax");
    }
    let body = parser.top()?;
    parser.blanks();
    if parser.at < text.len() {
        return Err(parser.error());
    }
    Ok(Path { strict, body })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn error(&self) -> EvalError {
        let near: String = self.rest().trim().chars().take_while(|c| !c.is_whitespace()).collect();
        let message = match near.as_str() {
            "" => "syntax error at end of jsonpath input".to_string(),
            near => format!("syntax error at or near \"{near}\" of jsonpath input"),
        };
        SqlError::new(SqlState::SYNTAX_ERROR, message)
    }

    fn take(&mut self, symbol: &str) -> bool {
        self.blanks();
        let found = self.rest().starts_with(symbol);
        self.at += if found { symbol.len() } else { 0 };
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), EvalError> {
        if self.take(symbol) { Ok(()) } else { Err(self.error()) }
    }

    /// A word of the language, not followed by more letters.
    fn word(&mut self, word: &str) -> bool {
        self.blanks();
        let rest = self.rest();
        let ends = |c: char| !(c.is_alphanumeric() || c == '_');
        let found = rest.starts_with(word) && rest[word.len()..].chars().next().is_none_or(ends);
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, EvalError>) -> Result<T, EvalError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "jsonpath is nested too deeply"));
        }
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// A predicate as a whole path has a boolean for its value.
    fn top(&mut self) -> Result<Expr, EvalError> {
        let start = self.at;
        match self.predicate() {
            Ok(predicate) => Ok(Expr::Predicate(Box::new(predicate))),
            Err(error) => {
                self.at = start;
                self.sum().map_err(|other| if self.at > start { other } else { error })
            }
        }
    }

    fn predicate(&mut self) -> Result<Predicate, EvalError> {
        let mut left = self.conjunction()?;
        while self.take("||") {
            left = Predicate::Or(Box::new(left), Box::new(self.conjunction()?));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Predicate, EvalError> {
        let mut left = self.condition()?;
        while self.take("&&") {
            left = Predicate::And(Box::new(left), Box::new(self.condition()?));
        }
        Ok(left)
    }

    fn condition(&mut self) -> Result<Predicate, EvalError> {
        self.nested(Self::condition_inner)
    }

    fn condition_inner(&mut self) -> Result<Predicate, EvalError> {
        if self.take("!") {
            self.expect("(")?;
            let inner = self.predicate()?;
            self.expect(")")?;
            return Ok(Predicate::Not(Box::new(inner)));
        }
        if self.word("exists") {
            self.expect("(")?;
            let path = self.sum()?;
            self.expect(")")?;
            return Ok(Predicate::Exists(path));
        }
        let start = self.at;
        if self.take("(")
            && let Ok(inner) = self.predicate()
            && self.take(")")
        {
            if self.word("is") {
                return if self.word("unknown") {
                    Ok(Predicate::IsUnknown(Box::new(inner)))
                } else {
                    Err(self.error())
                };
            }
            return Ok(inner);
        }
        self.at = start;
        let left = self.sum()?;
        self.comparison(left)
    }

    fn comparison(&mut self, left: Expr) -> Result<Predicate, EvalError> {
        if self.word("starts") {
            return match self.word("with") {
                true => Ok(Predicate::StartsWith(left, self.sum()?)),
                false => Err(self.error()),
            };
        }
        if self.word("like_regex") {
            let pattern = self.string()?;
            let flags = if self.word("flag") { self.string()? } else { String::new() };
            return Ok(Predicate::LikeRegex { value: left, pattern, flags });
        }
        let operators = [
            ("==", Compare::Equal),
            ("!=", Compare::NotEqual),
            ("<>", Compare::NotEqual),
            ("<=", Compare::LessEqual),
            (">=", Compare::GreaterEqual),
            ("<", Compare::Less),
            (">", Compare::Greater),
        ];
        let Some((_, operator)) = operators.into_iter().find(|(symbol, _)| self.take(symbol)) else {
            return Err(self.error());
        };
        Ok(Predicate::Compare(operator, left, self.sum()?))
    }

    fn sum(&mut self) -> Result<Expr, EvalError> {
        let mut left = self.product()?;
        loop {
            let operator = match () {
                () if self.take("+") => Operator::Add,
                () if self.take("-") => Operator::Subtract,
                () => return Ok(left),
            };
            left = Expr::Binary(operator, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Expr, EvalError> {
        let mut left = self.signed()?;
        loop {
            let operator = match () {
                () if self.take("*") => Operator::Multiply,
                () if self.take("/") => Operator::Divide,
                () if self.take("%") => Operator::Modulo,
                () => return Ok(left),
            };
            left = Expr::Binary(operator, Box::new(left), Box::new(self.signed()?));
        }
    }

    fn signed(&mut self) -> Result<Expr, EvalError> {
        self.nested(|p| match () {
            () if p.take("-") => Ok(Expr::Negate(Box::new(p.signed()?))),
            () if p.take("+") => p.signed(),
            () => p.accessed(),
        })
    }

    /// A primary with its steps.
    fn accessed(&mut self) -> Result<Expr, EvalError> {
        let start = self.primary()?;
        let mut steps = Vec::new();
        loop {
            if self.take("?") {
                self.expect("(")?;
                steps.push(Step::Filter(Box::new(self.predicate()?)));
                self.expect(")")?;
            } else if self.take("[") {
                steps.push(self.subscripts()?);
            } else if self.take(".") {
                steps.push(self.member()?);
            } else {
                break;
            }
        }
        Ok(if steps.is_empty() { start } else { Expr::Steps(Box::new(start), steps) })
    }

    fn primary(&mut self) -> Result<Expr, EvalError> {
        self.blanks();
        if self.take("(") {
            let inner = self.sum()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.take("@") {
            return Ok(Expr::Current);
        }
        if self.word("last") {
            return Ok(Expr::Last);
        }
        if self.take("$") {
            let named = self.rest().starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '"');
            return if named { Ok(Expr::Variable(self.name()?)) } else { Ok(Expr::Root) };
        }
        match () {
            () if self.word("null") => return Ok(Expr::Null),
            () if self.word("true") => return Ok(Expr::Bool(true)),
            () if self.word("false") => return Ok(Expr::Bool(false)),
            () if self.rest().starts_with('"') => return self.string().map(Expr::String),
            () => {}
        }
        self.number().map(Expr::Number)
    }

    fn number(&mut self) -> Result<Numeric, EvalError> {
        self.blanks();
        let rest = self.rest();
        let mut end = 0;
        for (at, c) in rest.char_indices() {
            let exponent = rest[..at].ends_with(['e', 'E']) && matches!(c, '+' | '-');
            if !(c.is_ascii_digit() || c == '.' || matches!(c, 'e' | 'E') || exponent) {
                break;
            }
            end = at + 1;
        }
        let number = parse_numeric(&rest[..end]).map_err(|_| self.error())?;
        self.at += end;
        Ok(number)
    }

    fn string(&mut self) -> Result<String, EvalError> {
        self.blanks();
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        let (Some((end, _)), true) = (end, rest.starts_with('"')) else { return Err(self.error()) };
        self.at += end + 1;
        repr::text::json::unquote(&rest[..=end])
    }

    /// A key or the name of a variable: a word or a string.
    fn name(&mut self) -> Result<String, EvalError> {
        self.blanks();
        if self.rest().starts_with('"') {
            return self.string();
        }
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.error());
        }
        self.at += end;
        Ok(rest[..end].to_string())
    }

    /// What follows a dot.
    fn member(&mut self) -> Result<Step, EvalError> {
        if self.take("**") {
            return self.levels();
        }
        if self.take("*") {
            return Ok(Step::AnyKey);
        }
        let quoted = self.rest().trim_start().starts_with('"');
        let name = self.name()?;
        if !quoted && self.take("(") {
            self.expect(")")?;
            return Method::of(&name).map(Step::Method).ok_or_else(|| self.error());
        }
        Ok(Step::Key(name))
    }

    /// `**`, `**{2}`, `**{1 to last}`
    fn levels(&mut self) -> Result<Step, EvalError> {
        if !self.take("{") {
            return Ok(Step::AnyLevel(Bound::At(0), Bound::Last));
        }
        let from = self.level()?;
        let to = if self.word("to") { self.level()? } else { from };
        self.expect("}")?;
        Ok(Step::AnyLevel(from, to))
    }

    fn level(&mut self) -> Result<Bound, EvalError> {
        if self.word("last") {
            return Ok(Bound::Last);
        }
        self.blanks();
        let rest = self.rest();
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let level = rest[..digits].parse().map_err(|_| self.error())?;
        self.at += digits;
        Ok(Bound::At(level))
    }

    /// What follows a bracket, and its end.
    fn subscripts(&mut self) -> Result<Step, EvalError> {
        if self.take("*") {
            self.expect("]")?;
            return Ok(Step::AnyElement);
        }
        let mut ranges = Vec::new();
        loop {
            let from = self.sum()?;
            let to = if self.word("to") { Some(self.sum()?) } else { None };
            ranges.push((from, to));
            if !self.take(",") {
                break;
            }
        }
        self.expect("]")?;
        Ok(Step::Elements(ranges))
    }
}
