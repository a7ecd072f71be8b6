//! What every connector in `ALL` is held to, whatever its vendor.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::fs;

use common::{Recorded, accepted, folder, mapping, secrets};
use connectors::{ALL, Connector, Refusal, SecretProblem, Secrets, SigningSecret};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use testkit::golden::fixtures;

/// How a vendor signs, written a second time and independently of the connector: the header that carries the signature,
/// and the signature over a request.
struct Signer {
    header: &'static str,
    sign: fn(secret: &str, request: &Recorded) -> String,
}

fn signer(connector: &dyn Connector) -> Signer {
    match connector.tool().name {
        "hubspot-workflow" => Signer {
            header: "x-hubspot-signature",
            sign: |secret, request| {
                let text =
                    [secret.as_bytes(), request.method.as_bytes(), request.url.as_bytes(), &request.body].concat();
                hex::encode(Sha256::digest(text))
            },
        },
        other => panic!("say here how `{other}` signs"),
    }
}

/// Each connector with one of its good fixtures.
fn cases() -> impl Iterator<Item = (&'static dyn Connector, Recorded)> {
    ALL.iter().map(|connector| (*connector, accepted(*connector).remove(0).1))
}

impl Recorded {
    fn signature(&mut self, connector: &dyn Connector) -> &mut String {
        self.headers.get_mut(signer(connector).header).unwrap()
    }

    /// The same request with other bytes, signed with its secret.
    fn resigned(mut self, connector: &dyn Connector, body: &[u8]) -> Self {
        self.body = body.to_vec();
        let signature = (signer(connector).sign)(&self.secret, &self);
        *self.signature(connector) = signature;
        self
    }
}

#[test]
fn every_connector_has_a_sourced_readme_and_a_refusal_fixture() {
    for connector in ALL {
        let folder = folder(*connector);
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        assert!(readme.contains("https://"), "{}: no link to a source", folder.display());
        assert!(readme.contains("read 20"), "{}: no date on which a source was read", folder.display());
        let all = fixtures(&folder.join("fixtures"));
        assert!(all.iter().any(|fixture| fixture.refused().is_some()), "{}: no refusal fixture", folder.display());
    }
}

#[test]
fn good_fixtures_are_accepted() {
    for connector in ALL {
        for (name, request) in accepted(*connector) {
            assert!(request.verify(*connector).is_ok(), "{name}");
        }
    }
}

#[test]
fn unsigned_requests_are_refused() {
    for (connector, mut request) in cases() {
        let header = signer(connector).header;
        for empty in ["", " ", ",", " , "] {
            request.headers.insert(header.to_owned(), empty.to_owned());
            assert_eq!(request.verify(connector), Err(Refusal::MissingSignature), "{empty:?}");
        }
        request.headers.clear();
        assert_eq!(request.verify(connector), Err(Refusal::MissingSignature));
    }
}

#[test]
fn requests_signed_with_another_secret_are_refused() {
    for (connector, request) in cases() {
        for secret in ["another secret, long enough", &format!("{} ", request.secret), &request.secret[1..]] {
            let outcome = request.verify_with(connector, &secrets(secret, None));
            assert_eq!(outcome, Err(Refusal::BadSignature));
        }
    }
}

