//! Recorded requests: the fixtures of every connector, read as the webhook function would hand them over.
#![allow(dead_code, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use connectors::{Connector, DeliveryKey, Refusal, Secrets, SigningSecret, Unverified};
use model::{Delivery, DeliveryId, Mapping, Moment, Normalized};
use serde::Deserialize;
use testkit::golden::{Fixture, fixtures};

/// A `request.toml` and the body beside it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    pub method: String,
    pub url: String,
    pub received_at: Moment,
    pub secret: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(skip)]
    pub body: Vec<u8>,
}

/// The folder of a connector.
pub fn folder(connector: &dyn Connector) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(connector.tool().name.replace('-', "_"))
}

/// The mapping that all fixtures of a connector are read with.
pub fn mapping(connector: &dyn Connector) -> Mapping {
    let path = folder(connector).join("fixtures/mapping.toml");
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Every fixture of a connector that is not a refusal.
pub fn accepted(connector: &dyn Connector) -> Vec<(String, Recorded)> {
    let all = fixtures(&folder(connector).join("fixtures"));
    let good = all.iter().filter(|fixture| fixture.refused().is_none());
    good.map(|fixture| (fixture.name.clone(), Recorded::read(fixture))).collect()
}

pub fn secrets(current: &str, previous: Option<&str>) -> Secrets {
    let secret = |text: &str| SigningSecret::new(text).unwrap();
    Secrets { current: Some(secret(current)), previous: previous.map(secret) }
}

impl Recorded {
    pub fn read(fixture: &Fixture) -> Self {
        Self { body: fixture.bytes("body.json"), ..fixture.toml("request.toml") }
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
            headers: self
                .headers
                .iter()
                .filter(|(name, _)| connector.kept_headers().contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            body: self.body.clone(),
            same_key_as: None,
        };
        connector.normalize(&delivery, mapping)
    }
}
