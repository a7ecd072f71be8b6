//! Fetches what a webhook only names: claim, look whether it is there, ask for leave, read, journal, mark.
//!
//! The answer becomes one more delivery of the connection, under an id that follows from the request. So a crash between
//! the vendor's answer and the mark costs at most one more read, a replay finds the answer in the journal and calls
//! nobody, and what a fetched body means is the connector's to say, like that of any other.

use std::sync::Arc;

use actions::vendor::{Api, ApiToken, GetError, Told};
use config::{Connection, Connections};
use connectors::{FETCHED, FETCHED_STATUS, FetchCall};
use jiff::SignedDuration;
use model::{Delivery, Event, EventBody, FetchRequest, Moment};
use runtime::Clock;
use runtime::batch::{NotDone, messages};
use runtime::lambda::{BatchAnswer, BusEvent, QueueEvent, QueueMessage};
use runtime::seam::Seam;
use runtime::secrets::{Secret, Secrets, SecretsUnavailable};
use sha2::{Digest as _, Sha256};
use store::{ActionRow, ActionStatus, Claim, Journaled, Leave, Store, StoreError, counted};
use tracing::field::display;
use tracing::{error, info, warn};

/// How long a claim holds: longer than the function may run, shorter than the queue hides the message.
///
/// These move together with `infra/template.yaml`: a call of 10 s < function 30 s < lease 45 s < visibility 180 s.
const LEASE: SignedDuration = SignedDuration::from_secs(45);
/// A vendor that asks for fewer calls without saying for how long is left alone for this long.
const REST: u64 = 10;
/// A longer `Retry-After` is taken for a slip: after an hour the vendor is asked again.
const LONGEST_REST: u64 = 3_600;

/// The handler.
#[derive(Debug)]
pub struct FetchObject {
    connections: Arc<Connections>,
    store: Store,
    seam: Seam,
    secrets: Secrets,
    clock: Clock,
    receipts: Clock,
}

/// Why a message of the queue is left there for a later try.
#[derive(Debug, thiserror::Error)]
enum NotNow {
    #[error("the message asks for no object: {0}")]
    NotOurs(String),
    #[error("someone else holds the fetch until {0}")]
    Busy(Moment),
    #[error("the vendor takes no more calls before {0}")]
    Rest(Moment),
    #[error("the vendor gave no answer: {0}")]
    Vendor(String),
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("the secrets failed")]
    Secrets(#[from] SecretsUnavailable),
    #[error("the claim was taken over by someone else")]
    LostClaim,
}

impl NotDone for NotNow {
    fn waits(&self) -> bool {
        match self {
            Self::Busy(_) | Self::Rest(_) => true,
            Self::NotOurs(_) | Self::Vendor(_) | Self::Store(_) | Self::Secrets(_) | Self::LostClaim => false,
        }
    }
}

/// What to do with a claimed fetch.
enum Verdict<'a> {
    /// End it without a call.
    End { status: ActionStatus, reason: Option<String> },
    /// Read it.
    Ask(Question<'a>),
}

/// A call that can be made.
struct Question<'a> {
    connection: &'a Connection,
    token: Secret,
    api: Api,
    call: FetchCall,
}

impl FetchObject {
    /// Reads tokens from `secrets` as `{connection}/token`. `receipts` tells when something was received, which on one
    /// machine is never twice the same moment.
    pub fn new(
        connections: Arc<Connections>,
        store: Store,
        seam: Seam,
        secrets: Secrets,
        clock: Clock,
        receipts: Clock,
    ) -> Self {
        Self { connections, store, seam, secrets, clock, receipts }
    }

    /// Handles a batch of the queue.
    pub async fn handle(&self, event: QueueEvent) -> BatchAnswer {
        let one = |message: QueueMessage| async move { self.one(&message.body, &message.message_id).await };
        messages("A fetch", event, one).await
    }

