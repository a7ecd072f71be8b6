//! A changed configuration takes effect at once where somebody asks for that, and nobody hears of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use barometer::api::{RescoreQuery, RescoreRequest, RescoreRow};
use config::Config;
use jiff::SignedDuration;
use model::{Band, Moment, SubjectId};
use tests::{Company, Setup, World, at, dump};

fn hours(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_hours(n))
}

/// A fortnight without a word is as bad as a quarter is by the tests' own model.
fn stricter() -> Arc<Config> {
    let mut files = tests::config_files();
    let text = files.0.get_mut("health/three-measures.toml").unwrap();
    *text = text.replace("[[14, 100], [45, 60], [90, 0]]", "[[5, 100], [14, 0]]").replace("green = 100", "green = 60");
    Arc::new(config::load(&files, &connectors::tools()).unwrap())
}

/// Thirty customers, every third one not spoken to for 13 days, and one red with a run open. Messages go out.
async fn book() -> World {
    let world = World::new(Setup::new()).await;
    let mut first = Company::healthy(1, hours(0));
    for id in 1..=30 {
        let mut company = Company::healthy(id, hours(0));
        if id % 3 == 0 {
            company.contacted(hours(-13 * 24), hours(0));
        }
        world
            .post(&company.body(), hours(0).plus(SignedDuration::from_millis(i64::try_from(id).unwrap())))
            .await
            .unwrap();
    }
    world.rest().await;
    world.until(hours(1));
    world.host.golive(&Default::default()).await.unwrap();
    first.feels("red", hours(2)).contacted(hours(-100 * 24), hours(2));
    world.deliver(&first.body(), hours(2)).await;
    // A message waits for others of its minute.
    world.pass_until(hours(2).plus(SignedDuration::from_mins(30))).await;
    assert_eq!(world.slack.messages().len(), 1);
    world
}

async fn under(world: World, config: Arc<Config>, now: Moment) -> World {
    world.again(Setup { config, start: now, ..Setup::new() }).await
}

/// Every account, page by page.
async fn looked_at(world: &World) -> Vec<RescoreRow> {
    let (mut rows, mut query) = (vec![], RescoreQuery::default());
    loop {
        let page = world.host.rescore_page(&query).await.unwrap();
        rows.extend(page.rows);
        let Some(next) = page.next else { return rows };
        query.after = Some(next);
    }
}

fn differing(rows: &[RescoreRow]) -> Vec<SubjectId> {
    rows.iter().filter(|row| row.differs).map(|row| row.account.clone()).collect()
}

async fn rescore(world: &World, accounts: &[SubjectId]) {
    world.host.rescore(&RescoreRequest { accounts: accounts.to_vec() }).await.unwrap();
    world.rest().await;
}

/// Rows of the tables whose keys hold `part`.
fn rows(world: &World, part: &str) -> Vec<String> {
    dump::tables(world).into_iter().filter(|line| line.contains(part)).collect()
}

