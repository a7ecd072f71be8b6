//! What the answers to surveys say of an account. One person's word is not the account's, unless that person decides.

use std::collections::{BTreeMap, BTreeSet};

use config::{Config, Least, Scalar};
use jiff::civil::Date;
use model::{FactKey, Field, Moment, Placed, Value, View};

use super::people::People;
use super::sources::{SourceId, Sources, days_since, within};
use super::tickets::rounded;
use crate::told::Told;
use crate::when::When;

/// How long an answer speaks for the account, in days: half a year, as often as most ask. Part of what the names of the
/// scalars say.
const WINDOW: i64 = 180;
/// The lowest answer of a promoter, of 0 to 10: part of what NPS is. Source: Reichheld, "The One Number You Need to Grow",
/// Harvard Business Review, December 2003
const PROMOTER: i64 = 9;
/// The highest answer of a detractor, of 0 to 10: part of what NPS is. Source: as for a promoter
const DETRACTOR: i64 = 6;

/// One answer.
#[derive(Debug, Clone)]
struct Answer<'a> {
    source: SourceId,
    at: Moment,
    on: Date,
    /// Who gave it; the answer itself where that is not known.
    person: &'a str,
    /// It is known who gave it.
    is_named: bool,
    nps: Option<(i64, Told<'a>)>,
    /// Whether it is four of five or better, of its scale.
    is_satisfied: Option<(bool, Told<'a>)>,
    /// A statement of the answer.
    told: Told<'a>,
}

impl<'a> Answer<'a> {
    fn nps(&self) -> Option<i64> {
        Some(self.nps?.0)
    }

    fn is_detractor(&self) -> bool {
        self.nps().is_some_and(|score| score <= DETRACTOR)
    }

    /// Newest last; answers of one moment in the order of their names.
    fn order(&self) -> (Moment, &'a str) {
        (self.at, self.person)
    }
}

/// All answers of an account.
#[derive(Debug, Clone)]
pub(super) struct Answers<'a> {
    /// The oldest first.
    answers: Vec<Answer<'a>>,
    /// What is too little to count.
    least: Least,
}

impl<'a> Answers<'a> {
    pub fn new(view: View<'a>, sources: &Sources<'a>, people: &People<'a>, config: &'a Config) -> Self {
        let answers = view.objects(&FactKey::Response).filter_map(|placed| answer(placed, sources, people, config));
        let mut answers: Vec<_> = answers.collect();
        answers.sort_by_key(Answer::order);
        Self { answers, least: config.model.least }
    }

    pub fn sources(&self) -> BTreeSet<SourceId> {
        self.answers.iter().map(|answer| answer.source).collect()
    }

    /// Who answered, when, and who says so.
    pub fn people(&self) -> impl Iterator<Item = (&'a str, Date, SourceId, Told<'a>)> {
        let named = self.answers.iter().filter(|answer| answer.is_named);
        named.map(|answer| (answer.person, answer.on, answer.source, answer.told))
    }

    pub fn scalar(&self, name: &str, when: When, sources: &Sources<'a>, people: &People<'a>) -> Option<Scalar> {
        let number = |count: usize| Scalar::Int(i64::try_from(count).unwrap_or(i64::MAX));
        let ever = self.rated().next()?;
        match name {
            "nps_latest" => {
                let last = self.last_of_each(when, sources);
                if !self.counts(last.keys().copied(), people) {
                    return None;
                }
                let among = |of: &dyn Fn(i64) -> bool| last.values().filter(|a| a.nps().is_some_and(of)).count();
                let (promoters, detractors) = (among(&|score| score >= PROMOTER), among(&|score| score <= DETRACTOR));
                let balance = i128::try_from(promoters).ok()? - i128::try_from(detractors).ok()?;
                rounded(balance * 100, i128::try_from(last.len()).ok()?).map(Scalar::Int)
            }
            "nps_last_answer" => Some(Scalar::Int(self.rated().next_back().unwrap_or(ever).nps()?)),
            "nps_respondents" => Some(number(self.last_of_each(when, sources).len())),
            "detractors_180d" => {
                let last = self.last_of_each(when, sources);
                Some(number(last.values().filter(|answer| answer.is_detractor()).count()))
            }
            "days_since_detractor" => {
                let last = self.rated().rfind(|answer| answer.is_detractor())?;
                Some(Scalar::Int(days_since(last.on, sources.held(last.source, when))))
            }
            _ => None,
        }
    }

