use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};

use super::*;

/// Who moves letters by themselves, and has moved so many each time it is asked.
type Asked = Arc<Mutex<Vec<RedriveRequest>>>;

async fn moves(State(asked): State<Asked>, Json(request): Json<RedriveRequest>) -> Json<RedriveDone> {
    let mut asked = asked.lock().unwrap();
    asked.push(request);
    Json(match asked.len() {
        1 => RedriveDone { under_way: Some(0), ..RedriveDone::default() },
        2 => RedriveDone { under_way: Some(120), ..RedriveDone::default() },
        _ => RedriveDone { done: 300, ..RedriveDone::default() },
    })
}

fn nothing_yet() -> RedriveReport {
    RedriveReport {
        letters: vec![],
        failures: vec![],
        deliveries: None,
        overdue: 0,
        dry_run: false,
        redriven: Redriven::default(),
        failed: vec![],
        done: false,
    }
}

/// How many were asked for, each time.
type Amounts = Arc<Mutex<Vec<u32>>>;

async fn does_at_once(State(amounts): State<Amounts>, Json(request): Json<RedriveRequest>) -> Json<RedriveDone> {
    let done = match request {
        RedriveRequest::Deliveries(ids) => number(ids.len()),
        RedriveRequest::Letters { most, .. } => most,
        other => panic!("{other:?}"),
    };
    amounts.lock().unwrap().push(done);
    Json(RedriveDone { done, ..RedriveDone::default() })
}

/// What is asked for within so many milliseconds of 60 letters and 110 deliveries, 50 a second; and whether that is all of them.
async fn within(ms: u64) -> (Vec<u32>, bool) {
    let amounts = Amounts::default();
    let client = Client::here(Router::new().route(route::REDRIVE, post(does_at_once)).with_state(amounts.clone()));
    let mut report = nothing_yet();
    let mut again = Again { client: &client, rate: 50, progress: Progress::new(), report: &mut report };
    let row = LetterRow { queue: "dead".into(), to: Some("alive".into()), letters: 60 };
    let deliveries = (0..110).map(|n| model::DeliveryId::from_stored(format!("crm:{n}"))).collect();
    let look = RedriveLook { letters: vec![row], deliveries, ..RedriveLook::default() };
    let done = tokio::time::timeout(Duration::from_millis(ms), again.all(look)).await.is_ok();
    (std::mem::take(&mut *amounts.lock().unwrap()), done)
}

#[tokio::test(start_paused = true)]
async fn no_more_goes_in_a_second_than_was_asked_for() {
    for (ms, expected, done) in [
        (990, [50].as_slice(), false),
        (1_190, &[50, 10], false),
        (1_690, &[50, 10, 25], false),
        (2_190, &[50, 10, 25, 25], false),
        (3_390, &[50, 10, 25, 25, 25, 25, 10], false),
        (3_410, &[50, 10, 25, 25, 25, 25, 10], true),
    ] {
        assert_eq!(within(ms).await, (expected.to_vec(), done), "within {ms} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn letters_that_go_by_themselves_are_asked_for_until_they_have_and_their_way_is_told() {
    let asked = Asked::default();
    let client = Client::here(Router::new().route(route::REDRIVE, post(moves)).with_state(asked.clone()));
    let row = LetterRow { queue: "dead".into(), to: Some("alive".into()), letters: 300 };
    let mut report = RedriveReport { letters: vec![row.clone()], ..nothing_yet() };
    let mut again = Again { client: &client, rate: 50, progress: Progress::new(), report: &mut report };
    let told = again.progress.told.clone();
    again.all(RedriveLook { letters: vec![row], ..RedriveLook::default() }).await.unwrap();
    assert_eq!(report.redriven.letters, 300);
    let told = told.lock().unwrap();
    let sent_back = ["0 of 300 dead letters of dead sent back", "120 of 300 dead letters of dead sent back"];
    assert_eq!(*told, [sent_back[0], sent_back[1], "300 dead letters done again"]);
    // One move is begun; what is asked then begins none.
    let goes_on = |request: &RedriveRequest| match request {
        RedriveRequest::Letters { goes_on, .. } => *goes_on,
        other => panic!("{other:?}"),
    };
    assert_eq!(asked.lock().unwrap().iter().map(goes_on).collect::<Vec<_>>(), [false, true, true]);
}