#[tokio::test(start_paused = true)]
async fn bands_move_as_it_was_shown_and_no_run_event_or_message_comes_of_it() {
    let world = under(book().await, stricter(), hours(3)).await;
    let (told, runs) = (rows(&world, "EVENT#"), rows(&world, "PLAY#"));
    let before = dump::tables(&world);
    let shown = looked_at(&world).await;
    assert_eq!(before, dump::tables(&world), "looking changes nothing");
    assert_eq!((shown.len(), differing(&shown).len()), (30, 30));
    let quiet: Vec<_> = shown.iter().filter(|row| row.to.as_ref().is_some_and(|to| to.band != row.from.band)).collect();
    assert_eq!(quiet.len(), 10, "{quiet:#?}");
    assert!(quiet.iter().all(|row| row.from.band == Band::Green && row.reason.is_some()), "{quiet:#?}");
    let outdated = world.host.explain("Company 3", None).await.unwrap().outdated;
    assert_eq!(outdated, ["model"]);

    let asked_at = world.host.clock().now();
    for some in differing(&shown).chunks(25) {
        rescore(&world, some).await;
    }
    let held: BTreeMap<_, _> =
        world.host.store().book().await.unwrap().into_iter().map(|a| (a.account.clone(), a)).collect();
    for row in &shown {
        let (now, to) = (&held[&row.account], row.to.as_ref().unwrap());
        assert_eq!((now.score.map(model::Score::shown), now.band), (to.score, to.band), "{}", row.name);
        assert!(now.as_of >= asked_at);
    }
    assert_eq!((rows(&world, "EVENT#"), world.slack.messages().len()), (told, 1));
    let keys = |rows: Vec<String>| rows.len();
    assert_eq!(keys(rows(&world, "PLAY#")), keys(runs));
    assert!(world.host.store().episodes().await.unwrap().iter().all(model::Episode::is_open));
    let it = world.host.explain("Company 3", None).await.unwrap();
    assert_eq!((it.outdated.len(), it.band), (0, Band::Yellow));
    let timeline = world.host.timeline("Company 3").await.unwrap();
    let last = timeline.last().unwrap();
    assert_eq!((last.kind.as_str(), last.delivery.as_ref().map(|id| id.connection())), ("rescored", Some("operator")));
    // Neither the day after, nor with the next news that change nothing.
    world.pass_until(hours(30)).await;
    assert_eq!(world.slack.messages().len(), 1, "{:#?}", world.slack.messages());
}

#[tokio::test(start_paused = true)]
async fn interrupted_it_goes_on_and_repeated_it_finds_nothing_to_do() {
    let world = under(book().await, stricter(), hours(3)).await;
    let all = differing(&looked_at(&world).await);
    rescore(&world, &all[..20]).await;
    let left = differing(&looked_at(&world).await);
    assert_eq!(left.len(), 10);
    assert!(left.iter().all(|account| !all[..20].contains(account)));
    rescore(&world, &left).await;
    assert_eq!(differing(&looked_at(&world).await), Vec::<SubjectId>::new());
    // Who asks all the same changes the moment, and nothing else.
    let told = rows(&world, "TIMELINE#").len();
    rescore(&world, &all).await;
    assert_eq!((rows(&world, "TIMELINE#").len(), world.slack.messages().len()), (told, 1));
    assert_eq!(differing(&looked_at(&world).await), Vec::<SubjectId>::new());
}

#[tokio::test(start_paused = true)]
async fn under_the_same_configuration_nobody_differs() {
    let world = book().await;
    assert_eq!(differing(&looked_at(&world).await), Vec::<SubjectId>::new());
    world.pass_until(hours(24 * 20)).await;
    assert_eq!(differing(&looked_at(&world).await), Vec::<SubjectId>::new(), "days that pass are no difference");
    assert_eq!(world.host.explain("Company 3", None).await.unwrap().outdated, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn who_is_not_watched_any_more_is_named_and_left_alone() {
    let world = book().await;
    let mut files = tests::config_files();
    let text = files.0.get_mut("connections.toml").unwrap();
    let line = text.lines().find(|line| line.starts_with("exclude_domains")).unwrap().to_owned();
    *text = text.replace(&line, r#"exclude_domains = ["company-7.example"]"#);
    let config = Arc::new(config::load(&files, &connectors::tools()).unwrap());
    let world = under(world, config, hours(3)).await;
    let shown = looked_at(&world).await;
    let leaving: Vec<_> = shown.iter().filter(|row| row.to.is_none()).map(|row| row.name.as_str()).collect();
    assert_eq!((leaving, differing(&shown).len()), (vec!["Company 7"], 0));
    let seven = Company::healthy(7, hours(0)).account();
    rescore(&world, &[seven]).await;
    assert_eq!(world.host.accounts().await.unwrap().len(), 30);
}
