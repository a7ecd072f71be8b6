//! Typeform's signature: HMAC-SHA256 of the raw body under the webhook's secret, in base64, with its name before it. No
//! time is signed.

use crate::signature::{any_is, hmac_sha256_base64, offered};
use crate::{Refusal, Secrets, Unverified, Verified};

const SIGNATURE: &str = "typeform-signature";

pub(super) fn verify<'a>(request: &Unverified<'a>, secrets: &Secrets) -> Result<Verified<'a>, Refusal> {
    let accepted = secrets.accepted()?;
    let signatures = request.headers.get(SIGNATURE).map(|value| offered(value)).unwrap_or_default();
    if signatures.is_empty() {
        return Err(Refusal::MissingSignature);
    }
    let mut matches = subtle::Choice::from(0);
    for secret in accepted {
        // The name of the hash is part of what is compared, so nobody chooses another one.
        let expected = format!("sha256={}", hmac_sha256_base64(secret.as_bytes(), &[request.body]));
        matches |= any_is(&expected, &signatures);
    }
    if bool::from(matches) { Ok(Verified::after_check(request)) } else { Err(Refusal::BadSignature) }
}
