//! A reader, a desk and messages, as tests need them.

use std::collections::BTreeSet;

use config::{Alerts, Calendar};
use jiff::civil::date;
use jiff::tz::TimeZone;
use model::{
    ActionId, ActionKind, ActionRequest, Alert, AlertChange, AlertKind, Band, ConnectionName, DeliveryId, Desk, Mode,
    Moment, Money, Placement, PlaybookName, Recipient, Score, SubjectId, Urgency, Weigh,
};
use rules::desk::{DeskRules, Thread, offer};

pub fn at(text: &str) -> Moment {
    format!("{text}Z").parse().unwrap()
}

/// Nobody works on 25 December 2026.
fn calendar(zone: &str) -> Calendar {
    Calendar { zone: TimeZone::get(zone).unwrap(), holidays: [date(2026, 12, 25)].into() }
}

/// The hours of one reader, in tests.
pub struct Reader {
    pub alerts: Alerts,
    zone: &'static str,
    quiet: Option<&'static str>,
    is_channel: bool,
}

impl Reader {
    /// Somebody who is never quiet.
    pub fn in_zone(zone: &'static str) -> Self {
        Self { alerts: Alerts::default(), zone, quiet: None, is_channel: false }
    }

    pub fn quiet(self, quiet: &'static str) -> Self {
        Self { quiet: Some(quiet), ..self }
    }

    pub fn channel(self) -> Self {
        Self { is_channel: true, ..self }
    }

    pub fn rules(&self) -> DeskRules<'_> {
        DeskRules {
            alerts: &self.alerts,
            calendar: calendar(self.zone),
            quiet: self.quiet.map(|text| text.parse().unwrap()),
            is_channel: self.is_channel,
        }
    }
}

pub fn ines() -> Recipient {
    Recipient { address: "U0INES0001".into(), reason: "she looks after it".into(), ..Recipient::default() }
}

/// A first message about a yellow account, named after its number, without revenue and dates.
pub fn about(number: usize) -> ActionRequest {
    let name = format!("Account {number}");
    let account = SubjectId::from_stored(format!("hubspot:company:{number}"));
    ActionRequest {
        id: ActionId::from_stored(format!("action-{number:04}")),
        kind: ActionKind::SlackAlert,
        playbook: PlaybookName::from_stored("risk-mitigation"),
        home: account.clone(),
        episode: format!("PLAY#risk-mitigation#account#{number}"),
        run: 1,
        step: "alert".into(),
        reply_to: None,
        under: None,
        to: ines(),
        urgency: Urgency::Now,
        weigh: Weigh::default(),
        exempt: false,
        not_before: None,
        alert: alert(account, name),
        task: None,
        update: None,
        email: None,
    }
}

fn alert(account: SubjectId, name: String) -> Alert {
    Alert {
        kind: AlertKind::Opened,
        account,
        name,
        arr: None,
        renews_on: None,
        days_to_deadline: None,
        deadline: None,
        band: (Band::Green, Band::Yellow),
        score: (Score::new(7_100).ok(), Score::new(3_800).ok()),
        changes: vec![AlertChange {
            measure: "Active users".into(),
            from: Some("40".into()),
            to: Some("12".into()),
            change: -900,
            path: None,
            raw: None,
            delivery: Some(DeliveryId::new(&"segment".parse::<ConnectionName>().unwrap(), "1")),
        }],
        playbook: "Risk mitigation".into(),
        next_step: "Call the sponsor".into(),
        text: None,
        why: None,
        goal: None,
        threshold: None,
        baseline: None,
        due: None,
        template: None,
        answered: None,
        owner_before: None,
        owner: None,
        as_of: at("2026-11-23T09:00:00"),
    }
}

/// The same, with revenue in euros and days to the notice deadline.
pub fn worth(request: ActionRequest, arr: i64, days: i64) -> ActionRequest {
    let mut request = request;
    request.alert.arr = Some(Money { minor: arr * 100, currency: "EUR".parse().unwrap() });
    request.alert.days_to_deadline = Some(days);
    request.alert.deadline = Some("notice deadline".into());
    request
}

pub fn red(request: ActionRequest) -> ActionRequest {
    let mut request = request;
    request.alert.band.1 = Band::Red;
    request.exempt = Alerts::default().is_exempt(Band::Red, request.alert.arr);
    request
}

/// Another message of the same episode.
pub fn then(first: &ActionRequest, kind: AlertKind, id: &str, as_of: &str) -> ActionRequest {
    let mut next = first.clone();
    next.id = ActionId::from_stored(id);
    next.reply_to = Some(first.id.clone());
    next.alert.kind = kind;
    next.alert.as_of = at(as_of);
    next
}

/// A desk with whoever works at it, in tests.
pub struct At<'a> {
    pub desk: Desk,
    pub rules: DeskRules<'a>,
}

impl<'a> At<'a> {
    pub fn empty(reader: &'a Reader) -> Self {
        Self { desk: Desk::new(ines(), Mode::Live), rules: reader.rules() }
    }

    pub fn offer(&mut self, request: &ActionRequest, now: &str) -> Placement {
        self.offer_in(request, &Thread::Starts, now)
    }

    pub fn offer_in(&mut self, request: &ActionRequest, thread: &Thread, now: &str) -> Placement {
        let (placement, desk) = offer(&self.desk, request, thread, at(now), &self.rules);
        self.desk = desk;
        placement
    }

    /// Offers the first message and asks again when its moment has come.
    pub fn settle(&mut self, request: &ActionRequest, now: &str) -> Placement {
        match self.offer(request, now) {
            Placement::NotBefore(moment) => {
                let (placement, desk) = offer(&self.desk, request, &Thread::Starts, moment, &self.rules);
                self.desk = desk;
                placement
            }
            placed => panic!("decided at once: {placed:?}"),
        }
    }

    pub fn digest(&mut self, now: &str, open: &[&ActionRequest]) -> Option<rules::desk::Digested> {
        let open: BTreeSet<ActionId> = open.iter().map(|request| request.id.clone()).collect();
        let digested = rules::desk::digest(&self.desk, at(now), &self.rules, &open)?;
        self.desk = digested.desk.clone();
        Some(digested)
    }

    pub fn due_at(&self, now: &str) -> Option<Moment> {
        rules::desk::due_at(&self.desk, at(now), &self.rules)
    }
}
