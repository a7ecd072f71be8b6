//! What keeps a playbook from starting although its change has come.

use config::{Feed, Playbook, Trigger, Verdict};
use jiff::SignedDuration;
use model::{Episode, EpisodeState, Evidence, Incident};

use super::Plays;
use super::start::{Repeats, Start};
use crate::decide::Decision;

/// Nothing speaks against it. A change that was held back here is over: it does not start later.
pub(super) fn allows(plays: &Plays<'_>, playbook: &Playbook, start: &Start, decision: &Decision) -> bool {
    let same = |e: &&Episode| e.key.playbook == playbook.name && e.key.key == start.key;
    if plays.input.episodes.iter().filter(same).any(Episode::is_open) {
        return false;
    }
    if start.is_wanted {
        return true;
    }
    let now = plays.assessment.as_of;
    let is_in_the_way = |e: &Episode| match (start.repeats, e.state) {
        (Repeats::Never, _) | (Repeats::AfterCooldown, EpisodeState::Open { .. }) => true,
        (Repeats::AfterCooldown, EpisodeState::Closed { at, .. }) => now < at.plus(playbook.cooldown),
    };
    !plays.input.episodes.iter().filter(same).any(is_in_the_way) && admits(plays, playbook, decision)
}

/// The incident of ours that holds it back: it is about risk, and tickets are what starts it. They are many for a reason that
/// we know, and everybody is at it. What else goes wrong with the account starts what it always does.
pub(super) fn incident<'a>(plays: &Plays<'a>, playbook: &Playbook, start: &Start) -> Option<&'a Incident> {
    let incident = plays.assessment.incident.as_ref()?;
    (playbook.is_about_risk() && !start.is_wanted && is_told_by_tickets(plays, playbook)).then_some(incident)
}

/// A condition that reads tickets; of a band, that most of what the score lost is theirs.
fn is_told_by_tickets(plays: &Plays<'_>, playbook: &Playbook) -> bool {
    match &playbook.trigger {
        Trigger::Becomes { condition } => {
            let mut read = condition.names().iter().filter_map(|name| config::scalar(name));
            read.any(|info| info.feed == Feed::Tickets)
        }
        Trigger::BandChanged { .. } => {
            let now = plays.assessment;
            let caps = now.new_caps().map(|cap| (cap.points, cap.evidence.as_ref()));
            let measures = now.contributions.iter().map(|row| (row.change.unwrap_or(0), row.evidence.as_ref()));
            let lost: Vec<_> = caps.chain(measures).filter(|(change, _)| *change < 0).collect();
            let all: i64 = lost.iter().map(|(change, _)| i64::from(*change)).sum();
            let by_tickets: i64 = lost.iter().filter(|(_, why)| is_of_ticket(*why)).map(|(n, _)| i64::from(*n)).sum();
            by_tickets < 0 && 2 * by_tickets <= all
        }
        Trigger::Answered { .. } | Trigger::BecameCustomer { .. } | Trigger::Renewal(_) => false,
    }
}

fn is_of_ticket(evidence: Option<&Evidence>) -> bool {
    evidence.and_then(|evidence| evidence.subject.parts()).is_some_and(|(_, kind, _)| kind == "ticket")
}

/// The playbook is for this account, and has room.
pub(super) fn admits(plays: &Plays<'_>, playbook: &Playbook, decision: &Decision) -> bool {
    playbook.when.as_ref().is_none_or(|when| when.holds(&plays.scalars) == Verdict::Holds)
        && is_one_of(plays, "tier", &playbook.tiers)
        && is_one_of(plays, "segment", &playbook.segments)
        && is_one_of(plays, "lifecycle_stage", &playbook.stages)
        && has_room(plays, playbook, decision)
        && !is_in_family(plays, playbook, decision)
        && !is_told_by_a_risk(plays, playbook, decision)
}

/// What is not known is none of them.
fn is_one_of(plays: &Plays<'_>, name: &str, wanted: &[String]) -> bool {
    wanted.is_empty() || plays.text(name).is_some_and(|text| wanted.iter().any(|one| one.eq_ignore_ascii_case(text)))
}

fn has_room(plays: &Plays<'_>, playbook: &Playbook, decision: &Decision) -> bool {
    let Some(window) = playbook.max_per_window else { return true };
    let since = plays.assessment.as_of.plus(SignedDuration::from_hours(-24 * i64::from(window.days)));
    let counts = |e: &&Episode| e.key.playbook == playbook.name && e.opened_at > since;
    u32::try_from(current(plays, decision).filter(counts).count()).is_ok_and(|count| count < window.count)
}

/// Another playbook of the family is at it, with the same priority or a higher one: what is graver starts beside what is less,
/// which ends by its own `exit`.
fn is_in_family(plays: &Plays<'_>, playbook: &Playbook, decision: &Decision) -> bool {
    let Some(family) = &playbook.family else { return false };
    let of_family = |e: &Episode| {
        let other = plays.config.playbook(&e.key.playbook);
        let is_as_grave =
            |other: &Playbook| other.family.as_ref() == Some(family) && other.priority >= playbook.priority;
        e.key.playbook != playbook.name && other.is_some_and(is_as_grave)
    };
    current(plays, decision).any(|e| e.is_open() && of_family(e))
}

/// It only ever adds a line to a digest, and somebody works on a risk of the account: its thread tells how that goes.
fn is_told_by_a_risk(plays: &Plays<'_>, playbook: &Playbook, decision: &Decision) -> bool {
    let is_risk = |e: &&Episode| plays.config.playbook(&e.key.playbook).is_some_and(Playbook::is_about_risk);
    playbook.is_for_the_digest() && current(plays, decision).filter(is_risk).any(Episode::is_open)
}

/// The episodes as they are after what was decided so far.
pub(super) fn current<'a>(plays: &Plays<'a>, decision: &'a Decision) -> impl Iterator<Item = &'a Episode> {
    let is_decided = |e: &&Episode| !decision.episodes.iter().any(|decided| decided.key == e.key);
    plays.input.episodes.iter().filter(is_decided).chain(&decision.episodes)
}
