//! HubSpot's signatures of app webhooks: version 3, an HMAC with a time, and version 1, a plain SHA-256 over secret and
//! body, for apps that are sent no other.

use model::Moment;

use crate::signature::{any_is, fresh, hmac_sha256_base64, offered, sha256_hex};
use crate::{Refusal, Secrets, Unverified, Verified};

const SIGNATURE_V3: &str = "x-hubspot-signature-v3";
const TIMESTAMP: &str = "x-hubspot-request-timestamp";
const SIGNATURE: &str = "x-hubspot-signature";
const VERSION: &str = "x-hubspot-signature-version";

/// HubSpot sends version 1 beside version 3. A request with any part of version 3 is judged by that alone, so that nobody
/// who lacks the stronger one gets by with the weaker. Version 2 belongs to workflows, which are another tool.
pub(super) fn verify<'a>(request: &Unverified<'a>, secrets: &Secrets) -> Result<Verified<'a>, Refusal> {
    let has = |name| request.headers.contains_key(name);
    if has(SIGNATURE_V3) || has(TIMESTAMP) { version_3(request, secrets) } else { version_1(request, secrets) }
}

fn version_3<'a>(request: &Unverified<'a>, secrets: &Secrets) -> Result<Verified<'a>, Refusal> {
    let accepted = secrets.accepted()?;
    let signatures = signatures(request, SIGNATURE_V3)?;
    let timestamp = request.headers.get(TIMESTAMP).map_or("", |value| value.trim());
    let url = signed_url(request.url);
    let parts = [request.method.as_bytes(), url.as_bytes(), request.body, timestamp.as_bytes()];
    let mut matches = subtle::Choice::from(0);
    for secret in accepted {
        matches |= any_is(&hmac_sha256_base64(secret.as_bytes(), &parts), &signatures);
    }
    if !bool::from(matches) {
        return Err(Refusal::BadSignature);
    }
    fresh(milliseconds(timestamp).ok_or(Refusal::Stale)?, request.received_at)?;
    Ok(Verified::after_check(request))
}

fn version_1<'a>(request: &Unverified<'a>, secrets: &Secrets) -> Result<Verified<'a>, Refusal> {
    let accepted = secrets.accepted()?;
    let signatures = signatures(request, SIGNATURE)?;
    if request.headers.get(VERSION).map(|version| version.trim()) != Some("v1") {
        return Err(Refusal::UnknownVersion);
    }
    let mut matches = subtle::Choice::from(0);
    for secret in accepted {
        matches |= any_is(&sha256_hex(&[secret.as_bytes(), request.body]), &signatures);
    }
    if bool::from(matches) { Ok(Verified::after_check(request)) } else { Err(Refusal::BadSignature) }
}

fn signatures<'a>(request: &Unverified<'a>, header: &str) -> Result<Vec<&'a str>, Refusal> {
    let signatures = request.headers.get(header).map(|value| offered(value)).unwrap_or_default();
    if signatures.is_empty() { Err(Refusal::MissingSignature) } else { Ok(signatures) }
}

/// Digits only: a sign, a fraction or a second header is no time. Seconds are one in 1970, and so never fresh.
fn milliseconds(text: &str) -> Option<Moment> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    Moment::from_millis(text.parse().ok().filter(|_| digits)?)
}

/// The escapes that HubSpot writes as plain characters in the address it signs; all others stay as they are.
const ESCAPES: [(&str, char); 12] = [
    ("%3A", ':'),
    ("%2F", '/'),
    ("%3F", '?'),
    ("%40", '@'),
    ("%21", '!'),
    ("%24", '$'),
    ("%27", '\''),
    ("%28", '('),
    ("%29", ')'),
    ("%2A", '*'),
    ("%2C", ','),
    ("%3B", ';'),
];

