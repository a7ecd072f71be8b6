//! What starts a playbook: a change, never a state.

use std::collections::BTreeMap;

use config::{Playbook, Trigger, Verdict};
use model::{AlertChange, FactKey, Field, Stamp, SubjectId};

use super::{Plays, WHOLE_ACCOUNT, answers};
use crate::alert;
use crate::told::Told;

/// A change that starts a playbook.
#[derive(Debug)]
pub(crate) struct Start {
    /// What the run is about within the playbook.
    pub key: String,
    /// The subject of the cause.
    pub home: SubjectId,
    pub cause: Stamp,
    /// In one sentence.
    pub why: String,
    pub changes: Vec<AlertChange>,
    /// A person asked for it, so no guard holds it back.
    pub is_wanted: bool,
    pub repeats: Repeats,
}

/// Whether there can be another run about the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeats {
    AfterCooldown,
    Never,
}

/// Whether the condition of a trigger that is one holds now; `held` in the assessment remembers it.
pub(super) fn holds(plays: &Plays<'_>, trigger: &Trigger) -> bool {
    match trigger {
        Trigger::Becomes { condition } => condition.holds(&plays.scalars) == Verdict::Holds,
        Trigger::BecameCustomer { within_days, .. } => {
            plays.int("customer_age_days").is_some_and(|age| (0..=*within_days).contains(&age))
        }
        Trigger::BandChanged { .. } | Trigger::Answered { .. } | Trigger::Renewal(_) => false,
    }
}

/// What starts the playbook now.
pub(super) fn starts(plays: &Plays<'_>, playbook: &Playbook, recent: &BTreeMap<SubjectId, i64>) -> Vec<Start> {
    if let Some(wanted) = asked_for(plays, playbook) {
        return vec![wanted];
    }
    match &playbook.trigger {
        Trigger::BandChanged { to } => {
            let crossed = plays.input.previous.is_some_and(|before| {
                let is_new = before.band != plays.assessment.band || left_with_a_member(plays, playbook);
                is_new && to.contains(&plays.assessment.band)
            });
            let starts = crossed && plays.same_model() && plays.news.is_live;
            starts.then(|| of_account(plays)).flatten().into_iter().collect()
        }
        Trigger::Becomes { condition } => {
            let starts = became(plays, playbook) && plays.same_model() && plays.news.is_live;
            let start = starts.then(|| of_account(plays)).flatten();
            start.map(|start| Start { why: format!("`{condition}` holds now"), ..start }).into_iter().collect()
        }
        Trigger::Answered { nps_at_most } => answers::starts(plays, *nps_at_most, recent),
        Trigger::BecameCustomer { first_sight_days, .. } => {
            customer(plays, playbook, *first_sight_days).into_iter().collect()
        }
        // A renewal has steps of its own.
        Trigger::Renewal(_) => Vec::new(),
    }
}

/// The condition holds and did not at the look before. What another set of playbooks would have seen then is not known, and
/// a change of configuration is no news.
fn became(plays: &Plays<'_>, playbook: &Playbook) -> bool {
    let is_new = plays.input.previous.is_some_and(|before| {
        let judged = before.playbooks == plays.assessment.playbooks;
        judged && (!before.held.contains(&playbook.name) || left_with_a_member(plays, playbook))
    });
    is_new && holds(plays, &playbook.trigger)
}

/// What ran here and runs here no more left with a member; what is left of the account still needs somebody.
fn left_with_a_member(plays: &Plays<'_>, playbook: &Playbook) -> bool {
    let is_here = |e: &&model::Episode| e.key.playbook == playbook.name && e.is_open();
    plays.input.previous.is_some_and(|before| before.running.contains(&playbook.name))
        && !plays.input.episodes.iter().any(|e| is_here(&e))
}

/// An operator asked for this playbook, once per request.
fn asked_for(plays: &Plays<'_>, playbook: &Playbook) -> Option<Start> {
    let request = Told::of(*plays.view, &FactKey::PlayRequest(playbook.name.clone()), Field::At)?;
    let stamp = &request.register.stamp;
    let of_account = |e: &&model::Episode| e.key.playbook == playbook.name && e.key.key == WHOLE_ACCOUNT;
    let mut episodes = plays.input.episodes.iter().filter(of_account);
    if episodes.any(|e| e.is_open() || e.key.cause == *stamp) {
        return None;
    }
    let start = about(plays, plays.input.home_of(request.subject), stamp.clone());
    Some(Start { is_wanted: true, ..start })
}

/// The company became a customer. The sale has a date of its own, so a fresh one is news at first sight, too.
fn customer(plays: &Plays<'_>, playbook: &Playbook, first_sight_days: i64) -> Option<Start> {
    let starts = match plays.input.previous {
        Some(_) => became(plays, playbook),
        None => plays.int("customer_age_days").is_some_and(|age| (0..=first_sight_days).contains(&age)),
    };
    let since = plays.known.told(config::scalar("customer_age_days")?, plays.now)?;
    if !starts || !answers::is_live(plays, &since) {
        return None;
    }
    let start = about(plays, plays.input.home_of(since.subject), since.register.stamp.clone());
    let change = AlertChange {
        measure: "Customer since".to_owned(),
        from: None,
        to: Some(since.register.value.to_string()),
        change: 0,
        path: Some(since.register.path.clone()),
        raw: Some(since.register.raw.clone()),
        delivery: Some(since.register.stamp.delivery.clone()),
    };
    let why = format!("A customer since {}", since.register.value);
    Some(Start { why, changes: vec![change], repeats: Repeats::Never, ..start })
}

/// A run about the whole account, caused by what moved it.
fn of_account(plays: &Plays<'_>) -> Option<Start> {
    let (home, cause) = home(plays)?;
    Some(about(plays, home, cause))
}

fn about(plays: &Plays<'_>, home: SubjectId, cause: Stamp) -> Start {
    let changes = alert::changes(plays.assessment, plays.input.children);
    let why = alert::why(plays.prior, plays.assessment, &changes);
    Start {
        key: WHOLE_ACCOUNT.to_owned(),
        home,
        cause,
        why,
        changes,
        is_wanted: false,
        repeats: Repeats::AfterCooldown,
    }
}

/// The subject of the cause and its stamp: the newest among the statements that count, the links of members, and what
/// children told. When time alone is the news, the statement by which it lowered the score.
fn home(plays: &Plays<'_>) -> Option<(SubjectId, Stamp)> {
    let is_own = plays.assessment.children().next().is_none();
    let by_time = plays.assessment.lowered_by_time().filter(|_| plays.news.by_time && is_own);
    let by_time = by_time.map(|e| (&e.stamp, &e.subject));
    let children = plays.input.children.iter().filter(|_| !is_own).map(|told| (&told.child.stamp, &told.parent));
    let stated = plays.assessment.stated().map(|e| (&e.stamp, &e.subject));
    let linked = plays.input.members.iter().filter_map(|(subject, member)| Some((member.linked.as_ref()?, subject)));
    let (stamp, subject) = by_time.or_else(|| stated.chain(linked).chain(children).max())?;
    Some((plays.input.home_of(subject), stamp.clone()))
}
