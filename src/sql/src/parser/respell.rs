//! Syntax that sqlparser does not know, spelled so that it reads it: tokens in, tokens out, before anything is parsed.
//!
//! ```text
//! WITH MUTUALLY RECURSIVE (RETURN AT RECURSION LIMIT 9) t (a int) AS …
//!     → WITH RECURSIVE "mutually recursive" ("return", "9") AS (VALUES (1)), t (a int) AS …
//! ROWS FROM (f (1), g (2))   → "rows from" (f (1), g (2))
//! GROUP BY DISTINCT …        → GROUP BY "all sets once" (), …
//! TABLE t                    → SELECT * FROM t
//! JOIN u USING (a) AS x      → JOIN u USING (a, "using alias".x)
//! TRIM (TRAILING FROM a)     → TRIM (TRAILING ' ' FROM a)
//! int list, map[text => int] → "list of"("int"), "map of"("int")
//! a ?| b                     → the operator, not a placeholder and another operator
//! SUBSTRING (a SIMILAR b ESCAPE c)   → SUBSTRING (a , b , c)
//! ```
//!
//! [`restore`] goes the other way in what sqlparser prints. Words that PostgreSQL does not reserve lose what makes them keywords to sqlparser.

pub(crate) mod made_types;

use super::extension::words::is_word;
use super::keywords::category;
use expr::relation::RecLimit;
use sqlparser::ast::{Cte, With};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

/// The first item of a WITH clause whose other items are mutually recursive.
const MUTUALLY_RECURSIVE: &str = "mutually recursive";
/// The function whose arguments are the functions of `ROWS FROM`.
pub(crate) const ROWS_FROM: &str = "rows from";
/// What qualifies the alias of a USING clause among its columns.
pub(crate) const USING_ALIAS: &str = "using alias";
/// The first item of `GROUP BY DISTINCT`.
pub(crate) const ALL_SETS_ONCE: &str = "all sets once";

/// `WITH MUTUALLY RECURSIVE`
pub(crate) struct MutualRecursion<'a> {
    /// When to stop, if not at the fixed point.
    pub limit: Option<RecLimit>,
    /// The queries that use each other.
    pub ctes: &'a [Cte],
}

/// What a WITH clause says, if it is a mutually recursive one.
pub(crate) fn mutual_recursion(with: &With) -> Option<MutualRecursion<'_>> {
    let (first, ctes) = with.cte_tables.split_first()?;
    if first.alias.name.value != MUTUALLY_RECURSIVE || first.alias.name.quote_style.is_none() {
        return None;
    }
    let limit = match &first.alias.columns[..] {
        [what, iterations] => Some(RecLimit {
            iterations: iterations.name.value.parse().ok()?,
            return_at_limit: what.name.value == "return",
        }),
        _ => None,
    };
    Some(MutualRecursion { limit, ctes })
}

/// `?`, `?|` and `?&` are operators; placeholders have a dollar.
fn question(rest: &[TokenWithSpan], out: &mut Vec<TokenWithSpan>) -> Option<usize> {
    let first = rest.first().filter(|t| matches!(&t.token, Token::Placeholder(mark) if mark == "?"))?;
    let (token, taken) = match rest.get(1).map(|t| &t.token) {
        Some(Token::Pipe) => (Token::QuestionPipe, 2),
        Some(Token::Ampersand) => (Token::QuestionAnd, 2),
        _ => (Token::Question, 1),
    };
    out.push(TokenWithSpan { token, span: first.span });
    Some(taken)
}

/// The words between the arguments of `SUBSTRING (a SIMILAR b ESCAPE c)` become commas.
fn similar_substrings(tokens: &mut [TokenWithSpan]) {
    // For each open parenthesis the word that is to become a comma next; none where it belongs to no SUBSTRING.
    let mut open: Vec<Option<&str>> = Vec::new();
    let significant = |t: &&TokenWithSpan| !matches!(t.token, Token::Whitespace(_));
    for at in 0..tokens.len() {
        match &tokens[at].token {
            Token::LParen => {
                let before = tokens[..at].iter().rfind(significant);
                open.push(before.filter(|t| is_word(&t.token, "SUBSTRING")).map(|_| "SIMILAR"));
            }
            Token::RParen => _ = open.pop(),
            Token::Word(_) => {
                let Some(Some(word)) = open.last_mut() else { continue };
                let test = tokens[at + 1..].iter().find(significant).is_some_and(|t| is_word(&t.token, "TO"));
                if is_word(&tokens[at].token, word) && !test {
                    *word = "ESCAPE";
                    tokens[at].token = Token::Comma;
                }
            }
            _ => {}
        }
    }
}

