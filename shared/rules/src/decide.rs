//! From facts to decisions: the assessment, what it means for episodes, and the events that say so.

use config::{Config, HealthModel, Measure, Missing, Points, Scalar, Verdict};
use jiff::civil::Date;
use model::{
    AccountCard, Assessment, Band, CauseChain, Closing, Contribution, Episode, EpisodeState, Event, EventBody, EventId,
    Fact, FactKey, Field, MeasureState, Moment, Prior, Register, Score, ScorePoint, SubjectId, TimelineEntry, Value,
    View,
};

use crate::alert;
use crate::due;
use crate::known::Known;
use crate::people;
use crate::play::{self, Plays};
use crate::score::{Weighed, score};

/// What one recompute reads.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The subject, its own root.
    pub subject: &'a SubjectId,
    /// The facts of all its members.
    pub facts: &'a [Fact],
    /// The assessment before; `None` for a subject that was not assessed.
    pub previous: Option<&'a Assessment>,
    /// The episodes of all its members, open and closed.
    pub episodes: &'a [Episode],
}

/// What one recompute decided. Nothing but `assessment` is there unless something changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// `None` when the subject is not a watched account.
    pub assessment: Option<Assessment>,
    /// Episodes as they are now, those that changed.
    pub episodes: Vec<Episode>,
    /// What to tell the bus.
    pub events: Vec<Event>,
    /// What people will read.
    pub timeline: Vec<TimelineEntry>,
}

/// The news a decision reacts to.
#[derive(Debug, Clone)]
pub(crate) struct News {
    pub occurred_at: Moment,
    pub as_of: Moment,
    pub chain: CauseChain,
    /// Names the news in ids: the moment of receipt and the delivery, or the due moment.
    pub id: String,
}

