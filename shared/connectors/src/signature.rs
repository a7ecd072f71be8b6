//! What the schemes of several vendors share: hashing parts in a row, and comparing without a clock to listen to.

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

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
