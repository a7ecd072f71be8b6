//! What is known of an account becomes its assessment: the score, what caps it, its band, and what people say instead.

use std::collections::{BTreeMap, BTreeSet};

use config::{Config, Profile, Scalar, Scalars, Verdict};
use jiff::civil::Date;
use model::{
    AccountCard, Assessment, Band, Cap, DimensionScore, FactKey, Field, Incident, Memory, Override, Prior, Remembered,
    RollUp, Score, ScorePoint, Sentiment, View,
};

use crate::decide::Input;
use crate::known::Known;
use crate::measure::{Measured, contribution, measured, spoken_all, values};
use crate::people;
use crate::renewals::days_between;
use crate::roll_up::{self, Rolled};
use crate::score::{Group, Scale, Weighed, score};
use crate::told::Told;
use crate::when::When;

/// What an account is judged by, at any moment.
pub(crate) struct Judge<'a> {
    pub config: &'a Config,
    pub known: &'a Known<'a>,
    pub view: View<'a>,
    pub profile: &'a Profile,
    /// The weights of the profile's dimensions.
    pub groups: Vec<Group>,
    /// What its children come to. Time does not move it: when a child moves, it says so.
    pub rolled: Option<Rolled>,
    because: String,
}

/// How an account stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The band of the account's own score alone, which hysteresis goes by.
    pub score_band: Band,
    /// What its own facts say,
    pub own_band: Band,
    /// and what counts: that of its children, where one of them does.
    pub machine_band: Band,
    /// The score is green, and too little is known to call it so.
    pub provisional: bool,
    /// Set by hand, while it counts.
    pub overridden: Option<Band>,
    /// Since when the machine and people are two bands apart.
    pub apart_since: Option<Date>,
    pub is_apart: bool,
}

impl Standing {
    /// What playbooks and people act on.
    pub fn band(&self) -> Band {
        self.overridden.unwrap_or(self.machine_band)
    }
}

impl<'a> Judge<'a> {
    /// Of the profile that fits at a moment.
    pub fn new(
        known: &'a Known<'a>,
        view: View<'a>,
        config: &'a Config,
        rolled: Option<Rolled>,
        when: When,
    ) -> Option<Self> {
        let (at, because) = profile_at(known, config, when);
        let profile = config.model.profiles.get(at)?;
        let group = |of: &config::Dimension| Group { weight: of.weight, min_coverage: of.min_coverage };
        let groups = profile.dimensions.iter().map(group).collect();
        Some(Self { config, known, view, profile, groups, rolled, because })
    }

    /// A measure at a moment, after what is remembered.
    pub fn measured(&self, at: usize, remembered: &BTreeMap<String, Remembered>, when: When) -> Measured {
        let measure = &self.profile.measures[at];
        measured(self.known, self.config, measure, remembered.get(&measure.name), when)
    }

    /// The values a cap's condition reads.
    pub fn cap_values(&self, at: usize, when: When) -> Scalars {
        values(self.known, self.profile.caps[at].when.names(), when)
    }

    /// The highest score that a band allows, in whole points, so that it is shown as what it is.
    pub fn limit(&self, at_most: Band) -> u16 {
        let bands = self.config.model.bands;
        let below = match at_most {
            Band::Green | Band::Unknown => return Score::MAX,
            Band::Yellow => bands.green_from,
            Band::Red => bands.yellow_from,
        };
        below.saturating_sub(1) / 100 * 100
    }

    /// How an account with this score stands, after another standing.
    pub fn standing(
        &self,
        score: Option<u16>,
        scale: &Scale,
        before: (Option<Band>, Option<Date>),
        when: When,
    ) -> Standing {
        let model = &self.config.model;
        let (band_before, apart_before) = before;
        let score_band = match score.and_then(|points| Score::new(points).ok()) {
            Some(score) if scale.coverage >= model.min_coverage => model.bands.of(score, band_before),
            Some(_) | None => Band::Unknown,
        };
        let unsure = score_band == Band::Green && !self.may_be_green(scale, when);
        let own_band = if unsure { Band::Yellow } else { score_band };
        let children = self.rolled.as_ref().and_then(|rolled| Some((rolled.band()?, rolled.provisional)));
        let (machine_band, provisional) = children.unwrap_or((own_band, unsure));
        let overridden = self.text("override_band", when).and_then(|word| band(&word));
        let people = overridden.or_else(|| band(&self.text("csm_sentiment", when)?));
        let is_far = matches!((machine_band, people), (Band::Green, Some(Band::Red)) | (Band::Red, Some(Band::Green)));
        let apart_since = is_far.then(|| apart_before.unwrap_or(when.day));
        let is_apart = apart_since.is_some_and(|since| days_between(since, when.day) >= model.apart_days);
        Standing { score_band, own_band, machine_band, provisional, overridden, apart_since, is_apart }
    }