    async fn one(&self, body: &str, holder: &str) -> Result<(), NotNow> {
        let event = BusEvent::event(body).map_err(|error| NotNow::NotOurs(error.to_string()))?;
        let EventBody::FetchRequested(request) = &event.body else {
            return Err(NotNow::NotOurs(event.body.kind().to_owned()));
        };
        let now = self.clock.now();
        let held = match self.store.claim_fetch(request, holder, now, now.plus(LEASE)).await? {
            Claim::Over(_) => return Ok(()),
            Claim::Busy { until } => return Err(NotNow::Busy(until)),
            Claim::Ours(row) => *row,
        };
        match self.judge(request, now).await? {
            Verdict::End { status, reason } => self.finish(request, &held, status, reason).await,
            Verdict::Ask(question) => {
                let most = question.connection.api.map_or(1, |api| api.per_ten_seconds);
                match self.store.may_call(&question.connection.name, most, now).await? {
                    Leave::Granted => self.ask(&event, request, &question, held).await,
                    Leave::NotBefore(at) => Err(NotNow::Rest(at)),
                }
            }
        }
    }

    /// Looks whether, and how, the object can be read.
    async fn judge(&self, request: &FetchRequest, now: Moment) -> Result<Verdict<'_>, NotNow> {
        let failed = |reason: String| Ok(Verdict::End { status: ActionStatus::Failed, reason: Some(reason) });
        let name = &request.connection;
        let Some(connection) = self.connections.named(name).filter(|connection| connection.enabled) else {
            return failed(format!("connection `{name}` is not configured, or not enabled"));
        };
        let call = connectors::by_name(&connection.tool)
            .and_then(|connector| connector.fetch(&request.object, &connection.mapping));
        let Some(call) = call else {
            return failed(format!("`{}` has nothing to fetch that is called `{}`", connection.tool, request.object));
        };
        // It may be in the journal already: an earlier try ended before its mark, or these tables were made anew from it.
        if self.store.delivery(&request.delivery()).await?.is_some() {
            return Ok(Verdict::End { status: ActionStatus::Done, reason: None });
        }
        let secrets = self.secrets.get(now).await?;
        let Some(token) = secrets.get(&format!("{name}/token")) else {
            if call.is_repeated {
                let reason = Some(format!("there is no token for `{name}`; it is asked again before long"));
                return Ok(Verdict::End { status: ActionStatus::Done, reason });
            }
            let unknown = connection.api.and_then(|api| Some(format!(" ({})", api.without_token?))).unwrap_or_default();
            let reason = format!(
                "there is no token for `{name}`{unknown}: put `token` under `[connections.{name}]` in the file of \
                 secrets, on AWS into the parameter `/barometer/fetch/{name}/token`"
            );
            return Ok(Verdict::End { status: ActionStatus::Held, reason: Some(reason) });
        };
        let Some(url) = &connection.api_url else {
            return failed(format!("`[connection.{name}]` names no `api_url`"));
        };
        match ApiToken::new(token.reveal()) {
            Ok(bearer) => {
                let api = Api::new(self.seam.clone(), url, bearer);
                Ok(Verdict::Ask(Question { connection, token: token.clone(), api, call }))
            }
            Err(problem) => failed(format!("the token of `{name}` cannot be used: {problem}")),
        }
    }

    async fn ask(
        &self,
        event: &Event,
        request: &FetchRequest,
        question: &Question<'_>,
        held: ActionRow,
    ) -> Result<(), NotNow> {
        let Question { connection, token, api, call } = question;
        let held = ActionRow { sends: held.sends + 1, ..held };
        let told = match api.read(&call.path, call.body.as_deref()).await {
            Ok(told) => told,
            Err(GetError::Unauthorized) if self.has_changed(connection, token).await? => {
                let reason = "the token was changed meanwhile".to_owned();
                self.note(&held, &reason).await?;
                return Err(NotNow::Vendor(reason));
            }
            Err(refusal @ (GetError::Unauthorized | GetError::Refused { .. })) => {
                let reason = format!("`{}` of `{}` is not read: {refusal}", request.object, connection.name);
                error!(action.id = %request.id, connection.name = %connection.name, "{reason}");
                return self.finish(request, &held, ActionStatus::Failed, Some(reason)).await;
            }
            Err(GetError::SlowDown { after_s }) => {
                let after = i64::try_from(after_s.unwrap_or(REST).clamp(1, LONGEST_REST)).unwrap_or_default();
                let until = self.clock.now().plus(SignedDuration::from_secs(after));
                self.store.leave_alone(&connection.name, until).await?;
                return Err(NotNow::Rest(until));
            }
            Err(GetError::Retry { reason }) => {
                self.note(&held, &reason).await?;
                return Err(NotNow::Vendor(reason));
            }
        };
        if told.body().len() > connection.max_body_bytes && matches!(told, Told::Object(_)) {
            return self.finish(request, &held, ActionStatus::Failed, Some(too_large(connection, &told))).await;
        }
        let delivery = self.delivery(event, request, connection, &told);
        match self.store.journal(&delivery).await? {
            Journaled::New => info!(delivery.id = %delivery.id, "Fetched `{}`", delivery.id),
            // Two workers asked at once. The object may have changed between the two, so the later answer is kept as well.
            Journaled::Repeated | Journaled::KeptBeside(_) => {
                warn!(delivery.id = %delivery.id, "`{}` was fetched twice", delivery.id);
            }
            Journaled::TooLarge => {
                let reason = Some(too_large(connection, &told));
                return self.finish(request, &held, ActionStatus::Failed, reason).await;
            }
        }
        self.finish(request, &held, ActionStatus::Done, None).await
    }

    /// The token that the vendor does not know is no longer the one that is stored.
    async fn has_changed(&self, connection: &Connection, token: &Secret) -> Result<bool, NotNow> {
        let now = self.clock.now();
        self.secrets.reread(now).await?;
        let secrets = self.secrets.get(now).await?;
        Ok(secrets.get(&format!("{}/token", connection.name)) != Some(token))
    }

    /// The answer as one more delivery, received after the one that names the object.
    fn delivery(&self, event: &Event, request: &FetchRequest, connection: &Connection, told: &Told) -> Delivery {
        // What an error page says is of no use; only that the object is gone is.
        let fits = told.body().len() <= connection.max_body_bytes;
        let body = if fits { told.body().to_vec() } else { Vec::new() };
        let after_cause = event.as_of.plus(SignedDuration::from_millis(1));
        Delivery {
            id: request.delivery(),
            connection: connection.name.clone(),
            family: connection.family,
            received_at: self.receipts.now().max(after_cause),
            body_sha256: hex::encode(Sha256::digest(&body)),
            headers: [(FETCHED, request.object.clone()), (FETCHED_STATUS, told.status().to_string())]
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            body,
            same_key_as: None,
        }
    }

    /// Gives the claim back, so that the queue's next try may take it, and says why.
    async fn note(&self, held: &ActionRow, reason: &str) -> Result<(), NotNow> {
        let released = ActionRow { lease_until: self.clock.now(), reason: Some(reason.to_owned()), ..held.clone() };
        self.store.put_held(&released, held).await?;
        Ok(())
    }

    async fn finish(
        &self,
        request: &FetchRequest,
        held: &ActionRow,
        status: ActionStatus,
        reason: Option<String>,
    ) -> Result<(), NotNow> {
        let next = ActionRow { status, reason, ..held.clone() };
        if !self.store.put_held(&next, held).await? {
            return Err(NotNow::LostClaim);
        }
        let metrics = counted("fetch", status, false).map(display);
        let status = status.as_str();
        info!(action.id = %request.id, action.status = status, metrics, "Fetch `{}` is {status}", request.id);
        Ok(())
    }
}

fn too_large(connection: &Connection, told: &Told) -> String {
    let bytes = told.body().len();
    format!(
        "the answer has {bytes} bytes, more than can be kept; map fewer properties, or raise `max_body_bytes` of `{}`",
        connection.name
    )
}
