//! From facts to decisions: the assessment, what it means for episodes, and the events that say so.

use std::collections::BTreeMap;

use config::{Config, Playbook, Verdict};
use model::{
    Assessment, Closing, ConnectionName, Episode, EpisodeState, Event, EventBody, EventId, Field, Heard, Moment,
    Placed, Prior, Said, Stamp, SubjectId, TimelineEntry, ToldParent, View,
};

use crate::alert;
use crate::assess::{Judge, assess};
use crate::due;
use crate::known::Known;
use crate::news::News;
use crate::play::{self, Played, Plays};
use crate::roll_up;
use crate::when::When;
use crate::write_back;

/// What one recompute reads.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The account: the root of all its members, and not deleted.
    pub account: &'a SubjectId,
    /// The facts of all its members.
    pub facts: &'a [Placed],
    /// All its members. One that is missing here has no claims, and is its own home.
    pub members: &'a BTreeMap<SubjectId, Member>,
    /// The statement received last about where a subject belongs that is a member or once was: a link is news too.
    pub linked: Option<&'a Said>,
    /// What the members were told by accounts that name one of them as their parent.
    pub children: &'a [ToldParent],
    /// When each connection delivered anything, about whomever.
    pub heard: &'a BTreeMap<ConnectionName, Heard>,
    /// The assessment before; `None` for a subject that was not assessed.
    pub previous: Option<&'a Assessment>,
    /// The episodes of all its members, open and closed.
    pub episodes: &'a [Episode],
    /// Since when it is known that people here claim alerts, which is read where [`crate::asks_for_claims`] says so; `None` while
    /// nobody ever has.
    pub claimed_since: Option<Moment>,
}

/// A member of an account, besides its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Where episodes live that it is the cause of: the member itself; of an object that can change its owner and is
    /// kept in one item, what it belongs to.
    pub home: SubjectId,
    /// The newest of its live claims and its deletion or restore.
    pub linked: Option<Stamp>,
}

impl Input<'_> {
    /// Where episodes live that `subject` is the cause of.
    pub(crate) fn home_of(&self, subject: &SubjectId) -> SubjectId {
        self.members.get(subject).map_or_else(|| subject.clone(), |member| member.home.clone())
    }
}

/// What one recompute decided. Nothing but `assessment` is there unless something changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// `None` when the subject is not a watched account.
    pub assessment: Option<Assessment>,
    /// Episodes as they are now, those that changed.
    pub episodes: Vec<Episode>,
    /// What parents are told now.
    pub told: Vec<ToldParent>,
    /// What to tell the bus.
    pub events: Vec<Event>,
    /// What people will read.
    pub timeline: Vec<TimelineEntry>,
    /// When somebody took care of an episode, where this look is the first to see it.
    pub claimed_at: Option<Moment>,
}

impl Decision {
    /// How many items it takes to write it.
    pub fn items(&self) -> usize {
        1 + self.episodes.len() + self.told.len() + self.events.len() + self.timeline.len()
    }

    /// Of a decision with more than `most` items, what is written first: as many of the episodes that open or close as
    /// fit, with what they say, beside the assessment before. What is decided after that is the rest. `None` when all
    /// of it fits.
    #[must_use]
    pub fn first_part(&self, before: Option<&Assessment>, most: usize) -> Option<Self> {
        if self.items() <= most || self.episodes.is_empty() {
            return None;
        }
        let mut part = Self { assessment: before.cloned(), ..Self::default() };
        for episode in &self.episodes {
            let events: Vec<_> = self.events.iter().filter(|event| is_about(event, episode)).cloned().collect();
            let told = |entry: &&TimelineEntry| events.iter().any(|event| entry.event.as_ref() == Some(&event.id));
            let timeline: Vec<_> = self.timeline.iter().filter(told).cloned().collect();
            if !part.episodes.is_empty() && part.items() + 1 + events.len() + timeline.len() > most {
                break;
            }
            part.episodes.push(episode.clone());
            part.events.extend(events);
            part.timeline.extend(timeline);
        }
        Some(part)
    }
}

