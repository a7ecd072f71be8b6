//! The way through a renewal as episodes and messages: one episode and one thread for each renewal.

mod words;

use std::collections::{BTreeMap, BTreeSet};

use config::{Playbook, Role, Runway};
use model::{
    AlertChange, AlertKind, Band, Closing, Episode, EpisodeKey, EpisodeState, EventBody, FactKey, Field, Handled,
    Stamp, SubjectId, Urgency,
};

use self::words::{Ended, Words};
use super::request::{Message, Place, request};
use super::{
    Played, Plays, answers, cause_of, clicked, end, guard, held_until, open, owner, rescore, risk, say_ended,
    say_started, unclaimed,
};
use crate::alert::AlertText;
use crate::decide::{Decision, push};
use crate::renewals::{Group, Running};
use crate::runway::{Before, Look, Outcome, Say, Step, Turn, look};
use crate::told::Told;

/// The message that ends the thread.
const ENDED: &str = "resolved";
/// and how it looks.
const ENDED_TEMPLATE: &str = "renewal_done";

/// One look at the renewals of the account.
pub(super) fn run(
    plays: &Plays<'_>,
    playbook: &Playbook,
    runway: &Runway,
    played: &mut Played,
    decision: &mut Decision,
) {
    let mut episodes: Vec<&Episode> =
        plays.input.episodes.iter().filter(|episode| episode.key.playbook == playbook.name).collect();
    episodes.sort_by(|a, b| (&a.key.cause, &a.key.home).cmp(&(&b.key.cause, &b.key.home)));
    if playbook.paused {
        // What comes meanwhile comes after the pause: neither the members nor the terms move on.
        played.runway = plays.input.previous.map(|before| before.runway.clone()).unwrap_or_default();
        let is_open = episodes.iter().any(|episode| episode.is_open());
        if is_open {
            played.running.insert(playbook.name.clone());
        }
        // A step that comes during the pause is told soon after it, whether it is the first or not.
        if is_open || !plays.known.renewals().groups(plays.now.day, runway.min_term_days).is_empty() {
            played.due(held_until(plays));
        }
        return;
    }
    let request = asked_for(plays, playbook, &episodes);
    let outcome = decided(plays, playbook, runway, &episodes, request.is_some(), decision);
    played.runway = outcome.marks;
    played.due(outcome.next_due_at);
    if plays.news.is_quiet() {
        for turn in &outcome.turns {
            if turn.episodes.is_empty() {
                rescore::wait(plays, turn, played);
            } else {
                rescore::go_on(plays, playbook, turn, played, decision);
            }
        }
        return;
    }
    for turn in outcome.turns {
        let runs = turn.closes.is_none();
        if turn.episodes.is_empty() {
            begin(plays, playbook, runway, &turn, request.as_ref(), played, decision);
        } else {
            go_on(plays, playbook, runway, &turn, played, decision);
        }
        if runs {
            played.running.insert(playbook.name.clone());
        }
    }
}

fn decided<'a>(
    plays: &Plays<'a>,
    playbook: &Playbook,
    runway: &Runway,
    episodes: &[&'a Episode],
    is_asked_for: bool,
    decision: &Decision,
) -> Outcome<'a> {
    let (team, zone) = (&plays.config.team, &plays.config.model.zone);
    let owner = plays.assessment.card.owner.as_ref();
    let person = owner.and_then(|owner| team.find(owner.email.as_deref().unwrap_or(&owner.name)));
    let before = plays.prior.zip(plays.input.previous).map(|(prior, previous)| Before {
        as_of: prior.as_of,
        marks: &prior.runway,
        same_playbooks: !plays.news.is_rescore && previous.playbooks == plays.assessment.playbooks,
        same_model: plays.same_model(),
    });
    look(&Look {
        now: plays.now,
        zone,
        runway,
        calendar: &team.calendar_of(person),
        renewals: plays.known.renewals(),
        before,
        episodes,
        compound_risk: risk::compound_risk(plays),
        is_news: &|term| before.is_some_and(|before| is_news(plays, term, before)),
        may_open: guard::admits(plays, playbook, decision),
        is_asked_for,
        is_closed: &|open| end::is_closed_by_hand(plays, playbook, open),
    })
}

/// The term, or the member that tells it, came since the look before, by a connection that is live.
fn is_news(plays: &Plays<'_>, term: &Running<'_>, before: Before<'_>) -> bool {
    let is_said = term.due.register.received_at > before.as_of;
    let link = plays.input.linked.filter(|link| link.received_at > before.as_of);
    let member = plays.input.members.get(term.due.subject);
    let is_linked = link.zip(member).is_some_and(|(link, member)| member.linked.as_ref() == Some(&link.stamp));
    (is_said || is_linked) && answers::is_live(plays, &term.due)
}

