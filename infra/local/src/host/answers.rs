//! What operators ask: listings and explanations, read from the tables.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Assessment, Authority as _, Band, ConnectionName, Fact, FactKey, Field, Mode, Moment, PlaybookName, SubjectId,
    Value,
};
use store::{ActionStatus, OutboxEntry, UnmatchedSubject};

use super::{Host, HostError};
use crate::api::{
    AccountRow, AlsoSaid, BandCounts, Candidate, ClockMode, ClockNow, ConnectionRow, Explanation, JournalRow, ModeRow,
    OutboxRow, QuarantineRow, Status, TimelineRow, UnmatchedRow,
};

impl Host {
    /// Every watched account, the worst first, then by name.
    ///
    /// # Errors
    /// When the tables do not answer.
    pub async fn accounts(&self) -> Result<Vec<AccountRow>, HostError> {
        let today = self.clock.now().date_in(&self.config.model.zone);
        let row = |assessment| AccountRow::from(assessment).counted_from(today);
        let mut rows: Vec<AccountRow> = self.store.book().await?.iter().map(row).collect();
        let order = |row: &AccountRow| (badness(row.band), row.score, row.name.clone(), row.id.clone());
        rows.sort_by_key(order);
        Ok(rows)
    }

    /// The one account that `text` names: its id, or its name or the beginning of it, in any case.
    ///
    /// # Errors
    /// When none or several do; the error lists what there is.
    pub async fn find(&self, text: &str) -> Result<Assessment, HostError> {
        find_in(self.store.book().await?, text)
    }

    /// Why an account's score is what it is, now or at a moment of the past.
    ///
    /// # Errors
    /// When there is no such account, or there was none then.
    pub async fn explain(&self, text: &str, at: Option<Moment>) -> Result<Explanation, HostError> {
        let Some(at) = at else { return self.explain_now(text).await };
        let scratch = self.scratch_until(at).await?;
        let then = scratch.host().explain_now(text).await;
        then.map_err(|error| match error {
            HostError::NotFound { message, help } => {
                HostError::NotFound { message: format!("{message} at {at}"), help }
            }
            other => other,
        })
    }

    async fn explain_now(&self, text: &str) -> Result<Explanation, HostError> {
        let assessment = self.find(text).await?;
        let partition = self.store.partition(&assessment.account).await?;
        let episodes: Vec<_> = partition.episodes.into_iter().map(|stored| stored.value).collect();
        Ok(Explanation::new(&assessment, &episodes, self.also_said(&partition.facts)))
    }

    /// Values that a source of less authority states otherwise.
    fn also_said(&self, facts: &[Fact]) -> Vec<AlsoSaid> {
        let mut rows = Vec::new();
        for fact in facts {
            let fields: BTreeSet<Field> = fact.all_registers().map(|(_, field, _)| field).collect();
            for field in fields {
                let mut said: Vec<_> = fact.all_registers().filter(|(_, f, _)| *f == field).collect();
                said.sort_by_key(|(connection, _, _)| self.config.rank(field, connection));
                let Some((shown, _, first)) = said.first().copied() else { continue };
                for (connection, _, register) in said.iter().skip(1).filter(|(_, _, r)| r.value != first.value) {
                    rows.push(AlsoSaid {
                        field: field.as_str().to_owned(),
                        connection: ConnectionName::clone(connection),
                        value: register.value.to_string(),
                        shown: shown.clone(),
                        occurred_at: register.stamp.occurred_at,
                        delivery: register.stamp.delivery.clone(),
                    });
                }
            }
        }
        rows
    }

    /// Every message that was asked for, newest first.
    ///
    /// # Errors
    /// When the tables do not answer.
    pub async fn outbox(&self) -> Result<Vec<OutboxRow>, HostError> {
        let now = self.clock.now();
        let mut entries = self.store.action_outbox().await?;
        entries.reverse();
        Ok(entries.into_iter().map(|entry| outbox_row(entry, now)).collect())
    }

