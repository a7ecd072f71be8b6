use jiff::SignedDuration;

use super::*;
use crate::template::Queue;

fn at(text: &str) -> Moment {
    text.parse().unwrap()
}

fn start() -> Moment {
    at("2026-11-21T09:00:00Z")
}

fn later(seconds: i64) -> Moment {
    start().plus(SignedDuration::from_secs(seconds))
}

fn open(folder: &Path) -> State {
    State::open(&folder.join("host.db")).unwrap()
}

fn queue() -> Queue {
    Queue { logical_id: "Work".into(), visibility_s: 60, max_receive_count: Some(2), dead_letters: Some("Dead".into()) }
}

fn put(state: &State, bodies: &[&str]) {
    let messages: Vec<_> =
        bodies.iter().map(|body| NewMessage { queue: "Work".into(), body: (*body).into() }).collect();
    state.put_messages(&messages, start()).unwrap();
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body.as_str()).collect()
}

#[test]
fn a_message_handed_out_is_hidden_until_its_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(folder.path());
    put(&state, &["a", "b", "c"]);
    let taken = state.receive(&queue(), 2, start()).unwrap();
    assert_eq!(bodies(&taken), ["a", "b"]);
    assert_eq!((taken[0].receive_count, taken[0].visible_at), (1, later(60)));
    assert_eq!(bodies(&state.receive(&queue(), 10, start()).unwrap()), ["c"]);
    assert!(!state.has_visible("Work", later(59)).unwrap());
    assert_eq!(
        state.depth("Work", start()).unwrap(),
        Depth { visible: 0, hidden: 3, next_visible_at: Some(later(60)) }
    );
    state.delete_messages([taken[0].id.as_str()]).unwrap();
    assert_eq!(bodies(&state.receive(&queue(), 10, later(60)).unwrap()), ["b", "c"]);
}

#[test]
fn a_message_handed_out_too_often_is_a_dead_letter_and_can_be_sent_back() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(folder.path());
    put(&state, &["a"]);
    for attempt in 0..2 {
        assert_eq!(state.receive(&queue(), 10, later(attempt * 60)).unwrap().len(), 1);
    }
    assert!(state.messages("Dead").unwrap().is_empty(), "not before the receive after the last");
    assert!(state.receive(&queue(), 10, later(120)).unwrap().is_empty());
    let dead = state.messages("Dead").unwrap();
    assert_eq!((bodies(&dead), dead[0].from.as_deref()), (vec!["a"], Some("Work")));
    assert_eq!(state.redrive("Dead", "Work", 10, later(120)).unwrap(), 1);
    assert_eq!(state.receive(&queue(), 10, later(120)).unwrap()[0].receive_count, 1);
}

#[test]
fn everything_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(folder.path());
    put(&state, &["a"]);
    state.receive(&queue(), 1, start()).unwrap();
    state.set_checkpoint("Health", "Accounts", Sequence(7)).unwrap();
    state.set_next_run("Clock/Tick", later(60)).unwrap();
    let given_up = SetAside {
        function: "Health".into(),
        table: "Accounts".into(),
        reason: "no".into(),
        at: start(),
        records: vec![serde_json::json!({"eventName": "INSERT"})],
    };
    state.put_aside(&given_up, Sequence(8)).unwrap();
    drop(state);
    let state = open(folder.path());
    assert_eq!(state.messages("Work").unwrap()[0].receive_count, 1);
    assert_eq!(state.checkpoint("Health", "Accounts").unwrap(), Some(Sequence(8)));
    assert_eq!(state.checkpoint("Health", "Journal").unwrap(), None);
    assert_eq!(state.next_run("Clock/Tick").unwrap(), Some(later(60)));
    assert_eq!(state.set_aside().unwrap(), [given_up]);
}

#[test]
fn messages_are_announced() {
    let folder = tempfile::tempdir().unwrap();
    let state = open(folder.path());
    let mut watch = state.watch();
    state.put_messages(&[], start()).unwrap();
    assert!(!watch.has_changed().unwrap());
    put(&state, &["a"]);
    assert!(watch.has_changed().unwrap());
    watch.mark_unchanged();
    state.receive(&queue(), 1, start()).unwrap();
    assert!(!watch.has_changed().unwrap(), "progress is no news");
}

#[test]
fn a_file_of_a_later_build_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let connection = Connection::open(folder.path().join("host.db")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let error = State::open(&folder.path().join("host.db")).unwrap_err();
    assert!(error.to_string().contains("has layout 99"), "{error}");
}