/// Decides. Pure: the same input gives the same bytes, at any time, in any zone, on any machine.
pub fn decide(input: Input<'_>, config: &Config) -> Decision {
    let view = View::new(input.facts, config);
    let Some((as_of, news_register)) = view.as_of().zip(view.news()) else { return Decision::default() };
    let today = as_of.date_in(&config.model.zone);
    let known = Known::new(view, &config.model, today);
    let news = news_of(&view, news_register, as_of);
    if !is_watched_account(&view, &known, config, today) {
        return unwatched(input, &news);
    }
    let prior = prior(input.previous, as_of);
    let assessment = assess(input, config, &known, prior.as_ref(), as_of, today);
    let mut decision = Decision::default();
    match input.previous {
        // First sight is no news: it starts the record and opens nothing.
        None => say(&mut decision, &assessment, &news, EventBody::Watched { name: assessment.card.name.clone() }),
        // Neither is a changed model: bands may move, and nobody did anything.
        Some(before) if before.model != assessment.model => {}
        Some(before) if before.band != assessment.band => say(
            &mut decision,
            &assessment,
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
        today,
        assessment: &assessment,
        news: &news,
    };
    let next_episode_due = play::run(&plays, is_live_news(&view, news_register, config), &mut decision);
    let mut watched_by = vec![&config.watch.when, &config.watch.exclude];
    watched_by.extend(config.playbooks.iter().map(|p| &p.recover));
    let next_change = due::next_change(&known, config, today, assessment.band, &watched_by);
    let next_due_at = [next_episode_due, next_change].into_iter().flatten().min();
    decision.assessment = Some(Assessment { next_due_at, ..assessment });
    decision
}

/// What the news is compared with. An assessment of the same moment is an earlier look at the same news, so it is
/// not the one before; what it has told already is told relative to [`Input::previous`], so nothing is told twice.
fn prior(previous: Option<&Assessment>, as_of: Moment) -> Option<Prior> {
    let previous = previous?;
    if previous.as_of == as_of { previous.before.clone() } else { Some(Prior::from(previous)) }
}

fn news_of(view: &View<'_>, register: &Register, as_of: Moment) -> News {
    let by_tick = view.register(&FactKey::Tick, Field::At).is_some_and(|tick| tick.received_at == as_of);
    let (chain, id) = match &register.value {
        Value::Moment(due) if by_tick => {
            (CauseChain { due_at: Some(*due), ..CauseChain::default() }, format!("due~{due}"))
        }
        _ => (
            CauseChain {
                delivery: Some(register.stamp.delivery.clone()),
                path: Some(register.path.clone()),
                due_at: None,
            },
            // All that one delivery says is one piece of news, whichever of its facts is seen first.
            format!("{as_of}~{}", register.stamp.delivery),
        ),
    };
    News { occurred_at: register.stamp.occurred_at, as_of, chain, id }
}

/// News from before its connection went live, such as an import, opens nothing.
fn is_live_news(view: &View<'_>, news: &Register, config: &Config) -> bool {
    let said_by = view.facts().iter().flat_map(Fact::all_registers).find(|(_, _, r)| std::ptr::eq(*r, news));
    let live_from = said_by.and_then(|(connection, _, _)| config.connection(connection)?.live_from);
    live_from.is_none_or(|from| news.stamp.occurred_at >= from)
}

fn is_watched_account(view: &View<'_>, known: &Known<'_>, config: &Config, today: Date) -> bool {
    let scalars = known.scalars(today);
    let deleted = matches!(known.register(Field::Deleted).map(|r| &r.value), Some(Value::Flag(true)));
    let excludes = |excluded: &String, domain: &str| {
        domain == excluded || domain.strip_suffix(excluded.as_str()).is_some_and(|sub| sub.ends_with('.'))
    };
    let domain = known.text(Field::Domain);
    let own = domain.is_some_and(|domain| config.watch.exclude_domains.iter().any(|e| excludes(e, domain)));
    view.is_opened()
        && !deleted
        && !own
        && config.watch.when.holds(&scalars) == Verdict::Holds
        && config.watch.exclude.holds(&scalars) != Verdict::Holds
}

/// Leaving the watch closes what is open, with that reason; there is nobody to tell.
fn unwatched(input: Input<'_>, news: &News) -> Decision {
    let mut decision = Decision::default();
    let Some(before) = input.previous else { return decision };
    say(&mut decision, before, news, EventBody::Unwatched { name: before.card.name.clone() });
    for episode in input.episodes.iter().filter(|e| e.is_open()) {
        let closed =
            Episode { state: EpisodeState::Closed { at: news.as_of, why: Closing::Unwatched }, ..episode.clone() };
        play::say_resolved(&mut decision, before, news, &closed, Closing::Unwatched);
        decision.episodes.push(closed);
    }
    decision
}

fn assess(
    input: Input<'_>,
    config: &Config,
    known: &Known<'_>,
    prior: Option<&Prior>,
    as_of: Moment,
    today: Date,
) -> Assessment {
    let model = &config.model;
    let measured: Vec<Measured> =
        (0..model.measures.len()).map(|at| measure_points(known, config, at, today)).collect();
    let dimensions: Vec<u32> = model.dimensions.iter().map(|d| d.weight).collect();
    let weighed: Vec<Weighed> = measured.iter().map(|m| m.weighed).collect();
    let scored = score(&dimensions, &weighed);
    let band = due::band_of(
        &model.bands,
        scored.score,
        scored.confidence,
        model.min_coverage,
        prior.map(|before| before.machine_band),
    );
    let contributions = (0..model.measures.len())
        .map(|at| contribution(model, &measured[at], (scored.gained[at], scored.missed[at]), at, known, prior))
        .collect();
    let mut history = input.previous.map(|before| before.history.clone()).unwrap_or_default();
    history.retain(|point| point.as_of < as_of);
    let now = ScorePoint { as_of, score: scored.score.and_then(|bp| Score::new(bp).ok()), band };
    if history.last().is_none_or(|last| (last.score, last.band) != (now.score, now.band)) {
        history.push(now.clone());
        let excess = history.len().saturating_sub(Assessment::HISTORY);
        history.drain(..excess);
    }
    Assessment {
        account: input.subject.clone(),
        card: AccountCard {
            name: known.text(Field::Name).unwrap_or(input.subject.as_str()).to_owned(),
            arr: known.arr(),
            renews_on: known.date(Field::RenewsOn),
            notice_days: known.int(Field::NoticeDays),
            lifecycle_stage: known.text(Field::LifecycleStage).map(str::to_owned),
            owner: people::owner(known, &config.team),
        },
        score: if band == Band::Unknown { None } else { now.score },
        machine_band: band,
        band,
        band_since: prior.filter(|before| before.band == band).map_or(as_of, |before| before.band_since),
        confidence: scored.confidence,
        contributions,
        as_of,
        next_due_at: None,
        model: model.version.clone(),
        playbooks: config.playbooks_hash.clone(),
        history,
        before: prior.cloned(),
    }
}

/// One measure of one account on one day.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub weighed: Weighed,
    pub state: MeasureState,
    pub value: Option<Scalar>,
}

pub(crate) fn measure_points(known: &Known<'_>, config: &Config, at: usize, day: Date) -> Measured {
    let measure = &config.model.measures[at];
    let value = known.scalar(measure.value.name, day);
    let points = value.as_ref().and_then(|value| points_of(&measure.points, value));
    let wired = points.is_some() || config.is_wired(measure.value);
    let (state, points) = match (points, wired, measure.missing) {
        (Some(points), _, _) => (MeasureState::Counted, Some(points)),
        (None, false, _) => (MeasureState::NotWired, None),
        (None, true, Missing::Skip) => (MeasureState::Skipped, None),
        (None, true, Missing::Neutral) => (MeasureState::Neutral, Some(5_000)),
        (None, true, Missing::Worst) => (MeasureState::Worst, Some(0)),
    };
    let usable = state == MeasureState::Counted;
    let weighed = Weighed { dimension: measure.dimension, weight: measure.weight, points, wired, usable };
    Measured { weighed, state, value }
}