/// The tokens as sqlparser is to see them.
pub(super) fn respell(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    similar_substrings(&mut tokens);
    let mut out = Vec::with_capacity(tokens.len());
    let mut before = Token::EOF;
    let first = tokens.iter().find(|t| !matches!(t.token, Token::Whitespace(_)));
    let inserts = first.is_some_and(|t| is_word(&t.token, "INSERT"));
    let declares = first.is_some_and(|t| is_word(&t.token, "CREATE"));
    let mut rest = &tokens[..];
    while let Some(first) = rest.first() {
        let words = Significant::of(rest);
        let taken = mutually_recursive(&words, &mut out)
            .or_else(|| rows_from(&before, &words, &mut out))
            .or_else(|| distinct_sets(&words, &mut out))
            .or_else(|| table_command(&before, inserts, &words, &mut out))
            .or_else(|| only(&before, &words))
            .or_else(|| using_alias(&words, &mut out))
            .or_else(|| trim_blanks(&words, &mut out))
            .or_else(|| null_treatment(&words, &mut out))
            .or_else(|| made_types::map(rest, &mut out))
            .or_else(|| made_types::list(rest, declares, &mut out))
            .or_else(|| question(rest, &mut out));
        let taken = taken.unwrap_or_else(|| {
            out.push(TokenWithSpan { token: without_keyword(&first.token), span: first.span });
            1
        });
        if !matches!(first.token, Token::Whitespace(_)) {
            before = rest[taken - 1].token.clone();
        }
        rest = &rest[taken..];
    }
    out
}

/// A word that is a keyword to sqlparser and none to PostgreSQL becomes an ordinary name.
fn without_keyword(token: &Token) -> Token {
    match token {
        Token::Word(word) if word.quote_style.is_none() && word.keyword != Keyword::NoKeyword => {
            // VALUE is a keyword of PostgreSQL's, but no other word for VALUES.
            let known = category(&word.value).is_some() && word.keyword != Keyword::VALUE;
            let keyword = if known { word.keyword } else { Keyword::NoKeyword };
            Token::Word(Word { keyword, ..word.clone() })
        }
        token => token.clone(),
    }
}

/// The first tokens of a list that are not white space, with their places in it.
struct Significant<'a>(Vec<(usize, &'a TokenWithSpan)>);

impl<'a> Significant<'a> {
    fn of(tokens: &'a [TokenWithSpan]) -> Self {
        /// How far a USING clause is looked through.
        const USING_LENGTH: usize = 4096;
        /// The longest other beginning that is looked at: `WITH MUTUALLY RECURSIVE (RETURN AT RECURSION LIMIT n)`.
        const LENGTH: usize = 10;
        // Only a few words begin something; all others need not be looked past.
        let begins = ["WITH", "ROWS", "GROUP", "TABLE", "TRIM", "ONLY", "IGNORE", "RESPECT"]
            .iter()
            .any(|word| is_word(&tokens[0].token, word));
        let length = match () {
            _ if begins => LENGTH,
            // A list of names in parentheses: as long as tables are wide.
            _ if is_word(&tokens[0].token, "USING") => USING_LENGTH,
            _ => 0,
        };
        let significant = tokens.iter().enumerate().filter(|(_, t)| !matches!(t.token, Token::Whitespace(_)));
        Significant(significant.take(length).collect())
    }

    fn token(&self, n: usize) -> &Token {
        self.0.get(n).map_or(&Token::EOF, |(_, t)| &t.token)
    }

    fn span(&self, n: usize) -> Span {
        self.0.get(n).map_or(Span::empty(), |(_, t)| t.span)
    }

    /// Whether these words begin at the `n`th token.
    fn are(&self, n: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(i, word)| is_word(self.token(n + i), word))
    }

    /// How many tokens there are up to the `n`th and with it, white space included.
    fn length(&self, n: usize) -> Option<usize> {
        self.0.get(n).map(|(at, _)| at + 1)
    }
}

fn word(value: &str, quote_style: Option<char>, keyword: Keyword) -> Token {
    Token::Word(Word { value: value.to_string(), quote_style, keyword })
}

fn quoted(value: &str) -> Token {
    word(value, Some('"'), Keyword::NoKeyword)
}

