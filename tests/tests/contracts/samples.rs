//! One event of every kind: a day in the life of an invented account.

use model::{
    ActionId, ActionKind, ActionOutcome, ActionRequest, Alert, AlertAnswer, AlertChange, AlertKind, Answered, Audience,
    Band, BookEntry, BookLine, CauseChain, Closing, ConnectionName, CrmTask, CrmUpdate, DeliveryId, DeskLine, Digest,
    DigestEntry, EVENT_SCHEMA, Email, EpisodeKey, Event, EventBody, EventId, FetchRequest, Mode, Moment, Money, Notice,
    NoticeBody, Owner, PlaybookName, Recipient, Score, Shared, SourceSilent, Stamp, StartingBook, SubjectId,
    SurgeAccount, SurgeAlert, TaskChange, TaskPriority, Urgency, Weigh,
};

/// In the order of [`EventBody`].
pub fn all() -> Vec<Event> {
    vec![
        event(EventBody::Watched { name: "Nordlicht Optik GmbH".into() }),
        event(EventBody::Unwatched { name: "Nordlicht Optik GmbH".into() }),
        event(EventBody::BandChanged {
            from: Band::Green,
            to: Band::Red,
            score_from: Score::new(7_120).ok(),
            score_to: Score::new(3_840).ok(),
        }),
        event(EventBody::RiskOpened {
            playbook: playbook(),
            episode: episode().row(),
            home: account(),
            why: "Health went from green to red.".into(),
        }),
        event(EventBody::RiskResolved {
            playbook: playbook(),
            episode: episode().row(),
            home: account(),
            why: Closing::Recovered,
        }),
        event(EventBody::PlayStarted {
            playbook: "onboarding-kickoff".parse().unwrap(),
            episode: episode().row(),
            home: account(),
            why: "A customer since 2026-11-20.".into(),
        }),
        event(EventBody::PlayEnded {
            playbook: "onboarding-kickoff".parse().unwrap(),
            episode: episode().row(),
            home: account(),
            why: Closing::Completed,
        }),
        event(EventBody::CheckpointReached {
            playbook: "renewal-runway".parse().unwrap(),
            episode: episode().row(),
            home: account(),
            step: "90".into(),
            due_on: jiff::civil::date(2027, 3, 21),
            deadline_on: jiff::civil::date(2027, 2, 19),
            at_risk: true,
        }),
        event(EventBody::ActionRequested(Box::new(request()))),
        notice(NoticeBody::Digest(Digest {
            day: jiff::civil::date(2026, 11, 23),
            entries: vec![DigestEntry { line: line(), days_left: Some(88), others: 1 }],
            more: 2,
        })),
        event(EventBody::ActionCompleted(ActionOutcome {
            status: "sent".into(),
            vendor_ref: Some("1795251493.000200".into()),
            ..outcome()
        })),
        event(EventBody::ActionFailed(ActionOutcome {
            status: "failed".into(),
            reason: Some("Slack refused with not_in_channel: invite the app to the channel".into()),
            ..outcome()
        })),
        Event {
            account: SubjectId::from_stored("connection:hubspot"),
            ..event(EventBody::DeliveryQuarantined {
                delivery: delivery(),
                connection: connection(),
                reason: "expected a date in milliseconds or as YYYY-MM-DD".into(),
                path: "properties.renewal_date.value".into(),
            })
        },
        Event {
            account: SubjectId::from_stored("connection:hubspot"),
            cause: CauseChain { due_at: Some(moment("2026-11-20T23:00:00Z")), ..CauseChain::default() },
            ..event(EventBody::SourceSilent {
                connection: connection(),
                last_heard_on: jiff::civil::date(2026, 11, 17),
                expected_every: 3,
            })
        },
        Event {
            account: SubjectId::from_stored("connection:hubspot-app"),
            ..event(EventBody::FetchRequested(FetchRequest::new(
                &"hubspot-app".parse().unwrap(),
                "company/4711",
                "1795251492000",
            )))
        },
    ]
}