#[test]
fn every_single_flipped_bit_is_refused() {
    for (connector, request) in cases() {
        let small = request.resigned(connector, br#"{"objectType":"COMPANY","objectId":1}"#);
        assert!(small.verify(connector).is_ok());
        for bit in 0..small.body.len() * 8 {
            let mut altered = small.clone();
            altered.body[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(altered.verify(connector), Err(Refusal::BadSignature), "bit {bit} of the body");
        }
        let signature = small.clone().signature(connector).clone();
        let mut tried = 0;
        for bit in 0..signature.len() * 8 {
            let mut bytes = signature.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // What is not text is no header value; the gateway refuses it.
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let mut altered = small.clone();
            *altered.signature(connector) = text;
            assert!(altered.verify(connector).is_err(), "bit {bit} of the signature");
            tried += 1;
        }
        assert_eq!(tried, signature.len() * 7);
    }
}

#[test]
fn a_signature_of_another_length_is_refused() {
    for (connector, request) in cases() {
        let signature = request.clone().signature(connector).clone();
        let (half, rest) = signature.split_at(signature.len() / 2);
        for text in
            [half, rest, &format!("{signature}0"), &format!("{half} {rest}"), &signature.to_uppercase(), "é", "="]
        {
            let mut altered = request.clone();
            *altered.signature(connector) = text.to_owned();
            assert_eq!(altered.verify(connector), Err(Refusal::BadSignature), "{text}");
        }
    }
}

#[test]
fn another_method_or_address_is_refused() {
    for (connector, request) in cases() {
        let other_method = Recorded { method: "PUT".into(), ..request.clone() };
        let more = format!("{}?x=1", request.url);
        let plain = request.url.replace("https://", "http://");
        let other_addresses = [more, plain].map(|url| Recorded { url, ..request.clone() });
        for altered in other_addresses.iter().chain([&other_method]) {
            assert_eq!(altered.verify(connector), Err(Refusal::BadSignature), "{} {}", altered.method, altered.url);
        }
    }
}

#[test]
fn a_body_that_was_parsed_and_written_again_is_refused() {
    for (connector, request) in cases() {
        let value: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        let escaped = String::from_utf8(request.body.clone()).unwrap().replacen('N', "\\u004e", 1);
        let sorted: std::collections::BTreeMap<String, serde_json::Value> =
            serde_json::from_value(value.clone()).unwrap();
        for body in [format!("{value:#}"), escaped, serde_json::to_string(&sorted).unwrap(), format!("{value}\n")] {
            assert_ne!(body.as_bytes(), request.body);
            let altered = Recorded { body: body.into_bytes(), ..request.clone() };
            assert_eq!(altered.verify(connector), Err(Refusal::BadSignature));
        }
    }
}

#[test]
fn a_request_is_verified_before_it_is_parsed() {
    for (connector, request) in cases() {
        for body in [&b"{\"objectType\":"[..], b"\xff\xfe", b"", &[b'['; 100_000]] {
            let good = request.clone().resigned(connector, body);
            assert!(good.verify(connector).is_ok());
            assert_eq!(good.normalize(connector).quarantined.len(), 1);
            let bad = Recorded { body: body.to_vec(), ..request.clone() };
            assert_eq!(bad.verify(connector), Err(Refusal::BadSignature));
        }
    }
}

#[test]
fn no_secret_is_no_acceptance() {
    for text in ["", " ", "\r\n\t"] {
        assert_eq!(SigningSecret::new(text).unwrap_err(), SecretProblem::Empty);
    }
    for (connector, request) in cases() {
        assert_eq!(request.verify_with(connector, &Secrets::default()), Err(Refusal::NoSecret));
        let previous_only = Secrets { current: None, ..secrets("unused, but long enough", Some(&request.secret)) };
        assert_eq!(request.verify_with(connector, &previous_only), Err(Refusal::NoSecret));
    }
}

#[test]
fn while_a_secret_changes_both_are_accepted_and_afterwards_one() {
    const NEW: &str = "a new secret, long enough";
    for (connector, request) in cases() {
        let verify = |secrets: &Secrets| request.verify_with(connector, secrets).map(|_| ());
        assert_eq!(verify(&secrets(NEW, Some(&request.secret))), Ok(()));
        assert_eq!(verify(&secrets(&request.secret, Some(NEW))), Ok(()));
        assert_eq!(verify(&secrets(NEW, None)), Err(Refusal::BadSignature));
        assert_eq!(verify(&secrets(NEW, Some("a third one, unknown"))), Err(Refusal::BadSignature));
    }
}

#[test]
fn of_several_signatures_any_may_match_among_the_first_ten() {
    for (connector, request) in cases() {
        let good = request.clone().signature(connector).clone();
        let wrong = "0".repeat(good.len());
        let outcome = |before: usize, separator: &str| {
            let mut offered = vec![wrong.as_str(); before];
            offered.push(&good);
            let mut altered = request.clone();
            *altered.signature(connector) = offered.join(separator);
            altered.verify(connector).map(|_| ())
        };
        for separator in [",", ", ", " "] {
            assert_eq!(outcome(1, separator), Ok(()), "{separator:?}");
            assert_eq!(outcome(9, separator), Ok(()), "{separator:?}");
            assert_eq!(outcome(10, separator), Err(Refusal::BadSignature), "{separator:?}");
        }
    }
}

#[test]
fn a_delivery_is_known_by_its_key_again() {
    for (connector, request) in cases() {
        let key = request.verify(connector).unwrap();
        assert_eq!(request.verify(connector).unwrap(), key);
        assert!((1..=200).contains(&key.as_str().len()), "{key:?}");
    }
}

#[test]
fn what_is_kept_of_the_headers_is_no_signature() {
    for (connector, request) in cases() {
        for kept in connector.kept_headers() {
            assert_eq!(*kept, kept.to_lowercase());
            assert_ne!(*kept, signer(connector).header);
            assert!(!["authorization", "cookie"].contains(kept));
        }
        drop(request);
    }
}

#[test]
fn fields_nobody_knows_change_nothing() {
    for connector in ALL {
        for (name, request) in accepted(*connector) {
            let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(&request.body) else { continue };
            let before = request.normalize(*connector);
            add_unknown(&mut value);
            let body = value.to_string().into_bytes();
            assert_ne!(body, request.body);
            assert_eq!(Recorded { body, ..request }.normalize(*connector), before, "{name}");
        }
    }
}

fn add_unknown(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(object) => {
            object.values_mut().for_each(add_unknown);
            object.insert("zz_new_this_month".into(), serde_json::json!({"a": [null, 1.5, {"b": "c"}]}));
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(add_unknown),
        _ => {}
    }
}

#[test]
fn nobody_reads_a_refusal_and_learns_a_secret() {
    for (connector, request) in cases() {
        for refusal in [
            request.verify_with(connector, &secrets("another secret, long enough", None)).unwrap_err(),
            request.verify_with(connector, &Secrets::default()).unwrap_err(),
        ] {
            let shown = format!("{refusal} {refusal:?}");
            assert!(!shown.contains(&request.secret) && !shown.contains("another secret"), "{shown}");
        }
    }
}

#[test]
fn every_mappable_field_is_mapped_by_the_fixtures() {
    for connector in ALL {
        let mapping = mapping(*connector);
        for object in connector.tool().objects {
            for field in object.fields {
                assert!(mapping.property(object.name, *field).is_some(), "{}.{field}", object.name);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_flipped_bit_anywhere_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        for (connector, request) in cases() {
            let mut altered = request.clone();
            let at = at.index(altered.body.len());
            altered.body[at] ^= 1 << bit;
            prop_assert_eq!(altered.verify(connector), Err(Refusal::BadSignature));
        }
    }

    #[test]
    fn no_header_makes_verify_panic(signature in ".{0,80}", version in ".{0,4}") {
        for (connector, request) in cases() {
            let mut altered = request.clone();
            *altered.signature(connector) = signature.clone();
            prop_assert!(altered.verify(connector).is_err());
            for value in altered.headers.values_mut() {
                value.clone_from(&version);
            }
            prop_assert!(altered.verify(connector).is_err());
        }
    }

    #[test]
    fn no_bytes_make_normalize_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for (connector, request) in cases() {
            let out = Recorded { body: body.clone(), ..request }.normalize(connector);
            prop_assert!(out.signals.is_empty() && out.quarantined.len() == 1);
        }
    }

    #[test]
    fn no_damage_to_a_real_body_makes_normalize_panic(
        which in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        for connector in ALL {
            let mut all = accepted(*connector);
            let (_, mut request) = all.swap_remove(which.index(all.len()));
            for (at, byte) in &damage {
                let at = at.index(request.body.len());
                request.body[at] = *byte;
            }
            let out = request.normalize(*connector);
            prop_assert!(!out.signals.is_empty() || !out.quarantined.is_empty() || !out.warnings.is_empty());
            request.body.truncate(cut.index(request.body.len()));
            prop_assert_eq!(request.normalize(*connector).quarantined.len(), 1);
        }
    }
}
