//! Two versions at once: rows keep the fields that an older build reads, and an older build goes on with rows and events of
//! a newer one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use testkit::faults::Faults;
use tests::shape::{self, Shape};
use tests::{World, dump};

/// Journeys that between them write every kind of row.
pub async fn worlds(faults: fn() -> Faults) -> Vec<World> {
    vec![
        crate::kill_points::journey(faults()).await.0,
        crate::mail::journey(faults()).await,
        crate::mail::told(faults()).await,
        crate::tasks_read::journey(faults()).await,
        crate::clicks::journey(faults()).await,
        crate::plays::journey(faults()).await,
        crate::slack::journey(faults()).await,
        crate::backfill::journey(faults()).await,
        crate::silence::journey(faults()).await,
    ]
}

fn text_of(shape: &Shape) -> String {
    shape.iter().map(|(path, types)| format!("{path}: {}\n", Vec::from_iter(types.clone()).join(" "))).collect()
}

fn read(text: &str) -> Shape {
    let line = |line: &str| {
        let (path, types) = line.rsplit_once(": ").unwrap();
        (path.to_owned(), types.split(' ').map(str::to_owned).collect())
    };
    text.lines().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn no_row_loses_a_field_that_was_stored_before() {
    let mut shape = BTreeMap::new();
    for world in worlds(Faults::default).await {
        shape::of_host(&world.host, &mut shape);
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/journeys/items.shape");
    // Blessing comes second: what is checked in has been stored.
    let stored = std::fs::read_to_string(path).unwrap_or_default();
    let lost = shape::lost(&read(&stored), &shape);
    assert_eq!(lost, Vec::<String>::new(), "an older build reads it while a newer one is deployed, and tables hold it");
    let now = text_of(&shape);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    assert_eq!(now, std::fs::read_to_string(path).unwrap_or_default(), "BLESS=1 adds what is new; read the difference");
}

/// Every kind of row that the map names, as a shape names it.
fn kinds() -> BTreeSet<String> {
    let map = include_str!("../../../ARCHITECTURE.md");
    let rows = map.lines().skip_while(|line| *line != "| pk | sk | what |").take_while(|line| line.starts_with('|'));
    let spans = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let head = |key: &str| match key.split('#').next() {
        Some(word) if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase()) => word.to_owned(),
        _ => "*".to_owned(),
    };
    let mut kinds = BTreeSet::from(["Journal */*".to_owned()]);
    for row in rows.skip(2).filter(|row| !row.contains("| the same, ")) {
        let cells: Vec<_> = row.split('|').collect();
        let (pks, sks) = (spans(cells[1]), spans(cells[2]));
        kinds.extend(sks.iter().map(|sk| format!("Accounts {}/{}", head(&pks[0]), head(sk))));
    }
    kinds
}

#[test]
fn every_kind_of_row_is_stored_by_some_journey() {
    let stored = include_str!("items.shape");
    let seen: BTreeSet<String> =
        stored.lines().map(|line| line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(seen, kinds());
}

#[test]
fn a_removed_or_retyped_attribute_is_found_and_an_added_one_is_welcome() {
    let shape = |text: &str| read(text);
    let old = "Accounts ACTION/ACTION sends: N\nAccounts ACTION/ACTION to: NULL S\n";
    let lost = |new: &str| shape::lost(&shape(old), &shape(new));
    assert_eq!(lost(&format!("{old}Accounts ACTION/ACTION more: S\n")), Vec::<String>::new());
    assert_eq!(lost("Accounts ACTION/ACTION to: NULL S\n"), ["`Accounts ACTION/ACTION sends` was removed"]);
    assert_eq!(lost(&old.replace("sends: N", "sends: S")).len(), 1);
    assert_eq!(lost(&old.replace("NULL S", "S")).len(), 1, "what was null may be null in tables");
}

#[tokio::test(start_paused = true)]
async fn fields_of_a_newer_build_are_passed_over() {
    let ours = worlds(Faults::default).await;
    let beside = worlds(|| Faults::rewritten(shape::as_newer)).await;
    for (at, (ours, beside)) in ours.iter().zip(&beside).enumerate() {
        let sorted = |world: &World| {
            let mut added = 0;
            let mut rows: Vec<Value> = dump::tables(world)
                .iter()
                .map(|row| {
                    let (row, count) = shape::without_added(row);
                    added += count;
                    row
                })
                .collect();
            rows.sort_by_key(Value::to_string);
            (rows, added)
        };
        let ((ours_rows, none), (rows, added)) = (sorted(ours), sorted(beside));
        assert!(none == 0 && added > rows.len(), "journey {at}: {added} fields in {} rows", rows.len());
        let odd: Vec<_> = rows.iter().filter(|row| !ours_rows.contains(row)).collect();
        assert!(odd.is_empty() && rows.len() == ours_rows.len(), "journey {at}: {odd:#?}");
        assert_eq!(beside.slack.messages(), ours.slack.messages(), "journey {at}");
        assert_eq!(beside.ses.mails(), ours.ses.mails(), "journey {at}");
    }
}