/// Adds tokens that stand where one did that was written.
fn push(out: &mut Vec<TokenWithSpan>, span: Span, tokens: impl IntoIterator<Item = Token>) {
    let space = || Token::Whitespace(sqlparser::tokenizer::Whitespace::Space);
    let spaced = tokens.into_iter().flat_map(|token| [token, space()]);
    out.extend(spaced.map(|token| TokenWithSpan { token, span }));
}

fn mutually_recursive(words: &Significant<'_>, out: &mut Vec<TokenWithSpan>) -> Option<usize> {
    if !words.are(0, &["WITH", "MUTUALLY", "RECURSIVE"]) {
        return None;
    }
    let (mut columns, mut last) = (Vec::new(), 2);
    if *words.token(3) == Token::LParen {
        let (what, at) = match () {
            _ if words.are(4, &["RETURN", "AT", "RECURSION", "LIMIT"]) => ("return", 8),
            _ if words.are(4, &["ERROR", "AT", "RECURSION", "LIMIT"]) => ("error", 8),
            _ if words.are(4, &["RECURSION", "LIMIT"]) => ("error", 6),
            _ => return None,
        };
        let (Token::Number(iterations, _), Token::RParen) = (words.token(at), words.token(at + 1)) else { return None };
        columns.extend([Token::LParen, quoted(what), Token::Comma, quoted(iterations), Token::RParen]);
        last = at + 1;
    }
    let span = words.span(0);
    push(out, span, [word("WITH", None, Keyword::WITH), word("RECURSIVE", None, Keyword::RECURSIVE)]);
    push(out, span, [quoted(MUTUALLY_RECURSIVE)]);
    push(out, span, columns);
    push(out, span, [word("AS", None, Keyword::AS), Token::LParen, word("VALUES", None, Keyword::VALUES)]);
    push(out, span, [Token::LParen, Token::Number("1".to_string(), false), Token::RParen, Token::RParen]);
    match last {
        2 => push(out, span, [Token::Comma]),
        // The parenthesis that closes the options becomes the comma.
        _ => out.push(TokenWithSpan { token: Token::Comma, span: words.span(last) }),
    }
    words.length(last)
}

/// `ROWS FROM (` where a relation may stand: as a column called `rows` it would be followed by a query.
fn rows_from(before: &Token, words: &Significant<'_>, out: &mut Vec<TokenWithSpan>) -> Option<usize> {
    let places = ["FROM", "JOIN", "LATERAL", "USING"];
    let in_from = matches!(before, Token::Comma | Token::LParen) || places.iter().any(|w| is_word(before, w));
    let begins = words.are(0, &["ROWS", "FROM"]) && *words.token(2) == Token::LParen;
    let query = ["SELECT", "VALUES", "WITH", "TABLE"].iter().any(|w| is_word(words.token(3), w));
    if !in_from || !begins || query || !matches!(words.token(3), Token::Word(_)) {
        return None;
    }
    push(out, words.span(0), [quoted(ROWS_FROM)]);
    words.length(1)
}

/// `GROUP BY DISTINCT …`, `GROUP BY ALL …`
fn distinct_sets(words: &Significant<'_>, out: &mut Vec<TokenWithSpan>) -> Option<usize> {
    let distinct = words.are(0, &["GROUP", "BY", "DISTINCT"]);
    if !distinct && !words.are(0, &["GROUP", "BY", "ALL"]) {
        return None;
    }
    push(out, words.span(0), [word("GROUP", None, Keyword::GROUP), word("BY", None, Keyword::BY)]);
    if distinct {
        push(out, words.span(2), [quoted(ALL_SETS_ONCE), Token::LParen, Token::RParen, Token::Comma]);
    }
    words.length(2)
}

/// `TABLE name` where a query may begin.
fn table_command(
    before: &Token,
    inserts: bool,
    words: &Significant<'_>,
    out: &mut Vec<TokenWithSpan>,
) -> Option<usize> {
    let places = ["UNION", "INTERSECT", "EXCEPT", "ALL", "DISTINCT", "AS", "FOR"];
    let in_query = matches!(before, Token::EOF | Token::LParen | Token::RParen)
        || inserts && matches!(before, Token::Word(_))
        || places.iter().any(|w| is_word(before, w));
    if !in_query || !words.are(0, &["TABLE"]) || !matches!(words.token(1), Token::Word(_)) {
        return None;
    }
    let select = [word("SELECT", None, Keyword::SELECT), Token::Mul, word("FROM", None, Keyword::FROM)];
    push(out, words.span(0), select);
    words.length(0)
}

