//! Playbooks carry their own tests: given what is known before and after, what is expected.

mod many;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use config::{Config, Example, Feed, Playbook, Scalar};
use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan as _};
use many::Telling;
use model::{
    ConnectionName, Currency, DeliveryId, EventBody, Fact, FactKey, Field, Heard, Moment, Money, Placed, Source,
    Statement, SubjectId, Value, View,
};

use crate::decide::{Input, decide};
use crate::known::Known;
use crate::when::When;

/// What became of one example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleResult {
    /// The playbook it belongs to.
    pub playbook: String,
    /// Its name.
    pub name: String,
    /// What was expected and did not happen; empty when all held.
    pub problems: Vec<String>,
}

/// Runs the examples of every playbook: a day passes between `before` and `after`.
pub fn run_examples(config: &Config) -> Vec<ExampleResult> {
    let each = |playbook: &Playbook, example: &Example| ExampleResult {
        playbook: playbook.name.to_string(),
        name: example.name.clone(),
        problems: problems(config, playbook, example),
    };
    config.playbooks.iter().flat_map(|p| p.examples.iter().map(move |e| each(p, e))).collect()
}

/// A Wednesday morning; examples speak in days before and after it, so the day itself does not matter.
const START_MS: i64 = 1_790_758_800_000;

fn problems(config: &Config, playbook: &Playbook, example: &Example) -> Vec<String> {
    let Some(first) = Moment::from_millis(START_MS) else { return vec![] };
    let second = first.plus(SignedDuration::from_hours(24)); // the next day; examples speak in whole days
    let subject = SubjectId::vendor("example", "company", "1");
    let mut after = example.before.clone();
    after.extend(example.after.clone());
    let at = |known: &BTreeMap<String, Scalar>, moment: Moment, facts: Vec<Placed>| {
        stated(config, &subject, known, moment, facts)
    };
    let facts = at(&example.before, first, vec![]);
    let members = BTreeMap::new();
    let heard = heard(config, first);
    let first_look = Input {
        account: &subject,
        facts: &facts,
        members: &members,
        linked: None,
        children: &[],
        heard: &heard,
        previous: None,
        episodes: &[],
        claimed_since: None,
    };
    let before = decide(first_look, config);
    let facts = at(&after, second, facts.clone());
    let decided = decide(
        Input {
            facts: &facts,
            heard: &self::heard(config, second),
            previous: before.assessment.as_ref(),
            episodes: &before.episodes,
            ..first_look
        },
        config,
    );
    let mut problems = unfit(config, &after, &facts, second);
    let Some(assessment) = decided.assessment else {
        problems.push("the account is not watched: check `[watch]` and the example's lifecycle_stage".to_owned());
        return problems;
    };
    if let Some(expected) = example.expect.band.filter(|band| *band != assessment.band) {
        problems.push(format!("expected band {expected}, found {} (score {:?})", assessment.band, assessment.score));
    }
    let is_opened = |body: &EventBody| {
        matches!(body, EventBody::RiskOpened { playbook: p, .. } | EventBody::PlayStarted { playbook: p, .. }
            if *p == playbook.name)
    };
    let opens = decided.events.iter().any(|event| is_opened(&event.body));
    if opens != example.expect.opens {
        let says = |yes: bool| if yes { "opens" } else { "stays shut" };
        problems.push(format!("expected that it {}, and it {}", says(example.expect.opens), says(opens)));
    }
    let asked: Vec<String> = decided.events.iter().filter_map(|event| asked_step(&event.body, playbook)).collect();
    if let Some(expected) = example.expect.asks.as_ref().filter(|expected| **expected != asked) {
        problems.push(format!("expected that it asks for {expected:?}, and it asks for {asked:?}"));
    }
    problems
}

/// Names that what is stated of others makes something else of: an example shows what its numbers say.
fn unfit(config: &Config, known: &BTreeMap<String, Scalar>, facts: &[Placed], moment: Moment) -> Vec<String> {
    let heard = heard(config, moment);
    let found = Known::new(View::new(facts, config), &heard, config);
    let when = When::at(moment, &config.model.zone);
    let told = known.iter().filter_map(|(name, scalar)| Some((config::scalar(name)?, scalar)));
    let apart = told.filter(|(info, _)| info.feed != Feed::Mapped).filter_map(|(info, scalar)| {
        let found = found.scalar(info.name, when);
        (found.as_ref() != Some(scalar)).then(|| {
            let found = found.map_or_else(|| "unknown".to_owned(), |found| found.to_string());
            format!("it states {} = {scalar}, which the other names make {found}: leave one of them out", info.name)
        })
    });
    apart.collect()
}

