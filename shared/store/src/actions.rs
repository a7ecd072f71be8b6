//! Actions: claimed before anything is called, marked after, so that nobody gets a second message.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnValuesOnConditionCheckFailure};
use serde::{Deserialize, Serialize};

use model::{ActionId, ActionRequest, Control, Episode, Event, EventId, Mode, Moment, PlaybookName, TimelineEntry};

use crate::control::{ModeRow, PauseRow, mode_key, pause_key};
use crate::rows::{Attributes, Key, item, name_of, row, text, text_of};
use crate::write::Transacted;
use crate::{Store, StoreError};

/// Where an action stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionStatus {
    /// Someone is about to carry it out.
    Claimed,
    /// Its reader is not to be interrupted yet, or it is not known yet how; it is asked for again, see
    /// [`ActionRow::not_before`].
    Waiting,
    /// The vendor is being called; whether it acted is not known yet.
    Sending,
    /// Done.
    Sent,
    /// Of a fetch: the object, or that it is gone, is in the journal.
    Done,
    /// Rendered as it would be sent; nothing left, because of the mode or a missing token.
    Observed,
    /// Sending was paused when its turn came; it expires after a day and is never sent in a burst. Of a fetch: there is
    /// no token; it is asked for again when there is one.
    Held,
    /// Its reader's digest tells it.
    Digested,
    /// Another message tells it.
    Merged,
    /// Nobody may be written to: nobody is known, or they want no mail, or none arrives.
    Suppressed,
    /// No longer true when its turn came.
    Obsolete,
    /// The vendor may or may not have acted, twice; a person must look.
    Uncertain,
    /// The vendor refused; trying again would not help.
    Failed,
}

impl ActionStatus {
    /// Nothing more will happen to it.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Claimed | Self::Waiting | Self::Sending)
    }

    /// It ended without what was asked for, and a person must look.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Uncertain)
    }

    /// The name in listings and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Done => "done",
            Self::Observed => "observed",
            Self::Held => "held",
            Self::Digested => "digested",
            Self::Merged => "merged",
            Self::Suppressed => "suppressed",
            Self::Obsolete => "obsolete",
            Self::Uncertain => "uncertain",
            Self::Failed => "failed",
        }
    }
}

/// The record of one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRow {
    /// The action.
    pub id: ActionId,
    /// The playbook that asks; `None` for a fetch, and for a message about many accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playbook: Option<PlaybookName>,
    /// Where it stands.
    pub status: ActionStatus,
    /// The mode it was carried out in; `None` until that was looked up.
    pub mode: Option<Mode>,
    /// How often someone claimed it.
    pub attempts: u32,
    /// Who holds the claim.
    pub holder: String,
    /// Until when the claim holds; compared in conditions, never left to an expiry.
    pub lease_until: Moment,
    /// How often the vendor was called for it.
    pub sends: u32,
    /// How often in a row the vendor said that it takes nothing now. It did nothing then, so that is no try.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub setbacks: u32,
    /// The request as it was, or would be, sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendered: Option<String>,
    /// Why it stands where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The vendor's id of what was made, such as a Slack `ts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_ref: Option<String>,
    /// Where it went, as the vendor names it, such as a Slack channel id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_place: Option<String>,
    /// Whose desk knows of it: where it was to go before a redirection; empty before anybody was asked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// The vendor's id of the message whose thread it is part of; `None` where it starts one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_ref: Option<String>,
    /// When it is asked for again, the last time it was found too early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Moment>,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl ActionRow {
    /// The thread that replies to this message belong to; `None` while it has not been sent.
    pub fn thread(&self) -> Option<&str> {
        self.thread_ref.as_deref().or(self.vendor_ref.as_deref())
    }
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is ours, as it is now; `sends` and `rendered` are as a lapsed claim left them.
    Ours(Box<ActionRow>),
    /// Someone else holds it until then; the record must be tried again later.
    Busy {
        /// Until when.
        until: Moment,
    },
    /// It is over.
    Over(ActionStatus),
}

