//! What is told while an episode about risk is open and it gets worse.

use config::{Offset, Playbook, Role};
use model::{AlertChange, AlertKind, Cap, Contribution, Episode, MeasureState, Moment};

use super::request::{Message, request};
use super::{Plays, open, team_calendar};
use crate::alert::{self, AlertText};
use crate::decide::Decision;

/// How many of its own points (in basis points) a measure falls before it is worth a message.
const WORTH_TELLING: u16 = 1_000;

/// Tells the thread of the caps that came and the measures that fell below what it was told, at most once a day; what comes
/// later that day is told the next morning, unless it went again. Returns that moment.
pub(super) fn update(
    plays: &Plays<'_>,
    playbook: &Playbook,
    episode: &mut Episode,
    decision: &mut Decision,
) -> Option<Moment> {
    if !playbook.is_about_risk() || episode.root_action.is_none() {
        return None;
    }
    if !plays.same_model() {
        episode.told = open::told(plays);
        episode.told_caps = plays.assessment.caps.iter().map(|cap| cap.name.clone()).collect();
        return None;
    }
    for (measure, counted) in open::told(plays) {
        episode.told.entry(measure).or_insert(counted);
    }
    let fell: Vec<&Contribution> = plays.assessment.contributions.iter().filter(|c| has_fallen(c, episode)).collect();
    let capped = plays.assessment.caps.iter().filter(|cap| !episode.told_caps.contains(&cap.name));
    let capped: Vec<&Cap> = capped.collect();
    if fell.is_empty() && capped.is_empty() {
        return None;
    }
    let today = plays.now.at.date_in(&plays.config.team.zone);
    if episode.updated_on == Some(today) {
        return Some(Offset::Days(1).after(plays.now.at, &team_calendar(plays)));
    }
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
        renewal: None,
    };
    let step = format!("update~{today}");
    let message = Message { step: &step, role: Role::Csm, urgency: None, due: None, said };
    request(plays, playbook, episode, message, decision);
    let now = fell.iter().map(|c| (c.measure.clone(), model::Counted { value: c.value.clone(), points: c.points }));
    episode.told.extend(now);
    episode.told_caps.extend(capped.iter().map(|cap| cap.name.clone()));
    episode.updated_on = Some(today);
    None
}

fn has_fallen(now: &Contribution, episode: &Episode) -> bool {
    let told = episode.told.get(&now.measure).and_then(|told| told.points);
    let fall = told.zip(now.points).map(|(told, now)| told.saturating_sub(now));
    now.state == MeasureState::Counted && fall.is_some_and(|fall| fall >= WORTH_TELLING)
}