    /// What happened to an account, oldest first.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn timeline(&self, text: &str) -> Result<Vec<TimelineRow>, HostError> {
        let account = self.find(text).await?.account;
        let mut rows: Vec<_> = self.store.timeline(&account).await?.into_iter().map(TimelineRow::from).collect();
        // What one moment brought reads as cause and effect.
        rows.sort_by_key(|row| (row.at, TOLD_IN_ORDER.iter().position(|kind| *kind == row.kind)));
        Ok(rows)
    }

    /// Every delivery in the journal's total order.
    ///
    /// # Errors
    /// When the tables do not answer.
    pub async fn journal(&self) -> Result<Vec<JournalRow>, HostError> {
        let quarantined: BTreeSet<_> = self.store.quarantined().await?.into_iter().map(|q| q.delivery).collect();
        let row = |delivery: model::Delivery| JournalRow {
            status: Some(if quarantined.contains(&delivery.id) { "quarantined" } else { "understood" }.to_owned()),
            bytes: delivery.body.len() as u64,
            id: delivery.id,
            connection: delivery.connection,
            received_at: delivery.received_at,
            sha256: delivery.body_sha256,
            same_key_as: delivery.same_key_as,
        };
        Ok(self.store.whole_journal().await?.into_iter().map(row).collect())
    }

    /// What was not understood, oldest first.
    ///
    /// # Errors
    /// When the tables do not answer.
    pub async fn quarantine(&self) -> Result<Vec<QuarantineRow>, HostError> {
        Ok(self.store.quarantined().await?.into_iter().map(QuarantineRow::from).collect())
    }

    /// Subjects without an account, oldest first, with the accounts they may belong to.
    ///
    /// # Errors
    /// When the tables do not answer.
    pub async fn unmatched(&self) -> Result<Vec<UnmatchedRow>, HostError> {
        let subjects = self.store.unmatched().await?;
        if subjects.is_empty() {
            return Ok(vec![]);
        }
        let mut accounts = Vec::new();
        for assessment in self.store.book().await? {
            let profile = self.store.fact(&assessment.account, &FactKey::Profile).await?.value;
            accounts.push((assessment, domain_of(&profile)));
        }
        let row = |subject: UnmatchedSubject| UnmatchedRow {
            candidates: candidates(&subject, &accounts),
            subject: subject.subject,
            kind: subject.kind.to_owned(),
            facts: u32::try_from(subject.facts).unwrap_or(u32::MAX),
            since: subject.since,
        };
        Ok(subjects.into_iter().map(row).collect())
    }

    /// The clock.
    pub fn clock_now(&self) -> ClockNow {
        let mode = match self.clock.mode() {
            crate::clock::ClockMode::Wall { .. } => ClockMode::Running,
            crate::clock::ClockMode::Frozen { .. } => ClockMode::Frozen,
        };
        ClockNow { now: self.clock.now(), mode }
    }

    /// The host at a glance.
    ///
    /// # Errors
    /// When the tables do not answer.
    pub async fn status(&self, address: std::net::SocketAddr) -> Result<Status, HostError> {
        let mut bands = BandCounts::default();
        for account in self.store.book().await? {
            *match account.band {
                Band::Green => &mut bands.green,
                Band::Yellow => &mut bands.yellow,
                Band::Red => &mut bands.red,
                Band::Unknown => &mut bands.unknown,
            } += 1;
        }
        let mut outbox = BTreeMap::new();
        for row in self.outbox().await? {
            *outbox.entry(row.status).or_default() += 1;
        }
        let (paused_at, modes) = self.store.switches().await?;
        let secrets = (self.secrets)().unwrap_or_default();
        let connection = |c: &config::Connection| ConnectionRow {
            accepts: c.enabled && secrets.connections.contains_key(&c.name),
            name: c.name.clone(),
            tool: c.tool.clone(),
            family: c.family,
            public_url: c.public_url.clone(),
        };
        Ok(Status {
            address,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            clock: self.clock_now(),
            model: self.config.model.version.to_string(),
            bands,
            deliveries: self.store.whole_journal().await?.len() as u64,
            quarantined: self.store.quarantined().await?.len() as u64,
            unmatched: self.store.unmatched().await?.len() as u64,
            outbox,
            paused_at,
            modes: self.mode_rows(&modes),
            connections: self.config.connections.iter().map(connection).collect(),
        })
    }

    fn mode_rows(&self, modes: &[(PlaybookName, String, Mode)]) -> Vec<ModeRow> {
        let mut rows = Vec::new();
        for playbook in &self.config.playbooks {
            for destination in super::operate::destinations(playbook) {
                let set = modes.iter().find(|(p, d, _)| *p == playbook.name && d == destination);
                let asked = set.map_or(Mode::Observe, |(_, _, mode)| *mode);
                let most = self.config.modes.most(&playbook.name, destination);
                rows.push(ModeRow {
                    playbook: playbook.name.clone(),
                    destination: destination.to_owned(),
                    from: asked.min(most),
                    to: asked.min(most),
                    limited_by: (asked > most).then(|| "modes.toml".to_owned()),
                });
            }
        }
        rows
    }
}

