//! What operators state: modes, pause, the clock. Every statement is a delivery in the journal, so a replay knows it.

use std::collections::BTreeSet;

use actions::slack::{NoticeTemplates, render_notice};
use config::secrets::DestinationSecrets;
use config::{Config, Modes, Playbook};
use jiff::SignedDuration;
use model::{
    ActionKind, Assessment, Band, BookLine, ConnectionName, Delivery, DeliveryId, Episode, Family, Mode, NoticeBody,
    OperatorStatement, PlaybookName, stable_hash,
};
use rules::desk::{in_starting_book, starting_books};
use sha2::{Digest as _, Sha256};
use store::ActionStatus;

use super::error::refused;
use super::owners::unowned;
use super::{Host, HostError, Operator};
use crate::api::{
    BookRow, ClockChange, ClockNow, FETCH, GoliveReport, GoliveRequest, ModeRow, OpenedRow, RescoreRequest, Sending,
    Unowned,
};

/// The destinations a playbook sends to.
pub(super) fn destinations(playbook: &Playbook, config: &Config) -> Vec<&'static str> {
    let mut all: Vec<_> = playbook.steps.iter().map(|step| step.action.kind().destination()).collect();
    // The way to a renewal has checkpoints for steps, and each of them is a message.
    all.extend(playbook.is_renewal().then_some(ActionKind::SlackAlert.destination()));
    // A task can be wanted by a button under any alert, where it may go further than the outbox.
    let tasks = ActionKind::CrmTask.destination();
    all.extend(
        (config.has(Family::Slack) && config.modes.most(&playbook.name, tasks) > Mode::Observe).then_some(tasks),
    );
    all.sort_unstable();
    all.dedup();
    all
}

/// The playbooks that accounts of a starting book can open, of those that go live.
#[derive(Debug, Clone, Copy)]
struct Led<'a> {
    red: Option<&'a Playbook>,
    renewing: Option<&'a Playbook>,
}

impl<'a> Led<'a> {
    fn of(self, line: &BookLine) -> Option<&'a Playbook> {
        if line.band == Band::Red { self.red } else { self.renewing }
    }
}

fn nobodys(unowned: &Unowned) -> HostError {
    let help = "`barometer owners` says what mends each; most often a [[person]] in team.toml, or an owner in the CRM. With \
                --accept-unowned what concerns these goes to the team's channel";
    refused(format!("{} is looked after by nobody whom team.toml knows: {}", unowned.share(), unowned.names()), help)
}

impl Operator {
    /// Lets messages out, as far as `modes.toml` allows. What was observed so far is not sent.
    ///
    /// # Errors
    /// When too much of the book is looked after by nobody and that was not accepted, when a named playbook or destination does
    /// not exist, or when the tables do not answer. Then nothing was let out.
    pub async fn golive(&self, request: &GoliveRequest) -> Result<GoliveReport, HostError> {
        let (_, set) = self.store.switches().await?;
        let mut modes = Vec::new();
        let mut chosen = Vec::new();
        for playbook in &self.config.playbooks {
            if request.playbook.as_ref().is_some_and(|name| *name != playbook.name) {
                continue;
            }
            for destination in destinations(playbook, &self.config) {
                if request.destination.as_deref().is_some_and(|name| name != destination) {
                    continue;
                }
                modes.push(self.mode_row(&playbook.name, destination, &set));
                chosen.push(playbook);
            }
        }
        modes.extend(self.write_back_row(request, &set));
        if modes.is_empty() {
            return Err(self.nothing_to_switch(request));
        }
        // Of several about risk, the one that a red account would have started.
        let led = Led {
            red: chosen.iter().find(|playbook| playbook.is_about_risk() && playbook.starts_at_red()).copied(),
            renewing: chosen.iter().find(|playbook| playbook.is_renewal()).copied(),
        };
        if request.open_top > 0 && led.red.is_none() && led.renewing.is_none() {
            return Err(self.nothing_to_open());
        }
        let dry_run = request.dry_run;
        let unowned = unowned(&self.store, &self.config).await?;
        if let Some(unowned) = unowned.as_ref().filter(|_| !dry_run && !request.accept_unowned) {
            return Err(nobodys(unowned));
        }
        for row in modes.iter().filter(|_| !dry_run) {
            let (playbook, destination) = (row.playbook.clone(), row.destination.clone());
            self.state_as_operator(&OperatorStatement::Mode { playbook, destination, mode: Mode::Live }).await?;
        }
        let (opened, left_alone) = self.open_worst(led, request).await?;
        let books = self.announce_books(&modes, dry_run).await?;
        let is_about_records = |row: &ModeRow| row.playbook == Modes::write_back();
        let records = if modes.iter().any(is_about_records) { self.write_records(dry_run).await? } else { 0 };
        Ok(GoliveReport { modes, opened, left_alone, books, dry_run, records, unowned })
    }

