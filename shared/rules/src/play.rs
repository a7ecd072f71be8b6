//! Playbooks: when an episode opens, recovers and closes. Bands depend on the path; episodes are its memory.

use std::collections::BTreeSet;

use config::{Config, Playbook, StepAction, Trigger, Verdict};
use jiff::civil::Date;
use model::{
    ActionKind, ActionRequest, AlertKind, Assessment, Band, Closing, Episode, EpisodeKey, EpisodeState, EventBody,
    FactKey, Field, Moment, PlaybookName, Prior, Stamp, SubjectId, View,
};

use crate::alert;
use crate::decide::{Decision, Input, push};
use crate::known::Known;
use crate::news::News;
use crate::people;
use crate::told::Told;

/// What playbooks are run against.
pub(crate) struct Plays<'a> {
    pub prior: Option<&'a Prior>,
    pub input: Input<'a>,
    pub config: &'a Config,
    pub known: &'a Known<'a>,
    pub view: &'a View<'a>,
    pub today: Date,
    pub assessment: &'a Assessment,
    pub news: &'a News,
}

/// What an account-wide run is about, within its playbook.
const WHOLE_ACCOUNT: &str = "account";
/// The step that ends an episode's thread.
const RESOLVED: &str = "resolved";

/// What running the playbooks came to.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// The next moment at which an episode changes by itself.
    pub next_due_at: Option<Moment>,
    /// The playbooks that have an open episode now.
    pub running: BTreeSet<PlaybookName>,
}

/// Runs every playbook in order of priority.
pub(crate) fn run(plays: &Plays<'_>, decision: &mut Decision) -> Played {
    let mut played = Played::default();
    let mut playbooks: Vec<&Playbook> = plays.config.playbooks.iter().collect();
    playbooks.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    for playbook in playbooks {
        let of_playbook = |e: &&Episode| e.key.playbook == playbook.name && e.key.key == WHOLE_ACCOUNT;
        let mut episodes: Vec<&Episode> = plays.input.episodes.iter().filter(of_playbook).collect();
        episodes.sort_by(|a, b| (&a.key.cause, &a.key.home).cmp(&(&b.key.cause, &b.key.home)));
        let open: Vec<&Episode> = episodes.iter().copied().filter(|e| e.is_open()).collect();
        // Members that came together can each have brought one: the oldest leads, and none is opened beside it.
        if let Some(leader) = open.first() {
            match recover(plays, playbook, leader, &open, decision) {
                Recovery::Over => continue,
                Recovery::At(ends_at) => {
                    played.next_due_at = [played.next_due_at, Some(ends_at)].into_iter().flatten().min();
                }
                Recovery::NotYet => {}
            }
        } else if let Some((home, cause)) = opening(plays, playbook, &episodes) {
            open_episode(plays, playbook, &episodes, home, cause, decision);
        } else {
            continue;
        }
        played.running.insert(playbook.name.clone());
    }
    played
}

/// Whether the playbook starts now, and from which home and cause.
fn opening(plays: &Plays<'_>, playbook: &Playbook, episodes: &[&Episode]) -> Option<(SubjectId, Stamp)> {
    if let Some(asked) = asked_for(plays, playbook, episodes) {
        return Some(asked);
    }
    let before = plays.input.previous?;
    let now = plays.assessment;
    // A change that configuration caused, or that was true before the connection went live, is no news.
    if before.model != now.model || !plays.news.is_live {
        return None;
    }
    let Trigger::BandChanged { to } = &playbook.trigger;
    // What ran here and runs here no more left with a member; what is left of the account still needs somebody.
    let is_new = before.band != now.band || before.running.contains(&playbook.name);
    let crossed = is_new && to.contains(&now.band);
    let cooling = episodes.iter().any(|e| match e.state {
        EpisodeState::Closed { at, .. } => now.as_of < at.plus(playbook.cooldown),
        EpisodeState::Open { .. } => false,
    });
    let guarded = playbook.when.as_ref().is_some_and(|when| when.holds(&scalars(plays)) != Verdict::Holds);
    if !crossed || cooling || guarded { None } else { home(plays) }
}

