//! Writes mail through Amazon SES: claim, look again, ask whether the address takes it, send, mark. Nobody gets a second mail,
//! nobody who wants none gets one, and what is for a customer goes to the account's owner as a draft unless the configuration
//! lets it out.
//!
//! SES has no idempotency key, so the moment between its acceptance and our mark is the one window in which a crash can cause a
//! duplicate: a mail found `sending` after its lease is sent once more, then it is a person's to judge.

mod judge;
mod send;

use std::sync::Arc;

use actions::ses::{Going, MailTemplates, Ses, render};
use actions::slack::RenderError;
use config::{Config, Mail, MailLimits, ToCustomers};
use jiff::SignedDuration;
use model::{ActionRequest, Audience, Desk, Email, Event, EventBody, Mode, Moment, Placement, Recipient, mail_ledger};
use rules::desk::{MailRules, allow, withdraw};
use runtime::Clock;
use runtime::aws::AwsSettings;
use runtime::batch::{NotDone, messages};
use runtime::lambda::{BatchAnswer, BusEvent, QueueEvent, QueueMessage};
use runtime::logging::chain;
use runtime::seam::Seam;
use runtime::secrets::{Secret, SecretMap, Secrets, SecretsUnavailable};
use serde_json::Value;
use store::{ActionRow, ActionStatus, Claim, Store, StoreError, Stored, counted, outcome};
use tracing::field::display;
use tracing::info;

/// How long a claim holds: longer than the function may run, shorter than the queue hides the message.
///
/// These move together with `infra/template.yaml`: a call of 10 s < function 30 s < lease 45 s < visibility 180 s.
const LEASE: SignedDuration = SignedDuration::from_secs(45);
/// A mail found `sending` is sent again this often in all, then it is uncertain.
const MAX_SENDS: u32 = 2;
/// How often a ledger is read and written again when others write it at the same time.
const TRIES: usize = 8;

/// The handler.
#[derive(Debug)]
pub struct EmailNudge {
    config: Arc<Config>,
    store: Store,
    seam: Seam,
    secrets: Secrets,
    templates: MailTemplates,
    clock: Clock,
}

/// Why a message of the queue is left there for a later try.
#[derive(Debug, thiserror::Error)]
enum NotNow {
    #[error("the message asks for no mail: {0}")]
    NotOurs(String),
    #[error("someone else holds the action until {0}")]
    Busy(Moment),
    #[error("many mails to the same address are asked for at once")]
    Contended,
    #[error("SES did not take it: {0}")]
    Ses(String),
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
            Self::Busy(_) | Self::Contended => true,
            Self::NotOurs(_) | Self::Ses(_) | Self::Store(_) | Self::Secrets(_) | Self::LostClaim => false,
        }
    }
}

/// What to do with a claimed action.
enum Verdict {
    /// End it without a call.
    End { status: ActionStatus, mode: Option<Mode>, reason: String },
    /// Send it, when its address takes it.
    Send { mode: Mode, ses: Ses, key: Secret },
}

/// Where a mail goes, whomever it is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Way {
    to: String,
    /// Whose address that is.
    audience: Audience,
    is_draft: bool,
}

/// A mail that is asked for.
#[derive(Clone, Copy)]
struct Asked<'a> {
    event: &'a Event,
    request: &'a ActionRequest,
    email: &'a Email,
    mail: &'a Mail,
}

/// The key that Lambda hands to a function, in the form in which a host has one among its secrets.
pub fn own_key(aws: &AwsSettings) -> Secrets {
    let credentials = &aws.credentials;
    let named = [
        ("region", Some(aws.region.as_str())),
        ("access_key_id", Some(credentials.access_key_id())),
        ("secret_access_key", Some(credentials.secret_access_key())),
        ("session_token", credentials.session_token()),
        ("base_url", aws.endpoint.as_deref()),
    ];
    let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Secret::new(value?))));
    let map: SecretMap = named.collect();
    Secrets::from_host(move || Ok(map.clone()))
}

impl EmailNudge {
    /// Builds the templates of this configuration. Reads the key from `secrets` as `region`, `access_key_id`,
    /// `secret_access_key` and `session_token`, and another address than SES's own as `base_url`.
    ///
    /// # Errors
    /// When a template cannot be parsed.
    pub fn new(
        config: Arc<Config>,
        store: Store,
        seam: Seam,
        secrets: Secrets,
        clock: Clock,
    ) -> Result<Self, RenderError> {
        let templates = MailTemplates::new(&config.templates)?;
        Ok(Self { config, store, seam, secrets, templates, clock })
    }