/// The kinds of row that one moment can bring, in the order in which they follow from each other; others come first.
const TOLD_IN_ORDER: [&str; 7] =
    ["watched", "unwatched", "band_changed", "risk_opened", "risk_resolved", "requested", "slack_alert"];

fn badness(band: Band) -> u8 {
    match band {
        Band::Red => 0,
        Band::Yellow => 1,
        Band::Unknown => 2,
        Band::Green => 3,
    }
}

/// The one of these accounts that `text` names.
pub(super) fn find_in(book: Vec<Assessment>, text: &str) -> Result<Assessment, HostError> {
    let wanted = text.to_lowercase();
    let name = |a: &Assessment| a.card.name.to_lowercase();
    let matches: [&dyn Fn(&Assessment) -> bool; 3] =
        [&|a| a.account.as_str() == text, &|a| name(a) == wanted, &|a| name(a).starts_with(&wanted)];
    for is_meant in matches {
        let mut found = book.iter().filter(|a| is_meant(a));
        match (found.next(), found.next()) {
            (None, _) => {}
            (Some(one), None) => return Ok(one.clone()),
            (Some(_), Some(_)) => {
                let all = book.iter().filter(|a| is_meant(a)).map(|a| format!("{} ({})", a.card.name, a.account));
                return Err(HostError::NotFound {
                    message: format!("`{text}` names more than one account"),
                    help: format!("say which: {}", all.collect::<Vec<_>>().join(", ")),
                });
            }
        }
    }
    let some: Vec<_> = book.iter().take(10).map(|a| a.card.name.clone()).collect();
    let help = if some.is_empty() {
        "no account is watched yet; `barometer simulate book` sends some, `barometer quarantine` shows what was not \
         understood"
            .to_owned()
    } else {
        format!("there are {}{}", some.join(", "), if book.len() > some.len() { ", …" } else { "" })
    };
    Err(HostError::NotFound { message: format!("no account is called `{text}`"), help })
}

fn outbox_row(entry: OutboxEntry, now: Moment) -> OutboxRow {
    let OutboxEntry { request, account, requested_at, action } = entry;
    let status = match &action {
        None => "pending",
        Some(row) if row.status == ActionStatus::Held && row.lease_until.plus(HELD_FOR) < now => "expired",
        Some(row) => row.status.as_str(),
    };
    OutboxRow {
        kind: request.kind.as_str().to_owned(),
        mode: action.as_ref().and_then(|row| row.mode).unwrap_or(Mode::Observe),
        account_name: request.alert.name.clone(),
        account,
        playbook: request.playbook,
        episode: request.episode,
        step: request.step,
        to: format!("{} ({})", request.to.address, request.to.reason),
        status: status.to_owned(),
        attempts: action.as_ref().map_or(0, |row| row.attempts),
        reason: action.as_ref().and_then(|row| row.reason.clone()),
        request: action.as_ref().and_then(|row| serde_json::from_str(row.rendered.as_deref()?).ok()),
        vendor_ref: action.and_then(|row| row.vendor_ref),
        id: request.id,
        requested_at,
    }
}

/// What a pause held back is shown for a day; nothing is ever sent late in a burst.
const HELD_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

fn domain_of(profile: &Fact) -> Option<String> {
    profile.all_registers().find_map(|(_, field, register)| match &register.value {
        Value::Text(domain) if field == Field::Domain => Some(domain.clone()),
        _ => None,
    })
}

fn candidates(subject: &UnmatchedSubject, accounts: &[(Assessment, Option<String>)]) -> Vec<Candidate> {
    let company = subject.names_company.as_ref().map(|id| {
        let tool = subject.subject.as_str().split(':').next().unwrap_or_default();
        SubjectId::vendor(tool, "company", id)
    });
    let domain = subject.email.as_ref().and_then(|email| email.split_once('@')).map(|(_, domain)| domain.to_owned());
    let why = |(assessment, of_account): &(Assessment, Option<String>)| {
        if company.as_ref() == Some(&assessment.account) {
            Some("the CRM says that it belongs to this company".to_owned())
        } else if domain.is_some() && domain == *of_account {
            Some(format!("the email address is of {}", domain.clone().unwrap_or_default()))
        } else {
            None
        }
    };
    accounts
        .iter()
        .filter_map(|one| {
            Some(Candidate { account: one.0.account.clone(), name: one.0.card.name.clone(), why: why(one)? })
        })
        .collect()
}
