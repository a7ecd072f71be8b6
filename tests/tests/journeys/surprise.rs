//! Nobody is messaged by surprise (P9).

use std::sync::Arc;

use barometer::host::HostError;
use jiff::SignedDuration;
use model::{Mode, Moment};
use tests::{Company, Setup, World, at};

fn minute(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_mins(n))
}

const LONG_AGO: SignedDuration = SignedDuration::from_hours(-24 * 120);

/// Fifty companies, every third one in trouble for months.
fn book() -> Vec<Company> {
    (1..=50)
        .map(|id| {
            let mut company = Company::healthy(id, minute(0).plus(LONG_AGO));
            company.renews(minute(0).plus(SignedDuration::from_hours(24 * 130)), minute(0).plus(LONG_AGO));
            if id % 3 == 0 {
                company
                    .feels("red", minute(0).plus(LONG_AGO))
                    .contacted(minute(0).plus(LONG_AGO), minute(0).plus(LONG_AGO));
            }
            company
        })
        .collect()
}

/// The same numbers in another order, the same one each time.
fn shuffled(mut all: Vec<Company>, seed: u64) -> Vec<Company> {
    let mut dice = seed;
    for at in (1..all.len()).rev() {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        all.swap(at, usize::try_from(dice >> 33).unwrap() % (at + 1));
    }
    all
}

async fn enrolled(seed: u64) -> World {
    enrolled_in(Setup::new(), seed).await
}

async fn enrolled_in(setup: Setup, seed: u64) -> World {
    let world = World::new(setup).await;
    for (n, company) in (0_i64..).zip(shuffled(book(), seed)) {
        world.post(&company.body(), minute(0).plus(SignedDuration::from_millis(n))).await.unwrap();
        if n % 7 == 0 {
            world.rest().await;
        }
    }
    world.rest().await;
    assert_eq!(world.host.accounts().await.unwrap().len(), 50);
    assert_eq!(world.slack.messages().len(), 0, "a book that is opened is no news, credentials or not");
    world
}