/// Further samples of kinds whose content takes several forms, with what tells them apart.
pub fn more() -> Vec<(&'static str, Event)> {
    let (account, name, arr) = (account(), "Nordlicht Optik GmbH".to_owned(), request().alert.arr);
    let surge = SurgeAlert {
        playbook: playbook(),
        accounts: 60,
        is_more: false,
        arr: arr.into_iter().collect(),
        minutes: 4,
        measure: Some(Shared { what: "Ticket load".into(), accounts: 58 }),
        connection: Some(Shared { what: "zendesk".parse().unwrap(), accounts: 60 }),
        top: vec![SurgeAccount { account: account.clone(), name: name.clone(), arr }],
    };
    let renews_on = Some(jiff::civil::date(2027, 2, 15));
    let notice_by = Some(jiff::civil::date(2027, 1, 16));
    let line = BookLine { account, name, arr, band: Band::Red, score: Score::new(3_840).ok(), renews_on, notice_by };
    let book = StartingBook {
        day: jiff::civil::date(2026, 11, 23),
        accounts: 38,
        red: 3,
        renewing: 5,
        entries: vec![BookEntry { line, days_left: Some(54), deadline: Some("notice deadline".into()) }],
        more: 1,
    };
    let silent =
        SourceSilent { source: connection(), last_heard_on: jiff::civil::date(2026, 11, 17), expected_every: 3 };
    vec![
        ("surge", notice(NoticeBody::Surge(surge))),
        ("starting_book", notice(NoticeBody::StartingBook(book))),
        ("source_silent", notice(NoticeBody::SourceSilent(silent))),
    ]
}

fn notice(body: NoticeBody) -> Event {
    let Recipient { address, reason, email, zone, quiet } = request().to;
    let id = ActionId::from_stored("5f0c1d2e3b4a59687766554433221100");
    let as_of = moment("2026-11-23T08:00:00Z");
    let requested =
        Notice { id, to: Recipient { address, reason, email, zone, quiet }, mode: Mode::Live, as_of, body }.requested();
    Event { cause: event(requested.body.clone()).cause, ..requested }
}

fn line() -> DeskLine {
    DeskLine {
        kind: AlertKind::Step,
        home: account(),
        episode: episode().row(),
        run: 1,
        account: account(),
        name: "Nordlicht Optik GmbH".into(),
        arr: request().alert.arr,
        deadline_on: Some(jiff::civil::date(2027, 2, 19)),
        deadline: Some("notice deadline".into()),
        band: Band::Yellow,
        what: "120 days to the notice deadline".into(),
        next_step: "Write down what they got for their money.".into(),
        as_of: moment("2026-11-21T08:58:13.402Z"),
    }
}

/// The sample of one kind.
pub fn of_kind(kind: &str) -> Event {
    all().into_iter().find(|event| event.body.kind() == kind).unwrap()
}

pub fn account() -> SubjectId {
    SubjectId::vendor("hubspot", "company", "4711")
}

pub fn connection() -> ConnectionName {
    "hubspot".parse().unwrap()
}

pub fn delivery() -> DeliveryId {
    DeliveryId::new(&connection(), "7c1f0a52d3b84e6f9a1c2d3e4f506172")
}

pub fn moment(text: &str) -> Moment {
    text.parse().unwrap()
}

pub fn stamp() -> Stamp {
    Stamp { occurred_at: moment("2026-11-21T08:58:12Z"), sequence: None, delivery: delivery(), index: 0 }
}

fn playbook() -> PlaybookName {
    "risk-mitigation".parse().unwrap()
}

fn episode() -> EpisodeKey {
    EpisodeKey { home: account(), playbook: playbook(), key: "account".into(), cause: stamp() }
}

fn event(body: EventBody) -> Event {
    Event {
        id: EventId::derive(&account(), body.kind(), "account", &stamp().as_key()),
        schema: EVENT_SCHEMA,
        account: account(),
        occurred_at: stamp().occurred_at,
        as_of: moment("2026-11-21T08:58:13.402Z"),
        cause: CauseChain {
            delivery: Some(delivery()),
            path: Some("properties.csm_sentiment.value".into()),
            due_at: None,
        },
        body,
    }
}

