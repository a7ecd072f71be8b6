use super::*;

fn row(playbook: &str, fired: u32, useful: u32, dismissed: &[(&str, u32)]) -> PrecisionRow {
    PrecisionRow {
        playbook: playbook.parse().unwrap(),
        fired,
        useful,
        dismissed: dismissed.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
        snoozed: 1,
        unanswered: fired - useful - 1 - dismissed.iter().map(|(_, count)| count).sum::<u32>(),
        unanswerable: 0,
        useful_percent: Some(useful * 100 / fired),
        retire: false,
    }
}

#[test]
fn how_often_alerts_were_of_use() {
    let retired = PrecisionRow {
        retire: true,
        unanswerable: 2,
        ..row("usage-drop", 40, 9, &[("known", 12), ("no_risk", 8), ("wrong_data", 3)])
    };
    let playbooks = vec![retired, row("risk-mitigation", 40, 31, &[("known", 4)])];
    let claimed_since = Some(moment("2026-10-05T08:12:00Z"));
    let report = PrecisionReport { claimed_since, playbooks, judged_from: 20, retire_below: 30 };
    check("precision", &precision(&report, Style::Plain));
    let nothing = PrecisionReport { playbooks: vec![], ..report };
    assert_eq!(precision(&nothing, Style::Plain), "No alert has been sent yet, so none was of use.\n");
}
