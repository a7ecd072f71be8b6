//! What every AWS client is made of, by hand: no credential chain, no profile files, one HTTP client for all.
//!
//! Lambda hands credentials to a function as environment variables ("Defined runtime environment variables",
//! docs.aws.amazon.com, read 2026-11), so nothing more is needed and nothing more is linked.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::env::Environment;

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
