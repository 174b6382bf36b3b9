//! The exchange, with the client's side as RFC 5802 has it.

use super::*;

/// The client's final message for a password, and the signature that it expects.
fn prove(password: &str, bare: &str, server_first: &str) -> (String, String) {
    let field = |name: &str| server_first.split(',').find_map(|part| part.strip_prefix(name)).unwrap().to_string();
    let salt = STANDARD.decode(field("s=")).unwrap();
    let mut salted = [0; KEY_BYTES];
    let iterations = NonZeroU32::new(field("i=").parse().unwrap()).unwrap();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, password.as_bytes(), &mut salted);
    let salted = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let client_key = hmac::sign(&salted, b"Client Key");
    let stored = hmac::Key::new(hmac::HMAC_SHA256, digest::digest(&digest::SHA256, client_key.as_ref()).as_ref());
    let unproven = format!("c=biws,r={}", field("r="));
    let message = format!("{bare},{server_first},{unproven}");
    let signature = hmac::sign(&stored, message.as_bytes());
    let proof: Vec<u8> = client_key.as_ref().iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
    let server_key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&salted, b"Server Key").as_ref());
    let expected = STANDARD.encode(hmac::sign(&server_key, message.as_bytes()).as_ref());
    (format!("{unproven},p={}", STANDARD.encode(proof)), format!("v={expected}"))
}

#[test]
fn the_right_password_is_proven_and_a_wrong_one_is_not() {
    let verifier = Verifier::new("pencil").unwrap();
    let exchange = verifier.first("n,,n=user,r=abc").unwrap();
    assert!(exchange.server_first.starts_with("r=abc"));
    let (last, expected) = prove("pencil", "n=user,r=abc", &exchange.server_first);
    assert_eq!(exchange.last(&verifier, &last), Ok(Some(expected)));
    let (last, _) = prove("pen", "n=user,r=abc", &exchange.server_first);
    assert_eq!(exchange.last(&verifier, &last), Ok(None));
}

#[test]
fn a_malformed_message_is_refused() {
    let verifier = Verifier::new("pencil").unwrap();
    for first in ["", "n,,", "p=tls-unique,,n=,r=x", "n,a=me,n=,r=x", "n,,n=,r="] {
        assert!(verifier.first(first).is_err(), "{first}");
    }
    let exchange = verifier.first("n,,n=,r=abc").unwrap();
    for last in ["", "c=biws,r=abc,p=AAAA", "c=eSws,r=abc"] {
        assert!(exchange.last(&verifier, last).is_err(), "{last}");
    }
}
