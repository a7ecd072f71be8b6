//! What every AWS client is made of, by hand: no credential chain, no profile files, one HTTP client for all.
//!
//! Lambda hands credentials to a function as environment variables ("Defined runtime environment variables",
//! docs.aws.amazon.com, read 2026-11), so nothing more is needed and nothing more is linked.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use bytes::Bytes;
use tracing::debug;

use crate::env::Environment;
use crate::seam::{Call, Seam, Target};

/// Region, credentials and, off AWS, an endpoint.
#[derive(Debug, Clone)]
pub struct AwsSettings {
    /// Such as `eu-central-1`.
    pub region: String,
    /// From the environment.
    pub credentials: Credentials,
    /// Overrides the service's own endpoint.
    pub endpoint: Option<String>,
}

impl AwsSettings {
    /// As Lambda sets them.
    pub fn from_env(environment: &mut Environment) -> Self {
        let region = environment.required("AWS_REGION", "a region such as eu-central-1");
        let key = environment.required("AWS_ACCESS_KEY_ID", "the access key that Lambda sets");
        let secret = environment.required("AWS_SECRET_ACCESS_KEY", "the secret key that Lambda sets");
        let token = environment.optional("AWS_SESSION_TOKEN");
        let endpoint = environment.optional("AWS_ENDPOINT_URL");
        Self { region, credentials: Credentials::new(key, secret, token, None, "environment"), endpoint }
    }

    /// For an engine in this process, which checks nothing of it.
    pub fn local() -> Self {
        Self {
            region: "local".into(),
            credentials: Credentials::new("local", "local", None, None, "local"),
            endpoint: Some("http://engine.localhost".into()),
        }
    }

    /// Opens a connection to `service`, such as `dynamodb`, for the first call to find it open: a `GET /`, which its endpoint
    /// answers to anybody (from general knowledge, 2026-11) and which is neither signed nor a call of its API. Nothing depends
    /// on what comes of it.
    pub async fn open(&self, seam: &Seam, target: Target, service: &str) {
        let of_region = || format!("https://{service}.{}.amazonaws.com", self.region);
        let endpoint = self.endpoint.clone().unwrap_or_else(of_region);
        if let Ok(request) = http::Request::get(endpoint).body(Bytes::new()) {
            let opened = seam.call(Call { target, operation: "GET /".to_owned(), request }).await;
            debug!(is_open = opened.is_ok(), "Connection to {service}");
        }
    }

    /// No single attempt and no whole operation outlasts a function's time: attempt 3 s, operation 8 s.
    pub fn timeouts() -> TimeoutConfig {
        TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_secs(3))
            .operation_timeout(Duration::from_secs(8))
            .build()
    }

    /// Three tries with backoff and jitter; every call made here may be repeated.
    pub fn retries() -> RetryConfig {
        RetryConfig::standard().with_max_attempts(3)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::seam::CallError;

    #[tokio::test]
    async fn a_connection_is_opened_by_one_request_that_nobody_signs_and_whose_failure_is_nothing() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sees = seen.clone();
        let seam = Seam::new(move |call| {
            sees.lock().unwrap().push((call.request.method().clone(), call.request.uri().to_string()));
            assert!(call.request.headers().is_empty(), "{call:?}");
            Box::pin(async { Err(CallError::Unreachable("refused".into())) })
        });
        AwsSettings { endpoint: None, ..AwsSettings::local() }.open(&seam, Target::DynamoDb, "dynamodb").await;
        AwsSettings::local().open(&seam, Target::DynamoDb, "dynamodb").await;
        let urls = ["https://dynamodb.local.amazonaws.com/", "http://engine.localhost/"];
        assert_eq!(*seen.lock().unwrap(), urls.map(|url| (http::Method::GET, url.to_owned())));
    }
}
