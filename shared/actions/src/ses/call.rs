//! The call, and its answers sorted by what to do next.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use model::Moment;
use runtime::seam::{Call, CallError, Seam, Target};
use runtime::signing::Signer;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::refusal::{plain, refusal};

/// The operation, as traces name it.
const SEND: &str = "SendEmail";
const MAILS: &str = "outbound-emails";
/// The service, as signatures name it.
const SERVICE: &str = "ses";
/// The header that names an error; what follows a colon in it is of no use.
const ERROR_TYPE: &str = "x-amzn-errortype";

/// Why a mail did not go out, by what to do next. Reasons hold no part of the mail and no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Nothing was done: try again, after `after_s` seconds where that is known.
    #[error("{reason}; to be tried again")]
    Retry {
        /// Why.
        reason: String,
        /// Seconds.
        after_s: Option<u64>,
    },
    /// SES may have accepted it: a second try can be a second mail.
    #[error("{reason}; the mail may have been accepted")]
    Unsure {
        /// Why.
        reason: String,
    },
    /// The key is not known, or may not do it: another one may be stored by now.
    #[error("{reason}")]
    Unauthorized {
        /// Why, and what to do about it.
        reason: String,
    },
    /// It stays refused until somebody changes something.
    #[error("{reason}")]
    Refused {
        /// Why, and what to do about it.
        reason: String,
    },
}

/// SES in one region.
#[derive(Debug, Clone)]
pub struct Ses {
    seam: Seam,
    url: String,
    signer: Signer,
}

#[derive(Deserialize)]
struct Accepted {
    #[serde(rename = "MessageId")]
    message_id: String,
}

#[derive(Default, Deserialize)]
struct Problem {
    /// Some services write it so, some with a capital letter.
    #[serde(default, alias = "Message")]
    message: String,
}

impl Ses {
    /// SES behind `seam`, in the region of the key; `base_url` replaces `https://email.{region}.amazonaws.com`.
    pub fn new(seam: Seam, base_url: Option<String>, region: &str, key: (&str, &str), token: Option<&str>) -> Self {
        let signer = Signer::with_key(SERVICE, region, key, token);
        let url = base_url.unwrap_or_else(|| format!("https://email.{region}.amazonaws.com"));
        Self { seam, url: format!("{}/v2/email", url.trim_end_matches('/')), signer }
    }

    /// Hands `body` to SES, as [`super::MailMessage::body`] writes it; gives SES's id of the mail. Makes one call and never a
    /// second. `now` is the time of the signature.
    ///
    /// # Errors
    /// See [`MailError`].
    pub async fn send(&self, body: &Value, now: Moment) -> Result<String, MailError> {
        let request = http::Request::post(format!("{}/{MAILS}", self.url)).header(CONTENT_TYPE, "application/json");
        let mut request = request.body(Bytes::from(body.to_string())).map_err(|_| bad_address())?;
        self.signer.sign(&mut request, now).map_err(|_| bad_address())?;
        let call = Call { target: Target::Ses, operation: SEND.to_owned(), request };
        let answer = self.seam.call(call).await.map_err(|error| match error {
            CallError::NotCalled(_) | CallError::Unreachable(_) => retry(format!("SES was not reached: {error}")),
            CallError::Timeout(_) | CallError::Connection(_) => MailError::Unsure { reason: error.to_string() },
        })?;
        self.judge(&answer)
    }

    /// Reads what is at `path`; `None` where nothing is.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        operation: &str,
        path: &str,
        now: Moment,
    ) -> Result<Option<T>, MailError> {
        let request = http::Request::get(format!("{}/{path}", self.url)).body(Bytes::new());
        let mut request = request.map_err(|_| bad_address())?;
        self.signer.sign(&mut request, now).map_err(|_| bad_address())?;
        let call = Call { target: Target::Ses, operation: operation.to_owned(), request };
        let answer = self.seam.call(call).await.map_err(|error| retry(format!("SES was not reached: {error}")))?;
        let status = answer.status();
        if status == http::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if status.is_success() {
            let odd = |_| refused("the answer was not one of SES's; check `base_url` and proxies");
            return serde_json::from_slice(answer.body()).map(Some).map_err(odd);
        }
        if status.is_server_error() {
            return Err(retry(format!("SES answered {status}")));
        }
        if header(&answer, ERROR_TYPE).is_some_and(|kind| kind.starts_with("AccessDenied")) {
            return Err(refused(format!("not known: the key may not do ses:{operation}")));
        }
        Err(self.refusal(&answer))
    }

    fn judge(&self, answer: &http::Response<Bytes>) -> Result<String, MailError> {
        let status = answer.status();
        if status.is_success() {
            let accepted = serde_json::from_slice::<Accepted>(answer.body());
            let unsure = |_| MailError::Unsure { reason: format!("the answer {status} was not one of SES's") };
            return accepted.map(|accepted| accepted.message_id).map_err(unsure);
        }
        // 503 says that nothing was done; any other failure of SES's may have come after the mail was accepted.
        if status == http::StatusCode::SERVICE_UNAVAILABLE {
            return Err(MailError::Retry { reason: format!("SES answered {status}"), after_s: after_s(answer) });
        }
        if status.is_server_error() {
            return Err(MailError::Unsure { reason: format!("SES answered {status}") });
        }
        Err(self.refusal(answer))
    }

    fn refusal(&self, answer: &http::Response<Bytes>) -> MailError {
        let kind = header(answer, ERROR_TYPE).and_then(|kind| kind.split(':').next()).map(plain);
        let problem: Problem = serde_json::from_slice(answer.body()).unwrap_or_default();
        refusal(answer.status(), kind.as_deref(), &problem.message, after_s(answer), self.signer.region())
    }
}

fn header<'a>(answer: &'a http::Response<Bytes>, name: &str) -> Option<&'a str> {
    answer.headers().get(name).and_then(|value| value.to_str().ok())
}

/// How many seconds SES wants to be left alone.
fn after_s(answer: &http::Response<Bytes>) -> Option<u64> {
    header(answer, RETRY_AFTER.as_str()).and_then(|seconds| seconds.trim().parse().ok())
}

pub(super) fn retry(reason: impl Into<String>) -> MailError {
    MailError::Retry { reason: reason.into(), after_s: None }
}

pub(super) fn refused(reason: impl Into<String>) -> MailError {
    MailError::Refused { reason: reason.into() }
}

fn bad_address() -> MailError {
    refused("the address of SES cannot be called: check `base_url` and `region` of [destinations.email]")
}