/// An operator asked for this playbook, once per request.
fn asked_for(plays: &Plays<'_>, playbook: &Playbook, episodes: &[&Episode]) -> Option<(SubjectId, Stamp)> {
    let request = Told::of(*plays.view, &FactKey::PlayRequest(playbook.name.clone()), Field::At)?;
    let stamp = &request.register.stamp;
    let known = episodes.iter().any(|e| e.key.cause == *stamp);
    (!known).then(|| (plays.input.home_of(request.subject), stamp.clone()))
}

/// The subject of the cause and its stamp: the newest among the statements that contributed and the links of members.
/// When time alone is the news, the statement whose measure fell most.
fn home(plays: &Plays<'_>) -> Option<(SubjectId, Stamp)> {
    let contributions = &plays.assessment.contributions;
    let fell = contributions.iter().filter(|c| plays.news.by_time && c.change.is_some_and(|change| change < 0));
    let by_time = fell.min_by_key(|c| c.change).and_then(|c| c.evidence.as_ref()).map(|e| (&e.stamp, &e.subject));
    let stated = contributions.iter().filter_map(|c| c.evidence.as_ref()).map(|e| (&e.stamp, &e.subject));
    let linked = plays.input.members.iter().filter_map(|(subject, member)| Some((member.linked.as_ref()?, subject)));
    let (stamp, subject) = by_time.or_else(|| stated.chain(linked).max())?;
    Some((plays.input.home_of(subject), stamp.clone()))
}

fn open_episode(
    plays: &Plays<'_>,
    playbook: &Playbook,
    episodes: &[&Episode],
    home: SubjectId,
    cause: Stamp,
    decision: &mut Decision,
) {
    let now = plays.assessment;
    let key = EpisodeKey { home, playbook: playbook.name.clone(), key: WHOLE_ACCOUNT.to_owned(), cause };
    // The same cause again is the same row, and goes on in the same thread.
    let held = episodes.iter().find(|e| e.key == key);
    let run = held.map_or(1, |e| e.run + 1);
    let thread = held.and_then(|e| e.root_action.clone());
    let reasons = alert::changes(now);
    let root = thread.clone().or_else(|| playbook.steps.first().map(|step| key.action(run, &step.name)));
    let episode = Episode {
        run,
        state: EpisodeState::Open { recovering_since: None },
        opened_at: now.as_of,
        root_action: root.clone(),
        why: alert::why(plays.prior, now, &reasons),
        band: now.band,
        score: now.score,
        reasons: reasons.clone(),
        key,
    };
    let row = episode.key.row();
    let cause = cause_of(&episode);
    let body = EventBody::RiskOpened {
        playbook: playbook.name.clone(),
        episode: row.clone(),
        home: episode.key.home.clone(),
        why: episode.why.clone(),
    };
    push(decision, plays.input.account, plays.news, &row, &cause, body);
    let before = plays.prior;
    for (at, step) in playbook.steps.iter().enumerate() {
        let StepAction::SlackAlert { next_step } = &step.action;
        let alert = alert::alert(
            plays,
            playbook,
            AlertKind::Opened,
            before.map_or(Band::Unknown, |b| b.band),
            before.and_then(|b| b.score),
            reasons.clone(),
            next_step,
        );
        let reply_to = if at > 0 { root.clone() } else { thread.clone() };
        request(plays, playbook, &episode, &step.name, reply_to, alert, decision);
    }
    decision.episodes.push(episode);
}

/// How far an episode is from its end.
enum Recovery {
    /// It is over.
    Over,
    /// It ends then, if nothing else happens.
    At(Moment),
    /// What it was opened for still holds.
    NotYet,
}

