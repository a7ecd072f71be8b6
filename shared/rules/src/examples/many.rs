//! Names that more than one statement tells: tickets, answers, people, use, and what is owed and reached.

use std::collections::BTreeMap;

use config::Scalar;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _};
use model::{DayOfMonth, FactKey, Field, Moment, Placed, SubjectId, UsageKey, Value};

/// One statement that an example makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Telling {
    pub subject: SubjectId,
    pub key: FactKey,
    pub field: Field,
    pub value: Value,
    pub at: Moment,
}

/// The seats that an example has which only says how full they are.
const SEATS: i64 = 100;
/// A role that backs us, and one that does not.
const ROLES: (&str, &str) = ("sponsor", "end user");

/// What makes these names true at `now`. Those that a single statement tells are left to others.
pub(super) fn tell(
    known: &BTreeMap<String, Scalar>,
    account: &SubjectId,
    now: Moment,
    zone: &TimeZone,
) -> Vec<Telling> {
    let today = now.date_in(zone);
    let midnight = Moment::start_of(today, zone).unwrap_or(now);
    let mut teller = Teller { known, account, now, today, midnight, told: vec![] };
    teller.tickets();
    teller.answers();
    teller.people();
    teller.usage();
    teller.history();
    teller.told
}

/// It was told by [`tell`] for an earlier moment, and is told anew.
pub(super) fn is_told_anew(placed: &Placed, account: &SubjectId, known: &BTreeMap<String, Scalar>) -> bool {
    let dated_word = placed.fact.key == FactKey::Sentiment && known.contains_key("days_since_sentiment");
    placed.fact.subject != *account || dated_word || matches!(placed.fact.key, FactKey::Usage(_))
}

struct Teller<'a> {
    known: &'a BTreeMap<String, Scalar>,
    account: &'a SubjectId,
    now: Moment,
    today: Date,
    midnight: Moment,
    told: Vec<Telling>,
}