    /// The scores on records in the CRM, where they are configured and meant.
    fn write_back_row(&self, request: &GoliveRequest, set: &[(PlaybookName, String, Mode)]) -> Option<ModeRow> {
        let (name, destination) = (Modes::write_back(), ActionKind::CrmUpdate.destination());
        let is_meant = request.playbook.as_ref().is_none_or(|asked| *asked == name)
            && request.destination.as_deref().is_none_or(|asked| asked == destination);
        (is_meant && self.config.modes.writes_back()).then(|| self.mode_row(&name, destination, set))
    }

    /// Every record that does not show what was asked for last is written, where scores go out: what was observed, refused
    /// or held by a pause, and accounts that nothing was asked for yet. They are looked at, which is no news of theirs.
    async fn write_records(&self, dry_run: bool) -> Result<u32, HostError> {
        let (_, set) = self.store.switches().await?;
        let row = self.config.modes.writes_back().then(|| {
            let destination = ActionKind::CrmUpdate.destination();
            self.mode_row(&Modes::write_back(), destination, &set)
        });
        let reaches = |row: &ModeRow| if dry_run { row.to } else { row.from };
        if row.is_none_or(|row| reaches(&row) < Mode::Live || row.limited_by.is_some()) {
            return Ok(0);
        }
        let mut book = self.store.book().await?;
        book.retain(|account| account.account.hubspot_company().is_some());
        let asked = |account: &Assessment| Some(account.written_back.as_ref()?.action.clone());
        let actions = self.store.actions(&book.iter().filter_map(asked).collect::<Vec<_>>()).await?;
        let shows = |account: &Assessment| {
            let action = asked(account);
            // One without a record is on its way.
            let status = action.as_ref().map(|id| actions.get(id).map(|row| row.status));
            status.is_some_and(|status| status.is_none_or(|status| status == ActionStatus::Sent || !status.is_final()))
        };
        let accounts: Vec<_> = book.iter().filter(|account| !shows(account)).map(|a| a.account.clone()).collect();
        if dry_run {
            return Ok(u32::try_from(accounts.len()).unwrap_or(u32::MAX));
        }
        for some in accounts.chunks(RescoreRequest::MOST) {
            self.state_as_operator(&OperatorStatement::Rescore { accounts: some.to_vec() }).await?;
        }
        Ok(u32::try_from(accounts.len()).unwrap_or(u32::MAX))
    }

    /// How far something goes now, and how far it may.
    fn mode_row(&self, name: &PlaybookName, destination: &str, set: &[(PlaybookName, String, Mode)]) -> ModeRow {
        let held = set.iter().find(|(p, d, _)| p == name && d == destination);
        let most = self.config.modes.most(name, destination);
        let missing = self.missing(destination);
        let nothing = missing.map(|what| format!("no {what} for {destination} in {}", self.secrets_are_in));
        ModeRow {
            playbook: name.clone(),
            destination: destination.to_owned(),
            from: held.map_or(Mode::Observe, |(_, _, mode)| *mode).min(most),
            to: most,
            limited_by: if most < Mode::Live { Some("modes.toml".to_owned()) } else { nothing },
        }
    }

    /// Asks for the starting book of everybody who looks after an account, once for each mode: what is true on the first
    /// day is no news, and opens nothing.
    async fn announce_books(&self, modes: &[ModeRow], dry_run: bool) -> Result<Vec<BookRow>, HostError> {
        let slack = ActionKind::SlackAlert.destination();
        let reached = modes.iter().filter(|row| row.destination == slack).map(|row| row.to).max();
        let Some(mode) = reached.filter(|mode| *mode > Mode::Observe && self.missing(slack).is_none()) else {
            return Ok(vec![]);
        };
        let book = self.store.book().await?;
        let lines = book.iter().map(|account| (BookLine::from(account), account.card.owner.clone()));
        let notices = starting_books(lines, &self.config.team, mode, self.clock.now());
        let templates = NoticeTemplates::new(&self.config.templates)?;
        let announced: BTreeSet<_> = self.store.notices().await?.into_iter().map(|entry| entry.notice.id).collect();
        let mut rows = Vec::new();
        for notice in notices {
            let NoticeBody::StartingBook(book) = &notice.body else { continue };
            let (to, red, renewing) = (notice.to.clone(), book.red, book.renewing);
            let request = Some(render_notice(&templates, &notice)?.body());
            let row = BookRow { to: format!("{} ({})", to.address, to.reason), red, renewing, request };
            let is_first = match dry_run {
                true => !announced.contains(&notice.id),
                false => self.store.announce_first(&notice.requested()).await?,
            };
            rows.extend(is_first.then_some(row));
        }
        Ok(rows)
    }