    /// Enough dimensions have a value, and one of those that nobody can do without.
    fn may_be_green(&self, scale: &Scale, when: When) -> bool {
        let needs = self.config.model.green;
        let coverage = scale.group_coverage.iter().zip(&self.groups).zip(&self.profile.dimensions);
        let valued = coverage.filter(|((coverage, group), _)| **coverage > 0 && **coverage >= group.min_coverage);
        let valued: Vec<&str> = valued.map(|(_, dimension)| dimension.name.as_str()).collect();
        let contact = || self.known.scalar("days_since_two_way_contact", when);
        let spoke = || matches!(contact(), Some(Scalar::Int(days)) if days <= needs.contact_within_days);
        let is_close = || valued.contains(&"usage") || self.text("csm_sentiment", when).is_some() || spoke();
        valued.len() >= needs.dimensions && is_close()
    }

    fn text(&self, name: &str, when: When) -> Option<String> {
        match self.known.scalar(name, when)? {
            Scalar::Text(word) => Some(word),
            Scalar::Int(_) | Scalar::Flag(_) => None,
        }
    }

    fn overridden(&self, when: When) -> Option<Override> {
        let band = band(&self.text("override_band", when)?)?;
        let told = |field| Told::of(self.view, &FactKey::Override, field);
        let text = |field| told(field).and_then(|told| told.text().map(str::to_owned));
        let (by, why) = (text(Field::OverrideBy), text(Field::OverrideWhy));
        let until = told(Field::OverrideUntil).and_then(|told| told.date());
        let evidence = told(Field::OverrideBand).map(|told| told.evidence());
        Some(Override { band, by, why, until, evidence })
    }

    fn incident(&self, when: When) -> Option<Incident> {
        let told = |field| Told::of(self.view, &FactKey::Incident, field);
        let text = |field| told(field).and_then(|told| told.text().map(str::to_owned));
        let until = told(Field::IncidentUntil)?.date().filter(|until| *until >= when.day)?;
        Some(Incident { until, why: text(Field::IncidentWhy)?, by: text(Field::IncidentBy) })
    }

    fn sentiment(&self, when: When) -> Option<Sentiment> {
        let word = self.text("csm_sentiment", when)?;
        let told = self.known.told(config::scalar("csm_sentiment")?, when)?;
        let said_on = told.register.stamp.occurred_at.date_in(&self.config.model.zone);
        Some(Sentiment { band: band(&word), word, said_on })
    }
}

/// The place of the profile that counts at a moment, and why this one.
pub(crate) fn profile_at(known: &Known<'_>, config: &Config, when: When) -> (usize, String) {
    let conditions = config.model.profiles.iter().filter_map(|profile| profile.when.as_ref());
    let names: Vec<&'static str> = conditions.flat_map(|when| when.names()).copied().collect();
    config.profile_for(&values(known, &names, when))
}

/// The band of that name; other words say nothing.
fn band(word: &str) -> Option<Band> {
    [Band::Green, Band::Yellow, Band::Red].into_iter().find(|band| band.as_str() == word)
}

/// What an assessment adds to what is known, as conditions read it.
pub(crate) fn results(now: &Assessment, prior: Option<&Prior>, on: Date) -> Scalars {
    use Scalar::{Int, Text};
    let mut results = Scalars::from([("band", Text(now.band.to_string()))]);
    results.extend(now.score.map(|score| ("score", Int(score.shown().into()))));
    results.extend(now.days_apart(on).map(|days| ("days_bands_apart", Int(days))));
    if let Some(before) = prior {
        results.insert("previous_band", Text(before.band.to_string()));
        results.extend(before.score.map(|score| ("previous_score", Int(score.shown().into()))));
    }
    results
}