/// The address as HubSpot signs it. In one pass: what an escape decodes to is not looked at again.
fn signed_url(url: &str) -> String {
    let mut signed = String::with_capacity(url.len());
    let mut rest = url;
    while let Some(at) = rest.find('%') {
        signed.push_str(&rest[..at]);
        rest = &rest[at..];
        let escape = ESCAPES.iter().find(|(escape, _)| rest.get(..3).is_some_and(|r| r.eq_ignore_ascii_case(escape)));
        match escape {
            Some((_, plain)) => {
                signed.push(*plain);
                rest = &rest[3..];
            }
            None => {
                signed.push('%');
                rest = &rest[1..];
            }
        }
    }
    signed.push_str(rest);
    signed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningSecret;

    #[test]
    fn exactly_the_documented_escapes_are_decoded_and_only_once() {
        for (url, signed) in [
            ("https://a.example/x", "https://a.example/x"),
            ("%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B", ":/?@!$'()*,;"),
            ("a%2fb%2cC", "a/b,C"),
            // A space, a percent sign, an ampersand, an equals sign and a hash stay escaped.
            ("%20%25%26%3D%23", "%20%25%26%3D%23"),
            ("%253A", "%253A"),
            ("%", "%"),
            ("%3", "%3"),
            ("%%3A", "%:"),
            ("ä%3Aü%é", "ä:ü%é"),
        ] {
            assert_eq!(signed_url(url), signed);
        }
    }

    #[test]
    fn a_time_is_digits_within_the_calendar() {
        for (text, ms) in [("1693657560000", 1_693_657_560_000), ("0", 0), ("0001", 1)] {
            assert_eq!(milliseconds(text), Moment::from_millis(ms), "{text}");
        }
        for text in [
            "",
            "-1",
            "+1",
            "1e3",
            "1.0",
            "1693657560000.0",
            "now",
            "1,2",
            "١٢٣",
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775808",
        ] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }

    // HubSpot/hubspot-api-nodejs (Apache-2.0), test/unit/signature.spec.ts; read 2026-11-22.
    const SECRET: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
    const URL: &str = "https://www.example.com/webhook_uri";
    const BODY: &str = "{'example_field':'example_value'}";
    const V1: &str = "69fc6631a867edd4f9e9e627fc5c1148e3fbdd8b21837b6d2b8901c1fa57f750";
    const V2: &str = "4fe4e3a7d3cf09db53be39d0a58130e2aaba074ec123a9e355b876a689a1c383";
    const V3: &str = "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=";
    const SIGNED_AT: i64 = 1_693_657_560_000;
    /// Of the same body with double quotes. Computed with
    /// `printf '%s' "POST$URL$BODY$TIMESTAMP" | openssl dgst -sha256 -hmac "$SECRET" -binary | base64`.
    const V3_DOUBLE_QUOTES: &str = "oaA3M5dEtt6kFsseJD/Hv/x+JNl1vsoxFj4oxmwP6Go=";

    fn verify_at(received: i64, url: &str, body: &str, headers: &[(&str, &str)]) -> Result<(), Refusal> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Unverified {
            method: "POST",
            url,
            headers: &headers,
            body: body.as_bytes(),
            received_at: Moment::from_millis(received).unwrap(),
        };
        let secrets = Secrets { current: Some(SigningSecret::new(SECRET).unwrap()), previous: None };
        super::verify(&request, &secrets).map(|_| ())
    }

    fn verify(headers: &[(&str, &str)]) -> Result<(), Refusal> {
        verify_at(SIGNED_AT, URL, BODY, headers)
    }

    fn v3<'a>(signature: &'a str, timestamp: &'a str) -> [(&'a str, &'a str); 2] {
        [("x-hubspot-signature-v3", signature), ("x-hubspot-request-timestamp", timestamp)]
    }

    const OLD: [(&str, &str); 2] = [("x-hubspot-signature", V1), ("x-hubspot-signature-version", "v1")];

    #[test]
    fn signatures_of_the_vendors_library_are_accepted() {
        assert_eq!(verify(&v3(V3, "1693657560000")), Ok(()));
        assert_eq!(
            verify_at(SIGNED_AT, URL, &BODY.replace('\'', "\""), &v3(V3_DOUBLE_QUOTES, "1693657560000")),
            Ok(())
        );
        assert_eq!(verify(&OLD), Ok(()));
        // Another time of receipt is all the same to version 1: it signs none.
        assert_eq!(verify_at(0, URL, BODY, &OLD), Ok(()));
    }

    #[test]
    fn the_window_is_five_minutes_to_either_side() {
        let at = |offset: i64| verify_at(SIGNED_AT + offset, URL, BODY, &v3(V3, "1693657560000"));
        for offset in [-300_000, -299_999, 0, 299_999, 300_000] {
            assert_eq!(at(offset), Ok(()), "{offset}");
        }
        for offset in [-300_001, 300_001, 86_400_000, -SIGNED_AT] {
            assert_eq!(at(offset), Err(Refusal::Stale), "{offset}");
        }
    }

    /// Truly signed, so that nothing but the time can be the reason.
    #[test]
    fn what_is_no_time_is_stale() {
        for timestamp in [
            "",
            "1693657560",
            "-1693657560000",
            "+1693657560000",
            "1693657560000.0",
            "1693657560000,1693657560000",
            "9223372036854775807",
            "-9223372036854775808",
            "99999999999999999999",
            "2023-09-02T12:26:00Z",
            "soon",
        ] {
            let parts = [&b"POST"[..], URL.as_bytes(), BODY.as_bytes(), timestamp.as_bytes()];
            let signature = hmac_sha256_base64(SECRET.as_bytes(), &parts);
            assert_eq!(verify(&v3(&signature, timestamp)), Err(Refusal::Stale), "{timestamp}");
        }
        let unsigned_time = hmac_sha256_base64(SECRET.as_bytes(), &[&b"POST"[..], URL.as_bytes(), BODY.as_bytes()]);
        assert_eq!(verify(&[("x-hubspot-signature-v3", &unsigned_time)]), Err(Refusal::Stale));
    }

    #[test]
    fn another_time_than_the_signed_one_is_refused() {
        assert_eq!(verify(&v3(V3, "1693657560001")), Err(Refusal::BadSignature));
    }

    #[test]
    fn a_weaker_signature_never_stands_in_for_a_stronger_one() {
        let with = |headers: &[(&'static str, &'static str)]| verify(&[headers, &OLD].concat());
        assert_eq!(with(&v3(V3, "1693657560000")), Ok(()));
        assert_eq!(with(&v3(V3_DOUBLE_QUOTES, "1693657560000")), Err(Refusal::BadSignature));
        assert_eq!(with(&v3("", "1693657560000")), Err(Refusal::MissingSignature));
        assert_eq!(with(&v3(" , ", "1693657560000")), Err(Refusal::MissingSignature));
        // A part of version 3 alone is enough to ask for all of it.
        assert_eq!(with(&[("x-hubspot-request-timestamp", "1693657560000")]), Err(Refusal::MissingSignature));
        assert_eq!(with(&[("x-hubspot-signature-v3", V3)]), Err(Refusal::BadSignature));
        assert_eq!(verify(&[("x-hubspot-signature-v3", V1)]), Err(Refusal::BadSignature));
    }

    #[test]
    fn no_other_version_is_accepted_under_any_name() {
        for (signature, version) in [(V2, "v2"), (V1, "v2"), (V1, "v3"), (V1, "V1"), (V1, ""), (V3, "v3")] {
            let headers = [("x-hubspot-signature", signature), ("x-hubspot-signature-version", version)];
            assert_eq!(verify(&headers), Err(Refusal::UnknownVersion), "{version}");
        }
        assert_eq!(verify(&[("x-hubspot-signature", V1)]), Err(Refusal::UnknownVersion));
        let v2_as_v1 = [("x-hubspot-signature", V2), ("x-hubspot-signature-version", "v1")];
        assert_eq!(verify(&v2_as_v1), Err(Refusal::BadSignature));
        assert_eq!(verify(&[]), Err(Refusal::MissingSignature));
    }

    #[test]
    fn the_address_is_signed_with_its_documented_escapes_decoded() {
        let sent = "https://www.example.com/hooks?to=a%3Ab%2Fc&x=%20%26";
        let signed = "https://www.example.com/hooks?to=a:b/c&x=%20%26";
        let sign = |url: &str| {
            let parts = [&b"POST"[..], url.as_bytes(), BODY.as_bytes(), b"1693657560000"];
            hmac_sha256_base64(SECRET.as_bytes(), &parts)
        };
        let verify = |signature: &str| verify_at(SIGNED_AT, sent, BODY, &v3(signature, "1693657560000"));
        assert_eq!(verify(&sign(signed)), Ok(()));
        assert_eq!(verify(&sign(sent)), Err(Refusal::BadSignature));
    }
}
