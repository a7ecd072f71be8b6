//! The API of a tool that sends us webhooks: reads one object that a body only named.
//!
//! Nothing is written there but what an operator asks for to set the tool up: see [`Api::post`]. Whoever calls it has asked for leave first: how many calls a vendor
//! takes is counted per connection in the store.
//!
//! Followed: "Private apps" and "Usage guidelines" on developers.hubspot.com (a bearer token; 429 with `Retry-After`),
//! "Security and authentication" and "Rate limits" on developer.zendesk.com (basic authentication with
//! `{email}/token:{token}`; 429 with `Retry-After`), read 2026-11.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use runtime::seam::{Call, CallError, Seam, Target};
use serde_json::Value;

/// What a vendor's API is read with. Prints as `ApiToken(redacted)`.
#[derive(Clone)]
pub struct ApiToken(HeaderValue);

/// A text that cannot be a token. It is not repeated, since it may be part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token; expected one as the tool shows it, or `email/token:…`, without blanks")]
pub struct BadToken;

impl ApiToken {
    /// A token of the form `ann@ourco.example/token:…` goes out as basic authentication, every other as a bearer token.
    ///
    /// # Errors
    /// When `text` is empty or holds anything but visible ASCII characters.
    pub fn new(text: &str) -> Result<Self, BadToken> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(BadToken);
        }
        let header = match text.split_once("/token:") {
            Some((email, _)) if email.contains('@') => format!("Basic {}", STANDARD.encode(text)),
            Some(_) | None => format!("Bearer {text}"),
        };
        let mut value = HeaderValue::from_str(&header).map_err(|_| BadToken)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    /// The token as it was stored, where a vendor wants it in a body; of basic authentication, what stands in the header.
    pub(crate) fn text(&self) -> String {
        let header = self.0.to_str().unwrap_or_default();
        header.split_once(' ').map_or(header, |(_, token)| token).to_owned()
    }

    /// The `Authorization` header; it does not print.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(redacted)")
    }
}

/// What the vendor said of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It is there; this is all of it.
    Object(Bytes),
    /// It is no longer there.
    Gone {
        /// 404 or 410.
        status: u16,
        /// Whatever came with that.
        body: Bytes,
    },
}

impl Told {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Object(_) => 200,
            Self::Gone { status, .. } => *status,
        }
    }

    /// The answer's body.
    pub fn body(&self) -> &Bytes {
        match self {
            Self::Object(body) | Self::Gone { body, .. } => body,
        }
    }
}

/// Why there is no object, by what to do next. Reasons hold no token and no part of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GetError {
    /// The vendor asks us to slow down, all of us: nobody calls it before `after_s` seconds have passed.
    #[error("the vendor asks for fewer calls")]
    SlowDown {
        /// The vendor's `Retry-After`.
        after_s: Option<u64>,
    },
    /// Not now; the same call may well succeed later.
    #[error("{reason}")]
    Retry {
        /// Why.
        reason: String,
    },
    /// The vendor does not know the token.
    #[error("the vendor refuses the token (401): store a valid one")]
    Unauthorized,
    /// It stays refused until somebody changes something.
    #[error("{reason}")]
    Refused {
        /// Why, and what to do about it.
        reason: String,
    },
}

/// One vendor's API.
#[derive(Debug, Clone)]
pub struct Api {
    seam: Seam,
    url: String,
    token: ApiToken,
}

impl Api {
    /// The API at `url`, such as `https://api.hubapi.com`, behind `seam`.
    pub fn new(seam: Seam, url: &str, token: ApiToken) -> Self {
        Self { seam, url: url.trim_end_matches('/').to_owned(), token }
    }

    /// Reads what is at `path`, which begins with `/` and may hold a query; with `body`, asks for it by POST. Makes one call
    /// and never a second; a redirection is not followed, so that the token goes nowhere else.
    ///
    /// # Errors
    /// See [`GetError`].
    pub async fn read(&self, path: &str, body: Option<&str>) -> Result<Told, GetError> {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        judge(self.call(method, path, body).await?)
    }

    /// Makes what `body` describes; what the vendor then says of it. To be called by people who set the tool up, and never by
    /// a function: the same call again may make a second one.
    ///
    /// # Errors
    /// See [`GetError`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, GetError> {
        self.write(Method::POST, path, body).await
    }

    /// Makes what is at `path` as `body` describes it; the same call again changes nothing. Like [`Self::post`] otherwise.
    ///
    /// # Errors
    /// See [`GetError`].
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, GetError> {
        self.write(Method::PUT, path, body).await
    }

    async fn write(&self, method: Method, path: &str, body: &Value) -> Result<Value, GetError> {
        let response = self.call(method, path, Some(&body.to_string())).await?;
        if matches!(response.status().as_u16(), 201 | 204) {
            return Ok(serde_json::from_slice(response.body()).unwrap_or_default());
        }
        match judge(response)? {
            Told::Object(told) => Ok(serde_json::from_slice(&told).unwrap_or_default()),
            Told::Gone { status, .. } => Err(refused(format!("the vendor answered {status}: check `api_url`"))),
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&str>) -> Result<http::Response<Bytes>, GetError> {
        let operation = method.to_string();
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header(AUTHORIZATION, self.token.header())
            .header(ACCEPT, "application/json")
            // Some vendors answer nobody without a name.
            .header(USER_AGENT, "barometer");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(body.map(|body| Bytes::from(body.to_owned())).unwrap_or_default())
            .map_err(|_| refused("its address cannot be called; check `api_url`"))?;
        let call = Call { target: Target::Vendor, operation, request };
        self.seam.call(call).await.map_err(|error| match error {
            CallError::NotCalled(_) | CallError::Unreachable(_) | CallError::Timeout(_) | CallError::Connection(_) => {
                GetError::Retry { reason: error.to_string() }
            }
        })
    }
}

fn refused(reason: impl Into<String>) -> GetError {
    GetError::Refused { reason: reason.into() }
}

fn judge(response: http::Response<Bytes>) -> Result<Told, GetError> {
    let status = response.status();
    match status.as_u16() {
        // Of several objects, some may not be there (207); what is there stands in the answer.
        200 | 207 => Ok(Told::Object(response.into_body())),
        404 | 410 => Ok(Told::Gone { status: status.as_u16(), body: response.into_body() }),
        401 => Err(GetError::Unauthorized),
        403 => Err(refused("the token is not allowed this (403): give it the scope for it where it was made")),
        429 => {
            let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
            Err(GetError::SlowDown { after_s: after })
        }
        408 | 425 => Err(GetError::Retry { reason: format!("the vendor answered {status}") }),
        300..=399 => Err(refused(format!("the vendor answered {status}: `api_url` is not the address of its API"))),
        500.. => Err(GetError::Retry { reason: format!("the vendor answered {status}") }),
        _ => Err(refused(format!("the vendor answered {status}: check `api_url` and what is mapped"))),
    }
}

#[cfg(test)]
mod tests;