/// What must be known before an action is carried out, read in one call.
#[derive(Debug, Clone)]
pub struct ActionContext {
    /// The episode as it is now; `None` when its row is gone.
    pub episode: Option<Episode>,
    /// Pause and mode.
    pub control: Control,
    /// The action whose message starts the thread, for a reply.
    pub root: Option<ActionRow>,
}

impl ActionRow {
    /// An action that nobody had claimed before.
    pub(crate) fn first(id: &ActionId, playbook: Option<&PlaybookName>, holder: &str, lease_until: Moment) -> Self {
        Self {
            id: id.clone(),
            playbook: playbook.cloned(),
            status: ActionStatus::Claimed,
            mode: None,
            attempts: 1,
            holder: holder.to_owned(),
            lease_until,
            sends: 0,
            setbacks: 0,
            rendered: None,
            reason: None,
            vendor_ref: None,
            vendor_place: None,
            to: String::new(),
            thread_ref: None,
            not_before: None,
        }
    }
}

impl Store {
    /// Claims an action for `holder` until `lease_until`: 1 call, 2 when it was claimed before. `playbook` asks for it;
    /// `None` for a message about many accounts.
    ///
    /// # Errors
    /// When the store does not answer or the row cannot be read.
    pub async fn claim(
        &self,
        id: &ActionId,
        playbook: Option<&PlaybookName>,
        holder: &str,
        now: Moment,
        lease_until: Moment,
    ) -> Result<Claim, StoreError> {
        self.claim_row(ActionRow::first(id, playbook, holder, lease_until), now, ActionStatus::is_final).await
    }