#[tokio::test(start_paused = true)]
async fn a_fresh_folder_calls_nobody_and_after_golive_one_change_is_one_message() {
    for seed in [1, 2, 3] {
        let world = enrolled(seed).await;
        world.until(minute(5));
        let report = world.host.golive(&Default::default()).await.unwrap();
        assert_eq!(report.left_alone, 16, "red accounts that nobody asked to open");
        world.rest().await;
        let [book] = &world.slack.messages()[..] else { panic!("{:#?}", world.slack.messages()) };
        assert_eq!(report.books.len(), 1, "one starting book for the one owner: {:?}", report.books);
        assert_eq!(book["channel"], "U0INES0001");
        assert!(book["text"].as_str().unwrap().contains("16 red"), "{book:#}");
        let again = world.host.golive(&Default::default()).await.unwrap();
        assert_eq!(again.books, vec![], "one, however often it goes live");
        let mut changed = Company::healthy(1, minute(0).plus(LONG_AGO));
        changed.feels("red", minute(6)).contacted(minute(0).plus(LONG_AGO), minute(6));
        world.deliver(&changed.body(), minute(6)).await;
        world.pass_until(minute(60 * 24 * 3)).await;
        let messages = world.slack.messages();
        assert_eq!(messages.len(), 2, "{messages:#?}");
        assert!(messages[1]["text"].as_str().unwrap().contains("Company 1*"), "{}", messages[1]["text"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_observed_is_not_sent_later() {
    let world = World::new(Setup::new()).await;
    let mut company = Company::healthy(1, minute(0));
    world.deliver(&company.body(), minute(0)).await;
    company.feels("red", minute(1)).contacted(minute(0).plus(LONG_AGO), minute(1));
    world.deliver(&company.body(), minute(1)).await;
    let outbox = world.host.outbox().await.unwrap();
    assert_eq!((outbox.len(), outbox[0].status.as_str()), (1, "observed"));
    assert!(outbox[0].request.is_some(), "rendered exactly as it would be sent");
    world.until(minute(2));
    world.host.golive(&Default::default()).await.unwrap();
    company.feels("green", minute(3)).contacted(minute(2), minute(3));
    world.deliver(&company.body(), minute(3)).await;
    world.pass_until(minute(60 * 30)).await;
    // The starting book tells of it, for that is what it is for.
    let messages = world.slack.messages();
    assert!(messages.len() == 1 && messages[0]["thread_ts"].is_null(), "neither the alert nor a reply: {messages:#?}");
    let outbox = world.host.outbox().await.unwrap();
    let alerts: Vec<_> = outbox.iter().filter(|row| row.kind != barometer::api::NOTICE).collect();
    assert!(alerts.len() == 2 && alerts.iter().all(|row| row.status == "observed"), "{alerts:#?}");
}

/// With every playbook that ships, and what each may reach.
fn with_all_playbooks() -> Setup {
    let shipped = barometer::config_files::read(None).unwrap();
    let mut files = tests::config_files();
    let is_about_playbooks = |path: &str| path.starts_with("playbooks/") || path == "modes.toml";
    files.0.extend(shipped.0.into_iter().filter(|(path, _)| is_about_playbooks(path)));
    let config = config::load(&files, &connectors::tools()).unwrap();
    assert!(!config.playbooks[0].is_about_risk(), "{}", config.playbooks[0].name);
    Setup { config: Arc::new(config), ..Setup::new() }
}

#[tokio::test(start_paused = true)]
async fn open_top_opens_the_largest_troubles_and_no_others() {
    let world = enrolled_in(with_all_playbooks(), 4).await;
    world.until(minute(5));
    let request = barometer::api::GoliveRequest { open_top: 2, ..Default::default() };
    let report = world.host.golive(&request).await.unwrap();
    world.pass_until(minute(15)).await;
    let opened: Vec<_> = report.opened.iter().map(|row| row.playbook.as_str()).collect();
    assert_eq!((opened, report.left_alone), (vec!["risk-mitigation"; 2], 14));
    assert_eq!(world.slack.messages().len(), 3, "the starting book and two alerts");
}

/// Of the book, one is red without a date near, one renews in a month, one in a hundred days: in the book's order the nearest
/// weighs most.
#[tokio::test(start_paused = true)]
async fn open_top_goes_through_the_starting_book_in_its_order() {
    let world = World::new(with_all_playbooks()).await;
    let long_ago = minute(0).plus(LONG_AGO);
    let in_days = |days: i64| minute(0).plus(SignedDuration::from_hours(24 * days));
    let mut red = Company::healthy(1, long_ago);
    red.feels("red", long_ago).contacted(long_ago, long_ago).renews(in_days(300), long_ago);
    let mut near = Company::healthy(2, long_ago);
    near.renews(in_days(30), long_ago).contacted(in_days(-1), long_ago);
    let mut later = Company::healthy(3, long_ago);
    later.renews(in_days(100), long_ago).contacted(in_days(-1), long_ago);
    let mut well = Company::healthy(4, long_ago);
    well.renews(in_days(300), long_ago).contacted(in_days(-1), long_ago);
    for company in [red, near, later, well] {
        world.deliver(&company.body(), minute(0)).await;
    }
    world.until(minute(5));
    let request = |open_top| barometer::api::GoliveRequest { open_top, dry_run: true, ..Default::default() };
    let report = world.host.golive(&request(3)).await.unwrap();
    let rows: Vec<_> = report.opened.iter().map(|row| (row.playbook.as_str(), row.name.as_str())).collect();
    let expected = [("renewal-runway", "Company 2"), ("renewal-runway", "Company 3"), ("risk-mitigation", "Company 1")];
    assert_eq!((&rows[..], report.left_alone), (&expected[..], 0));
    let report = world.host.golive(&barometer::api::GoliveRequest { dry_run: false, ..request(1) }).await.unwrap();
    assert_eq!((report.opened.len(), report.left_alone), (1, 2));
    world.pass_until(minute(15)).await;
    let outbox = world.host.outbox().await.unwrap();
    let of_runway = outbox.iter().filter(|row| row.playbook.as_ref().is_some_and(|p| p.as_str() == "renewal-runway"));
    assert_eq!(of_runway.count(), 1, "{outbox:#?}");
}

#[tokio::test(start_paused = true)]
async fn open_top_is_refused_where_neither_red_accounts_nor_renewals_are_led() {
    let world = World::new(with_all_playbooks()).await;
    let request = barometer::api::GoliveRequest {
        playbook: Some("detractor-follow-up".parse().unwrap()),
        open_top: 2,
        ..Default::default()
    };
    let refusal = world.host.golive(&request).await.unwrap_err();
    let HostError::NotFound { message, help } = refusal else { panic!("{refusal}") };
    assert!(message.contains("red accounts") && help.contains("`risk-mitigation`"), "{message}; {help}");
    let (_, switched) = world.host.store().switches().await.unwrap();
    assert!(switched.is_empty(), "nothing went live: {switched:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_stops_every_send_and_nothing_comes_after_it_in_a_burst() {
    let world = World::new(Setup::new()).await;
    for id in 1..=3 {
        world.deliver(&Company::healthy(id, minute(0)).body(), minute(0)).await;
    }
    world.until(minute(1));
    world.host.golive(&Default::default()).await.unwrap();
    world.host.pause(true).await.unwrap();
    for id in 1..=3 {
        let mut company = Company::healthy(id, minute(0));
        company.feels("red", minute(2)).contacted(minute(0).plus(LONG_AGO), minute(2));
        world.deliver(&company.body(), minute(2)).await;
    }
    let outbox = world.host.outbox().await.unwrap();
    assert!(outbox.iter().all(|row| row.status == "held"), "{outbox:#?}");
    world.until(minute(3));
    assert_eq!(world.host.pause(false).await.unwrap().paused_at, None);
    world.pass_until(minute(60 * 48)).await;
    assert_eq!(world.slack.messages().len(), 0);
    assert!(world.host.outbox().await.unwrap().iter().all(|row| row.status == "expired"));
}

#[tokio::test(start_paused = true)]
async fn twenty_crossings_in_a_day_are_one_alert() {
    let world = World::new(Setup::new()).await;
    let mut company = Company::healthy(1, minute(0));
    world.deliver(&company.body(), minute(0)).await;
    world.until(minute(1));
    world.host.golive(&Default::default()).await.unwrap();
    for crossing in 1..=20 {
        let now = minute(crossing * 60);
        if crossing % 2 == 1 {
            company.feels("red", now).contacted(minute(0).plus(LONG_AGO), now);
        } else {
            company.feels("green", now).contacted(now, now);
        }
        world.deliver(&company.body(), now).await;
    }
    assert_eq!(world.slack.messages().len(), 1, "{:#?}", world.slack.messages());
}

#[tokio::test(start_paused = true)]
async fn redirected_messages_go_to_one_channel_of_ours() {
    let mut files = tests::config_files();
    let modes = "[most.risk-mitigation]\nslack = \"redirect\"\n\n[redirect]\nslack = \"#barometer-preview\"\n";
    files.0.insert("modes.toml".to_owned(), modes.to_owned());
    let config = Arc::new(config::load(&files, &connectors::tools()).unwrap());
    let world = World::new(Setup { config, ..Setup::new() }).await;
    let mut company = Company::healthy(1, minute(0));
    world.deliver(&company.body(), minute(0)).await;
    world.until(minute(1));
    let report = world.host.golive(&Default::default()).await.unwrap();
    assert_eq!((report.modes[0].to, report.modes[0].limited_by.as_deref()), (Mode::Redirect, Some("modes.toml")));
    company.feels("red", minute(2)).contacted(minute(0).plus(LONG_AGO), minute(2));
    world.deliver(&company.body(), minute(2)).await;
    company.feels("green", minute(3)).contacted(minute(2), minute(3));
    world.deliver(&company.body(), minute(3)).await;
    world.pass_until(minute(60 * 30)).await;
    let messages = world.slack.messages();
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert_eq!(messages[0]["channel"], "#barometer-preview");
    // The end follows its beginning: the same channel, as Slack named it, and the same thread.
    assert_eq!((messages[1]["channel"].as_str(), messages[1]["thread_ts"].is_string()), (Some("C0TEST"), true));
}

#[tokio::test(start_paused = true)]
async fn nobody_goes_live_while_nobody_looks_after_what_matters() {
    let world = World::new(Setup::new()).await;
    let start = at("2026-11-23T09:00:00Z");
    for (id, owner) in [(1, "ines.almeida@ourco.example"), (2, "nobody@ourco.example")] {
        let mut company = Company::healthy(id, start);
        world.deliver(&company.set("customer_success_manager", owner, start).body(), start).await;
    }
    let refusal = world.host.golive(&Default::default()).await.unwrap_err();
    let said = "50.00 % of the revenue is looked after by nobody whom team.toml knows: owner `nobody@ourco.example` (1 account)";
    assert_eq!(refusal.to_string(), said);
    let (_, modes) = world.host.store().switches().await.unwrap();
    assert_eq!(modes, [], "nothing was let out");
    let preview = barometer::api::GoliveRequest { dry_run: true, ..Default::default() };
    assert_eq!(world.host.golive(&preview).await.unwrap().unowned.unwrap().basis_points, 5_000);
    world.host.golive(&tests::whoever_it_is()).await.unwrap();
    assert_eq!(world.host.store().switches().await.unwrap().1.len(), 1);
}
