//! Secrets: kept for five minutes, and read again at most once a minute when a signature does not match.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use model::Moment;
use tracing::warn;

use crate::aws::AwsSettings;
use crate::logging::chain;
use crate::parameters::Parameters;
use crate::seam::Seam;

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
#[derive(Debug, Clone, thiserror::Error)]
#[error("secrets cannot be read from {from}: {reason}")]
pub struct SecretsUnavailable {
    /// Where they were looked for.
    pub from: String,
    /// What happened; never a value.
    pub reason: String,
}

enum Origin {
    /// SSM parameters below a path such as `/barometer/crm`.
    Ssm { parameters: Parameters, path: String },
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
    /// When `map` was asked for.
    read_at: Option<Moment>,
    /// When they were last asked for, whatever came of it.
    tried_at: Option<Moment>,
    /// Why the last try gave nothing.
    failure: Option<SecretsUnavailable>,
}

impl Held {
    fn is_past(since: Option<Moment>, now: Moment, limit: SignedDuration) -> bool {
        since.is_none_or(|at| now.since(at).abs() >= limit)
    }

    /// A minute has passed since they were last asked for.
    fn may_ask(&self, now: Moment) -> bool {
        Self::is_past(self.tried_at, now, REREAD_AFTER)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(redacted)")
    }
}

/// Secrets are read again on a mismatch, but not more often than this: a sender of bad signatures must not become a
/// reader of parameters.
const REREAD_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// A secret that was withdrawn is refused after this long at the latest: it still matches what is held, so no mismatch
/// would ever ask again. A new token is used after this long at the latest.
const KEPT_FOR: SignedDuration = SignedDuration::from_secs(300);

impl Secrets {
    /// SSM SecureString parameters below `path`, such as `/barometer/crm`.
    pub fn in_ssm(seam: &Seam, aws: &AwsSettings, path: &str) -> Self {
        Self::from(Origin::Ssm { parameters: Parameters::new(seam, aws), path: path.to_owned() })
    }

    /// Secrets that the host reads.
    pub fn from_host(read: impl Fn() -> Result<SecretMap, SecretsUnavailable> + Send + Sync + 'static) -> Self {
        Self::from(Origin::Host(Arc::new(read)))
    }

    fn from(origin: Origin) -> Self {
        Self { origin, held: Mutex::default() }
    }

    /// The secrets as last read, at most five minutes ago; older ones only while they cannot be read.
    ///
    /// # Errors
    /// When they cannot be read and never were.
    pub async fn get(&self, now: Moment) -> Result<Arc<SecretMap>, SecretsUnavailable> {
        let (map, is_due) = {
            let held = self.held();
            (held.map.clone(), Held::is_past(held.read_at, now, KEPT_FOR) && held.may_ask(now))
        };
        match map {
            Some(map) if !is_due => Ok(map),
            Some(map) => Ok(self.read(now).await.unwrap_or_else(|failure| {
                warn!("Secrets of before are used: {failure}");
                map
            })),
            None => self.read(now).await,
        }
    }

    /// Reads again, unless that was done within the last minute: then `None`.
    ///
    /// # Errors
    /// When they cannot be read, or could not within the last minute: nobody knows then what is in force.
    pub async fn reread(&self, now: Moment) -> Result<Option<Arc<SecretMap>>, SecretsUnavailable> {
        let recent = {
            let held = self.held();
            (!held.may_ask(now)).then(|| held.failure.clone())
        };
        match recent {
            None => self.read(now).await.map(Some),
            Some(None) => Ok(None),
            Some(Some(failure)) => Err(failure),
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, now: Moment) -> Result<Arc<SecretMap>, SecretsUnavailable> {
        // Noted before the answer is there, so that a mismatch meanwhile does not ask as well.
        self.held().tried_at = Some(now);
        let read = match &self.origin {
            Origin::Host(read) => read(),
            Origin::Ssm { parameters, path } => parameters
                .below(path, now)
                .await
                .map_err(|error| SecretsUnavailable { from: path.clone(), reason: chain(&error) }),
        };
        let mut held = self.held();
        match read {
            Ok(map) => {
                let map = Arc::new(map);
                *held = Held { map: Some(map.clone()), read_at: Some(now), tried_at: Some(now), failure: None };
                Ok(map)
            }
            Err(failure) => {
                held.failure = Some(failure.clone());
                Err(failure)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    fn at(seconds: i64) -> Moment {
        Moment::from_millis(1_790_000_000_000 + seconds * 1_000).unwrap()
    }

    /// Secrets that are the number of the reading; how often they were read; a switch that breaks it.
    fn counted() -> (Secrets, Arc<AtomicUsize>, Arc<AtomicBool>) {
        let (reads, down) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counter, broken) = (reads.clone(), down.clone());
        let secrets = Secrets::from_host(move || {
            let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
            if broken.load(Ordering::SeqCst) {
                return Err(SecretsUnavailable { from: "a test".into(), reason: "down".into() });
            }
            Ok(SecretMap::from([("number".to_owned(), Secret::new(number.to_string()))]))
        });
        (secrets, reads, down)
    }

    fn number(map: &SecretMap) -> &str {
        map["number"].reveal()
    }

    #[tokio::test]
    async fn a_mismatch_reads_again_at_most_once_a_minute() {
        let (secrets, reads, _) = counted();
        secrets.get(at(0)).await.unwrap();
        assert!(secrets.reread(at(59)).await.unwrap().is_none());
        assert_eq!(number(&secrets.reread(at(60)).await.unwrap().unwrap()), "2");
        assert!(secrets.reread(at(61)).await.unwrap().is_none());
        assert_eq!(reads.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn secrets_are_kept_for_five_minutes() {
        let (secrets, ..) = counted();
        assert_eq!(number(&secrets.get(at(0)).await.unwrap()), "1");
        assert_eq!(number(&secrets.get(at(299)).await.unwrap()), "1");
        assert_eq!(number(&secrets.get(at(300)).await.unwrap()), "2");
        assert_eq!(number(&secrets.get(at(599)).await.unwrap()), "2");
    }

    #[tokio::test]
    async fn secrets_of_before_are_used_while_they_cannot_be_read() {
        let (secrets, reads, down) = counted();
        down.store(true, Ordering::SeqCst);
        secrets.get(at(0)).await.unwrap_err();
        down.store(false, Ordering::SeqCst);
        assert_eq!(number(&secrets.get(at(1)).await.unwrap()), "2");
        down.store(true, Ordering::SeqCst);
        for second in [301, 302, 360, 361] {
            assert_eq!(number(&secrets.get(at(second)).await.unwrap()), "2", "at {second}");
        }
        assert_eq!(reads.load(Ordering::SeqCst), 4, "asked once a minute");
        // What does not match may be made with a secret that we could not read.
        secrets.reread(at(362)).await.unwrap_err();
        down.store(false, Ordering::SeqCst);
        assert_eq!(number(&secrets.get(at(421)).await.unwrap()), "5");
        assert!(secrets.reread(at(422)).await.unwrap().is_none());
    }

    #[test]
    fn a_secret_never_prints() {
        assert_eq!(format!("{:?}", Secret::new("hunter2-hunter2")), "Secret(redacted)");
    }
}