    /// Handles a batch of the queue.
    pub async fn handle(&self, event: QueueEvent) -> BatchAnswer {
        let one = |message: QueueMessage| async move { self.one(&message.body, &message.message_id).await };
        messages("A mail", event, one).await
    }

    async fn one(&self, body: &str, holder: &str) -> Result<(), NotNow> {
        let event = BusEvent::event(body).map_err(|error| NotNow::NotOurs(error.to_string()))?;
        let (request, email) = match &event.body {
            EventBody::ActionRequested(request) => match &request.email {
                Some(email) => (request.as_ref(), email),
                None => return Err(NotNow::NotOurs(request.kind.to_string())),
            },
            other => return Err(NotNow::NotOurs(other.kind().to_owned())),
        };
        let now = self.clock.now();
        let claim = self.store.claim(&request.id, Some(&request.playbook), holder, now, now.plus(LEASE)).await?;
        let held = match claim {
            Claim::Over(_) => return Ok(()),
            Claim::Busy { until } => return Err(NotNow::Busy(until)),
            Claim::Ours(row) => *row,
        };
        // Whoever held it before may have ended anywhere; what counts is how often SES may have heard of it.
        if held.sends >= MAX_SENDS {
            return self.finish(&event, request, uncertain(&held), &held).await;
        }
        let Some(mail) = &self.config.mail else {
            let reason = "there is no email.toml, which says from whom mail comes".to_owned();
            let next = ActionRow { status: ActionStatus::Observed, reason: Some(reason), ..held.clone() };
            return self.finish(&event, request, next, &held).await;
        };
        self.write(Asked { event: &event, request, email, mail }, held, now).await
    }

    async fn write(&self, asked: Asked<'_>, held: ActionRow, now: Moment) -> Result<(), NotNow> {
        let Asked { event, request, email, .. } = asked;
        let (context, against) = tokio::join!(self.store.action_context(request), self.against(request, email));
        let (context, against) = (context?, against?);
        let mode = self.mode(request, &context);
        let way = self.way(asked, mode);
        let rendered = match way.as_ref().map(|way| self.rendered(asked, way)).transpose() {
            Ok(rendered) => rendered,
            Err(error) => return self.finish(event, request, not_rendered(&held, &error), &held).await,
        };
        let held = ActionRow { rendered: rendered.as_ref().map(Value::to_string), ..held };
        match (self.judge(asked, &context, against, mode, now).await?, way.zip(rendered)) {
            (Verdict::End { status, mode, reason }, way) => {
                if let Some((way, _)) = way.filter(|_| held.sends > 0 || held.setbacks > 0) {
                    self.give_back(asked, &way, held.mode.unwrap_or(Mode::Observe)).await?;
                }
                let next = ActionRow { status, mode, reason: Some(reason), ..held.clone() };
                self.finish(event, request, next, &held).await
            }
            (Verdict::Send { mode, ses, key }, Some((way, body))) => {
                let held = ActionRow { mode: Some(mode), to: mail_ledger(&way.to), ..held };
                match self.allowed(asked, &way, mode, now).await? {
                    Placement::SendNow => self.send(asked, (&way, &body), (&ses, &key), &held).await,
                    Placement::NotBefore(until) => {
                        let reason = "its reader gets no more mail before".to_owned();
                        self.wait(event, until, reason, held.clone(), &held).await
                    }
                    Placement::InDigest(_) | Placement::InThreadOf(_) | Placement::MergedInto(_) => {
                        Err(NotNow::Contended)
                    }
                }
            }
            (Verdict::Send { mode, .. }, None) => {
                let reason =
                    "nobody looks after the account, so nobody gets the draft: set its owner in the CRM".to_owned();
                let (status, mode) = (ActionStatus::Suppressed, Some(mode));
                let next = ActionRow { status, mode, reason: Some(reason), ..held.clone() };
                self.finish(event, request, next, &held).await
            }
        }
    }

