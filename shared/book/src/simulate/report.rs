//! What a run of the book came to.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use config::{Config, Trigger};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _};
use model::{
    ActionId, ActionKind, ActionRequest, AlertKind, Assessment, Band, Event, EventBody, Moment, PlaybookName,
    Recipient, SubjectId,
};
use rules::Decision;

use super::desk::{News, Placement};
use crate::Book;
use crate::planted::Planted;
use crate::told::{START, at};

/// A message that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// When.
    pub at: Moment,
    /// Its id.
    pub id: ActionId,
    /// The account it is about.
    pub account: SubjectId,
    /// The playbook that asks.
    pub playbook: PlaybookName,
    /// The episode's row.
    pub episode: String,
    /// Which of the episode's messages it is.
    pub kind: AlertKind,
    /// Whom it is for: an email address, else where it goes.
    pub to: String,
    /// No budget holds it back.
    pub exempt: bool,
    /// How it reaches them.
    pub placed: Placement,
    /// When they read it; `None` where they did not.
    pub read_at: Option<Moment>,
}

/// One run of a playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The playbook.
    pub playbook: PlaybookName,
    /// The account.
    pub account: SubjectId,
    /// The episode's row.
    pub episode: String,
    /// When it opened.
    pub opened_at: Moment,
    /// When it closed; `None` while it runs.
    pub closed_at: Option<Moment>,
}

/// How many accounts are in each band at the end of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bands(pub BTreeMap<Band, usize>);

impl Bands {
    /// The share of a band in percent, rounded down; 0 without accounts.
    pub fn percent(&self, band: Band) -> usize {
        let all: usize = self.0.values().sum();
        (100 * self.0.get(&band).copied().unwrap_or(0)).checked_div(all).unwrap_or(0)
    }
}

/// What due moments came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// How many came.
    pub moments: usize,
    /// At how many of them something changed.
    pub changed: usize,
    /// At how many of the others a source was silent: accounts are then looked at again every few days, because nobody
    /// tells of each of them when it is back.
    pub waiting: usize,
    /// The rest, at which nothing changed.
    pub idle: Vec<(Moment, SubjectId)>,
    /// How many were named again although they had passed; always 0 unless something is wrong.
    pub repeated: usize,
}

/// What became of a planted churn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Churn {
    /// The customer who leaves.
    pub planted: Planted,
    /// The day of the first alert since something shows, and how many days before the notice that is.
    pub alerted: Option<(Date, i64)>,
    /// Why nobody was alerted in time; `None` where somebody was.
    pub miss: Option<String>,
}

impl Churn {
    /// Alerts that come later are too late to do anything.
    pub const IN_TIME_DAYS: i64 = 60;
    /// A run that opened so many days before the first sign has somebody on it when that shows.
    pub const RECENT_DAYS: i64 = 30;
}

/// What a run of the book came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Every message that was asked for, in order of time.
    pub messages: Vec<Message>,
    /// Every run of a playbook, in the order of opening.
    pub runs: Vec<Run>,
    /// The bands at the end of each day.
    pub bands: Vec<Bands>,
    /// What became of those who left.
    pub churns: Vec<Churn>,
    /// What due moments came to.
    pub due: Due,
    /// Looks at accounts.
    pub decisions: usize,
    /// How often an account went from one band to another.
    pub crossings: BTreeMap<(Band, Band), usize>,
    /// Days times accounts that were assessed.
    pub account_days: usize,
    /// By health model and cap, such as `customer-health-index/unpaid`: on how many of them it held.
    pub capped: BTreeMap<String, usize>,
    /// By health model and measure: on how many of them it had a value.
    pub counted: BTreeMap<String, usize>,
    /// The digests that were sent, by reader.
    pub digests: BTreeMap<String, Vec<Moment>>,
    /// When many accounts that turned at once were told in one message, and by which playbook.
    pub bursts: Vec<(Moment, PlaybookName)>,
    /// Checkpoints of renewals that were reached, in order of time.
    pub checkpoints: Vec<Checkpoint>,
    /// Assessments at the end of a day whose points and caps do not come to their score.
    pub unbalanced: Vec<(SubjectId, Moment)>,
}

