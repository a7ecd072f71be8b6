//! Why an account is scored otherwise by a changed configuration, in a few words for whoever changed it.

use model::{Assessment, Contribution};

/// A part of the score: by how many basis points it moved, and why.
type Part = (i32, String);

/// What moved the score most, the way it went; `None` when nothing that is shown did.
pub(super) fn reason(held: &Assessment, now: &Assessment) -> Option<String> {
    let points = |it: &Assessment| it.score.map(|score| i32::from(score.basis_points()));
    let total = match (points(held), points(now)) {
        (Some(from), Some(to)) => to - from,
        (Some(_), None) => return Some("too little is known of what it asks for".to_owned()),
        (None, Some(_)) => return Some("enough is known of what it asks for".to_owned()),
        (None, None) => 0,
    };
    let mut parts = measures(held, now);
    parts.extend(caps(held, now));
    parts.retain(|(change, _)| *change != 0);
    // What went the other way is no reason, unless all of it evens out.
    if let Some((_, why)) = parts.into_iter().max_by_key(|(by, _)| (by.signum() == total.signum(), by.abs())) {
        return Some(why);
    }
    match (held.provisional, now.provisional) {
        (false, true) => Some("too little is known to call it green".to_owned()),
        (true, false) => Some("enough is known to call it green".to_owned()),
        (true, true) | (false, false) if held.band != now.band => Some("the borders of the bands moved".to_owned()),
        (true, true) | (false, false) => None,
    }
}

fn measures(held: &Assessment, now: &Assessment) -> Vec<Part> {
    let of = |it: &Assessment, name: &str| it.contributions.iter().find(|row| row.measure == name).cloned();
    let mut names: Vec<&str> = now.contributions.iter().map(|row| row.measure.as_str()).collect();
    names.extend(held.contributions.iter().map(|row| row.measure.as_str()).filter(|name| of(now, name).is_none()));
    let moved = names.into_iter().filter_map(|name| {
        let (before, after) = (of(held, name), of(now, name));
        let gained = |row: &Option<Contribution>| row.as_ref().map_or(0, |row| i32::from(row.gained));
        let change = gained(&after) - gained(&before);
        let label = after.as_ref().or(before.as_ref())?.label.clone();
        let counts = |row: Option<Contribution>| row.filter(|row| row.points.is_some());
        let why = match (counts(before), counts(after)) {
            (None, None) => return None,
            (None, Some(_)) => "counts now".to_owned(),
            (Some(_), None) => "does not count any more".to_owned(),
            // That is the days that passed, or another source that is believed.
            (Some(before), Some(after)) if before.points != after.points && before.value != after.value => {
                let value = |row: &Contribution| row.value.clone().unwrap_or_else(|| "not known".to_owned());
                format!("is {} by now, {} when it was looked at last", value(&after), value(&before))
            }
            (Some(before), Some(after)) if before.points != after.points => {
                let shown = |row: &Contribution| (row.points.unwrap_or_default() + 50) / 100;
                format!("gives {} of 100 points instead of {}", shown(&after), shown(&before))
            }
            (Some(before), Some(after)) => {
                let percent = |row: &Contribution| (row.weight + 50) / 100;
                format!("weighs {} % instead of {} %", percent(&after), percent(&before))
            }
        };
        Some((change, format!("{label} {why}")))
    });
    moved.collect()
}

