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
            func(format!("seahash_{stem}"), "seahash", std::slice::from_ref(&ty), UINT8, |a, _| {
                Ok(Datum::Uint8(seahash(input(a, 0)?)))
            })
            .infallible(),
            func(format!("kafka_murmur2_{stem}"), "kafka_murmur2", &[ty], INT4, |a, _| {
                Ok(Datum::Int4(murmur2(input(a, 0)?)))
            })
            .infallible(),
        ]);
    }
    table.extend([
        func("hashtext", "hashtext", &[TEXT], INT4, |a, _| Ok(Datum::Int4(lookup3(input(a, 0)?) as i32))).infallible(),
        func("uuid_generate_v5", "uuid_generate_v5", &[UUID, TEXT], UUID, |a, _| {
            let (namespace, name): ([u8; 16], &str) = (arg(a, 0)?, arg(a, 1)?);
            let hash = Sha1::new().chain_update(namespace).chain_update(name).finalize();
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&hash[..16]);
            Ok(Datum::Uuid(uuid::Builder::from_sha1_bytes(bytes).into_uuid().into_bytes()))
        })
        .infallible(),
    ]);
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

/// SeaHash (T. Andersen): four lanes of 64 bits, words in turn.
fn seahash(value: &[u8]) -> u64 {
    const PRIME: u64 = 0x6eed_0e9d_a4d9_4a4f;
    let diffuse = |x: u64| {
        let x = x.wrapping_mul(PRIME);
        (x ^ (x >> 32) >> (x >> 60)).wrapping_mul(PRIME)
    };
    let mut lanes = [0x16f1_1fe8_9b0d_677c, 0xb480_a793_d8e6_c86c, 0x6fe2_e5aa_f078_ebc9, 0x14f9_94a4_c525_9381];
    for chunk in value.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        let [a, b, c, d] = lanes;
        lanes = [b, c, d, diffuse(a ^ u64::from_le_bytes(word))];
    }
    diffuse(lanes.iter().fold(value.len() as u64, |all, lane| all ^ lane))
}

/// The hash that PostgreSQL has for texts: Bob Jenkins's lookup3, words in the order of little-endian machines.
fn lookup3(value: &[u8]) -> u32 {
    let start = 0x9e37_79b9u32.wrapping_add(value.len() as u32).wrapping_add(3_923_095);
    let mut state = [start; 3];
    let (blocks, rest) = value.as_chunks::<12>();
    for block in blocks {
        absorb(&mut state, block);
        mix(&mut state);
    }
    // The lowest byte of the last word stands for the length, which is in the state already.
    let mut last = [0; 12];
    let head = rest.len().min(8);
    last[..head].copy_from_slice(&rest[..head]);
    last[9..9 + rest.len() - head].copy_from_slice(&rest[head..]);
    absorb(&mut state, &last);
    finish(state)
}

fn absorb(state: &mut [u32; 3], block: &[u8; 12]) {
    let (words, _) = block.as_chunks::<4>();
    for (word, bytes) in state.iter_mut().zip(words) {
        *word = word.wrapping_add(u32::from_le_bytes(*bytes));
    }
}

fn mix(state: &mut [u32; 3]) {
    let [mut a, mut b, mut c] = *state;
    for (x, y, z) in [(4, 6, 8), (16, 19, 4)] {
        a = a.wrapping_sub(c) ^ c.rotate_left(x);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(y);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(z);
        b = b.wrapping_add(a);
    }
    *state = [a, b, c];
}

fn finish([mut a, mut b, mut c]: [u32; 3]) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}
