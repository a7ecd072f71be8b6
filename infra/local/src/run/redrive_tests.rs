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

#[tokio::test(start_paused = true)]
async fn letters_that_go_by_themselves_are_asked_for_until_they_have_and_their_way_is_told() {
    let asked = Asked::default();
    let client = Client::here(Router::new().route(route::REDRIVE, post(moves)).with_state(asked.clone()));
    let row = LetterRow { queue: "dead".into(), to: Some("alive".into()), letters: 300 };
    let mut report = RedriveReport {
        letters: vec![row.clone()],
        failures: vec![],
        deliveries: None,
        overdue: 0,
        dry_run: false,
        redriven: Redriven::default(),
        failed: vec![],
        done: false,
    };
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