fn caps(held: &Assessment, now: &Assessment) -> Vec<Part> {
    let of = |it: &Assessment, name: &str| it.caps.iter().find(|cap| cap.name == name).cloned();
    let gone = held.caps.iter().filter(|cap| of(now, &cap.name).is_none());
    let gone = gone.map(|cap| (-cap.points, format!("no cap any more: {}", cap.label)));
    let holds = now.caps.iter().map(|cap| {
        let before = of(held, &cap.name).map_or(0, |before| before.points);
        (cap.points - before, format!("at most {}: {}", cap.at_most, cap.label))
    });
    holds.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use model::{Band, Cap, Score};

    use super::*;

    /// An account with these measures, each with its points, its share of the score and what it gained of that.
    fn scored(measures: &[(&str, u16, u16, u16)], caps: &[(&str, i32)]) -> Assessment {
        let row = |(name, points, weight, gained): &(&str, u16, u16, u16)| {
            serde_json::json!({
                "measure": name, "label": name, "dimension": "d", "state": "counted", "value": null, "points": points,
                "weight": weight, "gained": gained, "missed": weight - gained, "change": null, "evidence": null,
            })
        };
        let cap = |(name, points): &(&str, i32)| Cap {
            name: (*name).into(),
            label: (*name).into(),
            at_most: Band::Yellow,
            points: *points,
            because: Default::default(),
            evidence: None,
        };
        let gained: u16 = measures.iter().map(|(_, _, _, gained)| gained).sum();
        let taken: i32 = caps.iter().map(|(_, points)| points).sum();
        let score = Score::new(u16::try_from(i32::from(gained) + taken).unwrap()).unwrap();
        let mut assessment: Assessment = serde_json::from_value(serde_json::json!({
            "account": "hubspot:company:1",
            "card": { "name": "n", "arr": null, "renews_on": null, "notice_days": null, "lifecycle_stage": null, "owner": null },
            "score": score, "machine_band": "yellow", "band": "yellow", "band_since": "2026-11-22T08:00:00.000Z",
            "confidence": 10_000, "contributions": measures.iter().map(row).collect::<Vec<_>>(),
            "as_of": "2026-11-22T08:00:00.000Z", "next_due_at": null, "model": { "name": "m", "hash": "h" },
            "playbooks": "p", "history": [], "before": null,
        }))
        .unwrap();
        assessment.caps = caps.iter().map(cap).collect();
        assessment
    }

    #[track_caller]
    fn check(held: &Assessment, now: &Assessment, expected: Option<&str>) {
        assert_eq!(reason(held, now).as_deref(), expected);
    }

    #[test]
    fn the_part_that_moved_most_the_way_the_score_went_is_the_reason() {
        let held = scored(&[("Contact", 10_000, 5_000, 5_000), ("Seats", 4_000, 5_000, 2_000)], &[]);
        check(&held, &held, None);
        let lighter = scored(&[("Contact", 10_000, 2_000, 2_000), ("Seats", 4_000, 8_000, 3_200)], &[]);
        check(&held, &lighter, Some("Contact weighs 20 % instead of 50 %"));
        check(&lighter, &held, Some("Contact weighs 50 % instead of 20 %"));
        let stricter = scored(&[("Contact", 2_000, 5_000, 1_000), ("Seats", 4_000, 5_000, 2_000)], &[]);
        check(&held, &stricter, Some("Contact gives 20 of 100 points instead of 100"));
        let mut longer = stricter.clone();
        longer.contributions[0].value = Some("40 days".into());
        check(&held, &longer, Some("Contact is 40 days by now, not known when it was looked at last"));
        let fewer = scored(&[("Seats", 4_000, 10_000, 4_000)], &[]);
        check(&held, &fewer, Some("Contact does not count any more"));
        check(&fewer, &held, Some("Contact counts now"));
        let capped = scored(&[("Contact", 10_000, 5_000, 5_000), ("Seats", 4_000, 5_000, 2_000)], &[("Bill", -1_500)]);
        check(&held, &capped, Some("at most yellow: Bill"));
        check(&capped, &held, Some("no cap any more: Bill"));
    }

    #[test]
    fn a_band_that_moved_without_the_score_says_why() {
        let held = scored(&[("Contact", 6_000, 10_000, 6_000)], &[]);
        let red = Assessment { band: Band::Red, ..held.clone() };
        check(&held, &red, Some("the borders of the bands moved"));
        let provisional = Assessment { provisional: true, ..held.clone() };
        check(&held, &provisional, Some("too little is known to call it green"));
        let unknown = Assessment { score: None, band: Band::Unknown, ..held.clone() };
        check(&held, &unknown, Some("too little is known of what it asks for"));
        check(&unknown, &held, Some("enough is known of what it asks for"));
    }
}
