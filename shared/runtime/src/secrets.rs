//! Secrets: read once per cold start, read again at most once a minute when a signature does not match.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_ssm::config::{BehaviorVersion, Region};
use jiff::SignedDuration;
use model::Moment;

use crate::aws::AwsSettings;
use crate::seam::{Seam, Target};

/// A text that never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that uses it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Secrets by name: `hubspot/secret`, `hubspot/previous`, `token`.
pub type SecretMap = BTreeMap<String, Secret>;

/// Secrets could not be read.
#[derive(Debug, thiserror::Error)]
#[error("secrets cannot be read from {from}: {reason}")]
pub struct SecretsUnavailable {
    /// Where they were looked for.
    pub from: String,
    /// What happened; never a value.
    pub reason: String,
}

enum Origin {
    /// SSM parameters below a path such as `/barometer/crm`.
    Ssm { client: aws_sdk_ssm::Client, path: String },
    /// A function of the host.
    Host(Arc<dyn Fn() -> Result<SecretMap, SecretsUnavailable> + Send + Sync>),
}

/// The secrets of one function.
pub struct Secrets {
    origin: Origin,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    map: Option<Arc<SecretMap>>,
    read_at: Option<Moment>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(redacted)")
    }
}

/// Secrets are read again on a mismatch, but not more often than this: a sender of bad signatures must not become a
/// reader of parameters.
const REREAD_AFTER: SignedDuration = SignedDuration::from_secs(60);

impl Secrets {
    /// SSM SecureString parameters below `path`, such as `/barometer/crm`.
    pub fn in_ssm(seam: &Seam, aws: &AwsSettings, path: &str) -> Self {
        let mut conf = aws_sdk_ssm::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(aws.region.clone()))
            .credentials_provider(aws.credentials.clone())
            .http_client(seam.http_client(Target::Ssm))
            .timeout_config(AwsSettings::timeouts())
            .retry_config(AwsSettings::retries());
        conf.set_endpoint_url(aws.endpoint.clone());
        Self::from(Origin::Ssm { client: aws_sdk_ssm::Client::from_conf(conf.build()), path: path.to_owned() })
    }

    /// Secrets that the host reads.
    pub fn from_host(read: impl Fn() -> Result<SecretMap, SecretsUnavailable> + Send + Sync + 'static) -> Self {
        Self::from(Origin::Host(Arc::new(read)))
    }

    fn from(origin: Origin) -> Self {
        Self { origin, held: Mutex::default() }
    }

    /// The secrets as last read; reads them the first time.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn get(&self, now: Moment) -> Result<Arc<SecretMap>, SecretsUnavailable> {
        let held = self.held().map.clone();
        match held {
            Some(map) => Ok(map),
            None => self.read(now).await,
        }
    }

    /// Reads again, unless that was done within the last minute: then `None`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn reread(&self, now: Moment) -> Result<Option<Arc<SecretMap>>, SecretsUnavailable> {
        let fresh = self.held().read_at.is_some_and(|at| now.since(at).abs() < REREAD_AFTER);
        if fresh { Ok(None) } else { self.read(now).await.map(Some) }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, now: Moment) -> Result<Arc<SecretMap>, SecretsUnavailable> {
        // Noted before the answer is there, so that a store in trouble is not asked once per request.
        self.held().read_at = Some(now);
        let map = Arc::new(match &self.origin {
            Origin::Host(read) => read()?,
            Origin::Ssm { client, path } => read_ssm(client, path).await?,
        });
        self.held().map = Some(map.clone());
        Ok(map)
    }
}

async fn read_ssm(client: &aws_sdk_ssm::Client, path: &str) -> Result<SecretMap, SecretsUnavailable> {
    let mut map = SecretMap::new();
    let mut next = None;
    loop {
        let request =
            client.get_parameters_by_path().path(path).recursive(true).with_decryption(true).set_next_token(next);
        let page = request
            .send()
            .await
            .map_err(|error| SecretsUnavailable { from: path.to_owned(), reason: crate::logging::chain(&error) })?;
        for parameter in page.parameters.unwrap_or_default() {
            if let (Some(name), Some(value)) = (parameter.name, parameter.value) {
                let name = name.strip_prefix(path).unwrap_or(&name).trim_start_matches('/').to_owned();
                map.insert(name, Secret::new(value));
            }
        }
        next = page.next_token;
        if next.is_none() {
            return Ok(map);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn at(seconds: i64) -> Moment {
        Moment::from_millis(1_790_000_000_000 + seconds * 1_000).unwrap()
    }

    #[tokio::test]
    async fn a_mismatch_reads_again_at_most_once_a_minute() {
        let reads = Arc::new(AtomicUsize::new(0));
        let counter = reads.clone();
        let secrets = Secrets::from_host(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(SecretMap::new())
        });
        secrets.get(at(0)).await.unwrap();
        secrets.get(at(500)).await.unwrap();
        assert_eq!(reads.load(Ordering::SeqCst), 1, "kept between requests");
        assert!(secrets.reread(at(59)).await.unwrap().is_none());
        assert!(secrets.reread(at(60)).await.unwrap().is_some());
        assert!(secrets.reread(at(61)).await.unwrap().is_none());
        assert_eq!(reads.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_secret_never_prints() {
        assert_eq!(format!("{:?}", Secret::new("hunter2-hunter2")), "Secret(redacted)");
    }
}
