//! COPY's text format: fields between delimiters, backslash escapes.

use super::Field;
use repr::SqlError;

/// The fields of a line. NULL is a field that is the null string as it stands, escapes and all.
pub fn fields(line: &[u8], delimiter: u8, null: &[u8]) -> Result<Vec<Field>, SqlError> {
    let mut fields = Vec::new();
    let (mut start, mut at) = (0, 0);
    loop {
        match line.get(at) {
            Some(b'\\') => at += 2,
            Some(byte) if *byte != delimiter => at += 1,
            found => {
                let raw = &line[start..at.min(line.len())];
                fields.push((raw != null).then(|| unescaped(raw)));
                if found.is_none() {
                    return Ok(fields);
                }
                at += 1;
                start = at;
            }
        }
    }
}

fn unescaped(raw: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte != b'\\' {
            value.push(*byte);
            continue;
        }
        let Some((escaped, tail)) = rest.split_first() else {
            value.push(b'\\');
            break;
        };
        rest = tail;
        match escaped {
            b'b' => value.push(0x08),
            b'f' => value.push(0x0C),
            b'n' => value.push(b'\n'),
            b'r' => value.push(b'\r'),
            b't' => value.push(b'\t'),
            b'v' => value.push(0x0B),
            b'0'..=b'7' => {
                let octal = |b: &u8| matches!(b, b'0'..=b'7').then(|| u32::from(b - b'0'));
                let (code, used) = number(u32::from(escaped - b'0'), rest, 8, 2, octal);
                value.push(code);
                rest = &rest[used..];
            }
            b'x' => {
                let hex = |b: &u8| char::from(*b).to_digit(16);
                match number(0, rest, 16, 2, hex) {
                    (_, 0) => value.push(b'x'),
                    (code, used) => {
                        value.push(code);
                        rest = &rest[used..];
                    }
                }
            }
            other => value.push(*other),
        }
    }
    value
}

/// A byte from up to `max` more digits, and how many there were.
fn number(first: u32, rest: &[u8], base: u32, max: usize, digit: impl Fn(&u8) -> Option<u32>) -> (u8, usize) {
    let digits = rest.iter().take(max).map_while(digit);
    let (value, used) = digits.fold((first, 0), |(value, used), digit| (value * base + digit, used + 1));
    ((value & 0xFF) as u8, used)
}
