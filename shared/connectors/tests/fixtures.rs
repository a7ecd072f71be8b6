//! Every folder under a vendor's `fixtures/` is a test: the request is verified, then normalised. What was fetched from
//! the vendor's API (`[fetched]` in `request.toml`) is normalised only, and shows the call that fetches it.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use common::{Recorded, folder, mapping};
use connectors::{ALL, Connector};
use model::Statement;
use serde_json::{Value, json};
use testkit::golden::Fixture;

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    let trials = ALL.iter().copied().flat_map(|connector| {
        let folder = folder(connector);
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        testkit::golden::trials(&name, &folder.join("fixtures"), move |fixture| outcome(connector, fixture))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn outcome(connector: &dyn Connector, fixture: &Fixture) -> Value {
    let recorded = Recorded::read(fixture);
    let known = match &recorded.fetched {
        Some(fetched) => ("fetch", connector.fetch(&fetched.object, &mapping(connector)).unwrap().path),
        None => match recorded.verify(connector) {
            Ok(key) => ("delivery_key", key.as_str().to_owned()),
            Err(refusal) => return json!({"refused": refusal.to_string()}),
        },
    };
    let normalized = recorded.normalize(connector);
    let plain = recorded.clone().plain();
    for statement in normalized.signals.iter().flat_map(|signal| &signal.statements) {
        assert!(stands_in(statement, &plain.body), "`{}` is not in the body", statement.raw);
    }
    let mut outcome = json!({(known.0): known.1, "signals": [], "quarantined": [], "warnings": []});
    let Value::Object(parts) = json!(normalized) else { unreachable!("a struct is an object") };
    for (name, part) in parts {
        outcome[name] = part;
    }
    outcome
}

/// Every number explains itself by bytes of the delivery. Only what a whole record leaves out has none.
fn stands_in(statement: &Statement, body: &[u8]) -> bool {
    match statement.raw.as_bytes() {
        [] => statement.value == model::Value::Cleared,
        raw => body.windows(raw.len()).any(|window| window == raw),
    }
}
