//! Zendesk's signature: base64 of an HMAC-SHA256 over the time of signing, as its header has it, and the raw body.

use model::Moment;
use subtle::{Choice, ConstantTimeEq as _};

use crate::signature::{any_is, fresh, hmac_sha256_base64, offered};
use crate::{Refusal, Secrets, SigningSecret, Unverified, Verified};

const SIGNATURE: &str = "x-zendesk-webhook-signature";
/// When the request was signed, as ISO 8601. It is part of what is signed.
pub(super) const SIGNED_AT: &str = "x-zendesk-webhook-signature-timestamp";

/// What Zendesk signs with as long as a webhook is not saved. It stands in their documentation, so whoever reads that
/// can sign with it.
const PUBLIC_SECRET: &str = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==";

pub(super) fn verify<'a>(request: &Unverified<'a>, secrets: &Secrets) -> Result<Verified<'a>, Refusal> {
    let is_public = |secret: &SigningSecret| bool::from(secret.as_bytes().ct_eq(PUBLIC_SECRET.as_bytes()));
    if secrets.current.as_ref().is_some_and(is_public) {
        // Everybody's secret is nobody's: our side is not set up.
        return Err(Refusal::NoSecret);
    }
    check(request, secrets.accepted()?.filter(|secret| !is_public(secret)))?;
    Ok(Verified::after_check(request))
}