    /// The share of satisfied answers, each counted.
    pub fn csat(&self, when: When, sources: &Sources<'a>, people: &People<'a>) -> Option<Scalar> {
        let recent = self.answers.iter().filter(|a| within(a.on, sources.held(a.source, when), WINDOW));
        let recent: Vec<_> = recent.filter_map(|a| Some((a.person, a.is_satisfied?.0))).collect();
        if !self.counts(recent.iter().map(|(person, _)| *person).collect::<BTreeSet<_>>().into_iter(), people) {
            return None;
        }
        let satisfied = recent.iter().filter(|(_, is_satisfied)| *is_satisfied).count();
        percent(satisfied, recent.len()).map(Scalar::Int)
    }

    /// The answer that a scalar is read from: the newest of those that it is about.
    pub fn told(&self, name: &str) -> Option<Told<'a>> {
        match name {
            "csat_percent" => self.answers.iter().rev().find_map(|answer| answer.is_satisfied).map(|(_, told)| told),
            "days_since_detractor" | "detractors_180d" => {
                let detractor = self.rated().rfind(|answer| answer.is_detractor());
                detractor.or_else(|| self.rated().next_back())?.nps.map(|(_, told)| told)
            }
            _ => self.rated().next_back()?.nps.map(|(_, told)| told),
        }
    }

    /// The answers to how likely they recommend us, oldest first.
    fn rated(&self) -> impl DoubleEndedIterator<Item = &Answer<'a>> {
        self.answers.iter().filter(|answer| answer.nps.is_some())
    }

    /// Who answered speaks for the account.
    fn counts(&self, mut respondents: impl ExactSizeIterator<Item = &'a str>, people: &People<'a>) -> bool {
        respondents.len() >= self.least.respondents || respondents.any(|person| people.decides(person))
    }

    /// Per person their newest answer within the window.
    fn last_of_each(&self, when: When, sources: &Sources<'a>) -> BTreeMap<&'a str, &Answer<'a>> {
        let recent = self.rated().filter(|answer| within(answer.on, sources.held(answer.source, when), WINDOW));
        recent.map(|answer| (answer.person, answer)).collect()
    }
}

fn percent(part: usize, whole: usize) -> Option<i64> {
    if whole == 0 {
        return None;
    }
    rounded(i128::try_from(part).ok()? * 100, i128::try_from(whole).ok()?)
}

fn answer<'a>(
    placed: &'a Placed,
    sources: &Sources<'a>,
    people: &People<'a>,
    config: &'a Config,
) -> Option<Answer<'a>> {
    let view = View::new(std::slice::from_ref(placed), config);
    let told = |field| Told::of(view, &FactKey::Response, field);
    let nps = told(Field::Nps).and_then(|told| Some((told.int()?, told)));
    let is_satisfied = told(Field::Csat).and_then(|told| {
        let scale = view.text(&FactKey::Response, Field::CsatScale)?;
        Some((is_satisfied(told.int()?, scale)?, told))
    });
    let responded = told(Field::RespondedAt);
    let anchor = nps.map(|(_, told)| told).or(is_satisfied.map(|(_, told)| told)).or(responded)?;
    let at = match responded.map(|told| &told.register.value) {
        Some(Value::Moment(at)) => *at,
        _ => anchor.register.stamp.occurred_at,
    };
    let person = view.text(&FactKey::Response, Field::Person);
    Some(Answer {
        source: sources.id(anchor.connection)?,
        at,
        on: at.date_in(&config.model.zone),
        person: person.map_or(placed.fact.subject.as_str(), |person| people.name(person)),
        is_named: person.is_some(),
        nps,
        is_satisfied,
        told: anchor,
    })
}

/// Four of five, eight of ten: at least four fifths of the highest answer of a scale such as `1..5`.
fn is_satisfied(score: i64, scale: &str) -> Option<bool> {
    let (_, high) = scale.split_once("..")?;
    let high: i64 = high.parse().ok()?;
    Some(score.checked_mul(5)? >= high.checked_mul(4)?)
}