/// An operator asked, once per request.
fn asked_for(plays: &Plays<'_>, playbook: &Playbook, episodes: &[&Episode]) -> Option<(SubjectId, Stamp)> {
    let request = Told::of(*plays.view, &FactKey::PlayRequest(playbook.name.clone()), Field::At)?;
    let stamp = &request.register.stamp;
    let is_answered = episodes.iter().any(|episode| episode.key.cause == *stamp);
    (!is_answered).then(|| (plays.input.home_of(request.subject), stamp.clone()))
}

/// A renewal gets its episode. It lives with the term that ends first; one that an operator asked for, with the account.
fn begin(
    plays: &Plays<'_>,
    playbook: &Playbook,
    runway: &Runway,
    turn: &Turn<'_>,
    wanted: Option<&(SubjectId, Stamp)>,
    played: &mut Played,
    decision: &mut Decision,
) {
    let Some(group) = &turn.group else { return };
    let now = plays.assessment;
    let lead = group.lead();
    let by_term = || (plays.input.home_of(lead.due.subject), lead.due.register.stamp.clone());
    let (home, cause) = wanted.cloned().filter(|_| turn.is_asked_for).unwrap_or_else(by_term);
    let key = EpisodeKey { home, playbook: playbook.name.clone(), key: format!("{}~{}", lead.id, lead.due_on), cause };
    // The same cause again is the same row, and goes on in the same thread, where that is the same person's.
    let held = plays.input.episodes.iter().find(|episode| episode.key == key);
    let owner = owner::identity(plays);
    let same = held.filter(|episode| episode.owner == owner);
    let mut episode = Episode {
        run: held.map_or(1, |episode| episode.run + 1),
        state: EpisodeState::Open { recovering_since: None },
        opened_at: now.as_of,
        root_action: same.and_then(|episode| episode.root_action.clone()),
        alerted_at: None,
        why: words::why(group),
        band: now.band,
        score: now.score,
        reasons: vec![change(group, None)],
        asked: BTreeSet::new(),
        asked_at: None,
        done: BTreeMap::new(),
        handed_over: same.and_then(|episode| episode.handed_over.clone()),
        owner,
        told: open::told(plays),
        told_caps: BTreeSet::new(),
        updated_on: None,
        runway: Some(turn.state.clone()),
        handled: Handled::default(),
        key,
    };
    say_started(decision, plays, playbook, &episode);
    speak(plays, playbook, runway, turn, group, &mut episode, decision);
    played.due(unclaimed::ask(plays, playbook, &mut episode, decision));
    decision.episodes.push(episode);
}

/// A renewal that has one: the leader speaks, and all end together, each in its own thread.
fn go_on(
    plays: &Plays<'_>,
    playbook: &Playbook,
    runway: &Runway,
    turn: &Turn<'_>,
    played: &mut Played,
    decision: &mut Decision,
) {
    for (place, held) in turn.episodes.iter().enumerate() {
        let mut episode = Episode::clone(held);
        if let Some(why) = turn.closes {
            close(plays, playbook, turn, why, episode, decision);
            continue;
        }
        if let (0, Some(group)) = (place, &turn.group) {
            episode.runway = Some(turn.state.clone());
            // A renewal comes whether somebody looks or not: it is neither snoozed nor dismissed.
            clicked::take_care(plays, playbook, &mut episode, decision);
            owner::hand_off(plays, playbook, &mut episode, decision);
            speak(plays, playbook, runway, turn, group, &mut episode, decision);
            played.due(unclaimed::ask(plays, playbook, &mut episode, decision));
        } else if let Some(state) = &mut episode.runway {
            (state.term, state.due_on) = (turn.state.term.clone(), turn.state.due_on);
            state.terms.clone_from(&turn.state.terms);
            state.spoke_of.extend(turn.state.terms.iter().cloned());
        }
        if episode != **held {
            decision.episodes.push(episode);
        }
    }
}