fn is_about(event: &Event, episode: &Episode) -> bool {
    let (home, row) = match &event.body {
        EventBody::RiskOpened { home, episode, .. }
        | EventBody::RiskResolved { home, episode, .. }
        | EventBody::PlayStarted { home, episode, .. }
        | EventBody::PlayEnded { home, episode, .. }
        | EventBody::CheckpointReached { home, episode, .. } => (home, episode),
        EventBody::ActionRequested(request) => (&request.home, &request.episode),
        EventBody::Watched { .. }
        | EventBody::Unwatched { .. }
        | EventBody::BandChanged { .. }
        | EventBody::NoticeRequested(_)
        | EventBody::ActionCompleted(_)
        | EventBody::ActionFailed(_)
        | EventBody::DeliveryQuarantined { .. }
        | EventBody::SourceSilent { .. }
        | EventBody::FetchRequested(_) => return false,
    };
    *home == episode.key.home && *row == episode.key.row()
}

/// Decides. Pure: the same input gives the same bytes, at any time, in any zone, on any machine.
pub fn decide(input: Input<'_>, config: &Config) -> Decision {
    let Some(news) = News::of(input, config) else { return Decision::default() };
    let view = View::new(input.facts, config);
    let now = When::at(news.as_of, &config.model.zone);
    let known = Known::new(view, input.heard, config);
    if !view.is_opened() || !is_watched(&known, config, now) {
        // Who leaves by a changed configuration does so with the next news: an operator's look closes nothing.
        if news.is_rescore {
            return Decision { assessment: input.previous.cloned(), ..Decision::default() };
        }
        return unwatched(input, config, view.is_opened(), &news);
    }
    let prior = prior(input.previous, news.as_of);
    let rolled = roll_up::rolled(input, view, config, prior.as_ref());
    let Some(judge) = Judge::new(&known, view, config, rolled, now) else { return Decision::default() };
    let assessment = assess(input, &judge, prior.as_ref(), now);
    let mut decision = Decision::default();
    let account = input.account;
    match input.previous {
        // First sight is no news: it starts the record and opens nothing.
        None => say(&mut decision, account, &news, EventBody::Watched { name: assessment.card.name.clone() }),
        // Neither is a changed model: bands may move, and nobody did anything.
        Some(before) if news.is_rescore || before.model != assessment.model => {
            decision.timeline.extend(alert::rescored(before, &assessment, &news));
        }
        Some(before) if before.band != assessment.band => say(
            &mut decision,
            account,
            &news,
            EventBody::BandChanged {
                from: before.band,
                to: assessment.band,
                score_from: prior.as_ref().and_then(|prior| prior.score),
                score_to: assessment.score,
            },
        ),
        Some(_) => {}
    }
    let plays = Plays {
        prior: prior.as_ref(),
        input,
        config,
        known: &known,
        view: &view,
        now,
        assessment: &assessment,
        news: &news,
        scalars: play::scalars(&known, now, &assessment, prior.as_ref()),
    };
    let played = play::run(&plays, &mut decision);
    let mut watched_by = vec![&config.watch.when, &config.watch.exclude];
    watched_by.extend(config.playbooks.iter().filter_map(Playbook::starts_when));
    let is_running = |playbook: &&Playbook| played.running.contains(&playbook.name);
    watched_by.extend(config.playbooks.iter().filter(is_running).flat_map(Playbook::ends_when));
    let next_change = due::next_change(&judge, &assessment, now, &watched_by, &played.threads);
    let (written_back, write_at) = write_back::ask(input, config, &assessment, &news, &mut decision);
    let (tasks_read_at, read_at) = play::look::ask(&plays, &played, &mut decision);
    let next_due_at = [played.next_due_at, next_change, write_at, read_at].into_iter().flatten().min();
    let Played { running, roots: threads, held, answers, runway, .. } = played;
    let answers = Some(answers);
    let (told_parent, told) = roll_up::tell((input, view, &known), &assessment, &news, config);
    decision.told = told;
    decision.assessment = Some(Assessment {
        next_due_at,
        running,
        threads,
        held,
        answers,
        runway,
        told_parent,
        written_back,
        tasks_read_at,
        ..assessment
    });
    decision
}

/// Whether the account is still one to be assessed, by this configuration.
pub fn stays(input: Input<'_>, config: &Config) -> bool {
    let Some(news) = News::of(input, config) else { return false };
    let view = View::new(input.facts, config);
    let known = Known::new(view, input.heard, config);
    view.is_opened() && is_watched(&known, config, When::at(news.as_of, &config.model.zone))
}

