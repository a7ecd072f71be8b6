//! What others build on: the events under `events/`, and the AWS envelopes that functions accept.
//!
//! `BLESS=1 cargo test -p tests --test contracts` rewrites the files from the types. It never removes or retypes a
//! field that a checked-in schema promises; whoever really wants that deletes the file first and tells the consumers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod envelopes;
mod events;
mod samples;
mod schema;

use std::path::PathBuf;

fn events_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// Compares a file under `events/` with what it should be, or writes it when blessing.
#[track_caller]
fn check_file(name: &str, expected: &serde_json::Value) {
    let path = events_dir().join(name);
    let expected = format!("{expected:#}\n");
    if std::env::var("BLESS").is_ok_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let line = found.lines().zip(expected.lines()).take_while(|(a, b)| a == b).count() + 1;
    assert!(
        found == expected,
        "events/{name} differs from the type at line {line}; BLESS=1 rewrites it, read that diff"
    );
}