    /// Puts `first` where nothing is; else takes over what is neither over nor held by someone else.
    pub(crate) async fn claim_row(
        &self,
        first: ActionRow,
        now: Moment,
        is_over: fn(ActionStatus) -> bool,
    ) -> Result<Claim, StoreError> {
        let key = Key::action(&first.id);
        let sent = self
            .client
            .put_item()
            .table_name(&self.tables.accounts)
            .set_item(Some(item(&key, &first)?))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let held: ActionRow = match sent {
            Ok(_) => return Ok(Claim::Ours(Box::new(first))),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    row(failed.item.clone().unwrap_or_default())?
                }
                _ => return Err(StoreError::unavailable("PutItem", &error)),
            },
        };
        if is_over(held.status) {
            return Ok(Claim::Over(held.status));
        }
        let lease_until = first.lease_until;
        if !held.status.is_final() {
            // Our own claim, whose answer was lost on the way.
            if held.holder == first.holder && held.lease_until == lease_until {
                return Ok(Claim::Ours(Box::new(held)));
            }
            if held.lease_until > now {
                return Ok(Claim::Busy { until: held.lease_until });
            }
        }
        let next = ActionRow {
            attempts: held.attempts + 1,
            holder: first.holder,
            lease_until,
            status: ActionStatus::Claimed,
            ..held.clone()
        };
        if self.put_held(&next, &held).await? {
            Ok(Claim::Ours(Box::new(next)))
        } else {
            Ok(Claim::Busy { until: lease_until })
        }
    }

    /// Writes the next state of an action that is held as `held`: 1 call. False when someone took it over.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_held(&self, next: &ActionRow, held: &ActionRow) -> Result<bool, StoreError> {
        let values = Self::holding(held);
        let next = item(&Key::action(&next.id), next)?;
        self.put_on(next, "holder = :holder AND lease_until = :lease", &[], values).await
    }

    /// Gives an action that is held as `held` back at `now`, as `next`, until the moment at which `event`, which asked for it,
    /// comes again: 2 calls. False when someone took it over.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn wait_until(
        &self,
        event: &EventId,
        until: Moment,
        next: ActionRow,
        held: &ActionRow,
        now: Moment,
    ) -> Result<bool, StoreError> {
        // First this: what is asked for once too often waits once more.
        self.ask_again_at(event, until).await?;
        let waiting = ActionRow { status: ActionStatus::Waiting, lease_until: now, not_before: Some(until), ..next };
        self.put_held(&waiting, held).await
    }

    /// Ends an action that is held as `held`, with the event and the timeline row that say so: 1 call. False when
    /// someone took it over.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn finish_action(
        &self,
        next: &ActionRow,
        held: &ActionRow,
        event: &Event,
        timeline: &TimelineEntry,
    ) -> Result<bool, StoreError> {
        let key = Key::action(&next.id);
        let ours =
            self.put_if(item(&key, next)?, "holder = :holder AND lease_until = :lease", &[], Self::holding(held));
        let writes = vec![ours, self.outbox_write(event)?, self.timeline_write(timeline)?];
        Ok(self.transact(writes).await? == Transacted::Done)
    }

    fn holding(held: &ActionRow) -> Attributes {
        Attributes::from([
            (":holder".into(), text(&held.holder)),
            (":lease".into(), text(held.lease_until.to_string())),
        ])
    }

    /// The episode, the switches and, for a reply, the message it replies to: 1 call, consistent.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn action_context(&self, request: &ActionRequest) -> Result<ActionContext, StoreError> {
        let episode = Key::episode(&request.home, &request.episode);
        let (pause, mode) = (pause_key(), mode_key(&request.playbook, request.kind.destination()));
        let root = request.reply_to.as_ref().map(Key::action);
        let keys: Vec<_> = [Some(&episode), Some(&pause), Some(&mode), root.as_ref()].into_iter().flatten().collect();
        let mut found = self.get_many(&keys).await?;
        let mut take = |key: &Key| found.remove(&format!("{} {}", key.pk, key.sk));
        let pause = take(&pause).map(row::<PauseRow>).transpose()?;
        let mode = take(&mode).map(row::<ModeRow>).transpose()?;
        Ok(ActionContext {
            episode: take(&episode).map(row).transpose()?,
            control: Control { paused_at: pause.filter(|p| p.paused).map(|p| p.at), mode: mode.map(|m| m.mode) },
            root: root.as_ref().and_then(take).map(row).transpose()?,
        })
    }

    /// The records of these actions, those that exist: 1 call per hundred. For listings.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn actions(&self, ids: &[ActionId]) -> Result<HashMap<ActionId, ActionRow>, StoreError> {
        let keys: Vec<_> = ids.iter().map(Key::action).collect();
        let mut rows = HashMap::new();
        for found in self.get_many(&keys.iter().collect::<Vec<_>>()).await?.into_values() {
            let found: ActionRow = row(found)?;
            rows.insert(found.id.clone(), found);
        }
        Ok(rows)
    }

    /// Items by key, consistent, under `pk sk`: 1 call per hundred, more when the store leaves some out.
    pub(crate) async fn get_many(&self, keys: &[&Key]) -> Result<HashMap<String, Attributes>, StoreError> {
        const OPERATION: &str = "BatchGetItem";
        let mut items = HashMap::new();
        for some in keys.chunks(100) {
            let keys: Vec<_> = some.iter().map(|key| key.attributes()).collect();
            let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            let wanted = wanted.map_err(|e| StoreError::Unavailable { operation: OPERATION, reason: e.to_string() })?;
            let mut next = Some(HashMap::from([(self.tables.accounts.clone(), wanted)]));
            let mut rounds = 0;
            while let Some(request) = next.filter(|request| !request.is_empty()) {
                rounds += 1;
                if rounds > 5 {
                    return Err(StoreError::Unavailable {
                        operation: OPERATION,
                        reason: "keys left unprocessed".into(),
                    });
                }
                let answer = self.client.batch_get_item().set_request_items(Some(request)).send().await;
                let answer = answer.map_err(|e| StoreError::unavailable(OPERATION, &e))?;
                for found in answer.responses.unwrap_or_default().into_values().flatten() {
                    items.insert(name_of(&found), found);
                }
                next = answer.unprocessed_keys;
            }
        }
        debug_assert!(items.values().all(|found| text_of(found, "pk").is_some()));
        Ok(items)
    }
}
