//! The API of a vendor as a test sees it: what it answers, by path, and what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use runtime::seam::{Call, Reply};

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Scheme and host.
    pub host: String,
    /// The path, without the query.
    pub path: String,
    /// The `Authorization` header.
    pub authorization: String,
}

#[derive(Default)]
struct Inner {
    answers: BTreeMap<String, http::Response<Bytes>>,
    asked: Vec<Asked>,
}

/// Vendors' APIs, all in one; 404 for what a test has not put there.
#[derive(Clone, Default)]
pub struct Vendor(Arc<Mutex<Inner>>);

impl Vendor {
    /// From now on `path` is answered like this.
    pub fn has(&self, path: &str, status: u16, body: &str) {
        self.answers(path, http::Response::builder().status(status).body(Bytes::from(body.to_owned())));
    }

    /// From now on the page of `path` that begins `after` is this; the first one is that of the path itself.
    pub fn has_page(&self, path: &str, after: &str, body: &str) {
        self.has(&format!("{path}?after={after}"), 200, body);
    }

    /// From now on the page of deleted records of `path` is this.
    pub fn has_deleted(&self, path: &str, body: &str) {
        self.has(&format!("{path}?archived"), 200, body);
    }

    /// From now on `path` is refused, with the wish to be left alone for some seconds.
    pub fn rests(&self, path: &str, seconds: u32) {
        let answer = http::Response::builder().status(429).header("retry-after", seconds);
        self.answers(path, answer.body(Bytes::new()));
    }

    fn answers(&self, path: &str, answer: http::Result<http::Response<Bytes>>) {
        self.inner().answers.insert(path.to_owned(), answer.expect("an answer"));
    }

    /// Every question so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.inner().asked.clone()
    }

    pub(crate) fn answer(&self, call: &Call) -> Reply {
        let (method, uri) = (call.request.method().as_str(), call.request.uri());
        let is_read = method == "GET" && call.request.body().is_empty();
        assert!(is_read || method == "POST" && uri.path().ends_with("/batch/read"), "vendors are only read");
        let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
        let authorization = call.request.headers().get("authorization").and_then(|value| value.to_str().ok());
        let asked = Asked {
            host: format!("{}://{}", text(uri.scheme_str()), text(uri.authority().map(|host| host.as_str()))),
            path: uri.path().to_owned(),
            authorization: text(authorization),
        };
        let mut inner = self.inner();
        let unknown = || http::Response::builder().status(404).body(Bytes::new()).expect("an answer");
        let parts: Vec<_> =
            uri.query().unwrap_or_default().split('&').filter_map(|part| part.split_once('=')).collect();
        let after = parts.iter().find(|(name, _)| ["after", "page%5Bafter%5D", "cursor"].contains(name));
        let place = match after {
            Some((_, after)) => format!("{}?after={after}", asked.path),
            None if parts.contains(&("archived", "true")) => format!("{}?archived", asked.path),
            None => asked.path.clone(),
        };
        let answer = inner.answers.get(&place).cloned().unwrap_or_else(unknown);
        inner.asked.push(asked);
        Ok(answer)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
