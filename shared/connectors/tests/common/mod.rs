//! Recorded requests: the fixtures of every connector, read as the webhook function would hand them over.
#![allow(dead_code, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

pub mod bodies;
pub mod mutation;
pub mod signing;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use connectors::{ALL, Connector, DeliveryKey, FETCHED, FETCHED_STATUS, Refusal, Secrets, SigningSecret, Unverified};
use model::{Delivery, DeliveryId, Mapping, Moment, Normalized};
use serde::Deserialize;
use testkit::golden::{Fixture, fixtures};

/// A `request.toml` and the body beside it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    #[serde(default)]
    pub method: String,
    #[serde(default)]
    pub url: String,
    pub received_at: Moment,
    #[serde(default)]
    pub secret: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Set for an answer of the vendor's API, which nobody sent and nobody signed.
    pub fetched: Option<Fetched>,
    #[serde(skip)]
    pub body: Vec<u8>,
}

/// What was asked for, and how the vendor answered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetched {
    pub object: String,
    pub status: u16,
}

/// The folder of a connector.
pub fn folder(connector: &dyn Connector) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(connector.tool().name.replace('-', "_"))
}

/// The mapping that all fixtures of a connector are read with.
pub fn mapping(connector: &dyn Connector) -> Mapping {
    static MAPPINGS: LazyLock<BTreeMap<&str, Mapping>> = LazyLock::new(|| {
        let read = |connector: &&dyn Connector| {
            let path = folder(*connector).join("fixtures/mapping.toml");
            (connector.tool().name, toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
        };
        ALL.iter().map(read).collect()
    });
    MAPPINGS[connector.tool().name].clone()
}

/// Every request among the fixtures of a connector that is not refused.
pub fn accepted(connector: &dyn Connector) -> Vec<(String, Recorded)> {
    recorded(connector).filter(|(_, recorded)| recorded.fetched.is_none()).collect()
}

/// Every answer of the vendor's API among the fixtures of a connector.
pub fn fetched(connector: &dyn Connector) -> Vec<(String, Recorded)> {
    recorded(connector).filter(|(_, recorded)| recorded.fetched.is_some()).collect()
}

fn recorded(connector: &dyn Connector) -> impl Iterator<Item = (String, Recorded)> {
    let all = fixtures(&folder(connector).join("fixtures")).into_iter();
    let good = all.filter(|fixture| fixture.refused().is_none());
    good.map(|fixture| (fixture.name.clone(), Recorded::read(&fixture)))
}

pub fn secrets(current: &str, previous: Option<&str>) -> Secrets {
    let secret = |text: &str| SigningSecret::new(text).unwrap();
    Secrets { current: Some(secret(current)), previous: previous.map(secret) }
}

impl Recorded {
    pub fn read(fixture: &Fixture) -> Self {
        // Slack sends JSON in a form.
        let body = if fixture.dir.join("body.form").exists() { "body.form" } else { "body.json" };
        Self { body: fixture.bytes(body), ..fixture.toml("request.toml") }
    }

    /// The same request with the JSON that its form holds as its body, which every connector reads as well.
    pub fn plain(self) -> Self {
        let Some(value) = self.body.strip_prefix(b"payload=") else { return self };
        let value = String::from_utf8_lossy(value).replace('+', " ");
        let mut parts = value.split('%');
        let mut body = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            body.push(u8::from_str_radix(&part[..2], 16).unwrap());
            body.extend(part[2..].bytes());
        }
        Self { body, ..self }
    }

    pub fn unverified(&self) -> Unverified<'_> {
        Unverified {
            method: &self.method,
            url: &self.url,
            headers: &self.headers,
            body: &self.body,
            received_at: self.received_at,
        }
    }

    pub fn verify(&self, connector: &dyn Connector) -> Result<DeliveryKey, Refusal> {
        self.verify_with(connector, &secrets(&self.secret, None))
    }

    pub fn verify_with(&self, connector: &dyn Connector, secrets: &Secrets) -> Result<DeliveryKey, Refusal> {
        connector.verify(&self.unverified(), secrets).map(|verified| connector.delivery_key(&verified))
    }

    pub fn normalize(&self, connector: &dyn Connector) -> Normalized {
        self.normalize_with(connector, &mapping(connector))
    }

    pub fn normalize_with(&self, connector: &dyn Connector, mapping: &Mapping) -> Normalized {
        let connection = "fixture".parse().unwrap();
        let delivery = Delivery {
            id: DeliveryId::new(&connection, DeliveryKey::of_body(&self.body).as_str()),
            connection,
            family: connector.tool().family,
            received_at: self.received_at,
            body_sha256: match DeliveryKey::of_body(&self.body) {
                DeliveryKey::Vendor(hash) | DeliveryKey::Body(hash) => hash,
            },
            headers: self.kept_headers(connector),
            body: self.body.clone(),
            same_key_as: None,
        };
        connector.normalize(&delivery, mapping)
    }

    fn kept_headers(&self, connector: &dyn Connector) -> BTreeMap<String, String> {
        if let Some(Fetched { object, status }) = &self.fetched {
            let headers = [(FETCHED, object.clone()), (FETCHED_STATUS, status.to_string())];
            return headers.map(|(name, value)| (name.to_owned(), value)).into();
        }
        let kept = self.headers.iter().filter(|(name, _)| connector.kept_headers().contains(&name.as_str()));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}
