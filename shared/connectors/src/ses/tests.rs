use std::path::Path;

use model::{DeliveryId, Family};
use proptest::prelude::*;
use testkit::golden::{self, Fixture};

use super::*;

fn delivery(body: Vec<u8>) -> Delivery {
    let connection = "ses".parse().unwrap();
    Delivery {
        id: DeliveryId::new(&connection, "1"),
        connection,
        family: Family::Mail,
        received_at: "2026-11-23T09:00:00Z".parse().unwrap(),
        body_sha256: String::new(),
        headers: std::collections::BTreeMap::new(),
        body,
        same_key_as: None,
    }
}

#[test]
fn events_say_exactly_this() {
    golden::run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ses/fixtures"), |fixture: &Fixture| {
        let body = fixture.bytes("body.json");
        let text = String::from_utf8_lossy(&body).into_owned();
        let out = normalize(&delivery(body));
        for statement in out.signals.iter().flat_map(|signal| &signal.statements) {
            assert!(text.contains(&statement.raw), "{} does not stand in the body", statement.raw);
        }
        serde_json::to_value(out).unwrap()
    });
}

proptest! {
    #[test]
    fn no_bytes_make_it_fail(body in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(normalize(&delivery(body)).quarantined.len(), 1);
    }
}
