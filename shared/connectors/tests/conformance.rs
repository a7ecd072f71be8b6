//! What every connector in `ALL` is held to, whatever its vendor: whose requests it takes, and whose not.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::fs;

use common::signing::{cases, scheme};
use common::{Recorded, accepted, folder, mapping, secrets};
use connectors::{ALL, Refusal, SecretProblem, Secrets, SigningSecret};
use model::Moment;
use proptest::prelude::*;
use testkit::golden::fixtures;

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
        let header = scheme(connector).signature;
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
        let small = request.resigned(connector, br#"[{"id":1,"name":"Acme"}]"#);
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
fn another_method_or_address_is_refused_where_it_is_signed() {
    for (connector, request) in cases() {
        let other_method = Recorded { method: "PUT".into(), ..request.clone() };
        let more = format!("{}?x=1", request.url);
        let plain = request.url.replace("https://", "http://");
        let other_addresses = [more, plain].map(|url| Recorded { url, ..request.clone() });
        for altered in other_addresses.iter().chain([&other_method]) {
            let outcome = altered.verify(connector).map(drop);
            // Some vendors sign neither: the secret alone says who sends.
            let expected = if scheme(connector).covers_address { Err(Refusal::BadSignature) } else { Ok(()) };
            assert_eq!(outcome, expected, "{} {}", altered.method, altered.url);
        }
    }
}

#[test]
fn a_body_that_was_parsed_and_written_again_is_refused() {
    for (connector, request) in cases() {
        let value: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        // No `true`, `false` or `null` has an `o`: it is a letter of some text.
        let escaped = String::from_utf8(request.body.clone()).unwrap().replacen('o', "\\u006f", 1);
        for body in [format!("{value:#}"), escaped, format!("{value} "), format!("{value}\n")] {
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
fn what_was_signed_more_than_five_minutes_ago_or_ahead_is_refused() {
    let mut timed = 0;
    for (connector, request) in cases() {
        let Some((_, written)) = scheme(connector).signed_at else { continue };
        let unit = scheme(connector).unit_ms;
        timed += 1;
        let outcome = |ms: i64| {
            let at = Moment::from_millis(request.received_at.as_millis() + ms).unwrap();
            request.clone().resigned_at(connector, &written(at)).verify(connector).map(drop)
        };
        for ms in [-300_000, -299_999, 0, 299_999, 300_000] {
            assert_eq!(outcome(ms), Ok(()), "{} {ms}", connector.tool().name);
        }
        for ms in [-300_000 - unit, 300_000 + unit, 86_400_000, -31_536_000_000] {
            assert_eq!(outcome(ms), Err(Refusal::Stale), "{} {ms}", connector.tool().name);
        }
    }
    assert!(timed >= 2);
}

#[test]
fn a_time_of_signing_that_is_none_is_refused_though_it_is_signed() {
    for (connector, request) in cases() {
        let Some((_, written)) = scheme(connector).signed_at else { continue };
        let good = written(request.received_at);
        let odd = [
            "0",
            "-1",
            "soon",
            "1e3",
            "9223372036854775807",
            "-9223372036854775808",
            "99999999999999999999999999",
            "9999-12-31T23:59:59Z",
            "0000-01-01T00:00:00Z",
            &format!("{good} {good}"),
            &format!("{good},{good}"),
            &format!("+{good}"),
        ];
        for text in odd {
            let outcome = request.clone().resigned_at(connector, text).verify(connector);
            assert!(outcome.is_err(), "{} {text}", connector.tool().name);
        }
        // Seconds where milliseconds are signed, and the other way round.
        let now = request.received_at.as_millis();
        for text in [now / 1_000, now, now * 1_000].map(|at| at.to_string()).iter().filter(|text| **text != good) {
            let outcome = request.clone().resigned_at(connector, text).verify(connector);
            assert!(outcome.is_err(), "{} {text}", connector.tool().name);
        }
    }
}

#[test]
fn another_time_under_the_same_signature_is_refused() {
    for (connector, request) in cases() {
        let Some((header, written)) = scheme(connector).signed_at else { continue };
        let later = Moment::from_millis(request.received_at.as_millis() + 1_000).unwrap();
        let mut altered = request.clone();
        altered.headers.insert(header.to_owned(), written(later));
        assert_eq!(altered.verify(connector), Err(Refusal::BadSignature), "{}", connector.tool().name);
        altered.headers.remove(header);
        assert!(altered.verify(connector).is_err(), "{}", connector.tool().name);
    }
}

#[test]
fn a_request_signed_for_one_tool_opens_no_other() {
    for (connector, request) in cases() {
        for other in ALL.iter().filter(|other| other.tool() != connector.tool()) {
            let names = (connector.tool().name, other.tool().name);
            assert!(request.verify(*other).is_err(), "{names:?}");
            // Not in the other tool's header either.
            let mut moved = request.clone();
            let signature = moved.signature(connector).clone();
            moved.headers.insert(scheme(*other).signature.to_owned(), signature);
            assert!(moved.verify(*other).is_err(), "{names:?}");
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
            assert_ne!(*kept, scheme(connector).signature);
            assert!(!["authorization", "cookie"].contains(kept));
        }
        drop(request);
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
}
