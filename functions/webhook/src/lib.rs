//! Receives webhooks: checks the signature over the raw bytes, makes the delivery durable, answers.
//!
//! One store call before a 2xx, no parsing of the body, nothing left running after the answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use config::{Connection, Connections};
use connectors::{Receiver, Refusal, SigningSecret, Unverified, self_test};
use model::{ConnectionName, Delivery, DeliveryId, Family, Moment};
use runtime::lambda::{HttpAnswer, HttpEvent};
use runtime::logging::chain;
use runtime::metrics::{Metric, Metrics};
use runtime::secrets::{SecretMap, Secrets, SecretsUnavailable};
use store::{Journaled, Store, StoreError};
use tracing::field::display;
use tracing::{error, info, warn};

/// What the sender is told. Bodies are short and fixed: nobody learns from them what exists and what does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Accepted,
    Unauthorized,
    WrongMethod,
    Undecodable,
    TooLarge,
    RetryLater,
}

/// Seconds after which a sender may try again when the store or a secret is missing: longer than a short outage, shorter than
/// any sender's patience.
const RETRY_AFTER_S: u32 = 30;

impl Answer {
    fn into_http(self) -> HttpAnswer {
        let (status_code, body) = match self {
            Self::Accepted => (200, r#"{"status":"accepted"}"#),
            Self::Unauthorized => (401, r#"{"status":"unauthorized"}"#),
            Self::WrongMethod => (405, r#"{"status":"method not allowed"}"#),
            Self::Undecodable => (400, r#"{"status":"undecodable body"}"#),
            Self::TooLarge => (413, r#"{"status":"body too large"}"#),
            Self::RetryLater => (503, r#"{"status":"try again later"}"#),
        };
        let mut headers = BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]);
        match self {
            Self::WrongMethod => drop(headers.insert("allow".into(), "POST".into())),
            Self::RetryLater => drop(headers.insert("retry-after".into(), RETRY_AFTER_S.to_string())),
            Self::Accepted | Self::Unauthorized | Self::Undecodable | Self::TooLarge => {}
        }
        HttpAnswer { status_code, headers, body: body.to_owned() }
    }
}

/// Why a request was not accepted.
#[derive(Debug, thiserror::Error)]
enum ReceiveError {
    #[error("the method is not POST")]
    WrongMethod,
    #[error("no such connection")]
    UnknownConnection,
    #[error("the body cannot be decoded")]
    Undecodable,
    #[error("a body of {bytes} bytes is over the limit")]
    TooLarge { bytes: usize },
    #[error("refused")]
    Refused {
        connection: ConnectionName,
        #[source]
        refusal: Refusal,
    },
    #[error("connection `{0}` has no usable secret; store one and send again")]
    NoSecret(String),
    #[error("secrets are unavailable")]
    SecretsDown(#[source] SecretsUnavailable),
    #[error("the journal is unavailable")]
    JournalDown {
        delivery: DeliveryId,
        #[source]
        error: StoreError,
    },
}

impl ReceiveError {
    /// What the sender is told, and so what it does next.
    fn answer(&self) -> Answer {
        match self {
            Self::WrongMethod => Answer::WrongMethod,
            // Nobody learns which connections exist.
            Self::UnknownConnection | Self::Refused { .. } => Answer::Unauthorized,
            Self::Undecodable => Answer::Undecodable,
            Self::TooLarge { .. } => Answer::TooLarge,
            Self::NoSecret(_) | Self::SecretsDown(_) | Self::JournalDown { .. } => Answer::RetryLater,
        }
    }

    /// The one line about it, with what it counts: only what says something about a connection that there is.
    fn log(&self, family: Family) {
        let text = chain(self);
        let counted = |metric: fn(Family) -> Metric| display(Metrics::of(metric(family), 1));
        match self {
            Self::JournalDown { delivery, .. } => {
                let metrics = counted(Metric::DeliveriesUnanswered);
                error!(delivery.id = %delivery, metrics, "Webhook answered 503: {text}");
            }
            Self::NoSecret(_) | Self::SecretsDown(_) => {
                error!(metrics = counted(Metric::DeliveriesUnanswered), "Webhook answered 503: {text}");
            }
            Self::Refused { connection, .. } => {
                let metrics = counted(Metric::SignatureFailures);
                warn!(connection.name = %connection, metrics, "Webhook of `{connection}` refused: {text}");
            }
            Self::TooLarge { .. } | Self::Undecodable => warn!("Webhook refused: {text}"),
            Self::WrongMethod | Self::UnknownConnection => info!("Webhook refused: {text}"),
        }
    }
}

/// The handler of one family's webhooks.
#[derive(Debug)]
pub struct Webhook {
    family: Family,
    connections: Arc<Connections>,
    store: Store,
    secrets: Secrets,
}

impl Webhook {
    /// Receives for `family`; `secrets` holds `{connection}/secret` and, during a rotation, `{connection}/previous`.
    pub fn new(family: Family, connections: Arc<Connections>, store: Store, secrets: Secrets) -> Self {
        Self { family, connections, store, secrets }
    }

    /// Answers one request. Never fails: every failure has its answer.
    pub async fn handle(&self, event: HttpEvent) -> HttpAnswer {
        match self.receive(&event).await {
            // Slack shows the body of an answer to whoever clicked.
            Ok(()) if self.family == Family::Slack => {
                return HttpAnswer { body: String::new(), ..Answer::Accepted.into_http() };
            }
            Ok(()) => Answer::Accepted,
            Err(error) => {
                error.log(self.family);
                error.answer()
            }
        }
        .into_http()
    }

    async fn receive(&self, event: &HttpEvent) -> Result<(), ReceiveError> {
        if event.request_context.http.method != "POST" {
            return Err(ReceiveError::WrongMethod);
        }
        // Before the connection is looked for, so that these answers do not tell whether there is one.
        let body = decode(event)?;
        let received_at = Moment::from_millis(event.request_context.time_epoch).ok_or(ReceiveError::Undecodable)?;
        let (connection, connector) = self.connection(&event.raw_path).ok_or(ReceiveError::UnknownConnection)?;
        let url = signed_url(event, connection);
        let headers = event.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        let request = Unverified { method: "POST", url: &url, headers: &headers, body: &body, received_at };
        let verified = self.verify(connection, connector, &request).await?;
        // After the signature, for the same reason. The gateway's own limit bounds what is hashed in vain.
        if body.len() > connection.max_body_bytes {
            return Err(ReceiveError::TooLarge { bytes: body.len() });
        }
        let key = self_test::key(&body).unwrap_or_else(|| connector.delivery_key(&verified));
        let delivery = Delivery {
            id: DeliveryId::new(&connection.name, key.as_str()),
            connection: connection.name.clone(),
            family: self.family,
            received_at,
            body_sha256: key.body_sha256(&body),
            headers: kept(connector, &headers),
            body: body.clone(),
            same_key_as: None,
        };
        self.keep(&delivery).await
    }

    /// `/hooks/{family}/{connection}`, exactly.
    fn connection(&self, path: &str) -> Option<(&Connection, &'static dyn Receiver)> {
        let (family, name) = path.strip_prefix("/hooks/")?.split_once('/')?;
        let connection = self.connections.named(&name.parse().ok()?)?;
        let ours = family == self.family.as_str() && connection.family == self.family && connection.enabled;
        if ours { Some((connection, connectors::receiver(&connection.tool)?)) } else { None }
    }

    async fn verify<'a>(
        &self,
        connection: &Connection,
        connector: &dyn Receiver,
        request: &Unverified<'a>,
    ) -> Result<connectors::Verified<'a>, ReceiveError> {
        let now = request.received_at;
        let held = self.secrets.get(now).await.map_err(ReceiveError::SecretsDown)?;
        let refusal = match connector.verify(request, &secrets_of(&held, connection)) {
            Ok(verified) => return Ok(verified),
            Err(refusal) => refusal,
        };
        // A secret may have been rotated since it was read; look once more, at most once a minute.
        if matches!(refusal, Refusal::BadSignature | Refusal::NoSecret)
            && let Some(fresh) = self.secrets.reread(now).await.map_err(ReceiveError::SecretsDown)?
            && let Ok(verified) = connector.verify(request, &secrets_of(&fresh, connection))
        {
            return Ok(verified);
        }
        Err(match refusal {
            Refusal::NoSecret => ReceiveError::NoSecret(connection.name.to_string()),
            refusal => ReceiveError::Refused { connection: connection.name.clone(), refusal },
        })
    }

    async fn keep(&self, delivery: &Delivery) -> Result<(), ReceiveError> {
        let (id, bytes) = (&delivery.id, delivery.body.len());
        let journaled = self.store.journal(delivery).await;
        let journaled = journaled.map_err(|error| ReceiveError::JournalDown { delivery: id.clone(), error })?;
        let metrics = Metrics::of(Metric::DeliveriesAccepted(self.family), 1);
        match journaled {
            Journaled::New => {
                let connection = &delivery.connection;
                info!(delivery.id = %id, connection.name = %connection, bytes, %metrics, "Delivery `{id}` journaled");
            }
            Journaled::Repeated => info!(delivery.id = %id, %metrics, "Delivery `{id}` was there already"),
            Journaled::KeptBeside(beside) => {
                warn!(delivery.id = %beside, %metrics, "Delivery `{id}` came again with other bytes; kept as `{beside}`");
            }
            Journaled::TooLarge => return Err(ReceiveError::TooLarge { bytes }),
        }
        Ok(())
    }
}

fn decode(event: &HttpEvent) -> Result<Vec<u8>, ReceiveError> {
    let text = event.body.as_deref().unwrap_or_default();
    if event.is_base64_encoded {
        base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| ReceiveError::Undecodable)
    } else {
        Ok(text.as_bytes().to_vec())
    }
}

/// The address the vendor called, which its signature may cover.
fn signed_url(event: &HttpEvent, connection: &Connection) -> String {
    let base = match &connection.public_url {
        Some(url) => format!("{}{}", url.trim_end_matches('/'), event.raw_path),
        None => format!("https://{}{}", event.request_context.domain_name, event.raw_path),
    };
    if event.raw_query_string.is_empty() { base } else { format!("{base}?{}", event.raw_query_string) }
}

fn secrets_of(held: &SecretMap, connection: &Connection) -> connectors::Secrets {
    let secret = |which: &str| {
        let stored = held.get(&format!("{}/{which}", connection.name))?;
        SigningSecret::new(stored.reveal()).ok()
    };
    connectors::Secrets { current: secret("secret"), previous: secret("previous") }
}

fn kept(connector: &dyn Receiver, headers: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let wanted = connector.kept_headers();
    headers.iter().filter(|(name, _)| wanted.contains(&name.as_str())).map(|(n, v)| (n.clone(), v.clone())).collect()
}
