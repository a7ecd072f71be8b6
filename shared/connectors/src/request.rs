//! A request before and after its check, as two types: what follows `verify` accepts nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use model::Moment;

use crate::signature;

/// A request as it arrived. Nothing in it may be believed yet.
#[derive(Clone, Copy)]
pub struct Unverified<'a> {
    /// Upper-case method.
    pub method: &'a str,
    /// The full public `https` address with its query, as the vendor called it.
    pub url: &'a str,
    /// Headers with lower-case names; a header sent more than once is joined with commas.
    pub headers: &'a BTreeMap<String, String>,
    /// The body, byte for byte.
    pub body: &'a [u8],
    /// When the gateway received it.
    pub received_at: Moment,
}

impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers hold signatures and tokens, bodies and queries personal data: none belongs in a log line.
        write!(f, "Unverified({}, {} bytes at {})", self.method, self.body.len(), self.received_at)
    }
}

/// A request whose signature held. Only a connector's `verify` makes one.
#[derive(Debug, Clone, Copy)]
pub struct Verified<'a>(Unverified<'a>);

impl<'a> Verified<'a> {
    /// To be called where the signature has just been found to hold, and nowhere else.
    pub(crate) fn after_check(request: &Unverified<'a>) -> Self {
        Self(*request)
    }
}

impl<'a> Deref for Verified<'a> {
    type Target = Unverified<'a>;

    fn deref(&self) -> &Unverified<'a> {
        &self.0
    }
}

/// Why a request was not accepted. Names neither the secret nor anything the sender wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no signature at all.
    #[error("the request carries no signature; switch signing on where the vendor sends from")]
    MissingSignature,
    /// A scheme other than the one this tool is known to use, weaker or stronger, or none named.
    #[error("the request does not name the signature version that this tool signs with")]
    UnknownVersion,
    /// Not made with our secret over these bytes.
    #[error("the signature does not match; check that the secret and the public URL are the ones the vendor uses")]
    BadSignature,
    /// Signed too long before it was received, or after it.
    #[error("the signed time is too far from the time of receipt")]
    Stale,
    /// Nothing to check with: our side is not set up, the sender is not to blame.
    #[error("the connection has no secret; store one before the vendor's webhook is switched on")]
    NoSecret,
}

/// What makes a delivery the same one when it is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryKey {
    /// The vendor's own id, where it is stable over retries.
    Vendor(String),
    /// SHA-256 of the body, 64 hexadecimal digits, where the vendor has no such id.
    Body(String),
}

impl DeliveryKey {
    /// How many hexadecimal digits of a body's hash stand in a delivery's id.
    const DIGITS: usize = 32;

    /// The key of a vendor that names no delivery.
    pub fn of_body(body: &[u8]) -> Self {
        Self::Body(signature::sha256_hex(&[body]))
    }

    /// As it stands in a [`model::DeliveryId`]: the vendor's id, or the first 32 digits of the hash.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Vendor(id) => id,
            Self::Body(hash) => hash.get(..Self::DIGITS).unwrap_or(hash),
        }
    }

    /// What tells a repeat from other bytes under the same key: the hash of the body, less what the vendor changes from one
    /// attempt to the next.
    pub fn body_sha256(&self, body: &[u8]) -> String {
        match self {
            Self::Vendor(_) => signature::sha256_hex(&[body]),
            Self::Body(hash) => hash.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_prints_without_its_body_and_headers() {
        let headers = BTreeMap::from([("x-token".to_owned(), "hush".to_owned())]);
        let request = Unverified {
            method: "POST",
            url: "https://hooks.example/?key=hush",
            headers: &headers,
            body: b"hush",
            received_at: Moment::EARLIEST,
        };
        let printed = format!("{request:?} {:?}", Verified::after_check(&request));
        assert!(!printed.contains("hush"), "{printed}");
    }

    #[test]
    fn a_body_without_an_id_is_named_by_its_hash() {
        let key = DeliveryKey::of_body(b"abc");
        assert_eq!(key.as_str(), "ba7816bf8f01cfea414140de5dae2223");
        assert_eq!(DeliveryKey::Vendor("evt_1".into()).as_str(), "evt_1");
    }

    #[test]
    fn a_vendors_id_does_not_hide_other_bytes() {
        let vendor = DeliveryKey::Vendor("evt_1".into());
        assert_ne!(vendor.body_sha256(b"abc"), vendor.body_sha256(b"abd"));
        assert_eq!(vendor.body_sha256(b"abc"), DeliveryKey::of_body(b"abc").body_sha256(b"abc"));
        // The vendor counted its attempts in the body; the key knows which part that was.
        assert_eq!(
            DeliveryKey::of_body(b"try 1").body_sha256(b"try 2"),
            DeliveryKey::of_body(b"try 1").body_sha256(b"")
        );
    }
}
