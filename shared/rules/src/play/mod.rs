//! Playbooks: when an episode opens, what it asks for, and when it ends. Bands depend on the path; episodes are its
//! memory.

mod answers;
mod clicked;
mod end;
mod guard;
pub(crate) mod look;
mod mail;
mod open;
mod owner;
mod request;
mod rescore;
mod risk;
mod runway;
mod start;
mod step;
mod task;
pub(crate) mod unclaimed;
pub(crate) mod worse;

use std::collections::{BTreeMap, BTreeSet};

use config::{Calendar, Config, Playbook, Scalar, Scalars, Trigger};
use model::{
    ActionId, Assessment, Closing, Episode, EventBody, Moment, PlaybookName, Prior, RunwayMark, SubjectId, View,
};

use crate::alert;
use crate::assess::results;
use crate::decide::{Decision, Input, push};
use crate::known::Known;
use crate::news::News;
use crate::when::When;
use clicked::Then;
use worse::Thread;

/// What playbooks are run against.
pub(crate) struct Plays<'a> {
    pub prior: Option<&'a Prior>,
    pub input: Input<'a>,
    pub config: &'a Config,
    pub known: &'a Known<'a>,
    pub view: &'a View<'a>,
    pub now: When,
    pub assessment: &'a Assessment,
    pub news: &'a News,
    /// Everything known, and what the assessment adds.
    pub scalars: Scalars,
}

/// What a run is about that is about the whole account, within its playbook.
pub(crate) const WHOLE_ACCOUNT: &str = "account";

/// What running the playbooks came to.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// The next moment at which an episode changes by itself.
    pub next_due_at: Option<Moment>,
    /// The playbooks that have an open episode now.
    pub running: BTreeSet<PlaybookName>,
    /// The playbooks whose starting condition holds.
    pub held: BTreeSet<PlaybookName>,
    /// The recent survey answers, by response.
    pub answers: BTreeMap<SubjectId, i64>,
    /// How far each term is on the way to its renewal.
    pub runway: BTreeMap<String, RunwayMark>,
    /// The message that starts the thread of each playbook that runs.
    pub roots: BTreeMap<PlaybookName, ActionId>,
    /// The threads that are told when it gets worse.
    pub threads: Vec<Thread>,
    /// The tasks in the CRM that are asked after.
    pub tasks: Vec<ActionId>,
}

impl Played {
    fn due(&mut self, at: Option<Moment>) {
        self.next_due_at = [self.next_due_at, at].into_iter().flatten().min();
    }

    /// An episode is open after this look, and goes on by itself at `next`.
    fn runs(&mut self, plays: &Plays<'_>, playbook: &Playbook, episode: &Episode, next: Option<Moment>) {
        self.due(next);
        self.running.insert(playbook.name.clone());
        self.threads.extend(worse::thread(plays, playbook, episode));
        self.tasks.extend(look::asked_after(plays.config, playbook, episode));
        self.roots.extend(episode.root_action.clone().map(|root| (playbook.name.clone(), root)));
    }
}

/// Runs every playbook in order of priority: what is open goes on, then what starts opens.
pub(crate) fn run(plays: &Plays<'_>, decision: &mut Decision) -> Played {
    let mut played = Played { answers: answers::recent(plays), ..Played::default() };
    let mut playbooks: Vec<&Playbook> = plays.config.playbooks.iter().collect();
    playbooks.sort_by(|a, b| (b.priority, &a.name).cmp(&(a.priority, &b.name)));
    for playbook in &playbooks {
        if let Trigger::Renewal(table) = &playbook.trigger {
            runway::run(plays, playbook, table, &mut played, decision);
            continue;
        }
        for open in open_by_key(plays, playbook).values() {
            if !plays.news.is_quiet() && end::is_closed_by_hand(plays, playbook, open) {
                for episode in open {
                    end::close(plays, playbook, episode, Closing::ByHand, decision);
                }
            } else if playbook.paused {
                played.due(held_until(plays));
                played.running.insert(playbook.name.clone());
            } else if plays.news.is_quiet() {
                rescore::take_over(plays, playbook, open, &mut played, decision);
            } else {
                go_on(plays, playbook, open, &mut played, decision);
            }
        }
    }
    for playbook in &playbooks {
        if start::holds(plays, &playbook.trigger) {
            played.held.insert(playbook.name.clone());
        }
        if playbook.paused || plays.news.is_quiet() || matches!(playbook.trigger, Trigger::Renewal(_)) {
            continue;
        }
        for begun in start::starts(plays, playbook, &played.answers) {
            if !guard::allows(plays, playbook, &begun, decision) {
                continue;
            }
            match guard::incident(plays, playbook, &begun) {
                Some(incident) => {
                    decision.timeline.push(alert::held_back(plays.assessment, playbook, incident, plays.news));
                }
                None => open::open(plays, playbook, begun, &mut played, decision),
            }
        }
    }
    played
}

/// The open episodes of a playbook by what they are about, oldest first. Members that came together can each have brought
/// one: the oldest leads, and none is opened beside it.
fn open_by_key<'a>(plays: &Plays<'a>, playbook: &Playbook) -> BTreeMap<&'a str, Vec<&'a Episode>> {
    let mut by_key: BTreeMap<&str, Vec<&Episode>> = BTreeMap::new();
    for episode in plays.input.episodes.iter().filter(|e| e.key.playbook == playbook.name && e.is_open()) {
        by_key.entry(&episode.key.key).or_default().push(episode);
    }
    for open in by_key.values_mut() {
        open.sort_by(|a, b| (&a.key.cause, &a.key.home).cmp(&(&b.key.cause, &b.key.home)));
    }
    by_key
}

