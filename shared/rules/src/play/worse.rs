//! What is told while an episode about risk is open and it gets worse.

use std::collections::BTreeMap;

use config::{Config, Offset, Playbook, Role};
use model::{AlertChange, AlertKind, Cap, Contribution, Episode, MeasureState, Moment};

use super::request::{Message, Place, request};
use super::{Plays, open, team_calendar};
use crate::alert::{self, AlertText};
use crate::decide::Decision;

/// The thread of an open episode about risk: what it knows, so that looking ahead finds when it is told more.
#[derive(Debug)]
pub(crate) struct Thread {
    /// It was told something, and is told nothing more before this moment.
    pub not_before: Option<Moment>,
    /// The worst points that it was told of each measure.
    pub told: BTreeMap<String, u16>,
    /// A cap holds that it was not told of.
    pub waits: bool,
}

/// A measure that counts has fallen so far below what was told of it that it is worth a message.
pub(crate) fn is_worth_telling(told: u16, now: u16, config: &Config) -> bool {
    told.saturating_sub(now) >= config.team.alerts.worth_telling
}

/// The thread of an episode as it is left by this look; `None` where nothing more is told.
pub(super) fn thread(plays: &Plays<'_>, playbook: &Playbook, episode: &Episode) -> Option<Thread> {
    (playbook.is_about_risk() && episode.root_action.is_some()).then(|| Thread {
        not_before: not_before(plays, episode).max(episode.handled.snoozed_until),
        told: episode.told.iter().filter_map(|(name, told)| Some((name.clone(), told.points?))).collect(),
        waits: new_caps(plays, episode).next().is_some(),
    })
}

/// The morning after the day on which the thread was told something last.
fn not_before(plays: &Plays<'_>, episode: &Episode) -> Option<Moment> {
    let calendar = team_calendar(plays);
    let told_on = Moment::start_of(episode.updated_on?, &calendar.zone)?;
    Some(Offset::Days(1).after(told_on, &calendar))
}

fn new_caps<'a>(plays: &Plays<'a>, episode: &Episode) -> impl Iterator<Item = &'a Cap> {
    plays.assessment.caps.iter().filter(|cap| !episode.told_caps.contains(&cap.name))
}

/// Tells the thread of the caps that came and the measures that fell below what it was told, at most once a day: what comes
/// before the next morning is told then, unless it went again.
pub(super) fn update(plays: &Plays<'_>, playbook: &Playbook, episode: &mut Episode, decision: &mut Decision) {
    if !playbook.is_about_risk() || episode.root_action.is_none() {
        return;
    }
    if !plays.same_model() {
        episode.told = open::told(plays);
        episode.told_caps = plays.assessment.caps.iter().map(|cap| cap.name.clone()).collect();
        return;
    }
    for (measure, counted) in open::told(plays) {
        episode.told.entry(measure).or_insert(counted);
    }
    let fell: Vec<&Contribution> =
        plays.assessment.contributions.iter().filter(|c| has_fallen(c, episode, plays.config)).collect();
    let capped: Vec<&Cap> = new_caps(plays, episode).collect();
    let is_early = not_before(plays, episode).is_some_and(|morning| plays.now.at < morning);
    if is_early || (fell.is_empty() && capped.is_empty()) {
        return;
    }
    let today = plays.now.at.date_in(&plays.config.team.zone);
    let change = |c: &&Contribution| {
        let told = episode.told.get(&c.measure);
        AlertChange { from: told.and_then(|told| told.value.clone()), ..alert::change(c) }
    };
    let said = AlertText {
        kind: AlertKind::Update,
        band_before: episode.band,
        score_before: episode.score,
        changes: capped.iter().copied().map(alert::cap).chain(fell.iter().map(change)).take(alert::NAMED).collect(),
        next_step: String::new(),
        text: None,
        template: None,
        owner_before: None,
        answered: None,
        renewal: None,
    };
    let step = format!("update~{today}");
    let message = Message { step: &step, role: Role::Csm, urgency: None, place: Place::Thread, due: None, said };
    request(plays, playbook, episode, message, decision);
    let now = fell.iter().map(|c| (c.measure.clone(), model::Counted { value: c.value.clone(), points: c.points }));
    episode.told.extend(now);
    episode.told_caps.extend(capped.iter().map(|cap| cap.name.clone()));
    episode.updated_on = Some(today);
}

fn has_fallen(now: &Contribution, episode: &Episode, config: &Config) -> bool {
    let told = episode.told.get(&now.measure).and_then(|told| told.points);
    let is_worth = told.zip(now.points).is_some_and(|(told, now)| is_worth_telling(told, now, config));
    now.state == MeasureState::Counted && is_worth
}