/// Asks for the message, if there is one.
fn speak(
    plays: &Plays<'_>,
    playbook: &Playbook,
    runway: &Runway,
    turn: &Turn<'_>,
    group: &Group<'_>,
    episode: &mut Episode,
    decision: &mut Decision,
) {
    let Some(say) = &turn.say else { return };
    let is_first = episode.asked.is_empty();
    let at_risk = risk::is_at_risk(plays);
    if let Say::Step { step, on, .. } = say {
        let row = episode.key.row();
        let name = step.name();
        let subject = format!("{row}#{name}~{on}");
        let body = EventBody::CheckpointReached {
            playbook: playbook.name.clone(),
            episode: row,
            home: episode.key.home.clone(),
            step: name,
            due_on: group.due_on(),
            deadline_on: group.deadline(),
            at_risk,
        };
        push(decision, plays.input.account, plays.news, &subject, &cause_of(episode), body);
    }
    let name = match say {
        Say::Step { step, on, .. } => format!("{}~{on}", step.name()),
        Say::StillPastDue { on } => format!("digest~{on}"),
        Say::Moved => format!("moved~{}", group.lead().due.register.stamp.as_key()),
    };
    let said = Words { runway, turn, group, today: plays.now.day, at_risk };
    let (kind, urgency, place) = match say {
        Say::Step { .. } if is_first => (AlertKind::Opened, Urgency::Now, Place::Thread),
        Say::Step { .. } | Say::Moved => (AlertKind::Step, Urgency::Now, Place::Thread),
        Say::StillPastDue { .. } => (AlertKind::Step, Urgency::Digest, Place::Digest),
    };
    let text = AlertText {
        kind,
        band_before: if is_first { plays.prior.map_or(Band::Unknown, |before| before.band) } else { episode.band },
        score_before: if is_first { plays.prior.and_then(|before| before.score) } else { episode.score },
        changes: vec![change(group, turn.moved_from.map(|day| day.to_string()))],
        next_step: said.next_step(say),
        text: Some(said.text(say)),
        template: None,
        owner_before: None,
        answered: None,
        renewal: Some(said.dates(say)),
    };
    let message = Message { step: &name, role: Role::Csm, urgency: Some(urgency), place, due: None, said: text };
    request(plays, playbook, episode, message, decision);
    episode.root_action.get_or_insert_with(|| episode.key.action(episode.run, &name));
    episode.alerted_at.get_or_insert(plays.now.at);
    episode.asked.insert(name);
}

/// It ends; its thread is told why, unless that is of no use to anybody.
fn close(
    plays: &Plays<'_>,
    playbook: &Playbook,
    turn: &Turn<'_>,
    why: Closing,
    episode: Episode,
    decision: &mut Decision,
) {
    let was_due = episode.runway.as_ref().map(|state| state.due_on);
    let closed = Episode {
        state: EpisodeState::Closed { at: plays.assessment.as_of, why },
        runway: episode.runway.clone(),
        ..episode
    };
    say_ended(decision, (plays.input.account, plays.config), plays.news, &closed, why);
    let ended = was_due.and_then(|was_due| Ended::new(turn, why, was_due));
    if let Some(ended) = ended.filter(|_| closed.root_action.is_some()) {
        let now = plays.assessment;
        let text = AlertText {
            kind: AlertKind::Resolved,
            band_before: now.band,
            score_before: now.score,
            changes: turn.group.iter().map(|group| change(group, was_due.map(|day| day.to_string()))).collect(),
            next_step: ended.next_step.to_owned(),
            text: Some(ended.text),
            template: Some(ENDED_TEMPLATE.to_owned()),
            owner_before: None,
            answered: None,
            renewal: None,
        };
        let (urgency, place, due) = (None, Place::Thread, None);
        let message = Message { step: ENDED, role: Role::Csm, urgency, place, due, said: text };
        request(plays, playbook, &closed, message, decision);
    }
    decision.episodes.push(closed);
}

/// The day the term ends, with the statement that says so.
fn change(group: &Group<'_>, from: Option<String>) -> AlertChange {
    let lead = group.lead();
    let told = lead.due.register;
    AlertChange {
        measure: if lead.runs_out.is_some() { "Prepaid runs out" } else { "Contract ends" }.to_owned(),
        from,
        to: Some(lead.due_on.to_string()),
        change: 0,
        path: Some(told.path.clone()),
        raw: Some(told.raw.clone()),
        delivery: Some(told.stamp.delivery.clone()),
    }
}

/// What the thread was asked to do last, for whoever takes over.
pub(super) fn last_proposed<'a>(runway: &'a Runway, episode: &Episode, at_risk: bool) -> &'a str {
    let asked = |step: &Step| episode.asked.iter().any(|name| name.split('~').next() == Some(&step.name()));
    let steps = runway.checkpoints.iter().map(|checkpoint| Step::Checkpoint(checkpoint.days));
    let last = steps.chain([Step::LockedIn, Step::PastDue]).rev().find(asked);
    last.map_or("", |step| words::proposed(runway, step, at_risk))
}
