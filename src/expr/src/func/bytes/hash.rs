//! Hashes, checksums and message authentication codes.

use super::super::FuncDef;
use super::super::build::*;
use super::bytes_out;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use repr::{Datum, EvalError};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// The entries, over texts (their UTF-8) and `bytea` alike.
pub fn table() -> Vec<FuncDef> {
    let mut table = Vec::new();
    for (stem, ty) in [("text", TEXT), ("bytea", BYTEA)] {
        table.extend([
            func(format!("digest_{stem}"), "digest", &[ty.clone(), TEXT], BYTEA, |a, arena| {
                Ok(bytes_out(digest(input(a, 0)?, arg(a, 1)?)?, arena))
            }),
            func(format!("hmac_{stem}"), "hmac", &[ty.clone(), ty.clone(), TEXT], BYTEA, |a, arena| {
                Ok(bytes_out(code(input(a, 0)?, input(a, 1)?, arg(a, 2)?)?, arena))
            }),
            func(format!("crc32_{stem}"), "crc32", std::slice::from_ref(&ty), INT8, |a, _| {
                Ok(Datum::Int8(crc32fast::hash(input(a, 0)?).into()))
            })
            .infallible(),
            func(format!("kafka_murmur2_{stem}"), "kafka_murmur2", &[ty], INT4, |a, _| {
                Ok(Datum::Int4(murmur2(input(a, 0)?)))
            })
            .infallible(),
        ]);
    }
    table
}

fn input<'a>(args: &[Datum<'a>], at: usize) -> Result<&'a [u8], EvalError> {
    match args.get(at) {
        Some(Datum::Text(text)) => Ok(text.as_bytes()),
        _ => arg(args, at),
    }
}

fn unknown(algorithm: &str) -> EvalError {
    invalid_parameter(format!("Cannot use \"{algorithm}\": No such hash algorithm"))
}

fn digest(value: &[u8], algorithm: &str) -> Result<Vec<u8>, EvalError> {
    Ok(match algorithm.to_ascii_lowercase().as_str() {
        "md5" => Md5::digest(value).to_vec(),
        "sha1" => Sha1::digest(value).to_vec(),
        "sha224" => Sha224::digest(value).to_vec(),
        "sha256" => Sha256::digest(value).to_vec(),
        "sha384" => Sha384::digest(value).to_vec(),
        "sha512" => Sha512::digest(value).to_vec(),
        _ => return Err(unknown(algorithm)),
    })
}

fn code(value: &[u8], key: &[u8], algorithm: &str) -> Result<Vec<u8>, EvalError> {
    macro_rules! code {
        ($hash:ty) => {{
            // A key of any length serves.
            let mut mac = <Hmac<$hash> as KeyInit>::new_from_slice(key).map_err(|_| unknown(algorithm))?;
            mac.update(value);
            mac.finalize().into_bytes().to_vec()
        }};
    }
    Ok(match algorithm.to_ascii_lowercase().as_str() {
        "md5" => code!(Md5),
        "sha1" => code!(Sha1),
        "sha224" => code!(Sha224),
        "sha256" => code!(Sha256),
        "sha384" => code!(Sha384),
        "sha512" => code!(Sha512),
        _ => return Err(unknown(algorithm)),
    })
}

/// MurmurHash2 with the seed that Kafka's clients choose partitions by.
fn murmur2(value: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let mut hash = SEED ^ value.len() as u32;
    let (words, rest) = value.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k = (k ^ k >> 24).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0u32, |tail, byte| tail << 8 | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash = (hash ^ hash >> 13).wrapping_mul(M);
    (hash ^ hash >> 15) as i32
}