/// Decides about a subject that is an account no more, because it belongs to another one, was deleted, or belongs to
/// nobody knows whom. `linked` is the statement received last of those that made it so. Its episodes stay as they are:
/// they are their homes', and go where those belong.
pub fn leave(account: &SubjectId, previous: Option<&Assessment>, linked: Option<&Said>, config: &Config) -> Decision {
    let news = previous.zip(linked).map(|(before, link)| News::linked(link, Some(before.as_of), config));
    let mut decision = Decision { told: roll_up::untold(previous, news.as_ref()), ..Decision::default() };
    if let Some((before, news)) = previous.zip(news) {
        say(&mut decision, account, &news, EventBody::Unwatched { name: before.card.name.clone() });
    }
    decision
}

/// What the news is compared with. An assessment of the same moment is an earlier look at the same news, so it is
/// not the one before; what it has told already is told relative to [`Input::previous`], so nothing is told twice.
fn prior(previous: Option<&Assessment>, as_of: Moment) -> Option<Prior> {
    let previous = previous?;
    if previous.as_of == as_of { previous.before.clone() } else { Some(Prior::from(previous)) }
}

fn is_watched(known: &Known<'_>, config: &Config, now: When) -> bool {
    let scalars = known.scalars(now);
    let own = known.text(Field::Domain).and_then(|domain| excluding_domain(config, domain));
    own.is_none()
        && config.watch.when.holds(&scalars) == Verdict::Holds
        && config.watch.exclude.holds(&scalars) != Verdict::Holds
}

/// The excluded domain that a domain is, or is below.
pub(crate) fn excluding_domain<'a>(config: &'a Config, domain: &str) -> Option<&'a str> {
    let is_or_is_below = |excluded: &&String| {
        domain == **excluded || domain.strip_suffix(excluded.as_str()).is_some_and(|sub| sub.ends_with('.'))
    };
    config.watch.exclude_domains.iter().find(is_or_is_below).map(String::as_str)
}

/// An account that is not watched closes what is open, with that reason; there is nobody to tell. Where no CRM opened
/// an account, what is open waits until its home is linked to one.
fn unwatched(input: Input<'_>, config: &Config, is_account: bool, news: &News) -> Decision {
    let mut decision = Decision { told: roll_up::untold(input.previous, Some(news)), ..Decision::default() };
    if let Some(before) = input.previous {
        say(&mut decision, input.account, news, EventBody::Unwatched { name: before.card.name.clone() });
        write_back::clear(input, config, news, &mut decision);
    }
    for episode in input.episodes.iter().filter(|episode| is_account && episode.is_open()) {
        let closed =
            Episode { state: EpisodeState::Closed { at: news.as_of, why: Closing::Unwatched }, ..episode.clone() };
        play::say_ended(&mut decision, (input.account, config), news, &closed, Closing::Unwatched);
        decision.episodes.push(closed);
    }
    decision
}

/// Adds an event and the timeline row that tells of it.
pub(crate) fn say(decision: &mut Decision, account: &SubjectId, news: &News, body: EventBody) {
    let subject = match &body {
        EventBody::BandChanged { from, to, .. } => format!("{from}>{to}"),
        EventBody::Watched { .. }
        | EventBody::Unwatched { .. }
        | EventBody::RiskOpened { .. }
        | EventBody::RiskResolved { .. }
        | EventBody::PlayStarted { .. }
        | EventBody::PlayEnded { .. }
        | EventBody::CheckpointReached { .. }
        | EventBody::ActionRequested(_)
        | EventBody::NoticeRequested(_)
        | EventBody::ActionCompleted(_)
        | EventBody::ActionFailed(_)
        | EventBody::DeliveryQuarantined { .. }
        | EventBody::SourceSilent { .. }
        | EventBody::FetchRequested(_) => String::new(),
    };
    push(decision, account, news, &subject, &news.id.clone(), body);
}

/// As [`say`], with the subject and cause that the event's id is derived from.
pub(crate) fn push(
    decision: &mut Decision,
    account: &SubjectId,
    news: &News,
    subject: &str,
    cause: &str,
    body: EventBody,
) {
    let event = Event {
        id: EventId::derive(account, body.kind(), subject, cause),
        schema: model::EVENT_SCHEMA,
        account: account.clone(),
        occurred_at: news.occurred_at,
        as_of: news.as_of,
        cause: news.chain.clone(),
        body,
    };
    decision.timeline.extend(alert::timeline(&event));
    decision.events.push(event);
}