/// A step on the way to a renewal that was told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Checkpoint {
    /// The account.
    pub account: SubjectId,
    /// The day its term ends.
    pub due_on: Date,
    /// Which: days before the deadline such as `90`, or how the way ends.
    pub step: String,
    /// When it was told.
    pub at: Moment,
}

impl Checkpoint {
    /// A step that comes again so soon is told twice.
    pub const APART_DAYS: i64 = 30;
}

impl Report {
    /// Notes how accounts stand at the end of a day.
    pub(super) fn end_of_day<'a>(&mut self, accounts: impl Iterator<Item = &'a Assessment>) {
        let mut bands = BTreeMap::new();
        for assessment in accounts {
            *bands.entry(assessment.band).or_insert(0) += 1;
            self.account_days += 1;
            if !is_balanced(assessment) {
                self.unbalanced.push((assessment.account.clone(), assessment.as_of));
            }
            for cap in &assessment.caps {
                *self.capped.entry(format!("{}/{}", assessment.model.name, cap.name)).or_insert(0) += 1;
            }
            for row in assessment.contributions.iter().filter(|row| row.value.is_some()) {
                *self.counted.entry(format!("{}/{}", assessment.model.name, row.measure)).or_insert(0) += 1;
            }
        }
        self.bands.push(Bands(bands));
    }

    /// Notes what one look came to.
    pub(super) fn add(&mut self, before: Option<&Assessment>, decision: &Decision) {
        self.decisions += 1;
        if let (Some(before), Some(now)) = (before, &decision.assessment)
            && before.band != now.band
        {
            *self.crossings.entry((before.band, now.band)).or_insert(0) += 1;
        }
        for event in &decision.events {
            self.note(event);
        }
    }

    fn note(&mut self, event: &Event) {
        match &event.body {
            EventBody::RiskOpened { playbook, episode, .. } | EventBody::PlayStarted { playbook, episode, .. } => {
                self.open(event, playbook, episode);
            }
            EventBody::RiskResolved { episode, .. } | EventBody::PlayEnded { episode, .. } => {
                let mut runs = self.runs.iter_mut().rev();
                if let Some(run) = runs.find(|run| run.account == event.account && run.episode == *episode) {
                    run.closed_at = Some(event.as_of);
                }
            }
            EventBody::CheckpointReached { step, due_on, .. } => self.checkpoints.push(Checkpoint {
                account: event.account.clone(),
                due_on: *due_on,
                step: step.clone(),
                at: event.as_of,
            }),
            EventBody::ActionRequested(request) => match request.kind {
                ActionKind::SlackAlert => self.messages.push(message(event, request)),
                // A task lies in a list, a score stands on a record; neither interrupts anybody.
                ActionKind::CrmTask | ActionKind::CrmUpdate | ActionKind::EmailNudge => {}
            },
            EventBody::Watched { .. }
            | EventBody::Unwatched { .. }
            | EventBody::BandChanged { .. }
            | EventBody::NoticeRequested(_)
            | EventBody::ActionCompleted(_)
            | EventBody::ActionFailed(_)
            | EventBody::DeliveryQuarantined { .. }
            | EventBody::SourceSilent { .. }
            | EventBody::FetchRequested(_) => {}
        }
    }

    fn open(&mut self, event: &Event, playbook: &PlaybookName, episode: &str) {
        self.runs.push(Run {
            playbook: playbook.clone(),
            account: event.account.clone(),
            episode: episode.to_owned(),
            opened_at: event.as_of,
            closed_at: None,
        });
    }

    /// Notes what became of messages at a moment.
    pub(super) fn hear(&mut self, at: Moment, news: News) {
        let mut change = |id: &ActionId, change: &dyn Fn(&mut Message)| {
            // What is placed was mostly asked for lately.
            self.messages.iter_mut().rev().find(|message| message.id == *id).into_iter().for_each(change);
        };
        match news {
            News::Placed(id, placed) => change(&id, &|message| message.placed = placed),
            News::Read(id) => change(&id, &|message| message.read_at = Some(at)),
            News::Digest(to) => self.digests.entry(reader(&to)).or_default().push(at),
            News::Burst(playbook) => self.bursts.push((at, playbook)),
        }
    }

    /// Compares what was alerted with who left within so many days of the book.
    pub(super) fn judge(&mut self, config: &Config, book: &Book, days: usize) {
        let end = START.saturating_add(i64::try_from(days).unwrap_or(i64::MAX).days());
        let planted = book.planted().iter().filter(|planted| planted.notice_on < end);
        self.churns = planted.map(|planted| self.churn(config, planted)).collect();
    }

    fn churn(&self, config: &Config, planted: &Planted) -> Churn {
        let from = planted.signs.first().map_or(START, |(_, from)| *from);
        let on = self.first_alarm(planted, from, |playbook| warns(config, playbook));
        let alerted = on.map(|on| (on, on.duration_until(planted.notice_on).as_hours() / 24));
        let miss = match (planted.unseen, alerted) {
            (_, Some((_, before))) if before >= Churn::IN_TIME_DAYS => None,
            (Some(why), _) => Some(why.to_owned()),
            (None, Some((_, before))) => Some(format!("the first alert came {before} days before the notice")),
            (None, None) => Some("no rule saw its signs".to_owned()),
        };
        Churn { planted: planted.clone(), alerted, miss }
    }

    /// The first day since the first sign on which somebody is told that something is wrong, or is at it since shortly before.
    fn first_alarm(&self, planted: &Planted, from: Date, warns: impl Fn(&PlaybookName) -> bool) -> Option<Date> {
        let day = |at: Moment| at.date_in(&TimeZone::UTC);
        let is_about = |account: &SubjectId, playbook: &PlaybookName| *account == planted.account && warns(playbook);
        let told = self.messages.iter().filter(|m| is_about(&m.account, &m.playbook) && alarms(m));
        let told = told.filter_map(|message| message.read_at).map(day).filter(|on| *on >= from);
        // What was said long before is an old story, whether its run is still open or not.
        let recent = from.saturating_sub(Churn::RECENT_DAYS.days());
        let runs = self.runs.iter().filter(|run| is_about(&run.account, &run.playbook));
        let runs = runs.filter(|run| day(run.opened_at) >= recent && run.closed_at.is_none_or(|at| day(at) >= from));
        let all = told.chain(runs.map(|run| day(run.opened_at).max(from)));
        all.filter(|on| *on <= planted.notice_on).min()
    }

    /// Messages that a reader read, per week of the book, and that were placed so; weeks without one included.
    pub fn per_week(&self, to: &str, placed: Placement) -> Vec<usize> {
        let mut weeks = vec![0; self.bands.len().div_ceil(7)];
        let start = at(0, 0);
        let is_it = |message: &&Message| message.to == to && message.placed == placed;
        for read_at in self.messages.iter().filter(is_it).filter_map(|message| message.read_at) {
            let week = read_at.since(start).as_hours() / (7 * 24);
            if let Some(count) = usize::try_from(week).ok().and_then(|week| weeks.get_mut(week)) {
                *count += 1;
            }
        }
        weeks
    }

    /// Messages of which nothing has become so many days before the book's end: they were neither read nor over, and no
    /// other said the same.
    pub fn left_lying(&self, days: i64) -> Vec<&Message> {
        let end = at(i64::try_from(self.bands.len()).unwrap_or(i64::MAX) - days, 0);
        let is_left = |message: &&Message| match message.placed {
            Placement::Waiting | Placement::Immediate | Placement::Reply | Placement::Digest => {
                message.read_at.is_none() && message.at < end
            }
            Placement::Merged | Placement::Over => false,
        };
        self.messages.iter().filter(is_left).collect()
    }

    /// Messages that were asked for twice, or that open a run of a playbook on an account while another about the same runs,
    /// or before its cooldown is over.
    pub fn duplicates(&self, config: &Config) -> Vec<&Message> {
        let mut ids = BTreeSet::new();
        let cooldown = |name: &PlaybookName| config.playbook(name).map_or(SignedDuration::ZERO, |found| found.cooldown);
        let is_double = |message: &&Message| {
            let is_repeated = !ids.insert(message.id.clone());
            is_repeated || self.is_too_soon(message, cooldown(&message.playbook))
        };
        self.messages.iter().filter(is_double).collect()
    }

    /// It opens a run while another about the same is open, or closed a shorter time ago than the cooldown.
    fn is_too_soon(&self, message: &Message, cooldown: SignedDuration) -> bool {
        let is_same = |run: &&Run| {
            run.account == message.account
                && run.opened_at < message.at
                && about(&run.episode).eq(about(&message.episode))
        };
        let is_close = |run: &Run| run.closed_at.is_none_or(|closed_at| message.at < closed_at.plus(cooldown));
        message.kind == AlertKind::Opened && self.runs.iter().filter(is_same).any(is_close)
    }

    /// Steps of renewals that were told of an account within so many days of the same step.
    pub fn repeated_steps(&self) -> Vec<&Checkpoint> {
        let mut last: BTreeMap<(SubjectId, String), Moment> = BTreeMap::new();
        let is_repeated = |step: &&Checkpoint| {
            let before = last.insert((step.account.clone(), step.step.clone()), step.at);
            before.is_some_and(|before| step.at.since(before).as_hours() < 24 * Checkpoint::APART_DAYS)
        };
        self.checkpoints.iter().filter(is_repeated).collect()
    }

    /// The accounts on which a playbook ran, each with how often.
    pub fn fired(&self, playbook: &str) -> BTreeMap<&SubjectId, usize> {
        let mut fired = BTreeMap::new();
        for run in self.runs.iter().filter(|run| run.playbook.as_str() == playbook) {
            *fired.entry(&run.account).or_insert(0) += 1;
        }
        fired
    }
}