/// Moves the open episodes towards their end, all as the leader goes, each in its own thread.
fn recover(
    plays: &Plays<'_>,
    playbook: &Playbook,
    leader: &Episode,
    open: &[&Episode],
    decision: &mut Decision,
) -> Recovery {
    let now = plays.assessment;
    let since = match leader.state {
        EpisodeState::Open { recovering_since } => recovering_since,
        EpisodeState::Closed { .. } => None,
    };
    // Bands that moved because the model did prove nothing either way.
    let is_judged = plays.input.previous.is_none_or(|before| before.model == now.model);
    let since = if !is_judged {
        since
    } else if playbook.recover.holds(&scalars(plays)) == Verdict::Holds {
        since.or(Some(now.as_of))
    } else {
        None
    };
    let ends_at = since.map(|since| since.plus(playbook.recover_after));
    if is_judged && ends_at.is_some_and(|ends_at| now.as_of >= ends_at) {
        for episode in open {
            close(plays, playbook, episode, decision);
        }
        return Recovery::Over;
    }
    let state = EpisodeState::Open { recovering_since: since };
    let moved = open.iter().filter(|episode| episode.state != state);
    decision.episodes.extend(moved.map(|episode| Episode { state, ..Episode::clone(episode) }));
    ends_at.map_or(Recovery::NotYet, Recovery::At)
}

fn close(plays: &Plays<'_>, playbook: &Playbook, episode: &Episode, decision: &mut Decision) {
    let why = Closing::Recovered;
    let closed = Episode { state: EpisodeState::Closed { at: plays.assessment.as_of, why }, ..episode.clone() };
    say_resolved(decision, plays.input.account, plays.news, &closed, why);
    if let Some(root) = &episode.root_action {
        let reasons = alert::ended(plays.assessment, &episode.reasons);
        let alert = alert::alert(plays, playbook, AlertKind::Resolved, episode.band, episode.score, reasons, "");
        request(plays, playbook, &closed, RESOLVED, Some(root.clone()), alert, decision);
    }
    decision.episodes.push(closed);
}

/// Tells that an episode ended.
pub(crate) fn say_resolved(decision: &mut Decision, account: &SubjectId, news: &News, closed: &Episode, why: Closing) {
    let row = closed.key.row();
    let body = EventBody::RiskResolved {
        playbook: closed.key.playbook.clone(),
        episode: row.clone(),
        home: closed.key.home.clone(),
        why,
    };
    push(decision, account, news, &row, &cause_of(closed), body);
}

fn request(
    plays: &Plays<'_>,
    playbook: &Playbook,
    episode: &Episode,
    step: &str,
    reply_to: Option<model::ActionId>,
    alert: model::Alert,
    decision: &mut Decision,
) {
    let id = episode.key.action(episode.run, step);
    let request = ActionRequest {
        id: id.clone(),
        kind: ActionKind::SlackAlert,
        playbook: playbook.name.clone(),
        home: episode.key.home.clone(),
        episode: episode.key.row(),
        run: episode.run,
        step: step.to_owned(),
        reply_to,
        to: people::recipient(plays.assessment.card.owner.as_ref(), &plays.config.team),
        alert,
    };
    let body = EventBody::ActionRequested(Box::new(request));
    push(decision, plays.input.account, plays.news, id.as_str(), &cause_of(episode), body);
}

fn cause_of(episode: &Episode) -> String {
    format!("{}#{}", episode.key.row(), episode.run)
}

/// Everything known, and what the assessment adds.
fn scalars(plays: &Plays<'_>) -> config::Scalars {
    use config::Scalar::{Int, Text};
    let mut scalars = plays.known.scalars(plays.today);
    let now = plays.assessment;
    scalars.insert("band", Text(now.band.to_string()));
    scalars.extend(now.score.map(|s| ("score", Int(s.shown().into()))));
    if let Some(before) = plays.prior {
        scalars.insert("previous_band", Text(before.band.to_string()));
        scalars.extend(before.score.map(|s| ("previous_score", Int(s.shown().into()))));
    }
    scalars
}
