//! SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side: proves that a client knows the password, without the password being sent.
//!
//! ```text
//! client-first  n,,n=,r=CLIENT            ─▶
//!               ◀─  server-first  r=CLIENT+SERVER,s=SALT,i=4096
//! client-final  c=biws,r=CLIENT+SERVER,p=PROOF  ─▶
//!               ◀─  server-final  v=SIGNATURE
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use repr::{SqlError, SqlState};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac, pbkdf2};
use std::num::NonZeroU32;

/// The mechanism's name.
pub const MECHANISM: &str = "SCRAM-SHA-256";
/// PostgreSQL's number of iterations.
const ITERATIONS: u32 = 4096;
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 18;
const KEY_BYTES: usize = 32;

/// What is kept of a password: enough to check a proof, not to make one.
pub struct Verifier {
    salt: [u8; SALT_BYTES],
    stored_key: [u8; KEY_BYTES],
    server_key: hmac::Key,
}

impl Verifier {
    /// Of a password, with a salt of its own.
    pub fn new(password: &str) -> anyhow::Result<Verifier> {
        let mut salt = [0; SALT_BYTES];
        random(&mut salt).map_err(|error| anyhow::Error::msg(error.message))?;
        // What SASLprep forbids is taken as it is, as PostgreSQL does.
        let prepared = stringprep::saslprep(password).unwrap_or(password.into());
        let mut salted = [0; KEY_BYTES];
        let iterations = NonZeroU32::new(ITERATIONS).unwrap_or(NonZeroU32::MIN);
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, prepared.as_bytes(), &mut salted);
        let salted = hmac::Key::new(hmac::HMAC_SHA256, &salted);
        let client_key = hmac::sign(&salted, b"Client Key");
        let mut stored_key = [0; KEY_BYTES];
        stored_key.copy_from_slice(digest::digest(&digest::SHA256, client_key.as_ref()).as_ref());
        let server_key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&salted, b"Server Key").as_ref());
        Ok(Verifier { salt, stored_key, server_key })
    }

    /// Answers a client's first message.
    pub fn first(&self, client_first: &str) -> Result<Exchange, SqlError> {
        let mut nonce = [0; NONCE_BYTES];
        random(&mut nonce)?;
        self.answer(client_first, &STANDARD.encode(nonce))
    }

    fn answer(&self, client_first: &str, server_nonce: &str) -> Result<Exchange, SqlError> {
        // The header: a flag, an authorization identity that nobody uses, then the message proper.
        let mut parts = client_first.splitn(3, ',');
        let (flag, identity, bare) = (parts.next(), parts.next(), parts.next().ok_or_else(malformed)?);
        let (flag, identity) = (flag.unwrap_or_default(), identity.unwrap_or_default());
        if !matches!(flag, "n" | "y") || !identity.is_empty() {
            return Err(malformed());
        }
        let nonce = bare.split(',').find_map(|part| part.strip_prefix("r=")).filter(|nonce| !nonce.is_empty());
        let nonce = format!("{}{server_nonce}", nonce.ok_or_else(malformed)?);
        let server_first = format!("r={nonce},s={},i={ITERATIONS}", STANDARD.encode(self.salt));
        Ok(Exchange { header: STANDARD.encode(format!("{flag},,")), bare: bare.to_string(), nonce, server_first })
    }
}

/// A client that has asked, and has yet to prove.
pub struct Exchange {
    header: String,
    bare: String,
    nonce: String,
    /// What to send.
    pub server_first: String,
}

impl Exchange {
    /// Checks the client's final message; gives what to send, or none if the proof is wrong.
    pub fn last(&self, verifier: &Verifier, client_final: &str) -> Result<Option<String>, SqlError> {
        let (unproven, proof) = client_final.rsplit_once(",p=").ok_or_else(malformed)?;
        let proof = STANDARD.decode(proof).map_err(|_| malformed())?;
        if unproven != format!("c={},r={}", self.header, self.nonce) || proof.len() != KEY_BYTES {
            return Err(malformed());
        }
        let message = format!("{},{},{unproven}", self.bare, self.server_first);
        let stored = hmac::Key::new(hmac::HMAC_SHA256, &verifier.stored_key);
        let signature = hmac::sign(&stored, message.as_bytes());
        let client_key: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        let claimed = digest::digest(&digest::SHA256, &client_key);
        if !equal(claimed.as_ref(), &verifier.stored_key) {
            return Ok(None);
        }
        let signature = hmac::sign(&verifier.server_key, message.as_bytes());
        Ok(Some(format!("v={}", STANDARD.encode(signature.as_ref()))))
    }
}

/// Compares without telling by its time how much was equal.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}

fn random(bytes: &mut [u8]) -> Result<(), SqlError> {
    SystemRandom::new().fill(bytes).map_err(|_| SqlError::internal("no randomness to be had"))
}

fn malformed() -> SqlError {
    SqlError::new(SqlState::PROTOCOL_VIOLATION, "malformed SCRAM message")
}

#[cfg(test)]
mod tests;