/// It says that something is wrong, or still is.
fn alarms(message: &Message) -> bool {
    match message.kind {
        AlertKind::Opened | AlertKind::Step | AlertKind::Update => true,
        AlertKind::Resolved | AlertKind::HandOff | AlertKind::Answered => false,
    }
}

/// Starting it says that something is wrong; a date that comes near and a new customer are nothing of the kind.
fn warns(config: &Config, playbook: &PlaybookName) -> bool {
    config.playbook(playbook).is_some_and(|playbook| match &playbook.trigger {
        Trigger::BandChanged { .. } | Trigger::Becomes { .. } | Trigger::Answered { .. } => true,
        Trigger::BecameCustomer { .. } | Trigger::Renewal(_) => false,
    })
}

/// The playbook and what its run is about, of an episode's row: all but the cause.
fn about(episode: &str) -> impl Iterator<Item = &str> {
    episode.splitn(4, '#').take(3)
}

/// Points gained and caps come to the score exactly, and to nothing where there is none.
fn is_balanced(assessment: &Assessment) -> bool {
    let gained: i64 = assessment.contributions.iter().map(|row| i64::from(row.gained)).sum();
    let caps: i64 = assessment.caps.iter().map(|cap| i64::from(cap.points)).sum();
    assessment.score.is_none_or(|score| gained + caps == i64::from(score.basis_points()))
}

fn message(event: &Event, request: &ActionRequest) -> Message {
    Message {
        at: event.as_of,
        id: request.id.clone(),
        account: event.account.clone(),
        playbook: request.playbook.clone(),
        episode: request.episode.clone(),
        kind: request.alert.kind,
        to: reader(&request.to),
        exempt: request.exempt,
        placed: Placement::Waiting,
        read_at: None,
    }
}

/// Who somebody is in a report: an email address, else where messages to them go.
fn reader(to: &Recipient) -> String {
    to.email.clone().unwrap_or_else(|| to.address.clone())
}