/// `None` for a word the model does not know: nothing is guessed.
fn points_of(points: &Points, value: &Scalar) -> Option<u16> {
    match (points, value) {
        (Points::Words(words), Scalar::Text(word)) => words.get(word).copied(),
        (Points::Steps(steps), Scalar::Int(n)) => {
            let step = steps.iter().rev().find(|(from, _)| n >= from).or_else(|| steps.first());
            step.map(|(_, points)| *points)
        }
        (Points::Linear(knots), Scalar::Int(n)) => linear(knots, *n),
        (Points::Words(_), _) | (Points::Steps(_) | Points::Linear(_), _) => None,
    }
}

/// Straight lines between knots, flat outside, rounded half-up to a basis point.
fn linear(knots: &[(i64, u16)], n: i64) -> Option<u16> {
    let (first, last) = (knots.first()?, knots.last()?);
    if n <= first.0 {
        return Some(first.1);
    }
    if n >= last.0 {
        return Some(last.1);
    }
    let (low, high) = knots.windows(2).map(|w| (w[0], w[1])).find(|(low, high)| (low.0..=high.0).contains(&n))?;
    let (run, rise) = (i128::from(high.0) - i128::from(low.0), i128::from(high.1) - i128::from(low.1));
    let along = i128::from(n) - i128::from(low.0);
    let points = (2 * (i128::from(low.1) * run + rise * along) + run).div_euclid(2 * run);
    u16::try_from(points).ok()
}

fn contribution(
    model: &HealthModel,
    measured: &Measured,
    (gained, missed): (u16, u16),
    at: usize,
    known: &Known<'_>,
    prior: Option<&Prior>,
) -> Contribution {
    let measure = &model.measures[at];
    let value = measured.value.as_ref().map(|value| spoken(measure, value));
    let points = measured.weighed.points;
    let before = prior.and_then(|prior| prior.measures.get(&measure.name));
    Contribution {
        measure: measure.name.clone(),
        label: measure.label.clone(),
        dimension: model.dimensions.get(measure.dimension).map(|d| d.name.clone()).unwrap_or_default(),
        state: measured.state,
        points,
        gained,
        missed,
        change: before.map(|(before, _)| i32::from(gained) - i32::from(*before)),
        before: before
            .map(|(_, counted)| counted)
            .filter(|counted| counted.value != value || counted.points != points)
            .cloned(),
        evidence: known.evidence(measure.value.fields),
        value,
    }
}

/// A value with its unit, as a person says it.
fn spoken(measure: &Measure, value: &Scalar) -> String {
    let text = match value {
        Scalar::Int(n) => n.to_string(),
        Scalar::Text(text) => text.clone(),
        Scalar::Flag(true) => "yes".to_owned(),
        Scalar::Flag(false) => "no".to_owned(),
    };
    match (measure.value.unit, value) {
        (Some("days"), Scalar::Int(1)) => "1 day".to_owned(),
        (Some(unit), _) => format!("{text} {unit}"),
        (None, _) => text,
    }
}

/// Adds an event and the timeline row that tells of it.
pub(crate) fn say(decision: &mut Decision, about: &Assessment, news: &News, body: EventBody) {
    let subject = match &body {
        EventBody::BandChanged { from, to, .. } => format!("{from}>{to}"),
        EventBody::Watched { .. }
        | EventBody::Unwatched { .. }
        | EventBody::RiskOpened { .. }
        | EventBody::RiskResolved { .. }
        | EventBody::ActionRequested(_)
        | EventBody::ActionCompleted(_)
        | EventBody::ActionFailed(_)
        | EventBody::DeliveryQuarantined { .. } => String::new(),
    };
    push(decision, about, news, &subject, &news.id.clone(), body);
}

/// As [`say`], with the subject and cause that the event's id is derived from.
pub(crate) fn push(
    decision: &mut Decision,
    about: &Assessment,
    news: &News,
    subject: &str,
    cause: &str,
    body: EventBody,
) {
    let event = Event {
        id: EventId::derive(&about.account, body.kind(), subject, cause),
        schema: model::EVENT_SCHEMA,
        account: about.account.clone(),
        occurred_at: news.occurred_at,
        as_of: news.as_of,
        cause: news.chain.clone(),
        body,
    };
    decision.timeline.extend(alert::timeline(&event));
    decision.events.push(event);
}