/// The assessment at a moment, before it is known when it changes next and what runs.
pub(crate) fn assess(input: Input<'_>, judge: &Judge<'_>, prior: Option<&Prior>, now: When) -> Assessment {
    let (config, known, profile) = (judge.config, judge.known, judge.profile);
    let none = BTreeMap::new();
    let memory = prior.map(|before| &before.memory);
    // What is remembered of a measure is in points of the model that it was remembered by.
    let remembered =
        memory.filter(|memory| memory.model == profile.version.hash).map_or(&none, |memory| &memory.measures);
    let measures = 0..profile.measures.len();
    let measured: Vec<Measured> = measures.clone().map(|at| judge.measured(at, remembered, now)).collect();
    let weighed: Vec<Weighed> = measured.iter().map(|m| m.weighed).collect();
    let caps: Vec<_> = profile.caps.iter().enumerate().map(|(at, cap)| (cap, judge.cap_values(at, now))).collect();
    let caps: Vec<_> = caps.into_iter().filter(|(cap, values)| cap.when.holds(values) == Verdict::Holds).collect();
    let limits: Vec<u16> = caps.iter().map(|(cap, _)| judge.limit(cap.at_most)).collect();
    let scored = score(&judge.groups, &weighed, &limits);
    let before = (prior.map(|p| p.memory.score_band.unwrap_or(p.machine_band)), prior.and_then(|p| p.apart_since));
    let standing = judge.standing(scored.score, &scored.scale, before, now);
    let band = standing.band();
    let row = |at: usize| {
        let measure = &profile.measures[at];
        let dimension = profile.dimensions.get(measure.dimension).map_or("", |dimension| &dimension.name);
        let parts = [scored.gained[at], scored.missed[at], scored.weights[at]];
        contribution((measure, dimension), &measured[at], parts, known, prior, now)
    };
    let cap = |((cap, values), taken): (&(&config::CapRule, Scalars), &u16)| Cap {
        name: cap.name.clone(),
        label: cap.label.clone(),
        at_most: cap.at_most,
        points: -i32::from(*taken),
        because: spoken_all(values),
        evidence: cap.when.names().iter().find_map(|name| known.told(config::scalar(name)?, now)).map(|t| t.evidence()),
    };
    let dimension = |at: usize| DimensionScore {
        name: profile.dimensions[at].name.clone(),
        label: profile.dimensions[at].label.clone(),
        score: scored.groups[at].and_then(|points| Score::new(points).ok()),
        coverage: scored.scale.group_coverage[at],
    };
    let score = scored.score.filter(|_| standing.score_band != Band::Unknown);
    let own_score = score.and_then(|points| Score::new(points).ok());
    let rolled_up =
        judge.rolled.as_ref().map(|rolled| RollUp { own_score, own_band: standing.own_band, ..rolled.up.clone() });
    let score = rolled_up.as_ref().and_then(|rolled| rolled.score).or(own_score);
    let history = input.previous.map(|before| before.history.clone()).unwrap_or_default();
    let names = profile.measures.iter().map(|measure| measure.name.clone()).zip(&measured);
    let kept = names.filter_map(|(name, measured)| Some((name, measured.remembered.clone()?)));
    let memory = Memory {
        score_band: Some(standing.score_band),
        rolled_band: judge.rolled.as_ref().and_then(|rolled| rolled.score_band),
        model: profile.version.hash.clone(),
        measures: kept.collect(),
    };
    Assessment {
        account: input.account.clone(),
        card: card(input, judge, now),
        score,
        machine_band: standing.machine_band,
        band,
        band_since: prior.filter(|before| before.band == band).map_or(now.at, |before| before.band_since),
        provisional: standing.provisional,
        sentiment: judge.sentiment(now),
        overridden: judge.overridden(now),
        incident: judge.incident(now),
        apart_since: standing.apart_since,
        is_apart: standing.is_apart,
        confidence: scored.scale.confidence,
        coverage: scored.scale.coverage,
        contributions: measures.map(row).collect(),
        caps: caps.iter().zip(&scored.taken).map(cap).collect(),
        dimensions: (0..profile.dimensions.len()).map(dimension).collect(),
        as_of: now.at,
        next_due_at: None,
        model: profile.version.clone(),
        model_because: judge.because.clone(),
        playbooks: config.playbooks_hash.clone(),
        history: Assessment::history_with(history, ScorePoint { as_of: now.at, score, band }),
        running: BTreeSet::new(),
        threads: BTreeMap::new(),
        held: BTreeSet::new(),
        answers: None,
        runway: BTreeMap::new(),
        rolled_up,
        told_parent: None,
        written_back: None,
        tasks_read_at: None,
        memory,
        before: prior.cloned(),
    }
}

fn card(input: Input<'_>, judge: &Judge<'_>, now: When) -> AccountCard {
    let (known, today) = (judge.known, now.day);
    let renewal = known.renewal(today);
    AccountCard {
        name: known.text(Field::Name).unwrap_or(input.account.as_str()).to_owned(),
        arr: known.arr(today),
        renews_on: renewal.due_on(),
        notice_days: renewal.notice.and_then(|told| told.int()),
        notice_by: renewal.notice_deadline(),
        renewal_of: renewal.due.map(|told| told.subject.clone()),
        renewal_status: renewal.due.map(|_| renewal.status),
        renewal_amount: renewal.due.and(renewal.amount).and_then(|told| told.money()),
        lifecycle_stage: known.text(Field::LifecycleStage).map(str::to_owned),
        owner: people::owner(known, &judge.config.team, input.account),
        parent: roll_up::parent(View::new(input.facts, judge.config), input.account).map(|(parent, _)| parent),
    }
}