/// `FROM ONLY t`: tables have no descendants.
fn only(before: &Token, words: &Significant<'_>) -> Option<usize> {
    let in_from = ["FROM", "JOIN"].iter().any(|w| is_word(before, w));
    let named = matches!(words.token(1), Token::Word(_));
    if in_from && named && words.are(0, &["ONLY"]) { words.length(0) } else { None }
}

/// `USING (a, b) AS x`
fn using_alias(words: &Significant<'_>, out: &mut Vec<TokenWithSpan>) -> Option<usize> {
    if !words.are(0, &["USING"]) || *words.token(1) != Token::LParen {
        return None;
    }
    let mut close = 2;
    while matches!(words.token(close), Token::Word(_) | Token::Comma) {
        close += 1;
    }
    let Token::Word(alias) = words.token(close + 2) else { return None };
    if *words.token(close) != Token::RParen || !words.are(close + 1, &["AS"]) {
        return None;
    }
    for n in 0..close {
        push(out, words.span(n), [without_keyword(words.token(n))]);
    }
    let span = words.span(close + 2);
    out.push(TokenWithSpan { token: Token::Comma, span });
    for token in [quoted(USING_ALIAS), Token::Period, Token::Word(alias.clone()), Token::RParen] {
        out.push(TokenWithSpan { token, span });
    }
    words.length(close + 2)
}

/// `TRIM (TRAILING FROM x)`: blanks are meant.
fn trim_blanks(words: &Significant<'_>, out: &mut Vec<TokenWithSpan>) -> Option<usize> {
    let sides = ["LEADING", "TRAILING", "BOTH"];
    let side = sides.iter().any(|side| is_word(words.token(2), side));
    if !words.are(0, &["TRIM"]) || *words.token(1) != Token::LParen || !side || !words.are(3, &["FROM"]) {
        return None;
    }
    for n in 0..3 {
        push(out, words.span(n), [words.token(n).clone()]);
    }
    push(out, words.span(3), [Token::SingleQuotedString(" ".to_string()), words.token(3).clone()]);
    words.length(3)
}

/// `IGNORE NULLS`, `RESPECT NULLS`: no words of PostgreSQL's.
fn null_treatment(words: &Significant<'_>, out: &mut Vec<TokenWithSpan>) -> Option<usize> {
    let (text, keyword) = match () {
        () if words.are(0, &["IGNORE", "NULLS"]) => ("IGNORE", Keyword::IGNORE),
        () if words.are(0, &["RESPECT", "NULLS"]) => ("RESPECT", Keyword::RESPECT),
        () => return None,
    };
    push(out, words.span(0), [word(text, None, keyword), word("NULLS", None, Keyword::NULLS)]);
    words.length(1)
}

/// What sqlparser printed, spelled as people write it. Quoted strings and names stay as they are.
pub(crate) fn restore(printed: &str) -> String {
    let marker = format!("WITH RECURSIVE \"{MUTUALLY_RECURSIVE}\"");
    let (rows_from, sets) = (format!("\"{ROWS_FROM}\"("), format!("\"{ALL_SETS_ONCE}\"(), "));
    let using = format!(", \"{USING_ALIAS}\".");
    let mut out = String::with_capacity(printed.len());
    let mut rest = printed;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix(&marker) {
            rest = restore_options(after, &mut out);
        } else if let Some(after) = rest.strip_prefix(&rows_from) {
            out.push_str("ROWS FROM (");
            rest = after;
        } else if let Some(after) = rest.strip_prefix(&sets) {
            out.push_str("DISTINCT ");
            rest = after;
        } else if let Some((text, after)) = made_types::restored(rest) {
            out.push_str(&text);
            rest = after;
        } else if let Some((alias, after)) = rest.strip_prefix(&using).and_then(|after| after.split_once(')')) {
            out.push_str(&format!(") AS {alias}"));
            rest = after;
        } else {
            let length = match first {
                '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |at| at + 2),
                other => other.len_utf8(),
            };
            let (copied, after) = rest.split_at(length);
            out.push_str(copied);
            rest = after;
        }
    }
    out
}

/// ` ("return", "9") AS (VALUES (1)), ` → ` (RETURN AT RECURSION LIMIT 9) `
fn restore_options<'a>(after: &'a str, out: &mut String) -> &'a str {
    out.push_str("WITH MUTUALLY RECURSIVE ");
    let Some((options, rest)) = after.split_once(" AS (VALUES (1)), ") else { return after };
    let parts: Vec<&str> = options.split('"').collect();
    if let [_, what, _, iterations, _] = parts[..] {
        out.push_str(&format!("({} AT RECURSION LIMIT {iterations}) ", what.to_uppercase()));
    }
    rest
}
