//! The first week of somebody who has HubSpot, Zendesk, Typeform and Slack, from an empty folder to an account that is
//! saved: which messages stand in the outbox after each step, and which calls were made.

use model::Moment;
use serde_json::{Value, json};

use crate::{EVERYTHING, rows};
use book::Sent;
use installation::{Arrival, Week, hours};

#[path = "week/book.rs"]
mod book;
#[path = "week/installation.rs"]
mod installation;
#[path = "week/vendors.rs"]
mod vendors;

/// What Zendesk and Typeform say when an account gets into trouble: something urgent is broken, and somebody there is angry.
fn trouble(at: Moment) -> Vec<Sent> {
    vec![
        book::ticket(911, 31, ("OPEN", "URGENT"), at, at, 0),
        book::answer("t6", 2, &json!({ "account_id": "501", "email": "ann@halyard.example" }), at),
    ]
}

/// From here on the outbox and the calls are what these lines say.
#[track_caller]
fn check(week: &mut Week, news: &[&str], calls: &[&str]) {
    assert_eq!((week.news(), week.calls()), (owned(news), owned(calls)));
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// Who is watched and why, who is not, and whose they are.
fn check_book(week: &Week) {
    let book = week.data.json("book");
    let line = |rule: &Value| {
        let names: Vec<_> = rows(&rule["examples"]).iter().map(|one| one["name"].as_str().unwrap()).collect();
        format!("{} {}: {}", rule["outcome"].as_str().unwrap(), rule["rule"].as_str().unwrap(), names.join(", "))
    };
    let rules: Vec<_> = rows(&book["rules"]).iter().map(line).collect();
    assert_eq!(
        rules,
        [
            "watched lifecycle_stage == 'customer': Tidewater Labs, Halyard Freight, Moorland Dairy, Quillback Press",
            "watched has_active_subscription: ",
            "excluded is_test: Test Bench",
            "own_domain ourco.example: Ourselves",
            "not_watched : Fernhill Schools",
        ]
    );
    assert_eq!((&book["companies"], &book["watched"], &book["gaps"]), (&json!(7), &json!(4), &json!([])));
    let owners = week.data.json("owners");
    let known = |owner: &Value| (owner["goes_to"].clone(), owner["accounts"].clone(), owner["state"].clone());
    let owned: Vec<_> = rows(&owners["owners"]).iter().map(known).collect();
    let is = |name: &str, accounts: u32| (json!(name), json!(accounts), json!("known"));
    assert_eq!(owned, [is("Priya Nair", 1), is("Ines Almeida", 2), is("Tom Brandt", 1)]);
}

/// Three days of webhooks, in which nobody is called.
fn observe(week: &mut Week) {
    check(
        week,
        &[
            "Halyard Freight: write-back/health, crm_update observed → hubspot:company:501",
            "Moorland Dairy: write-back/health, crm_update observed → hubspot:company:502",
            "Quillback Press: write-back/health, crm_update observed → hubspot:company:503",
            "Tidewater Labs: write-back/health, crm_update observed → hubspot:company:504",
        ],
        &[],
    );
    let [first, second, third] = book::first_days(hours(0));
    assert_eq!(first.len() + second.len() + third.len(), 20);
    week.receive(hours(1), first);
    check(week, &[], &[]);
    week.receive(hours(25), second);
    check(
        week,
        &[
            "Halyard Freight: write-back/health, crm_update observed → hubspot:company:501",
            "Moorland Dairy: write-back/health, crm_update observed → hubspot:company:502",
            "Quillback Press: write-back/health, crm_update observed → hubspot:company:503",
            // Organisations and who wrote tickets would be read with a token.
            "zendesk: –/fetch, fetch_object held → zendesk",
            "zendesk: –/fetch, fetch_object held → zendesk",
            "zendesk: –/fetch, fetch_object held → zendesk",
            "zendesk: –/fetch, fetch_object held → zendesk",
            "zendesk: –/fetch, fetch_object held → zendesk",
        ],
        &[],
    );
    week.receive(hours(50), third);
    check(
        week,
        &[
            "Halyard Freight: write-back/health, crm_update observed → hubspot:company:501",
            "Quillback Press: detractor-follow-up/alert, slack_alert observed → U0INES0001",
        ],
        &[],
    );
    week.until(hours(72));
    check(week, &["Quillback Press: detractor-follow-up/remind, slack_alert observed → U0INES0001"], &[]);
    let unmatched = week.data.json("unmatched");
    assert_eq!((rows(&unmatched).len(), &unmatched[0]["subject"]), (1, &json!("domain:elsewhere.example")));
    assert_eq!(week.data.json("quarantine"), json!([]));
}

/// Messages and tasks about risks go out from now on, and scores.
fn golive(week: &mut Week) {
    let shown = week.data.json("golive --playbook risk-mitigation --dry-run");
    let books = |report: &Value| {
        let book = |book: &Value| (book["to"].clone(), book["red"].clone(), book["renewing"].clone());
        rows(&report["books"]).iter().map(book).collect::<Vec<_>>()
    };
    let ines = json!("U0INES0001 (Ines Almeida, who looks after them)");
    let priya = json!("priya.nair@ourco.example (Priya Nair, who looks after them)");
    let [one, none] = [json!(1), json!(0)];
    assert_eq!(books(&shown), [(ines, one.clone(), one.clone()), (priya, none, one)]);
    check(week, &[], &[]);
    let done = week.data.json("golive --playbook risk-mitigation");
    assert_eq!((books(&done), &done["modes"]), (books(&shown), &shown["modes"]));
    week.data.settle();
    check(
        week,
        &[
            "ines.almeida@ourco.example: –/starting_book, slack_notice sent → U0INES0001",
            "priya.nair@ourco.example: –/starting_book, slack_notice sent → priya.nair@ourco.example",
        ],
        &[
            "/api/chat.postMessage U0INES0001 :books: *Your starting book*",
            "/api/chat.postMessage U0PRIYA003 :books: *Your starting book*",
            "/api/users.lookupByEmail",
        ],
    );
    assert_eq!(week.data.json("golive --playbook risk-mitigation")["books"], json!([]), "once");
    assert_eq!(week.data.json("golive --playbook write-back")["records"], json!(4));
    week.data.settle();
    check(
        week,
        &[
            "Halyard Freight: write-back/health, crm_update sent → hubspot:company:501",
            "Moorland Dairy: write-back/health, crm_update sent → hubspot:company:502",
            "Quillback Press: write-back/health, crm_update sent → hubspot:company:503",
            "Tidewater Labs: write-back/health, crm_update sent → hubspot:company:504",
        ],
        &[
            "PATCH /crm/v3/objects/companies/501 barometer_band=yellow barometer_score=51",
            "PATCH /crm/v3/objects/companies/502 barometer_band=green barometer_score=95",
            "PATCH /crm/v3/objects/companies/503 barometer_band=red barometer_score=42",
            "PATCH /crm/v3/objects/companies/504 barometer_band=yellow barometer_score=67",
        ],
    );
}

fn journey(arrival: Arrival) {
    let mut week = Week::begin(arrival);
    check_book(&week);
    observe(&mut week);
    golive(&mut week);

    week.receive(hours(73), trouble(hours(73)));
    check(
        &mut week,
        &[
            "Halyard Freight: detractor-follow-up/alert, slack_alert observed → U0INES0001",
            "Halyard Freight: renewal-runway/60~2031-02-28, slack_alert observed → U0INES0001",
            "Halyard Freight: risk-mitigation/alert, slack_alert waiting → U0INES0001",
            "Halyard Freight: write-back/health, crm_update sent → hubspot:company:501",
        ],
        &["PATCH /crm/v3/objects/companies/501 barometer_band=red barometer_score=39"],
    );
    week.until(hours(74));
    check(
        &mut week,
        &["Halyard Freight: risk-mitigation/alert, slack_alert sent → U0INES0001"],
        &["/api/chat.postMessage U0INES0001 :red_circle: *Halyard Freight*"],
    );
    // The ticket is open for four hours and more, and a working day later it is no dip.
    week.until(hours(97));
    check(
        &mut week,
        &[
            "Halyard Freight: detractor-follow-up/remind, slack_alert observed → U0INES0001",
            "Halyard Freight: risk-mitigation/recovery-plan, crm_task sent → ines.almeida@ourco.example",
            "Halyard Freight: risk-mitigation/update~2031-03-03, slack_alert sent → U0INES0001",
            "Quillback Press: detractor-follow-up/escalate, slack_alert observed → priya.nair@ourco.example",
        ],
        &[
            "/api/chat.postMessage C0TEST in 1790000000.000003 :red_circle: *Halyard Freight*",
            "POST /crm/v3/objects/tasks/batch/upsert hs_task_subject=Halyard Freight: Write down the recovery goal, who \
             owns it and by when hubspot_owner_id=410001 hs_timestamp=2031-03-11T08:00:00.000Z \
             hs_task_status=NOT_STARTED",
            "PUT /crm/v3/objects/tasks/9001/associations/company/501/192",
        ],
    );

    week.receive(hours(98), solved());
    check(
        &mut week,
        &["Halyard Freight: write-back/health, crm_update sent → hubspot:company:501"],
        &["PATCH /crm/v3/objects/companies/501 barometer_band=yellow barometer_score=47"],
    );
    week.until(hours(123));
    check(
        &mut week,
        &[
            "Halyard Freight: detractor-follow-up/escalate, slack_alert observed → priya.nair@ourco.example",
            "Halyard Freight: risk-mitigation/resolved, slack_alert sent → U0INES0001",
            "Halyard Freight: risk-mitigation/resolved~recovery-plan, crm_task sent → ines.almeida@ourco.example",
        ],
        &[
            "/api/chat.postMessage C0TEST in 1790000000.000003 :large_yellow_circle: *Halyard Freight* has recovered",
            "PATCH /crm/v3/objects/tasks/ACTION hs_task_status=COMPLETED",
        ],
    );
    // What was not settled one by one was seen at other moments, and is told with other scores.
    if arrival == Arrival::InOrder {
        assert_eq!(week.data.json(EVERYTHING)["differences"], json!([]));
    }
}

/// What was urgent is worked on, and solved a day later.
fn solved() -> Vec<Sent> {
    let event = |status, at, n| book::ticket(911, 31, (status, "URGENT"), hours(73), at, n);
    vec![event("OPEN", hours(97), 1), event("SOLVED", hours(98), 2)]
}

#[test]
fn a_first_week_ends_with_one_thread_one_task_and_one_score() {
    journey(Arrival::InOrder);
}

#[test]
fn a_first_week_is_the_same_when_everything_arrives_twice_and_out_of_order() {
    journey(Arrival::TwiceAndOutOfOrder);
}

#[test]
fn what_happens_during_a_pause_is_listed_and_not_sent_late() {
    let mut week = Week::begin(Arrival::InOrder);
    observe(&mut week);
    golive(&mut week);

    assert_eq!(week.data.json("pause")["held"], json!(0));
    week.receive(hours(73), trouble(hours(73)));
    check(
        &mut week,
        &[
            "Halyard Freight: detractor-follow-up/alert, slack_alert observed → U0INES0001",
            "Halyard Freight: renewal-runway/60~2031-02-28, slack_alert observed → U0INES0001",
            "Halyard Freight: risk-mitigation/alert, slack_alert held → U0INES0001",
            "Halyard Freight: write-back/health, crm_update held → hubspot:company:501",
        ],
        &[],
    );
    week.until(hours(97));
    check(
        &mut week,
        &[
            "Halyard Freight: detractor-follow-up/remind, slack_alert observed → U0INES0001",
            "Halyard Freight: risk-mitigation/recovery-plan, crm_task held → ines.almeida@ourco.example",
            "Halyard Freight: risk-mitigation/update~2031-03-03, slack_alert obsolete → U0INES0001",
            "Quillback Press: detractor-follow-up/escalate, slack_alert observed → priya.nair@ourco.example",
        ],
        &[],
    );
    assert_eq!(week.data.json("resume"), json!({ "paused_at": null, "held": 3 }));
    week.data.settle();
    // A record that stays wrong helps nobody.
    check(
        &mut week,
        &["Halyard Freight: write-back/health, crm_update sent → hubspot:company:501"],
        &["PATCH /crm/v3/objects/companies/501 barometer_band=red barometer_score=39"],
    );
    week.receive(hours(98), solved());
    week.until(hours(123));
    assert_eq!(week.calls(), ["PATCH /crm/v3/objects/companies/501 barometer_band=yellow barometer_score=47"]);
}
