//! Regular expressions, with PostgreSQL's answers.

use super::{Options, compile};

fn options(flags: &str) -> Options {
    let mut options = Options::default();
    assert!(flags.chars().all(|flag| options.set(flag)), "{flags}");
    options
}

/// All matches as `regexp_matches(text, pattern, 'g' || flags)` shows them, or the error.
fn check(text: &str, pattern: &str, flags: &str, expected: &str) {
    let shown = || -> Result<String, repr::EvalError> {
        let regex = compile(pattern, options(flags))?;
        let mut out = Vec::new();
        for groups in regex.find_all(text, 0) {
            let groups = groups?;
            let shown = groups[usize::from(regex.groups() > 0)..].iter();
            let texts: Vec<_> = shown.map(|g| g.map_or("NULL", |(start, end)| &text[start..end])).collect();
            out.push(format!("{{{}}}", texts.join(",")));
        }
        Ok(out.join(" "))
    };
    let answer =
        shown().unwrap_or_else(|error| error.message.trim_start_matches("invalid regular expression: ").into());
    assert_eq!(answer, expected, "{pattern} on {text}");
}

#[test]
fn the_longest_match_or_the_shortest() {
    check("xyz", "x|xy", "", "{xy}");
    check("XY1234Z", "Y*([0-9]{1,3})", "", "{123} {4}");
    check("XY1234Z", "Y*?([0-9]{1,3})", "", "{1} {2} {3} {4}");
    check("abc01234xyz", "^(.*)(\\d+)(.*)$", "", "{abc0123,4,xyz}");
    check("abc01234xyz", "^(?:(.*?)(\\d+)(.*)){1,1}$", "", "{abc,01234,xyz}");
    check("abcd", "a.*?b.*", "", "{ab}");
    check("aab", "(a*)(ab)*", "", "{a,ab} {,NULL}");
    check("foo/bar/baz", "^([^/]+?)(?:/([^/]+?))(?:/([^/]+?))?$", "", "{foo,bar,baz}");
    check("llmmmfff", "^(l*){1,1}?(.*)(f*)$", "", "{,llmmmfff,}");
    check("llmmmfff", "^(l*?){1,1}(.*)(f*)$", "", "{ll,mmmfff,}");
    check("fooba", "(?:..)*", "", "{foob} {} {}");
}

#[test]
fn escapes_and_brackets() {
    check("a b_c", "\\m\\w+\\M", "", "{a} {b_c}");
    check("foo.bar", "\\.", "", "{.}");
    check("a]b-c", "[]a-]+", "", "{a]} {-}");
    check("x\ty", "\\x09|\\u0079", "", "{\t} {y}");
    check("ab12", "[[:alpha:]]+", "", "{ab}");
    check("ab&&cd", "[&]+", "", "{&&}");
    check("[x]", "[[.[.]]x", "", "{[x}");
    check("a{b", "a{b", "", "{a{b}");
    check("ABC", "(?i)b", "", "{B}");
    check("a.c", "***=a.c", "", "{a.c}");
    check("ab", "a b # comment", "x", "{ab}");
    check("a\nb", "^b$", "n", "{b}");
    check("a\nb", "a.b", "n", "");
    check("a\nb", "a[^x]b", "p", "");
}

#[test]
fn references_and_constraints() {
    check("Programmer", "(\\w)(.*?\\1)", "", "{r,ogr} {m,m}");
    check("abc", "a(?=b)b*(?=c)c*", "", "{abc}");
    check("foobar", "(?<=foo)b+", "", "{b}");
    check("ab", "a*(?<!a)b*", "", "{} {}");
    check("xyz", "x(\\w)(?=\\1)", "", "invalid backreference number");
    check("bbbbb", "^([bc])\\1*$", "", "{b}");
}

#[test]
fn errors_have_postgresqls_words() {
    check("", "(", "", "parentheses () not balanced");
    check("", "a)", "", "parentheses () not balanced");
    check("", "[a", "", "brackets [] not balanced");
    check("", "a{1", "", "braces {} not balanced");
    check("", "a{2,1}", "", "invalid repetition count(s)");
    check("", "*a", "", "quantifier operand invalid");
    check("", "a**", "", "quantifier operand invalid");
    check("", "[b-a]", "", "invalid character range");
    check("", "[[:x:]]", "", "invalid character class");
    check("", "\\q", "", "invalid escape \\ sequence");
    check("", "\\x7fffffff", "", "invalid escape \\ sequence");
}
