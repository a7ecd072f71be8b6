//! How each vendor signs, written a second time and independently of its connector.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connectors::{ALL, Connector};
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::Moment;
use sha2::{Digest as _, Sha256};

use super::{Recorded, accepted};

/// An instant as a vendor writes it.
pub type Written = fn(Moment) -> String;

/// A vendor's scheme.
pub struct Scheme {
    /// The header that carries the signature.
    pub signature: &'static str,
    /// The header with the time of signing, and how that is written; `None` where no time is signed.
    pub signed_at: Option<(&'static str, Written)>,
    /// What a time of signing is counted in, in milliseconds.
    pub unit_ms: i64,
    /// Method and address are signed too.
    pub covers_address: bool,
    sign: fn(secret: &[u8], request: &Recorded) -> String,
}

/// The scheme of a connector.
pub fn scheme(connector: &dyn Connector) -> Scheme {
    match connector.tool().name {
        "hubspot-app" => Scheme {
            signature: "x-hubspot-signature-v3",
            signed_at: Some((HUBSPOT_TIME, |at| at.as_millis().to_string())),
            unit_ms: 1,
            covers_address: true,
            sign: |secret, r| {
                let at = r.headers[HUBSPOT_TIME].as_bytes();
                hmac_base64(secret, &[r.method.as_bytes(), r.url.as_bytes(), &r.body, at])
            },
        },
        "hubspot-workflow" => Scheme {
            signature: "x-hubspot-signature",
            signed_at: None,
            unit_ms: 1,
            covers_address: true,
            sign: |secret, r| {
                hex::encode(Sha256::digest([secret, r.method.as_bytes(), r.url.as_bytes(), &r.body].concat()))
            },
        },
        "slack" => Scheme {
            signature: "x-slack-signature",
            signed_at: Some((SLACK_TIME, |at| (at.as_millis().div_euclid(1_000)).to_string())),
            unit_ms: 1_000,
            covers_address: false,
            sign: |secret, r| {
                let parts = [b"v0:", r.headers[SLACK_TIME].as_bytes(), b":", &r.body];
                format!("v0={}", hex::encode(hmac(secret, &parts)))
            },
        },
        "typeform" => Scheme {
            signature: "typeform-signature",
            signed_at: None,
            unit_ms: 1,
            covers_address: false,
            sign: |secret, r| format!("sha256={}", hmac_base64(secret, &[&r.body])),
        },
        "zendesk" => Scheme {
            signature: "x-zendesk-webhook-signature",
            signed_at: Some((ZENDESK_TIME, |at| at.to_string())),
            unit_ms: 1,
            covers_address: false,
            sign: |secret, r| hmac_base64(secret, &[r.headers[ZENDESK_TIME].as_bytes(), &r.body]),
        },
        other => panic!("say here how `{other}` signs"),
    }
}

const HUBSPOT_TIME: &str = "x-hubspot-request-timestamp";
const ZENDESK_TIME: &str = "x-zendesk-webhook-signature-timestamp";

const SLACK_TIME: &str = "x-slack-request-timestamp";

fn hmac_base64(secret: &[u8], parts: &[&[u8]]) -> String {
    STANDARD.encode(hmac(secret, parts))
}

fn hmac(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(&parts.concat());
    mac.finalize().into_bytes().to_vec()
}

/// Each connector with the first of its good fixtures that is signed in its scheme.
pub fn cases() -> impl Iterator<Item = (&'static dyn Connector, Recorded)> {
    static CASES: LazyLock<Vec<Recorded>> = LazyLock::new(|| {
        let first = |connector: &&dyn Connector| {
            let header = scheme(*connector).signature;
            let signed = |(_, request): &(String, Recorded)| request.headers.contains_key(header);
            let request = accepted(*connector).into_iter().find(signed).unwrap().1;
            let body = request.clone().plain().body;
            request.resigned(*connector, &body)
        };
        ALL.iter().map(first).collect()
    });
    ALL.iter().copied().zip(CASES.iter().cloned())
}

impl Recorded {
    /// The signature it carries.
    pub fn signature(&mut self, connector: &dyn Connector) -> &mut String {
        self.headers.get_mut(scheme(connector).signature).unwrap()
    }

    /// The same request with other bytes, signed with its secret.
    pub fn resigned(mut self, connector: &dyn Connector, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self.signed(connector)
    }

    /// The same request with another time of signing, as text, signed with its secret.
    pub fn resigned_at(mut self, connector: &dyn Connector, at: &str) -> Self {
        let (header, _) = scheme(connector).signed_at.unwrap();
        self.headers.insert(header.to_owned(), at.to_owned());
        self.signed(connector)
    }

    fn signed(mut self, connector: &dyn Connector) -> Self {
        let signature = (scheme(connector).sign)(self.secret.as_bytes(), &self);
        *self.signature(connector) = signature;
        self
    }
}
