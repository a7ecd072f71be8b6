//! Signs as each vendor signs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::{Moment, stable_hash};
use sha2::{Digest, Sha256};

/// The headers with which HubSpot's workflows would send `body` to `url`, the address that its signatures cover.
///
/// HubSpot's version 2: the SHA-256 of secret, method, URL and body, in hexadecimal.
pub fn signed(body: &[u8], url: &str, secret: &str) -> [(&'static str, String); 3] {
    [
        json(),
        ("x-hubspot-signature-version", "v2".to_owned()),
        ("x-hubspot-signature", sha256_hex(&[secret.as_bytes(), b"POST", url.as_bytes(), body])),
    ]
}

/// The headers with which `tool` would send `body` to `url` at a moment.
pub fn signed_by(tool: &str, body: &[u8], url: &str, secret: &str, at: Moment) -> Vec<(&'static str, String)> {
    match tool {
        "hubspot-app" => {
            let ms = at.as_millis().to_string();
            // Apps are sent two versions at once; the newer one counts.
            vec![
                json(),
                ("x-hubspot-signature-version", "v1".to_owned()),
                ("x-hubspot-signature", sha256_hex(&[secret.as_bytes(), body])),
                ("x-hubspot-signature-v3", hmac_base64(secret, &[b"POST", url.as_bytes(), body, ms.as_bytes()])),
                ("x-hubspot-request-timestamp", ms),
            ]
        }
        "zendesk" => {
            let at = at.to_string();
            let invocation = stable_hash(&[&at, &String::from_utf8_lossy(body)]);
            vec![
                json(),
                ("x-zendesk-webhook-invocation-id", invocation),
                ("x-zendesk-webhook-signature", hmac_base64(secret, &[at.as_bytes(), body])),
                ("x-zendesk-webhook-signature-timestamp", at),
            ]
        }
        "slack" => {
            let seconds = at.as_millis().div_euclid(1_000).to_string();
            let parts = [&b"v0:"[..], seconds.as_bytes(), b":", body];
            vec![
                ("content-type", "application/x-www-form-urlencoded".to_owned()),
                ("x-slack-signature", format!("v0={}", hex::encode(hmac(secret, &parts)))),
                ("x-slack-request-timestamp", seconds),
            ]
        }
        "typeform" => {
            vec![json(), ("typeform-signature", format!("sha256={}", hmac_base64(secret, &[body])))]
        }
        _ => signed(body, url, secret).into(),
    }
}

fn json() -> (&'static str, String) {
    ("content-type", "application/json".to_owned())
}

fn sha256_hex(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

fn hmac_base64(secret: &str, parts: &[&[u8]]) -> String {
    STANDARD.encode(hmac(secret, parts))
}

fn hmac(secret: &str, parts: &[&[u8]]) -> Vec<u8> {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return Vec::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}
