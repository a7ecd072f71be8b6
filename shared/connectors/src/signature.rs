//! What the schemes of several vendors share: hashing parts in a row, comparing without a clock to listen to, and
//! judging the time of signing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::SignedDuration;
use model::Moment;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use crate::Refusal;

/// How far the time of signing may be from the time of receipt, to either side.
pub(crate) const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// Most signatures looked at in one request. Vendors send two while a secret changes; more is somebody trying.
const MAX_OFFERED: usize = 10;

/// SHA-256 over the parts in a row, as 64 lower-case hexadecimal digits.
pub(crate) fn sha256_hex(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hex::encode(hasher.finalize())
}

/// HMAC-SHA256 over the parts in a row, as base64 with padding.
pub(crate) fn hmac_sha256_base64(key: &[u8], parts: &[&[u8]]) -> String {
    STANDARD.encode(hmac_sha256(key, parts))
}

/// HMAC-SHA256 over the parts in a row, as 64 lower-case hexadecimal digits.
pub(crate) fn hmac_sha256_hex(key: &[u8], parts: &[&[u8]]) -> String {
    hex::encode(hmac_sha256(key, parts))
}

fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // A key of any length is taken: HMAC hashes long ones and pads short ones.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// Refuses what was signed more than five minutes before it was received, or after.
pub(crate) fn fresh(signed_at: Moment, received_at: Moment) -> Result<(), Refusal> {
    let apart = received_at.since(signed_at).abs();
    if apart <= WINDOW { Ok(()) } else { Err(Refusal::Stale) }
}

/// The signatures in a header value: separated by commas or white space, the first ten.
pub(crate) fn offered(header: &str) -> Vec<&str> {
    header.split([',', ' ', '\t']).filter(|part| !part.is_empty()).take(MAX_OFFERED).collect()
}

/// Whether one of `offered` is `expected`, letter for letter, in a time that does not tell how much of it was right.
pub(crate) fn any_is(expected: &str, offered: &[&str]) -> Choice {
    offered.iter().fold(Choice::from(0), |found, one| found | expected.as_bytes().ct_eq(one.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_hashed_in_a_row() {
        assert_eq!(sha256_hex(&[b"ab", b"c"]), sha256_hex(&[b"abc"]));
        // FIPS 180-2, appendix B.1.
        assert_eq!(sha256_hex(&[b"abc"]), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn an_hmac_is_the_one_of_rfc_4231() {
        // Test case 2.
        assert_eq!(
            hmac_sha256_base64(b"Jefe", &[b"what do ya want ", b"for nothing?"]),
            STANDARD.encode(hex::decode("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843").unwrap())
        );
    }

    #[test]
    fn the_window_is_closed_on_both_sides() {
        let at = |seconds: i64| Moment::from_millis(1_790_000_000_000 + seconds * 1_000).unwrap();
        for seconds in [-300, -299, 0, 299, 300] {
            assert_eq!(fresh(at(0), at(seconds)), Ok(()), "{seconds}");
        }
        for seconds in [-301, 301, 86_400] {
            assert_eq!(fresh(at(0), at(seconds)), Err(Refusal::Stale), "{seconds}");
        }
        assert_eq!(fresh(Moment::EARLIEST, at(0)), Err(Refusal::Stale));
    }

    #[test]
    fn several_signatures_are_told_apart() {
        assert_eq!(offered("aa,bb, cc dd\tee"), ["aa", "bb", "cc", "dd", "ee"]);
        assert!(offered(" , ,").is_empty());
        assert_eq!(offered(&"aa,".repeat(11)).len(), 10);
    }

    #[test]
    fn any_one_of_them_may_match() {
        let is = |offered: &[&str]| bool::from(any_is("abc", offered));
        assert!(is(&["xyz", "abc"]));
        assert!(!is(&["ab", "abcd", "ABC", ""]));
        assert!(!is(&[]));
    }
}
