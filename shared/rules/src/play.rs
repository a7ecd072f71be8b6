//! Playbooks: when an episode opens, recovers and closes. Bands depend on the path; episodes are its memory.

use config::{Config, Playbook, StepAction, Trigger, Verdict};
use jiff::civil::Date;
use model::{
    ActionKind, ActionRequest, AlertKind, Assessment, Band, Closing, Episode, EpisodeKey, EpisodeState, EventBody,
    FactKey, Field, Moment, Prior, Stamp, SubjectId, View,
};

use crate::alert;
use crate::decide::{Decision, Input, News, push};
use crate::known::Known;
use crate::people;

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

/// Runs every playbook in order of priority; returns the next moment at which an episode changes by itself.
pub(crate) fn run(plays: &Plays<'_>, is_live_news: bool, decision: &mut Decision) -> Option<Moment> {
    let mut next_due = None;
    let mut playbooks: Vec<&Playbook> = plays.config.playbooks.iter().collect();
    playbooks.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    for playbook in playbooks {
        let of_playbook = |e: &&Episode| e.key.playbook == playbook.name && e.key.key == WHOLE_ACCOUNT;
        let episodes: Vec<&Episode> = plays.input.episodes.iter().filter(of_playbook).collect();
        if let Some(open) = episodes.iter().find(|e| e.is_open()) {
            next_due = [next_due, recover(plays, playbook, open, decision)].into_iter().flatten().min();
        } else if let Some((home, cause)) = opening(plays, playbook, &episodes, is_live_news) {
            open_episode(plays, playbook, &episodes, home, cause, decision);
        }
    }
    next_due
}

/// Whether the playbook starts now, and from which home and cause.
fn opening(
    plays: &Plays<'_>,
    playbook: &Playbook,
    episodes: &[&Episode],
    is_live_news: bool,
) -> Option<(SubjectId, Stamp)> {
    if let Some(asked) = asked_for(plays, playbook, episodes) {
        return Some(asked);
    }
    let before = plays.input.previous?;
    let now = plays.assessment;
    // A change that configuration caused, or that was true before the connection went live, is no news.
    if before.model != now.model || !is_live_news {
        return None;
    }
    let Trigger::BandChanged { to } = &playbook.trigger;
    let crossed = before.band != now.band && to.contains(&now.band);
    let cooling = episodes.iter().any(|e| match e.state {
        EpisodeState::Closed { at, .. } => now.as_of < at.plus(playbook.cooldown),
        EpisodeState::Open { .. } => false,
    });
    let guarded = playbook.when.as_ref().is_some_and(|when| when.holds(&scalars(plays)) != Verdict::Holds);
    if !crossed || cooling || guarded { None } else { home(plays) }
}

/// An operator asked for this playbook, once per request.
fn asked_for(plays: &Plays<'_>, playbook: &Playbook, episodes: &[&Episode]) -> Option<(SubjectId, Stamp)> {
    let request = plays.view.register(&FactKey::PlayRequest(playbook.name.clone()), Field::At)?;
    let known = episodes.iter().any(|e| e.key.cause == request.stamp);
    (!known).then(|| (plays.input.subject.clone(), request.stamp.clone()))
}

/// The subject and stamp of the newest fact that contributed.
fn home(plays: &Plays<'_>) -> Option<(SubjectId, Stamp)> {
    let evidence = plays.assessment.contributions.iter().filter_map(|c| c.evidence.as_ref());
    let newest = evidence.max_by(|a, b| (&a.stamp, &a.subject).cmp(&(&b.stamp, &b.subject)))?;
    Some((newest.subject.clone(), newest.stamp.clone()))
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
    let run = episodes.iter().find(|e| e.key == key).map_or(1, |e| e.run + 1);
    let reasons = alert::changes(now);
    let root = playbook.steps.first().map(|step| key.action(run, &step.name));
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
    push(decision, now, plays.news, &row, &cause, body);
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
        let reply_to = (at > 0).then(|| root.clone()).flatten();
        request(plays, playbook, &episode, &step.name, reply_to, alert, decision);
    }
    decision.episodes.push(episode);
}

/// Moves an open episode towards its end; returns when it ends if nothing else happens.
fn recover(plays: &Plays<'_>, playbook: &Playbook, episode: &Episode, decision: &mut Decision) -> Option<Moment> {
    let now = plays.assessment;
    let since = match episode.state {
        EpisodeState::Open { recovering_since } => recovering_since,
        EpisodeState::Closed { .. } => return None,
    };
    // Bands that moved because the model did prove nothing either way.
    if plays.input.previous.is_some_and(|before| before.model != now.model) {
        return since.map(|since| since.plus(playbook.recover_after));
    }
    let holds = playbook.recover.holds(&scalars(plays)) == Verdict::Holds;
    match (holds, since) {
        (false, None) => None,
        (false, Some(_)) => {
            decision.episodes.push(Episode { state: EpisodeState::Open { recovering_since: None }, ..episode.clone() });
            None
        }
        (true, since) => {
            let ends_at = since.unwrap_or(now.as_of).plus(playbook.recover_after);
            if now.as_of >= ends_at {
                close(plays, playbook, episode, decision);
                return None;
            }
            if since.is_none() {
                let state = EpisodeState::Open { recovering_since: Some(now.as_of) };
                decision.episodes.push(Episode { state, ..episode.clone() });
            }
            Some(ends_at)
        }
    }
}

fn close(plays: &Plays<'_>, playbook: &Playbook, episode: &Episode, decision: &mut Decision) {
    let why = Closing::Recovered;
    let closed = Episode { state: EpisodeState::Closed { at: plays.assessment.as_of, why }, ..episode.clone() };
    say_resolved(decision, plays.assessment, plays.news, &closed, why);
    if let Some(root) = &episode.root_action {
        let reasons = alert::ended(plays.assessment, &episode.reasons);
        let alert = alert::alert(plays, playbook, AlertKind::Resolved, episode.band, episode.score, reasons, "");
        request(plays, playbook, &closed, RESOLVED, Some(root.clone()), alert, decision);
    }
    decision.episodes.push(closed);
}

/// Tells that an episode ended.
pub(crate) fn say_resolved(decision: &mut Decision, about: &Assessment, news: &News, closed: &Episode, why: Closing) {
    let row = closed.key.row();
    let body = EventBody::RiskResolved {
        playbook: closed.key.playbook.clone(),
        episode: row.clone(),
        home: closed.key.home.clone(),
        why,
    };
    push(decision, about, news, &row, &cause_of(closed), body);
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
    push(decision, plays.assessment, plays.news, id.as_str(), &cause_of(episode), body);
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
