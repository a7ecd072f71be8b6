//! HubSpot's signature version 2: a plain SHA-256, not an HMAC, over secret, method, full URL and raw body.

use crate::signature::{any_is, offered, sha256_hex};
use crate::{Refusal, Secrets, Unverified, Verified};

const SIGNATURE: &str = "x-hubspot-signature";
const VERSION: &str = "x-hubspot-signature-version";

/// Versions 1 and 3 belong to app webhooks. A request that names one of them was not made by a workflow: it is refused
/// rather than tried, so that nobody chooses the scheme for us.
const WORKFLOW_VERSION: &str = "v2";

pub(super) fn verify<'a>(request: &Unverified<'a>, secrets: &Secrets) -> Result<Verified<'a>, Refusal> {
    let accepted = secrets.accepted()?;
    let signatures = request.headers.get(SIGNATURE).map(|value| offered(value)).unwrap_or_default();
    if signatures.is_empty() {
        return Err(Refusal::MissingSignature);
    }
    if request.headers.get(VERSION).map(|version| version.trim()) != Some(WORKFLOW_VERSION) {
        return Err(Refusal::UnknownVersion);
    }
    let mut matches = subtle::Choice::from(0);
    for secret in accepted {
        let parts = [secret.as_bytes(), request.method.as_bytes(), request.url.as_bytes(), request.body];
        matches |= any_is(&sha256_hex(&parts), &signatures);
    }
    if bool::from(matches) { Ok(Verified::after_check(request)) } else { Err(Refusal::BadSignature) }
}