fn check<'s>(request: &Unverified<'_>, accepted: impl Iterator<Item = &'s SigningSecret>) -> Result<(), Refusal> {
    let signatures = request.headers.get(SIGNATURE).map(|value| offered(value)).unwrap_or_default();
    let signed_at = request.headers.get(SIGNED_AT).filter(|text| !text.is_empty());
    let (false, Some(signed_at)) = (signatures.is_empty(), signed_at) else { return Err(Refusal::MissingSignature) };
    let mut matches = Choice::from(0);
    for secret in accepted {
        // The secret looks like base64; its text is the key.
        let expected = hmac_sha256_base64(secret.as_bytes(), &[signed_at.as_bytes(), request.body]);
        matches |= any_is(&expected, &signatures);
    }
    if !bool::from(matches) {
        return Err(Refusal::BadSignature);
    }
    // Zendesk prescribes no window. What is no time at all cannot be inside one.
    let signed_at: Moment = signed_at.parse().map_err(|_| Refusal::Stale)?;
    fresh(signed_at, request.received_at)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "Zm9ydHktdHdvLWxhbXBzLWluLWEtcm93LW9mLXRoZW0=";
    const BODY: &[u8] = br#"{"type":"zen:event-type:ticket.created"}"#;
    const AT: &str = "2026-11-20T08:29:58Z";

    fn signed(secret: &str, at: &str, body: &[u8]) -> String {
        hmac_sha256_base64(secret.as_bytes(), &[at.as_bytes(), body])
    }

    /// A request signed at `at`, received at `received_at`; the outcome of `judge`.
    fn request(
        signature: &str,
        at: &str,
        body: &[u8],
        received_at: &str,
        judge: impl Fn(&Unverified<'_>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let headers = BTreeMap::from([(SIGNATURE.into(), signature.into()), (SIGNED_AT.into(), at.into())]);
        let received_at = received_at.parse().unwrap();
        let unverified = Unverified { method: "POST", url: "https://x.example/", headers: &headers, body, received_at };
        judge(&unverified)
    }

    fn secrets(current: &str, previous: Option<&str>) -> Secrets {
        let secret = |text: &str| SigningSecret::new(text).unwrap();
        Secrets { current: Some(secret(current)), previous: previous.map(secret) }
    }

    fn by_secrets(request: &Unverified<'_>, secrets: &Secrets) -> Result<(), Refusal> {
        verify(request, secrets).map(|_| ())
    }

    fn verified(signature: &str, at: &str, body: &[u8], received_at: &str) -> Result<(), Refusal> {
        request(signature, at, body, received_at, |r| by_secrets(r, &secrets(SECRET, None)))
    }

    /// Zendesk's own secret for tests, aaronellington/zendesk-go (MIT), read 2026-11-22, and Zendesk's documentation.
    #[test]
    fn the_published_vector_holds_up_to_the_secret_that_everybody_knows() {
        let (at, body) = ("2021-03-25T05:09:27Z", br#"{"event":"ticket.updated","id":123}"#);
        let signature = "S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM=";
        let public = SigningSecret::new(PUBLIC_SECRET).unwrap();
        let checked = |received_at| request(signature, at, body, received_at, |r| check(r, [&public].into_iter()));
        assert_eq!(checked("2021-03-25T05:09:28.250Z"), Ok(()));
        assert_eq!(checked("2021-03-25T05:15:00Z"), Err(Refusal::Stale));

        let verified = |secrets: Secrets| request(signature, at, body, at, |r| by_secrets(r, &secrets));
        assert_eq!(verified(secrets(PUBLIC_SECRET, None)), Err(Refusal::NoSecret));
        assert_eq!(verified(secrets(PUBLIC_SECRET, Some(SECRET))), Err(Refusal::NoSecret));
        assert_eq!(verified(secrets(SECRET, Some(PUBLIC_SECRET))), Err(Refusal::BadSignature));
    }

    /// Computed with `printf '%s' "$AT" | cat - body | openssl dgst -sha256 -hmac "$SECRET" -binary | base64`.
    #[test]
    fn another_tool_signs_the_same() {
        assert_eq!(signed(SECRET, AT, BODY), "sVzfQie5aEwT91YbANoZnjS5JIqFxYXmUmh97h200cs=");
        assert_eq!(verified("sVzfQie5aEwT91YbANoZnjS5JIqFxYXmUmh97h200cs=", AT, BODY, "2026-11-20T08:30:00Z"), Ok(()));
    }

    /// The bodies are not part of this repository; `SAMPLES` names the folder that holds them.
    #[test]
    fn the_signatures_of_captured_bodies_hold() {
        let Some(samples) = std::env::var_os("SAMPLES").map(PathBuf::from) else { return };
        for (file, signature) in [
            ("event_user_group_membership_created.json", "10IqYzYTLHRftNsNE+im0DeOM6/JactIRuy0XCHJ9B8="),
            ("trigger_ticket_update_custom.json", "PlxjkFT3fSnU9NWSRjLHP86izLX68auazS1Xo8ZfiZE="),
        ] {
            let body = std::fs::read(samples.join("payloads/zendesk").join(file)).unwrap();
            assert_eq!(signed(PUBLIC_SECRET, "1234", &body), signature, "{file}");
        }
    }

    #[test]
    fn the_time_of_signing_is_within_five_minutes_of_receipt() {
        for at in ["2026-11-20T08:25:00Z", "2026-11-20T08:35:00Z", "2026-11-20T09:30:00+01:00", "2026-11-20T08:30Z"] {
            assert_eq!(verified(&signed(SECRET, at, BODY), at, BODY, "2026-11-20T08:30:00Z"), Ok(()), "{at}");
        }
        for at in [
            "2026-11-20T08:24:59.999Z",
            "2026-11-20T08:35:00.001Z",
            // What is no instant is authentic here and still stale: seconds, milliseconds, no zone, nonsense.
            "1234",
            "1795163398",
            "1795163398000",
            "9223372036854775807",
            "-9223372036854775808",
            "2026-11-20T08:30:00",
            "2026-11-20",
            "now",
        ] {
            let outcome = verified(&signed(SECRET, at, BODY), at, BODY, "2026-11-20T08:30:00Z");
            assert_eq!(outcome, Err(Refusal::Stale), "{at}");
        }
    }

    #[test]
    fn another_time_than_the_signed_one_is_a_bad_signature() {
        let signature = signed(SECRET, AT, BODY);
        for at in ["2026-11-20T08:29:59Z", "2026-11-20T08:29:58+00:00", "2026-11-20T08:29:58Z,2026-11-20T08:29:58Z"] {
            assert_eq!(verified(&signature, at, BODY, "2026-11-20T08:30:00Z"), Err(Refusal::BadSignature), "{at}");
        }
        // Where one ends and the other begins is not signed, but a body never begins like a time.
        assert_eq!(verified(&signature, "", BODY, "2026-11-20T08:30:00Z"), Err(Refusal::MissingSignature));
        assert_eq!(verified(" , ", AT, BODY, "2026-11-20T08:30:00Z"), Err(Refusal::MissingSignature));
    }

    #[test]
    fn the_secret_is_text_although_it_looks_like_base64() {
        use base64::Engine as _;
        let decoded = base64::engine::general_purpose::STANDARD.decode(SECRET).unwrap();
        let signature = hmac_sha256_base64(&decoded, &[AT.as_bytes(), BODY]);
        assert_eq!(verified(&signature, AT, BODY, "2026-11-20T08:30:00Z"), Err(Refusal::BadSignature));
    }

    #[test]
    fn any_of_ten_signatures_and_either_secret_will_do() {
        let good = signed(SECRET, AT, BODY);
        let received_at = "2026-11-20T08:30:00Z";
        let wrong = "A".repeat(good.len());
        assert_eq!(verified(&format!("{wrong}, {good}"), AT, BODY, received_at), Ok(()));
        let late = format!("{}{good}", format!("{wrong},").repeat(10));
        assert_eq!(verified(&late, AT, BODY, received_at), Err(Refusal::BadSignature));

        let rotated = |secrets: Secrets| request(&good, AT, BODY, received_at, |r| by_secrets(r, &secrets));
        assert_eq!(rotated(secrets("a new secret, long enough", Some(SECRET))), Ok(()));
        assert_eq!(rotated(secrets("a new secret, long enough", None)), Err(Refusal::BadSignature));
        assert_eq!(rotated(Secrets::default()), Err(Refusal::NoSecret));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn a_flipped_bit_is_refused(at in any::<prop::sample::Index>(), bit in 0..7_u32, part in 0..3) {
            let mut parts = [signed(SECRET, AT, BODY).into_bytes(), AT.as_bytes().to_vec(), BODY.to_vec()];
            let bytes = &mut parts[usize::try_from(part).unwrap()];
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let [signature, time, body] = parts;
            let (signature, time) = (String::from_utf8(signature).unwrap(), String::from_utf8(time).unwrap());
            prop_assert_eq!(
                verified(&signature, &time, &body, "2026-11-20T08:30:00Z"),
                Err(Refusal::BadSignature)
            );
        }
    }
}