/// One look at open episodes about the same: they end, or the leader moves on.
fn go_on(plays: &Plays<'_>, playbook: &Playbook, open: &[&Episode], played: &mut Played, decision: &mut Decision) {
    let Some((first, followers)) = open.split_first() else { return };
    let mut leader = Episode::clone(first);
    // What was answered under the alert of any of them holds for all.
    let mut then = clicked::take_up(plays, playbook, &mut leader, decision);
    let mut others: Vec<Episode> = followers.iter().copied().cloned().collect();
    for other in &mut others {
        if clicked::take_up(plays, playbook, other, decision) == Then::IsDismissed {
            then = Then::IsDismissed;
        }
    }
    if then == Then::IsDismissed {
        for episode in std::iter::once(&leader).chain(&others) {
            end::close(plays, playbook, episode, Closing::Dismissed, decision);
        }
        return;
    }
    let ends_at = match end::end(plays, playbook, &mut leader) {
        end::End::Over(why) => {
            for episode in open {
                end::close(plays, playbook, episode, why, decision);
            }
            return;
        }
        end::End::At(ends_at) => Some(ends_at),
        end::End::NotYet => None,
    };
    look::close_done(plays, playbook, &mut leader, decision);
    let next_step = match leader.handled.sleeps_until(plays.now.at) {
        // Whoever snoozed it hears nothing before that is over, except that it is solved.
        Some(until) => Some(until),
        None => {
            clicked::wake(plays, playbook, &mut leader, decision);
            owner::hand_off(plays, playbook, &mut leader, decision);
            let next_step = step::ask(plays, playbook, &mut leader, decision);
            worse::update(plays, playbook, &mut leader, decision);
            next_step
        }
    };
    let is_attended = others.iter().any(Episode::is_attended);
    let unclaimed_at = if is_attended { None } else { unclaimed::ask(plays, playbook, &mut leader, decision) };
    played.runs(plays, playbook, &leader, [ends_at, next_step, unclaimed_at].into_iter().flatten().min());
    let state = leader.state;
    if leader != **first {
        decision.episodes.push(leader);
    }
    let followers = followers.iter().zip(others).map(|(held, other)| (held, Episode { state, ..other }));
    decision.episodes.extend(followers.filter(|(held, other)| other != **held).map(|(_, other)| other));
}

/// What a paused playbook holds is looked at again every morning, so that it goes on soon after the pause.
fn held_until(plays: &Plays<'_>) -> Option<Moment> {
    Some(config::Offset::Days(1).after(plays.now.at, &team_calendar(plays)))
}

fn team_calendar(plays: &Plays<'_>) -> Calendar {
    plays.config.team.calendar_of(None)
}

/// Tells that an episode began.
fn say_started(decision: &mut Decision, plays: &Plays<'_>, playbook: &Playbook, opened: &Episode) {
    let (episode, home, why) = (opened.key.row(), opened.key.home.clone(), opened.why.clone());
    let row = episode.clone();
    let playbook_name = playbook.name.clone();
    let body = if playbook.is_about_risk() {
        EventBody::RiskOpened { playbook: playbook_name, episode, home, why }
    } else {
        EventBody::PlayStarted { playbook: playbook_name, episode, home, why }
    };
    push(decision, plays.input.account, plays.news, &row, &cause_of(opened), body);
}

/// Tells that an episode ended.
pub(crate) fn say_ended(
    decision: &mut Decision,
    (account, config): (&SubjectId, &Config),
    news: &News,
    closed: &Episode,
    why: Closing,
) {
    let (episode, home, playbook) = (closed.key.row(), closed.key.home.clone(), closed.key.playbook.clone());
    let row = episode.clone();
    // What a playbook was that exists no more is not known; risk is what must not be missed.
    let body = if config.playbook(&playbook).is_none_or(Playbook::is_about_risk) {
        EventBody::RiskResolved { playbook, episode, home, why }
    } else {
        EventBody::PlayEnded { playbook, episode, home, why }
    };
    push(decision, account, news, &row, &cause_of(closed), body);
}

fn cause_of(episode: &Episode) -> String {
    format!("{}#{}", episode.key.row(), episode.run)
}

/// Everything known, and what the assessment adds.
pub(crate) fn scalars(known: &Known<'_>, now: When, assessment: &Assessment, prior: Option<&Prior>) -> Scalars {
    let mut scalars = known.scalars(now);
    scalars.extend(results(assessment, prior, now.day));
    scalars
}

impl Plays<'_> {
    fn int(&self, name: &str) -> Option<i64> {
        match self.scalars.get(name)? {
            Scalar::Int(number) => Some(*number),
            Scalar::Text(_) | Scalar::Flag(_) => None,
        }
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.scalars.get(name)? {
            Scalar::Flag(flag) => Some(*flag),
            Scalar::Int(_) | Scalar::Text(_) => None,
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        match self.scalars.get(name)? {
            Scalar::Text(text) => Some(text),
            Scalar::Int(_) | Scalar::Flag(_) => None,
        }
    }

    /// The health model is the one of the look before. Bands that moved because the model did prove nothing.
    fn same_model(&self) -> bool {
        !self.news.is_rescore && self.input.previous.is_none_or(|before| before.model == self.assessment.model)
    }
}