/// A step's name without the day that tells it from the same one of another time.
fn asked_step(body: &EventBody, playbook: &Playbook) -> Option<String> {
    let EventBody::ActionRequested(request) = body else { return None };
    let name = request.step.split('~').next().unwrap_or_default();
    (request.playbook == playbook.name).then(|| name.to_owned())
}

/// Every source is alive.
fn heard(config: &Config, moment: Moment) -> BTreeMap<ConnectionName, Heard> {
    let day = moment.date_in(&config.model.zone);
    config.connections.iter().map(|connection| (connection.name.clone(), day.into())).collect()
}

/// Facts that make these scalars true on the day of `moment`.
fn stated(
    config: &Config,
    subject: &SubjectId,
    known: &BTreeMap<String, Scalar>,
    moment: Moment,
    mut facts: Vec<Placed>,
) -> Vec<Placed> {
    let today = moment.date_in(&config.model.zone);
    let mut known = known.clone();
    known.entry("name".into()).or_insert_with(|| Scalar::Text("Example".into()));
    known.entry("lifecycle_stage".into()).or_insert_with(|| Scalar::Text("customer".into()));
    let connection =
        config.connections.first().map_or_else(|| ConnectionName::from_stored("example"), |c| c.name.clone());
    let delivery = DeliveryId::new(&connection, &moment.to_string());
    facts.retain(|placed| !many::is_told_anew(placed, subject, &known));
    let mut told = many::tell(&known, subject, moment, &config.model.zone);
    let is_dated = |name: &str| name == "csm_sentiment" && known.contains_key("days_since_sentiment");
    for (name, scalar) in known.iter().filter(|(name, _)| !is_dated(name)) {
        let Some((key, field, value)) = stating(name, scalar, today, moment) else { continue };
        told.push(Telling { subject: subject.clone(), key, field, value, at: moment });
    }
    for Telling { subject, key, field, value, at: occurred_at } in told {
        let raw = value.to_string();
        let statement = Statement { field, value, occurred_at, sequence: None, path: field.to_string(), raw };
        let at = facts.iter().position(|f| f.fact.key == key && f.fact.subject == subject).unwrap_or_else(|| {
            let fact = Fact { opens_account: true, ..Fact::empty(subject, key) };
            facts.push(Placed { steps: 0, gone: false, fact });
            facts.len() - 1
        });
        let source = Source { connection: &connection, delivery: &delivery, received_at: moment, index: 0 };
        facts[at].fact.apply(source, &[statement]);
    }
    facts
}

fn stating(name: &str, scalar: &Scalar, today: Date, moment: Moment) -> Option<(FactKey, Field, Value)> {
    let subscription = || FactKey::Subscription("company".into());
    let info = config::scalar(name)?;
    Some(match (name, scalar) {
        ("days_since_two_way_contact", Scalar::Int(days)) => {
            let at = moment.plus(SignedDuration::from_hours(days.checked_mul(-24)?));
            (FactKey::Touchpoint, Field::LastTwoWayAt, Value::Moment(at))
        }
        ("days_to_renewal", Scalar::Int(days)) => {
            (subscription(), Field::RenewsOn, Value::Date(today.checked_add(i32::try_from(*days).ok()?.days()).ok()?))
        }
        ("customer_age_days", Scalar::Int(days)) => {
            let since = today.checked_sub(i32::try_from(*days).ok()?.days()).ok()?;
            (FactKey::Profile, Field::CustomerSince, Value::Date(since))
        }
        ("arr", Scalar::Int(major)) => {
            let currency: Currency = "USD".parse().ok()?;
            (subscription(), Field::Arr, Value::Money(Money { minor: major.checked_mul(100)?, currency }))
        }
        ("answer_nps", Scalar::Int(score)) => (FactKey::Response, Field::Nps, Value::Int(*score)),
        ("notice_days", Scalar::Int(days)) => (subscription(), Field::NoticeDays, Value::Int(*days)),
        ("auto_renew", Scalar::Flag(flag)) => (subscription(), Field::AutoRenew, Value::Flag(*flag)),
        ("has_active_subscription", Scalar::Flag(flag)) => {
            (subscription(), Field::Status, Value::Text(if *flag { "active" } else { "ended" }.into()))
        }
        ("csm_sentiment", Scalar::Text(word)) => (FactKey::Sentiment, Field::Sentiment, Value::Text(word.clone())),
        // Told by `many`.
        _ if info.feed != Feed::Mapped || name == "has_sponsor" => return None,
        (_, Scalar::Text(text)) => (FactKey::Profile, *info.fields.first()?, Value::Text(text.clone())),
        (_, Scalar::Flag(flag)) => (FactKey::Profile, *info.fields.first()?, Value::Flag(*flag)),
        (_, Scalar::Int(_)) => return None,
    })
}