impl Teller<'_> {
    fn int(&self, name: &str) -> Option<i64> {
        match self.known.get(name)? {
            Scalar::Int(number) => Some(*number),
            Scalar::Text(_) | Scalar::Flag(_) => None,
        }
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.known.get(name)? {
            Scalar::Flag(flag) => Some(*flag),
            Scalar::Text(_) | Scalar::Int(_) => None,
        }
    }

    fn hours_ago(&self, hours: i64) -> Moment {
        self.now.plus(SignedDuration::from_hours(-hours.clamp(0, 1_000_000)))
    }

    fn days_ago(&self, days: i64) -> Moment {
        self.hours_ago(days.saturating_mul(24))
    }

    fn day(&self, ago: i64) -> Date {
        i32::try_from(ago).map_or(Date::MIN, |ago| self.today.saturating_sub(ago.days()))
    }

    fn state(&mut self, key: FactKey, field: Field, value: Value) {
        self.told.push(Telling { subject: self.account.clone(), key, field, value, at: self.now });
    }

    /// An object of its own, with these fields.
    fn object(&mut self, kind: &str, key: &FactKey, at: Moment, told: impl IntoIterator<Item = (Field, Value)>) {
        let subject = SubjectId::vendor("example", kind, &self.told.len().to_string());
        let telling = |(field, value)| Telling { subject: subject.clone(), key: key.clone(), field, value, at };
        self.told.extend(told.into_iter().map(telling));
    }

    /// A ticket of a problem, solved where a moment is given.
    fn ticket(&mut self, priority: &str, opened_at: Moment, solved_at: Option<Moment>) {
        let told = [
            (Field::OpenedAt, Value::Moment(opened_at)),
            (Field::Priority, Value::Text(priority.into())),
            (Field::SolvedAt, solved_at.map_or(Value::Cleared, Value::Moment)),
        ];
        self.object("ticket", &FactKey::Ticket, opened_at, told);
    }

    fn tickets(&mut self) {
        let oldest = self.int("oldest_urgent_ticket_hours");
        let urgent = self.int("open_urgent_tickets").unwrap_or(i64::from(oldest.is_some_and(|hours| hours > 0)));
        let open = self.int("open_tickets").unwrap_or(urgent).max(urgent);
        for n in 0..urgent {
            self.ticket("urgent", self.hours_ago(oldest.filter(|_| n == 0).unwrap_or(0)), None);
        }
        for _ in urgent..open {
            self.ticket("normal", self.now, None);
        }
        let last = self.days_ago(self.int("days_since_last_ticket").unwrap_or(0));
        for _ in open..self.int("tickets_90d").unwrap_or(0) {
            self.ticket("normal", last, Some(last));
        }
        if self.flag("ticket_spike") == Some(true) {
            for _ in open.max(self.int("tickets_90d").unwrap_or(0))..3 {
                self.ticket("normal", last, Some(last));
            }
            // It is one only where an older ticket says what is usual.
            let old = self.days_ago(100);
            self.ticket("normal", old, Some(old));
        }
        if let Some(load) = self.int("ticket_load") {
            let seats = self.int("seats").unwrap_or(SEATS);
            if !self.known.contains_key("seats") {
                self.state(subscription(), Field::Seats, Value::Int(seats));
            }
            // In hundredths, as the root that the load is divided by.
            let hours = load.saturating_mul(seats.saturating_mul(10_000).max(0).isqrt().max(300)) / 100;
            let opened_at = self.midnight.plus(SignedDuration::from_hours(-hours.clamp(0, 1_000_000)));
            self.ticket("low", opened_at, None);
        }
        if let Some(change) = self.int("ticket_load_change") {
            self.habit(change);
        }
        let names = ["tickets_90d", "open_tickets", "open_urgent_tickets", "oldest_urgent_ticket_hours"];
        let of_tickets = names.iter().chain(&["days_since_last_ticket"]).any(|name| self.known.contains_key(*name));
        let of_tickets = of_tickets || self.known.contains_key("ticket_spike");
        let none = !self.told.iter().any(|told| told.key == FactKey::Ticket);
        if none && (of_tickets || self.flag("had_tickets") == Some(true)) {
            // Old enough for no window, unless it is the last that is asked for.
            let last = self.int("days_since_last_ticket").unwrap_or(100);
            self.ticket("normal", self.days_ago(last), Some(self.days_ago(last)));
        }
    }

    /// Ninety days of the same load, and four weeks with so many percent more.
    fn habit(&mut self, change: i64) {
        // Three tickets of 750 hours make 25 a day, from the first of the ninety days on.
        let first = self.midnight.plus(SignedDuration::from_hours(-24 * (28 + 90)));
        for n in 0..3 {
            let opened_at = first.plus(SignedDuration::from_hours(n * 24));
            self.ticket("low", opened_at, Some(opened_at.plus(SignedDuration::from_hours(750))));
        }
        let mut hours = (100 + change).clamp(0, 10_000) * 7;
        let recent = self.midnight.plus(SignedDuration::from_hours(-24 * 28));
        while hours > 0 {
            let spell = hours.min(600);
            self.ticket("low", recent, Some(recent.plus(SignedDuration::from_hours(spell))));
            hours -= spell;
        }
    }

    /// An answer of a day, by a person where one is named.
    fn answer(&mut self, at: Moment, person: Option<&str>, scores: &[(Field, Value)]) {
        let person = person.map(|person| (Field::Person, Value::Text(format!("email:{person}"))));
        let told = [(Field::RespondedAt, Value::Moment(at))].into_iter().chain(person).chain(scores.iter().cloned());
        self.object("response", &FactKey::Response, at, told.collect::<Vec<_>>());
    }

    fn rating(&mut self, days_ago: i64, score: i64) {
        self.answer(self.days_ago(days_ago), None, &[(Field::Nps, Value::Int(score))]);
    }

    fn answers(&mut self) {
        let last = self.int("nps_last_answer");
        let mut scores = match (self.int("nps_latest"), self.int("nps_respondents")) {
            (Some(balance), _) => balanced(balance.clamp(-100, 100)),
            (None, Some(respondents)) => vec![last.unwrap_or(8); usize::try_from(respondents).unwrap_or(0)],
            (None, None) => last.into_iter().collect(),
        };
        // The last answer is one of its kind.
        let kind = |score: i64| (score >= 9, score <= 6);
        if let Some(at) = last.and_then(|last| scores.iter().position(|score| kind(*score) == kind(last))) {
            scores.remove(at);
        }
        for score in &scores {
            self.rating(1, *score);
        }
        if let Some(last) = last {
            self.rating(0, last);
        }
        let since = self.int("days_since_detractor");
        let detractors = self.int("detractors_180d").unwrap_or(i64::from(since.is_some()));
        let told = scores.iter().chain(&last).filter(|score| **score <= 6).count();
        for _ in i64::try_from(told).unwrap_or(0)..detractors {
            self.rating(since.unwrap_or(1), 0);
        }
        if self.int("nps_respondents") == Some(0) {
            self.rating(181, 8);
        }
        if self.int("detractors_180d") == Some(0) && scores.is_empty() && last.is_none() {
            self.rating(1, 8);
        }
        if let Some(percent) = self.int("csat_percent") {
            for n in 0..100 {
                let score = if n < percent { 5 } else { 1 };
                let scale = (Field::CsatScale, Value::Text("1..5".into()));
                self.answer(self.days_ago(1), None, &[(Field::Csat, Value::Int(score)), scale]);
            }
        }
    }

    fn people(&mut self) {
        let heard = self.int("days_since_sponsor_heard");
        let is_sponsor = heard.map(|_| true).or(self.flag("has_sponsor"));
        if let Some(is_sponsor) = is_sponsor {
            let role = if is_sponsor { ROLES.0 } else { ROLES.1 };
            let told =
                [(Field::Email, Value::Text("sponsor@acme.example".into())), (Field::Role, Value::Text(role.into()))];
            self.object("contact", &FactKey::Contact, self.now, told);
        }
        if let Some(days) = heard {
            self.answer(self.days_ago(days), Some("sponsor@acme.example"), &[]);
        }
        let others = heard.filter(|days| *days < 90).map_or(0, |_| 1);
        for n in others..self.int("stakeholders_90d").unwrap_or(0) {
            self.answer(self.now, Some(&format!("person{n}@acme.example")), &[]);
        }
        if self.int("stakeholders_90d") == Some(0) {
            self.answer(self.days_ago(91), Some("person@acme.example"), &[]);
        }
    }

    /// A report of a metric, of a day so many days ago.
    fn report(&mut self, metric: &str, ago: i64, value: i64) {
        let day = self.day(ago);
        if let Ok(key) = UsageKey::new("example", "all", metric, day) {
            self.state(FactKey::Usage(key), Field::Day(DayOfMonth::of(day)), Value::Int(value));
        }
    }

    fn usage(&mut self) {
        let change = self.int("active_users_change");
        let seats = self.int("seats").unwrap_or(SEATS);
        let of_seats = self.int("seat_utilisation").map(|percent| percent.saturating_mul(seats) / 100);
        if of_seats.is_some() && !self.known.contains_key("seats") {
            self.state(subscription(), Field::Seats, Value::Int(seats));
        }
        let age = self.int("usage_age_days");
        let level = self.int("active_users_28d").or(of_seats).or(change.map(|change| (100 + change).max(0)));
        let last = age.unwrap_or(1);
        if let Some(level) = level.or(age.map(|_| SEATS)) {
            let share = (100 + change.unwrap_or(0)).max(0);
            // The same in both halves; of nothing now, there was something before.
            let before = if share == 0 { 28 * SEATS } else { (28 * level * 100 + share / 2) / share };
            for n in 0..28 {
                self.report(UsageKey::ACTIVE_USERS, last + n, level);
                self.report(UsageKey::ACTIVE_USERS, last + 28 + n, before / 28 + i64::from(n < before % 28));
            }
        }
        if let Some(days) = self.int("days_to_run_out") {
            for n in 0..28 {
                self.report(UsageKey::PREPAID_UNITS, last + n, SEATS);
            }
            // Reported up to yesterday, unless the last report is older.
            let units = days.saturating_mul(SEATS);
            self.state(subscription(), Field::PrepaidLeft, Value::Int(units));
        }
        if let Some(percent) = self.int("feature_depth") {
            self.report(UsageKey::KEY_FEATURES, last, percent);
            self.report(UsageKey::KEY_FEATURES_AVAILABLE, last, 100);
        }
    }

    fn history(&mut self) {
        if let Some(days) = self.int("days_overdue") {
            let since = if days > 0 { Value::Date(self.day(days)) } else { Value::Cleared };
            self.state(FactKey::Payment, Field::OverdueSince, since);
        }
        if let Some(failures) = self.int("payment_failures") {
            self.state(FactKey::Payment, Field::PaymentFailures, Value::Int(failures));
        }
        if let Some(seats) = self.int("seats") {
            self.state(subscription(), Field::Seats, Value::Int(seats));
        }
        self.first_value();
        if let Some(Scalar::Text(band)) = self.known.get("override_band") {
            let (key, band) = (FactKey::Override, Value::Text(band.clone()));
            self.state(key.clone(), Field::OverrideBand, band);
            self.state(key, Field::OverrideUntil, Value::Date(self.day(-30)));
        }
        if let Some(days) = self.int("days_since_sentiment") {
            let word = match self.known.get("csm_sentiment") {
                Some(Scalar::Text(word)) => word.clone(),
                _ => "green".to_owned(),
            };
            let (subject, at) = (self.account.clone(), self.days_ago(days));
            let (key, field, value) = (FactKey::Sentiment, Field::Sentiment, Value::Text(word));
            self.told.push(Telling { subject, key, field, value, at });
        }
    }

    fn first_value(&mut self) {
        let (took, reached) = (self.int("days_to_first_value"), self.flag("first_value_reached"));
        if took.is_none() && reached.is_none() {
            return;
        }
        let key = FactKey::Milestone(FactKey::FIRST_VALUE.into());
        let took = took.unwrap_or(0);
        let age = self.int("customer_age_days").unwrap_or(took);
        if !self.known.contains_key("customer_age_days") {
            self.state(FactKey::Profile, Field::CustomerSince, Value::Date(self.day(age)));
        }
        if reached == Some(false) {
            self.state(key.clone(), Field::ReachedOn, Value::Cleared);
            self.state(key, Field::DueOn, Value::Date(self.day(-30)));
        } else {
            self.state(key, Field::ReachedOn, Value::Date(self.day(age - took)));
        }
    }
}

fn subscription() -> FactKey {
    FactKey::Subscription("company".into())
}

/// A hundred scores with so many more promoters than detractors, where possible with some of each.
fn balanced(balance: i64) -> Vec<i64> {
    let both = i64::from(balance.abs() <= 98);
    let (promoters, detractors) = (balance.max(0) + both, (-balance).max(0) + both);
    let score = |n| match n {
        n if n < promoters => 10,
        n if n < promoters + detractors => 0,
        _ => 8,
    };
    (0..100).map(score).collect()
}
