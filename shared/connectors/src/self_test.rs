//! A delivery that Barometer sends to itself to see whether all of the way in works: signed with the connection's own secret,
//! kept and read like any other, and it says nothing. It is known by its whole body, so nothing that a tool sends is ever
//! taken for one.

use model::{ConnectionName, DeliveryId, Moment};

use crate::DeliveryKey;

/// What stands before and after the mark.
const BEFORE: &[u8] = br#"{"barometer_self_test":""#;
const AFTER: &[u8] = br#""}"#;
/// How its key begins, by which people find it in the journal.
const KEY: &str = "self-test-";
/// The longest mark: milliseconds of a year with nine digits.
const MOST_DIGITS: usize = 20;

/// The body of the test that is made at this moment.
pub fn body(at: Moment) -> Vec<u8> {
    let mark = at.as_millis().unsigned_abs().to_string();
    [BEFORE, mark.as_bytes(), AFTER].concat()
}

/// The body is one of a self-test: nobody is told of it, and it is no sign that its tool speaks.
pub fn is(body: &[u8]) -> bool {
    mark(body).is_some()
}

/// What a self-test is kept under; `None` for what is none.
pub fn key(body: &[u8]) -> Option<DeliveryKey> {
    mark(body).map(|mark| DeliveryKey::Vendor(format!("{KEY}{mark}")))
}

/// The id under which the test of this moment stands in the journal.
pub fn delivery(connection: &ConnectionName, at: Moment) -> DeliveryId {
    let key = key(&body(at)).map(|key| key.as_str().to_owned());
    DeliveryId::new(connection, &key.unwrap_or_default())
}

fn mark(body: &[u8]) -> Option<&str> {
    let mark = body.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
    let is_mark = (1..=MOST_DIGITS).contains(&mark.len()) && mark.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(mark).ok().filter(|_| is_mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_self_test_is_known_by_its_whole_body() {
        let at = Moment::from_millis(1_795_000_000_000).unwrap();
        assert!(is(&body(at)));
        assert_eq!(delivery(&"crm".parse().unwrap(), at).to_string(), "crm:self-test-1795000000000");
        for other in [
            r#"{"barometer_self_test":""}"#,
            r#"{"barometer_self_test":"1","objectType":"COMPANY"}"#,
            r#"{"barometer_self_test":"12a"}"#,
            r#"{"barometer_self_test":"123456789012345678901"}"#,
            r#" {"barometer_self_test":"1"}"#,
            r#"{"erased":true}"#,
            "",
        ] {
            assert!(!is(other.as_bytes()) && key(other.as_bytes()).is_none(), "{other}");
        }
    }
}