    /// Without what nothing could be sent to a destination; `None` where it is there.
    fn missing(&self, destination: &str) -> Option<&'static str> {
        let secrets = (self.secrets)().unwrap_or_default();
        let held = secrets.destinations.get(destination);
        let is_there = |held: &DestinationSecrets| held.token.is_some() || held.webhook.is_some() || held.aws.is_some();
        // Mail is signed, which takes a key.
        let what = if destination == ActionKind::EmailNudge.destination() { "key" } else { "token" };
        (!held.is_some_and(is_there)).then_some(what)
    }

    fn nothing_to_switch(&self, request: &GoliveRequest) -> HostError {
        let known: Vec<_> = self
            .config
            .playbooks
            .iter()
            .map(|p| format!("{} → {}", p.name, destinations(p, &self.config).join(", ")))
            .collect();
        let playbook =
            request.playbook.as_ref().map_or_else(|| "any playbook".to_owned(), |p| format!("playbook `{p}`"));
        let destination = request.destination.as_deref().unwrap_or("any destination");
        HostError::NotFound {
            message: format!("{playbook} sends nothing to {destination}"),
            help: format!("there is {}", known.join("; ")),
        }
    }

    fn nothing_to_open(&self) -> HostError {
        let leads =
            |playbook: &&Playbook| (playbook.is_about_risk() && playbook.starts_at_red()) || playbook.is_renewal();
        let known: Vec<_> = self.config.playbooks.iter().filter(leads).map(|p| format!("`{}`", p.name)).collect();
        let help = if known.is_empty() {
            format!("leave out --open-top, or give a playbook that starts at red the family `{}`", Playbook::RISK)
        } else {
            format!("leave out --open-top, or let {} go live", known.join(" or "))
        };
        let what = "none of the playbooks that would go live is about red accounts or renewals, so none can be opened";
        refused(what.into(), &help)
    }

    /// Opens episodes for accounts of the starting book, in its order: what was so before anybody looked opens none by
    /// itself. A red one opens the playbook about risk, and one that only renews soon the way to its renewal.
    async fn open_worst(&self, led: Led<'_>, request: &GoliveRequest) -> Result<(Vec<OpenedRow>, u32), HostError> {
        let book: Vec<_> = self.store.book().await?.iter().map(BookLine::from).collect();
        let day = self.clock.now().date_in(&self.config.team.zone);
        let mut troubled = in_starting_book(&book, day);
        if !troubled.is_empty() {
            let forest = self.forest([]).await?;
            let open = self.store.episodes().await?.into_iter().filter(Episode::is_open);
            let busy: BTreeSet<_> = open.filter_map(|episode| forest.account(&episode.key.home)).collect();
            troubled.retain(|line| !busy.contains(&line.account));
        }
        let mut opened = Vec::new();
        let can_open = troubled.iter().filter_map(|line| Some((line, led.of(line)?)));
        for (line, playbook) in can_open.take(usize::try_from(request.open_top).unwrap_or(usize::MAX)) {
            let (playbook, account) = (playbook.name.clone(), line.account.clone());
            if !request.dry_run {
                let statement =
                    OperatorStatement::OpenPlay { playbook: playbook.clone(), account: account.clone(), by: None };
                self.state_as_operator(&statement).await?;
            }
            opened.push(OpenedRow { playbook, account, name: line.name.clone() });
        }
        let left_alone = u32::try_from(troubled.len() - opened.len()).unwrap_or(u32::MAX);
        Ok((opened, left_alone))
    }

    /// Stops every send within one claim, or lets sending go on.
    ///
    /// # Errors
    /// When the tables do not answer.
    pub async fn pause(&self, paused: bool) -> Result<Sending, HostError> {
        let statement = if paused { OperatorStatement::Pause } else { OperatorStatement::Resume };
        self.state_as_operator(&statement).await?;
        if !paused {
            self.write_records(false).await?;
        }
        let (paused_at, _) = self.store.switches().await?;
        let held = self.outbox().await?.iter().filter(|row| row.kind != FETCH && row.status == "held").count();
        Ok(Sending { paused_at, held: u32::try_from(held).unwrap_or(u32::MAX) })
    }

    /// Journals a statement and applies it at once; the stream applies it again, which changes nothing.
    pub(super) async fn state_as_operator(&self, statement: &OperatorStatement) -> Result<DeliveryId, HostError> {
        let body = serde_json::to_vec(statement).map_err(|e| HostError::Template(e.to_string()))?;
        let received_at = self.clock.receipt()?;
        let connection = ConnectionName::from_stored("operator");
        // No vendor id and no time in the body: two equal statements at two moments are two deliveries.
        let key = stable_hash(&[&received_at.to_string(), &String::from_utf8_lossy(&body)]);
        let delivery = Delivery {
            id: DeliveryId::new(&connection, &key),
            connection,
            family: Family::Operator,
            received_at,
            body_sha256: hex::encode(Sha256::digest(&body)),
            headers: Default::default(),
            body,
            same_key_as: None,
        };
        self.store.journal(&delivery).await?;
        self.normalize.apply_now(&delivery).await?;
        Ok(delivery.id)
    }
}

impl Host {
    /// Moves the clock forward, through every moment until then at which something is due.
    ///
    /// # Errors
    /// When it would run backwards.
    pub async fn set_clock(&self, change: ClockChange) -> Result<ClockNow, HostError> {
        let to = match change {
            ClockChange::Set(to) => self.clock.not_before_now(to)?,
            ClockChange::AdvanceMs(by) => self.clock.after(SignedDuration::from_millis(by))?,
        };
        self.pass_until(to).await?;
        Ok(self.clock_now())
    }
}