fn outcome() -> ActionOutcome {
    ActionOutcome {
        action: episode().action(1, "alert"),
        kind: ActionKind::SlackAlert,
        playbook: playbook(),
        mode: Mode::Live,
        status: String::new(),
        reason: None,
        vendor_ref: None,
    }
}

fn request() -> ActionRequest {
    ActionRequest {
        id: episode().action(1, "alert"),
        kind: ActionKind::SlackAlert,
        playbook: playbook(),
        home: account(),
        episode: episode().row(),
        run: 1,
        step: "alert".into(),
        reply_to: None,
        under: Some(SubjectId::vendor("hubspot", "company", "4700")),
        to: Recipient {
            address: "U0DANA0001".into(),
            reason: "Dana Reyes, csm property of the CRM".into(),
            email: Some("dana@barometer.example".into()),
            zone: Some("Europe/Berlin".into()),
            quiet: Some("18:00-08:00".into()),
        },
        urgency: Urgency::Now,
        weigh: Weigh { arr: Money::from_decimal("48000", "EUR".parse().unwrap()).ok(), days_left: Some(26) },
        exempt: true,
        not_before: Some(moment("2026-11-23T07:00:00Z")),
        alert: Alert {
            kind: AlertKind::Opened,
            account: account(),
            name: "Nordlicht Optik GmbH".into(),
            arr: Money::from_decimal("48000", "EUR".parse().unwrap()).ok(),
            renews_on: Some(jiff::civil::date(2027, 2, 15)),
            days_to_deadline: Some(26),
            deadline: Some("notice deadline".into()),
            band: (Band::Green, Band::Red),
            score: (Score::new(7_120).ok(), Score::new(3_840).ok()),
            changes: vec![AlertChange {
                measure: "CSM sentiment".into(),
                from: Some("green".into()),
                to: Some("red".into()),
                change: -3_280,
                path: Some("properties.csm_sentiment.value".into()),
                raw: Some("\"Red\"".into()),
                delivery: Some(delivery()),
            }],
            playbook: "Risk mitigation".into(),
            next_step: "Call the sponsor this week and agree on one recovery goal.".into(),
            text: Some("What did the sponsor say, and what changes because of it?".into()),
            why: Some("A red account with a named person and one next step is saved far more often.".into()),
            goal: Some("The sponsor confirms that the recovery goal is met.".into()),
            threshold: Some("red below 40".into()),
            baseline: Some("green at 71 for the last 90 days".into()),
            due: Some("Tue 24 Nov 2026, 18:00 (Europe/Berlin)".into()),
            template: Some("opened".into()),
            owner_before: Some("Tom Brandt".into()),
            answered: Some(Answered {
                answer: AlertAnswer::Snooze,
                by: Some("U0DANA0001".into()),
                name: Some("Dana Reyes".into()),
                what: Some("Tue 1 Dec 2026, 10:00 (Europe/Berlin)".into()),
            }),
            owner: Some(Owner {
                name: "Dana Reyes".into(),
                email: Some("dana@barometer.example".into()),
                reason: "csm property of the CRM".into(),
            }),
            as_of: moment("2026-11-21T08:58:13.402Z"),
        },
        task: Some(CrmTask {
            change: TaskChange::Create,
            due_at: Some(moment("2026-11-24T17:00:00Z")),
            priority: Some(TaskPriority::High),
            owner_id: Some("410001".into()),
        }),
        update: Some(CrmUpdate {
            score: Score::new(3_840).ok(),
            band: Some(Band::Red),
            reasons: vec!["CSM sentiment: red (33 points short)".into()],
            as_of: moment("2026-11-21T08:58:13.402Z"),
        }),
        email: Some(Email {
            audience: Audience::Customer,
            template: "kickoff".into(),
            role: Some("sponsor".into()),
            contact: Some(SubjectId::vendor("hubspot", "contact", "501")),
            name: Some("Mara".into()),
            reply_to: Some("dana@barometer.example".into()),
        }),
    }
}