    /// Where the mail goes as things stand; `None` where that is nobody.
    fn way(&self, Asked { request, email, mail, .. }: Asked<'_>, mode: Mode) -> Option<Way> {
        let is_known = email.contact.is_some();
        let (to, audience, is_draft) = match (email.audience, mail.to_customers) {
            (Audience::Customer, _) if !is_known => return None,
            (Audience::Customer, ToCustomers::Send) => (request.to.address.clone(), Audience::Customer, false),
            (Audience::Customer, ToCustomers::Draft) => (email.reply_to.clone()?, Audience::Colleague, true),
            (Audience::Colleague, _) => (email.reply_to.clone()?, Audience::Colleague, false),
        };
        let redirect = || self.config.modes.redirect(request.kind.destination()).map(str::to_owned);
        Some(match mode {
            // What is not for whoever reads it is a draft.
            Mode::Redirect => Way {
                to: redirect().unwrap_or(to),
                audience: Audience::Colleague,
                is_draft: email.audience == Audience::Customer,
            },
            Mode::Observe | Mode::Live => Way { to, audience, is_draft },
        })
    }

    /// The request as it is, or would be, sent.
    fn rendered(&self, Asked { request, email, mail, .. }: Asked<'_>, way: &Way) -> Result<Value, RenderError> {
        let list = mail.contact_list.as_ref().filter(|_| way.audience == Audience::Customer);
        let going = Going {
            from: &mail.from,
            configuration_set: mail.configuration_set.as_deref(),
            to: &way.to,
            is_draft: way.is_draft,
            list: list.map(|list| (list.name.as_str(), list.topic.as_deref())),
        };
        Ok(render(&self.templates, request, email, &going)?.body())
    }

    /// Whether the address takes a mail now. That it does is written before this returns.
    async fn allowed(&self, asked: Asked<'_>, way: &Way, mode: Mode, now: Moment) -> Result<Placement, NotNow> {
        let limits: MailLimits = match way.audience {
            Audience::Customer => asked.mail.customer,
            Audience::Colleague => asked.mail.colleague,
        };
        let rules = MailRules::of(&way.to, way.audience, limits, &self.config.team);
        let mail = (&asked.request.id, &asked.event.account);
        self.change_ledger(way, mode, |ledger| allow(ledger, mail, now, &rules)).await
    }

    /// What is not sent uses up nothing.
    async fn give_back(&self, asked: Asked<'_>, way: &Way, mode: Mode) -> Result<(), NotNow> {
        self.change_ledger(way, mode, |ledger| ((), withdraw(ledger, &asked.request.id))).await
    }

    /// Writes what `change` makes of the address's ledger, unless that is nothing new; gives what it answers besides.
    async fn change_ledger<T>(&self, way: &Way, mode: Mode, change: impl Fn(&Desk) -> (T, Desk)) -> Result<T, NotNow> {
        for _ in 0..TRIES {
            let ledger = self.store.desk(mode, &ledger_of(way)).await?;
            let (answer, next) = change(&ledger.value);
            if next == ledger.value || self.store.put_desk(&Stored { value: next, rev: ledger.rev }, None, None).await?
            {
                return Ok(answer);
            }
        }
        Err(NotNow::Contended)
    }

    /// Gives the claim back until a moment at which the same event comes again.
    async fn wait(
        &self,
        event: &Event,
        until: Moment,
        reason: String,
        next: ActionRow,
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        let next = ActionRow { reason: Some(reason), ..next };
        if !self.store.wait_until(&event.id, until, next, held, self.clock.now()).await? {
            return Err(NotNow::LostClaim);
        }
        info!(action.id = %held.id, "Action `{}` waits until {until}", held.id);
        Ok(())
    }

    async fn finish(
        &self,
        event: &Event,
        request: &ActionRequest,
        next: ActionRow,
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        let (status, now) = (next.status.as_str(), self.clock.now());
        let metrics = counted(request.kind.as_str(), next.status, false).map(display);
        let (outcome, entry) = outcome(&event.account, request, &next, now);
        if !self.store.finish_action(&next, held, &outcome, &entry).await? {
            return Err(NotNow::LostClaim);
        }
        info!(action.id = %request.id, action.status = status, metrics, "Action `{}` is {status}", request.id);
        Ok(())
    }
}

/// Whose row it is.
fn ledger_of(way: &Way) -> Recipient {
    Recipient { address: mail_ledger(&way.to), ..Recipient::default() }
}

/// A mail of which nobody knows whether it arrived.
fn uncertain(held: &ActionRow) -> ActionRow {
    let reason = "SES was called twice and no answer was recorded; ask its reader, or look at the events of SES";
    ActionRow { status: ActionStatus::Uncertain, reason: Some(reason.into()), ..held.clone() }
}

fn not_rendered(held: &ActionRow, error: &RenderError) -> ActionRow {
    let reason = format!("the template cannot be rendered: {}", chain(error));
    ActionRow { status: ActionStatus::Failed, reason: Some(reason), ..held.clone() }
}
