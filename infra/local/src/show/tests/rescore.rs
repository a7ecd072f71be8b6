//! What a changed configuration makes of the book, as it is shown.

use crate::api::{RescoreReport, RescoreRow, ScoredRow};

use super::*;

fn scored(score: Option<u16>, band: Band) -> ScoredRow {
    ScoredRow { score, band, model: "crm-and-tickets@0123456789ab".into() }
}

fn moved(name: &str, arr: i64, from: (u16, Band), to: (Option<u16>, Band), reason: &str) -> RescoreRow {
    RescoreRow {
        account: SubjectId::vendor("hubspot", "company", &name.len().to_string()),
        name: name.into(),
        arr: usd(arr),
        from: scored(Some(from.0), from.1),
        to: Some(scored(to.0, to.1)),
        differs: true,
        reason: Some(reason.into()),
    }
}

fn report() -> RescoreReport {
    let contact = "Two-way contact gives 40 of 100 points instead of 71";
    let leaving = RescoreRow {
        to: None,
        differs: false,
        reason: None,
        ..moved("Teasel & Rye", 6_000, (70, Band::Green), (None, Band::Unknown), "")
    };
    let same =
        |name: &str| RescoreRow { reason: None, ..moved(name, 9_000, (81, Band::Green), (Some(81), Band::Green), "") };
    RescoreReport {
        model: "customer-health@0a1b2c3d4e5f".into(),
        looked_at: 230,
        rows: vec![
            moved("Nordwind Logistik", 48_000, (58, Band::Yellow), (Some(31), Band::Red), contact),
            moved(
                "Almadora",
                12_000,
                (76, Band::Green),
                (Some(66), Band::Yellow),
                "at most yellow: Bill unpaid for 30 days",
            ),
            moved(
                "Kestrel",
                24_000,
                (71, Band::Green),
                (None, Band::Unknown),
                "too little is known of what it asks for",
            ),
            moved("Brightlane", 30_000, (90, Band::Green), (Some(84), Band::Green), "Seat use counts now"),
            same("Larkspur Tea"),
            same("Copperfield Analytics"),
            leaving,
        ],
        dry_run: true,
        rescored: 0,
        deliveries: vec![],
        done: false,
    }
}

#[test]
fn who_changes_their_band_comes_first_with_the_reason() {
    check("rescore", &rescore_difference(&report(), Style::Plain));
}

#[test]
fn what_was_done_is_told_beside_what_was_not() {
    let mut report = RescoreReport { dry_run: false, rescored: 60, ..report() };
    report.deliveries = (1..=3).map(|n| DeliveryId::from_stored(format!("operator:{n:08}"))).collect();
    let text = rescored(&report, "The host is still at it: `barometer settle` waits until it is done.", Style::Plain);
    check("rescored", &text);
    report.done = true;
    assert!(
        !rescored(&report, "The host is still at it: `barometer settle` waits until it is done.", Style::Plain)
            .contains("barometer settle")
    );
    report.rescored = 0;
    assert_eq!(
        rescored(&report, "The host is still at it: `barometer settle` waits until it is done.", Style::Plain),
        ""
    );
    let nothing = RescoreReport { rows: vec![], ..report };
    assert!(rescore_difference(&nothing, Style::Plain).ends_with("Every account is up to date.\n"));
}
