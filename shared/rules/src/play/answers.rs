//! Answers to surveys: which are news, who gave them, and what came of it.

use std::collections::BTreeMap;

use config::{Scalar, Scalars};
use jiff::SignedDuration;
use model::{AlertChange, Episode, FactKey, Field, Moment, Placed, SubjectId, Value, View};

use super::Plays;
use super::start::{Repeats, Start};
use crate::news;
use crate::told::Told;

/// A fortnight: whoever is asked back later than this after they answered has forgotten what they wrote.
const STALE_AFTER: SignedDuration = SignedDuration::from_hours(14 * 24);

/// One person's answer.
struct Answer<'a> {
    response: &'a SubjectId,
    nps: i64,
    told: Told<'a>,
    at: Moment,
    comment: Option<&'a str>,
}

fn answer<'a>(plays: &'a Plays<'_>, placed: &'a Placed) -> Option<Answer<'a>> {
    let view = View::new(std::slice::from_ref(placed), plays.config);
    let told = Told::of(view, &FactKey::Response, Field::Nps)?;
    let at = match view.register(&FactKey::Response, Field::RespondedAt).map(|register| &register.value) {
        Some(Value::Moment(at)) => *at,
        _ => told.register.stamp.occurred_at,
    };
    let comment = view.text(&FactKey::Response, Field::Comment).filter(|text| !text.trim().is_empty());
    Some(Answer { response: &placed.fact.subject, nps: told.int()?, told, at, comment })
}

fn all<'a>(plays: &'a Plays<'_>) -> impl Iterator<Item = Answer<'a>> {
    plays.view.objects(&FactKey::Response).filter_map(|placed| answer(plays, placed))
}

/// The scores of recent answers, by response.
pub(super) fn recent(plays: &Plays<'_>) -> BTreeMap<SubjectId, i64> {
    let is_recent = |answer: &Answer<'_>| plays.now.at.since(answer.at) <= STALE_AFTER;
    all(plays).filter(is_recent).map(|answer| (answer.response.clone(), answer.nps)).collect()
}

/// Whoever said so had gone live when they did.
pub(super) fn is_live(plays: &Plays<'_>, told: &Told<'_>) -> bool {
    news::is_live(plays.input.facts, plays.config, told.connection, told.subject, told.register)
}

/// The recent answers of `at_most` or less that were not there at the look before, each a run of its own.
pub(super) fn starts(plays: &Plays<'_>, at_most: i64, recent: &BTreeMap<SubjectId, i64>) -> Vec<Start> {
    let Some(before) = plays.input.previous.and_then(|before| before.answers.as_ref()) else { return vec![] };
    let is_new = |answer: &Answer<'_>| {
        let was = before.get(answer.response);
        recent.contains_key(answer.response) && answer.nps <= at_most && was.is_none_or(|was| *was > at_most)
    };
    let mut new: Vec<_> = all(plays).filter(|answer| is_new(answer) && is_live(plays, &answer.told)).collect();
    new.sort_by(|a, b| (&a.told.register.stamp, a.response).cmp(&(&b.told.register.stamp, b.response)));
    new.into_iter().map(|answer| start(plays, &answer)).collect()
}

fn start(plays: &Plays<'_>, answer: &Answer<'_>) -> Start {
    let register = answer.told.register;
    let person = person(plays, answer.response);
    let earlier = all(plays).filter(|other| other.at < answer.at && is_same(plays, person.as_deref(), other));
    let from = earlier.max_by_key(|other| (other.at, other.response)).map(|other| other.nps.to_string());
    let change = |measure: &str, from, to: &str, path: &str, raw: &str| AlertChange {
        measure: measure.to_owned(),
        from,
        to: Some(to.to_owned()),
        change: 0,
        path: Some(path.to_owned()),
        raw: Some(raw.to_owned()),
        delivery: Some(register.stamp.delivery.clone()),
    };
    let who = person.clone().unwrap_or_else(|| "Somebody".to_owned());
    let mut changes = vec![change("NPS answer", from, &answer.nps.to_string(), &register.path, &register.raw)];
    let comment =
        answer.comment.map(|text| AlertChange { path: None, raw: None, ..change("Wrote", None, text, "", "") });
    let known = person.as_deref().map(|who| AlertChange { path: None, raw: None, ..change("By", None, who, "", "") });
    changes.extend(known.into_iter().chain(comment));
    Start {
        key: answer.response.to_string(),
        home: plays.input.home_of(answer.response),
        cause: register.stamp.clone(),
        why: format!("{who} answered {} of 10", answer.nps),
        changes,
        is_wanted: false,
        repeats: Repeats::Never,
    }
}

/// Whose answer it is: an email address, where the survey knows one.
fn person(plays: &Plays<'_>, response: &SubjectId) -> Option<String> {
    let is_it = |placed: &&Placed| placed.fact.subject == *response;
    let told = plays.view.objects(&FactKey::Response).find(is_it).and_then(|placed| {
        let view = View::new(std::slice::from_ref(placed), plays.config);
        view.text(&FactKey::Response, Field::Person).map(|name| plays.known.person(name).to_lowercase())
    });
    told.or_else(|| plays.input.home_of(response).as_email().map(str::to_lowercase))
}

fn is_same(plays: &Plays<'_>, who: Option<&str>, other: &Answer<'_>) -> bool {
    who.is_some() && person(plays, other.response).as_deref() == who
}

/// What is known of the answer that an episode is about, for the condition that ends it; of an episode that is about none,
/// whether there was contact since it opened.
pub(super) fn scalars(plays: &Plays<'_>, episode: &Episode) -> Scalars {
    let mut scalars = plays.scalars.clone();
    let about = all(plays).find(|answer| answer.response.as_str() == episode.key.key);
    let since = about.as_ref().map_or(episode.opened_at, |answer| answer.at);
    let spoke = match plays.view.register(&FactKey::Touchpoint, Field::LastTwoWayAt).map(|register| &register.value) {
        Some(Value::Moment(at)) => *at > since,
        _ => false,
    };
    scalars.insert("contact_since_answer", Scalar::Flag(spoke));
    if let Some(about) = about {
        let who = person(plays, about.response);
        let own = all(plays).filter(|other| is_same(plays, who.as_deref(), other));
        let newest = own.max_by_key(|other| (other.at, other.response)).map_or(about.nps, |other| other.nps);
        scalars.insert("answer_nps", Scalar::Int(about.nps));
        scalars.insert("answer_nps_now", Scalar::Int(newest));
    }
    scalars
}
