//! How often alerts were of use: what people answered to them, by playbook.

use std::collections::BTreeMap;

use model::{Episode, Moment, PlaybookName};
use store::{ActionRow, ActionStatus};

use super::{HostError, Operator};
use crate::api::{PrecisionReport, PrecisionRow};

/// Fewer alerts say more about the week than about the rule: at 20, a rule of which half is of use seems to be below 30 %
/// once in fifty times.
const JUDGED_FROM: u32 = 20;
/// Of a rule that is right less than three times in ten, people learn to look at none.
const RETIRE_BELOW: u32 = 30;

/// What came of one alert.
enum Came {
    Useful,
    Dismissed(String),
    Snoozed,
    Nothing,
}

impl Operator {
    /// How often the alerts of each playbook were of use. It reads every episode and the record of its alert.
    ///
    /// # Errors
    /// When the tables do not answer.
    pub async fn precision(&self) -> Result<PrecisionReport, HostError> {
        let claimed_since = self.store().claimed_since().await?;
        let episodes = self.store().episodes().await?;
        let alerts: Vec<_> = episodes.iter().filter_map(|episode| episode.root_action.clone()).collect();
        let sent = self.store().actions(&alerts).await?;
        let mut rows: BTreeMap<&PlaybookName, PrecisionRow> = BTreeMap::new();
        for episode in &episodes {
            let alert = episode.root_action.as_ref().and_then(|alert| sent.get(alert));
            let Some(alert) = alert.filter(|alert| alert.status == ActionStatus::Sent) else { continue };
            let playbook = &episode.key.playbook;
            let row = rows.entry(playbook).or_insert_with(|| nothing(playbook));
            if !could_be_answered(episode, alert) {
                row.unanswerable += 1;
                continue;
            }
            row.fired += 1;
            match came_of(episode) {
                Came::Useful => row.useful += 1,
                Came::Dismissed(reason) => *row.dismissed.entry(reason).or_default() += 1,
                Came::Snoozed => row.snoozed += 1,
                Came::Nothing => row.unanswered += 1,
            }
        }
        let mut playbooks: Vec<_> = rows.into_values().map(|row| judged(row, claimed_since)).collect();
        playbooks.sort_by_key(|row| (row.useful_percent.is_none(), row.useful_percent, row.playbook.clone()));
        Ok(PrecisionReport { claimed_since, playbooks, judged_from: JUDGED_FROM, retire_below: RETIRE_BELOW })
    }
}

fn nothing(playbook: &PlaybookName) -> PrecisionRow {
    PrecisionRow {
        playbook: playbook.clone(),
        fired: 0,
        useful: 0,
        dismissed: BTreeMap::new(),
        snoozed: 0,
        unanswered: 0,
        unanswerable: 0,
        useful_percent: None,
        retire: false,
    }
}

/// It had buttons, or somebody answered it all the same.
fn could_be_answered(episode: &Episode, alert: &ActionRow) -> bool {
    let has_buttons = |request: &str| request.contains("\"block_id\":\"barometer~");
    episode.is_attended() || alert.rendered.as_deref().is_some_and(has_buttons)
}

fn came_of(episode: &Episode) -> Came {
    let handled = &episode.handled;
    if let Some(dismissed) = &handled.dismissed {
        return Came::Dismissed(dismissed.reason.clone());
    }
    let is_taken = handled.claimed.is_some() || handled.task_wanted_at.is_some() || !episode.done.is_empty();
    match (is_taken, handled.is_nothing()) {
        (true, _) => Came::Useful,
        (false, false) => Came::Snoozed,
        (false, true) => Came::Nothing,
    }
}

/// Nobody is judged by silence where nobody is known to answer.
fn judged(row: PrecisionRow, claimed_since: Option<Moment>) -> PrecisionRow {
    let useful_percent = (row.useful * 100).checked_div(row.fired);
    let is_low = useful_percent.is_some_and(|percent| percent < RETIRE_BELOW);
    let retire = claimed_since.is_some() && row.fired >= JUDGED_FROM && is_low;
    PrecisionRow { useful_percent, retire, ..row }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fired: u32, useful: u32, claimed: bool, retire: bool) {
        let row = PrecisionRow { fired, useful, ..nothing(&"risk-mitigation".parse().unwrap()) };
        let since = claimed.then(|| "2026-11-23T09:00:00Z".parse().unwrap());
        assert_eq!(judged(row, since).retire, retire, "{useful} of {fired}");
    }

    #[test]
    fn a_playbook_is_to_be_retired_when_enough_alerts_were_of_little_use() {
        check(20, 5, true, true);
        check(20, 6, true, false);
        check(19, 0, true, false);
        check(1_000, 299, true, true);
        check(20, 0, false, false);
        check(0, 0, true, false);
    }
}
