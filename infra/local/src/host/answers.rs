//! What operators ask: listings and explanations, read from the tables.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use config::Modes;
use model::{
    AccountCard, ActionKind, Assessment, Band, ConnectionName, FetchRequest, Field, Mode, Moment, Placed, PlaybookName,
    Register, RollUp, SubjectId, Up, Value, View,
};
use store::{ActionRow, ActionStatus, FetchEntry, NoticeEntry, OutboxEntry};

use super::forest::Forest;
use super::link::as_subject;
use super::operate::destinations;
use super::{Host, HostError, Operator};
use crate::api::{
    AccountRow, AlsoSaid, BandCounts, ClockMode, ClockNow, ConnectionRow, ContractRow, Explanation, FETCH, JournalRow,
    MemberRow, ModeRow, NOTICE, OutboxRow, QuarantineRow, Status, TimelineRow,
};

impl Operator {
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

    /// The one account that `text` names: its id, its name or the beginning of it in any case, or anything that
    /// belongs to it.
    ///
    /// # Errors
    /// When none or several do; the error lists what there is.
    pub async fn find(&self, text: &str) -> Result<Assessment, HostError> {
        let book = self.store.book().await?;
        let error = match find_in(&book, text) {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        // An id that is no account, an address or a domain stands for the account it belongs to.
        let Some(subject) = as_subject(text) else { return Err(error) };
        let account = self.forest([subject.clone()]).await?.account(&subject);
        book.into_iter().find(|found| Some(&found.account) == account.as_ref()).ok_or(error)
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
        let forest = self.forest([]).await?;
        let steps = forest.members(&assessment.account);
        let mut members: Vec<_> = steps.iter().map(|(subject, steps)| member(&forest, subject, *steps)).collect();
        members.sort_by(|a, b| (a.steps, &a.subject).cmp(&(b.steps, &b.subject)));
        // Episodes stay where they were opened: an account's are those of its members.
        let mut episodes = self.store.episodes().await?;
        episodes.retain(|episode| steps.contains_key(&episode.key.home));
        let facts = placed(&forest, &steps);
        let mut also_said = self.also_said(&facts);
        let counted = also_counted(&assessment, &facts, &also_said);
        also_said.extend(counted);
        let contract = self.contract(&assessment, &forest).await?;
        let outdated = self.outdated(&assessment);
        let mut told = Explanation::new(&assessment, &episodes, also_said, members);
        for id in told.episodes.iter_mut().filter_map(|episode| episode.claimed_by.as_mut()) {
            let person = self.config.team.people.iter().find(|person| person.slack.as_ref() == Some(id));
            *id = person.map_or(id.clone(), |person| person.name.clone());
        }
        Ok(Explanation { contract, outdated, ..told })
    }

    /// The contract of the nearest company above an account that has none of its own.
    async fn contract(&self, account: &Assessment, forest: &Forest) -> Result<Option<ContractRow>, HostError> {
        let mut at = account.clone();
        for _ in 0..RollUp::MOST_LEVELS {
            if at.card.has_contract() {
                let AccountCard { name, arr, renews_on, .. } = at.card;
                let holder = at.account;
                let is_above = holder != account.account;
                return Ok(is_above.then_some(ContractRow { holder, name, arr, renews_on }));
            }
            let above = at.card.parent.as_ref().and_then(|parent| forest.account(parent));
            let Some(above) = above else { return Ok(None) };
            let Some(next) = self.store.assessed(&above).await?.assessment else { return Ok(None) };
            at = next;
        }
        Ok(None)
    }

    /// Values that a source of less authority, or a member further from the account, states otherwise.
    fn also_said(&self, facts: &[Placed]) -> Vec<AlsoSaid> {
        let view = View::new(facts, self.config.as_ref());
        // What is kept with claims is about things of which an account has many: none speaks for another.
        let of_the_account = facts.iter().filter(|placed| !placed.fact.key.is_kept_with_claims());
        let stated = of_the_account
            .flat_map(|placed| placed.fact.all_registers().map(|(_, field, _)| (placed.fact.key.clone(), field)));
        let mut rows = Vec::new();
        for (key, field) in stated.collect::<BTreeSet<_>>() {
            let said = view.said(&key, field);
            let Some((shown, _, first)) = said.first().copied() else { continue };
            let others = said.iter().skip(1).filter(|(_, _, r)| r.value != first.value && r.value != Value::Cleared);
            rows.extend(others.map(|(connection, subject, it)| also_said(field, connection, subject, it, shown)));
        }
        rows
    }

    /// Every message that was asked for, newest first; then every object that was asked for and has not come yet.
    ///
    /// # Errors
    /// When the tables do not answer.
    pub async fn outbox(&self) -> Result<Vec<OutboxRow>, HostError> {
        let now = self.clock.now();
        let entries = self.store.action_outbox().await?.into_iter().map(|entry| outbox_row(entry, now));
        let notices = self.store.notices().await?.into_iter().map(|entry| notice_row(entry, now));
        let mut rows: Vec<OutboxRow> = entries.chain(notices).collect();
        rows.reverse();
        // What one moment brought by several playbooks is told by the most pressing one first.
        let pressing = |row: &OutboxRow| self.config.playbook(row.playbook.as_ref()?).map(|playbook| playbook.priority);
        rows.sort_by_key(|row| (Reverse(row.requested_at), Reverse(pressing(row))));
        let mut fetches = self.store.fetches().await?;
        fetches.reverse();
        let is_done = |entry: &FetchEntry| entry.action.as_ref().is_some_and(|row| row.status == ActionStatus::Done);
        let fetches = fetches.into_iter().filter(|entry| !is_done(entry)).map(fetch_row);
        Ok(rows.into_iter().chain(fetches).collect())
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
            status: Some(became(&delivery, &quarantined).to_owned()),
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
        let mut rows = self.whole_quarantine().await?;
        rows.retain(|row| row.mended_at.is_none());
        Ok(rows)
    }

    /// As [`Self::quarantine`], and what was understood since.
    ///
    /// # Errors
    /// When the tables do not answer.
    pub async fn whole_quarantine(&self) -> Result<Vec<QuarantineRow>, HostError> {
        Ok(self.store.whole_quarantine().await?.into_iter().map(QuarantineRow::from).collect())
    }

    /// The clock.
    pub fn clock_now(&self) -> ClockNow {
        let mode = match self.clock.mode() {
            crate::clock::ClockMode::Wall { .. } => ClockMode::Running,
            crate::clock::ClockMode::Frozen { .. } => ClockMode::Frozen,
        };
        ClockNow { now: self.clock.now(), mode }
    }

    fn mode_rows(&self, modes: &[(PlaybookName, String, Mode)]) -> Vec<ModeRow> {
        let mut rows = Vec::new();
        let all =
            self.config.playbooks.iter().map(|playbook| (playbook.name.clone(), destinations(playbook, self.config())));
        let write_back = (Modes::write_back(), vec![ActionKind::CrmUpdate.destination()]);
        for (playbook, destinations) in all.chain(self.config.modes.writes_back().then_some(write_back)) {
            for destination in destinations {
                let set = modes.iter().find(|(p, d, _)| *p == playbook && d == destination);
                let asked = set.map_or(Mode::Observe, |(_, _, mode)| *mode);
                let most = self.config.modes.most(&playbook, destination);
                rows.push(ModeRow {
                    playbook: playbook.clone(),
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

impl Host {
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
        let journal = self.store.whole_journal().await?;
        let secrets = (self.secrets)().unwrap_or_default();
        let connection = |c: &config::Connection| ConnectionRow::of(c, secrets.connections.contains_key(&c.name));
        Ok(Status {
            address,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            clock: self.clock_now(),
            model: self.config.model.version.to_string(),
            bands,
            deliveries: journal.iter().filter(|delivery| !connectors::self_test::is(&delivery.body)).count() as u64,
            quarantined: self.store.quarantined().await?.len() as u64,
            unmatched: self.unmatched().await?.len() as u64,
            erasures_pending: self.pending_erasures(&self.forest([]).await?).await?.len() as u64,
            outbox,
            paused_at,
            modes: self.mode_rows(&modes),
            connections: self.config.connections.iter().map(connection).collect(),
        })
    }
}

/// The kinds of row that one moment can bring, in the order in which they follow from each other; others come first.
const TOLD_IN_ORDER: [&str; 11] = [
    "rescored",
    "watched",
    "unwatched",
    "band_changed",
    "risk_opened",
    "risk_resolved",
    "requested",
    "slack_alert",
    "crm_task",
    "email_nudge",
    "crm_update",
];

fn badness(band: Band) -> u8 {
    match band {
        Band::Red => 0,
        Band::Yellow => 1,
        Band::Unknown => 2,
        Band::Green => 3,
    }
}

/// The one of these accounts that `text` names.
pub(super) fn find_in(book: &[Assessment], text: &str) -> Result<Assessment, HostError> {
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
    let status = status_of(action.as_ref(), now);
    OutboxRow {
        kind: request.kind.as_str().to_owned(),
        mode: action.as_ref().and_then(|row| row.mode).unwrap_or(Mode::Observe),
        account_name: request.alert.name.clone(),
        account,
        playbook: Some(request.playbook),
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

/// Where a message stands.
fn became(delivery: &model::Delivery, quarantined: &BTreeSet<model::DeliveryId>) -> &'static str {
    match (quarantined.contains(&delivery.id), connectors::self_test::is(&delivery.body)) {
        (true, _) => "quarantined",
        (false, true) => "self-test",
        (false, false) => "understood",
    }
}

fn status_of(action: Option<&ActionRow>, now: Moment) -> &'static str {
    match action {
        None => "pending",
        Some(row) if row.status == ActionStatus::Held && row.lease_until.plus(HELD_FOR) < now => "expired",
        Some(row) => row.status.as_str(),
    }
}

fn notice_row(entry: NoticeEntry, now: Moment) -> OutboxRow {
    let NoticeEntry { notice, action } = entry;
    let status = status_of(action.as_ref(), now);
    let reader = notice.to.email.as_ref().unwrap_or(&notice.to.address).clone();
    OutboxRow {
        kind: NOTICE.to_owned(),
        mode: action.as_ref().and_then(|row| row.mode).unwrap_or(notice.mode),
        account: SubjectId::from_stored(format!("reader:{}", notice.to.address)),
        account_name: reader,
        playbook: None,
        episode: String::new(),
        step: notice.body.as_str().to_owned(),
        to: format!("{} ({})", notice.to.address, notice.to.reason),
        status: status.to_owned(),
        attempts: action.as_ref().map_or(0, |row| row.attempts),
        reason: action.as_ref().and_then(|row| row.reason.clone()),
        request: action.as_ref().and_then(|row| serde_json::from_str(row.rendered.as_deref()?).ok()),
        vendor_ref: action.and_then(|row| row.vendor_ref),
        requested_at: notice.as_of,
        id: notice.id,
    }
}

fn fetch_row(entry: FetchEntry) -> OutboxRow {
    let FetchEntry { request, requested_at, action, .. } = entry;
    let FetchRequest { id, connection, object, version } = request;
    OutboxRow {
        id,
        kind: FETCH.to_owned(),
        // It reads and tells nobody anything: no mode holds it back.
        mode: Mode::Live,
        account: SubjectId::from_stored(format!("connection:{connection}")),
        account_name: connection.to_string(),
        playbook: None,
        episode: String::new(),
        step: "fetch".to_owned(),
        to: connection.to_string(),
        status: action.as_ref().map_or("pending", |row| row.status.as_str()).to_owned(),
        attempts: action.as_ref().map_or(0, |row| row.attempts),
        reason: action.as_ref().and_then(|row| row.reason.clone()),
        request: Some(serde_json::json!({ "object": object, "version": version })),
        vendor_ref: action.and_then(|row| row.vendor_ref),
        requested_at,
    }
}

/// What a pause held back is shown for a day; nothing is ever sent late in a burst.
const HELD_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

fn also_said(
    field: Field,
    connection: &ConnectionName,
    subject: &SubjectId,
    register: &Register,
    shown: &ConnectionName,
) -> AlsoSaid {
    AlsoSaid {
        field: field.as_str().to_owned(),
        connection: connection.clone(),
        subject: subject.clone(),
        value: register.value.to_string(),
        shown: shown.clone(),
        occurred_at: register.stamp.occurred_at,
        delivery: register.stamp.delivery.clone(),
        path: register.path.clone(),
        raw: register.raw.clone(),
    }
}

/// What was weighed against what counts without being the same field of the same fact, such as the date of a renewal
/// deal against the company's own; without what is in `known`.
fn also_counted(assessment: &Assessment, facts: &[Placed], known: &[AlsoSaid]) -> Vec<AlsoSaid> {
    let mut rows: Vec<AlsoSaid> = Vec::new();
    for contribution in &assessment.contributions {
        let Some(evidence) = &contribution.evidence else { continue };
        let Some((shown, _)) = evidence.stamp.delivery.as_str().split_once(':') else { continue };
        for said in &contribution.also_said {
            let of = facts.iter().filter(|placed| placed.fact.subject == said.subject);
            let mut registers = of.flat_map(|placed| placed.fact.all_registers());
            let it = registers.find(|(connection, field, register)| {
                **connection == said.connection && field.as_str() == said.field && register.path == said.path
            });
            let is_same = |row: &AlsoSaid| {
                (&row.subject, &row.connection, &row.field) == (&said.subject, &said.connection, &said.field)
            };
            if let Some((connection, field, register)) = it
                && !known.iter().chain(&rows).any(is_same)
            {
                let shown = ConnectionName::from_stored(shown);
                rows.push(also_said(field, connection, &said.subject, register, &shown));
            }
        }
    }
    rows
}

fn member(forest: &Forest, subject: &SubjectId, steps: u32) -> MemberRow {
    MemberRow {
        subject: subject.clone(),
        steps,
        gone: forest.up(subject).is_some_and(Up::is_gone),
        facts: forest.known(subject).map_or(0, |known| u32::try_from(known.facts.len()).unwrap_or(u32::MAX)),
        by: if steps == 0 { vec![] } else { forest.claims(subject) },
    }
}

/// The facts of members as `health` judges them.
pub(super) fn placed(forest: &Forest, members: &BTreeMap<SubjectId, u32>) -> Vec<Placed> {
    let of = |(subject, steps): (&SubjectId, &u32)| {
        let gone = forest.up(subject).is_some_and(Up::is_gone);
        let (steps, facts) = (*steps, forest.known(subject).map(|known| known.facts.clone()).unwrap_or_default());
        facts.into_iter().map(move |fact| Placed { steps, gone, fact })
    };
    members.iter().flat_map(of).collect()
}
