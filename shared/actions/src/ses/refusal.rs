//! What to do about a refusal: the class it is in, and the words that name the click which mends it.

use super::call::{MailError, refused};
use crate::slack::text::shown;

/// SES counts mails of the last 24 hours, so a quota that is used up is looked at again after an hour.
const QUOTA_REST: u64 = 3_600;
/// The longest part of SES's own words that is repeated.
const SAID: usize = 300;

/// A name of an error as AWS writes them; what is between us and SES can write anything.
pub(super) fn plain(kind: &str) -> String {
    kind.trim().chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

/// What follows from an answer that is no success of SES and no failure. `said` are its own words.
pub(super) fn refusal(
    status: http::StatusCode,
    kind: Option<&str>,
    said: &str,
    after_s: Option<u64>,
    region: &str,
) -> MailError {
    let Some(kind) = kind.filter(|kind| !kind.is_empty()) else {
        if status == http::StatusCode::TOO_MANY_REQUESTS {
            return slower("SES answered 429".to_owned(), said, after_s);
        }
        return refused(format!("answered {status}, which is not one of SES's answers; check `base_url` and proxies"));
    };
    let code = kind.strip_suffix("Exception").unwrap_or(kind);
    let is_sandbox = said.contains("not verified");
    // These words name the reader, who may be somebody at a customer's.
    let words = shown(said, SAID).filter(|_| !is_sandbox).map(|said| format!(" (SES: {said})")).unwrap_or_default();
    let advice = match code {
        "TooManyRequests" | "Throttling" | "RequestThrottled" => {
            return slower(format!("SES answered {code}"), said, after_s);
        }
        "LimitExceeded" => {
            let after_s = after_s.or(Some(QUOTA_REST));
            return MailError::Retry { reason: format!("SES answered {code}: a quota is used up"), after_s };
        }
        "MessageRejected" if is_sandbox => format!(
            "an address is not verified in {region}: SES console there, Identities, Create identity, for the domain of \
             `from` in email.toml; while the account is in the sandbox for the reader's address too (Account dashboard, \
             Request production access)"
        ),
        "MessageRejected" => "SES does not take the mail as it is: look at it with `barometer outbox`".to_owned(),
        "MailFromDomainNotVerified" => format!(
            "the custom MAIL FROM domain of the sender is not set up: SES console in {region}, Identities, the domain, \
             Custom MAIL FROM domain, and publish the MX record that stands there"
        ),
        "SendingPaused" => format!(
            "sending is paused in SES: `aws sesv2 put-account-sending-attributes --sending-enabled --region {region}`, or \
             that of the configuration set (SES console, Configuration sets)"
        ),
        "AccountSuspended" => "AWS has shut down sending for this account: read the mail about it and answer in the \
                               Support Center; until then `barometer pause`"
            .to_owned(),
        "NotFound" => format!(
            "there is no such configuration set, contact list or topic in {region}: make it (SES console, Configuration \
             sets; `aws sesv2 create-contact-list`), or mend email.toml"
        ),
        "AccessDenied" | "AccessDeniedException" => {
            let advice =
                "let its user or role do ses:SendEmail on the identity and the configuration set (IAM console)";
            return unauthorized(code, advice, &words);
        }
        "InvalidClientTokenId"
        | "UnrecognizedClient"
        | "InvalidSignature"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "ExpiredToken"
        | "InvalidAccessKeyId" => {
            let advice = "store a key that is in use under [destinations.email], and check its region and this machine's \
                          clock";
            return unauthorized(code, advice, &words);
        }
        "BadRequest" | "Validation" => {
            "SES does not take the request: check `from`, and the reader's address".to_owned()
        }
        _ if status == http::StatusCode::FORBIDDEN => {
            return unauthorized(code, "check what its user or role may do (IAM console)", &words);
        }
        _ => "look the error up under SendEmail in the reference of the SES API v2".to_owned(),
    };
    refused(format!("SES refused with {code}: {advice}{words}"))
}

/// SES takes so many mails a second, and so many in 24 hours; both are answered alike.
fn slower(reason: String, said: &str, after_s: Option<u64>) -> MailError {
    let is_quota = said.contains("quota");
    let reason = if is_quota { format!("{reason}: the quota of 24 hours is used up") } else { reason };
    MailError::Retry { reason, after_s: after_s.or(is_quota.then_some(QUOTA_REST)) }
}

fn unauthorized(code: &str, advice: &str, words: &str) -> MailError {
    MailError::Unauthorized { reason: format!("SES refused the key with {code}: {advice}{words}") }
}
