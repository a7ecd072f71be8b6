//! Slack's signature, version 0: HMAC-SHA256 over `v0:`, the time of signing in seconds, `:` and the raw body, in
//! hexadecimal.

use model::Moment;
use subtle::Choice;

use crate::signature::{any_is, fresh, hmac_sha256_hex, offered};
use crate::{Refusal, Secrets, Unverified, Verified};

const SIGNATURE: &str = "x-slack-signature";
/// When the request was signed, in seconds. It is part of what is signed.
const SIGNED_AT: &str = "x-slack-request-timestamp";
/// The version is part of what is compared, so nobody chooses another one.
const VERSION: &str = "v0";

pub(super) fn verify<'a>(request: &Unverified<'a>, secrets: &Secrets) -> Result<Verified<'a>, Refusal> {
    let accepted = secrets.accepted()?;
    let signatures = request.headers.get(SIGNATURE).map(|value| offered(value)).unwrap_or_default();
    let signed_at = request.headers.get(SIGNED_AT).filter(|text| !text.is_empty());
    let (false, Some(signed_at)) = (signatures.is_empty(), signed_at) else { return Err(Refusal::MissingSignature) };
    let mut matches = Choice::from(0);
    for secret in accepted {
        let parts = [VERSION.as_bytes(), b":", signed_at.as_bytes(), b":", request.body];
        matches |= any_is(&format!("{VERSION}={}", hmac_sha256_hex(secret.as_bytes(), &parts)), &signatures);
    }
    if !bool::from(matches) {
        return Err(Refusal::BadSignature);
    }
    let is_number = signed_at.bytes().all(|b| b.is_ascii_digit());
    let seconds: i64 = signed_at.parse().ok().filter(|_| is_number).ok_or(Refusal::Stale)?;
    let signed_at = seconds.checked_mul(1_000).and_then(Moment::from_millis).ok_or(Refusal::Stale)?;
    fresh(signed_at, request.received_at)?;
    Ok(Verified::after_check(request))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::SigningSecret;

    /// "Verifying requests from Slack" on docs.slack.dev, as in slackapi/java-slack-sdk (MIT), SlackSignatureTest.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const BODY: &[u8] =
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNED: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    fn check(at: &str, signature: &str, received_at_s: i64) -> Result<(), Refusal> {
        let headers = BTreeMap::from([(SIGNATURE.into(), signature.into()), (SIGNED_AT.into(), at.into())]);
        let received_at = Moment::from_millis(received_at_s * 1_000).unwrap();
        let request =
            Unverified { method: "POST", url: "https://x.example/", headers: &headers, body: BODY, received_at };
        let secrets = Secrets { current: Some(SigningSecret::new(SECRET).unwrap()), previous: None };
        verify(&request, &secrets).map(drop)
    }

    #[test]
    fn the_example_of_the_documentation_holds_for_five_minutes() {
        const AT: i64 = 1_531_420_618;
        for received_at in [AT - 300, AT, AT + 300] {
            assert_eq!(check("1531420618", SIGNED, received_at), Ok(()));
        }
        for received_at in [AT - 301, AT + 301] {
            assert_eq!(check("1531420618", SIGNED, received_at), Err(Refusal::Stale));
        }
        assert_eq!(check("1531420619", SIGNED, AT), Err(Refusal::BadSignature));
        assert_eq!(check("1531420618", &SIGNED[3..], AT), Err(Refusal::BadSignature), "the version is part of it");
        assert_eq!(check("1531420618", &SIGNED.replace("v0", "v1"), AT), Err(Refusal::BadSignature));
        assert_eq!(check("", SIGNED, AT), Err(Refusal::MissingSignature));
        assert_eq!(check("1531420618", "", AT), Err(Refusal::MissingSignature));
    }
}
