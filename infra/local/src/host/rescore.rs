//! Accounts under a changed configuration: what it makes of each, and the operator's word that it counts from now on.

mod reason;

use health::Rescored;
use model::{Assessment, Contribution, OperatorStatement};

use super::{HostError, Operator};
use crate::api::{RescorePage, RescoreQuery, RescoreRequest, RescoreRow, RescoreStated, ScoredRow};

/// How many accounts are looked at for one page.
const PAGE: i32 = 50;

impl Operator {
    /// What the configuration of today makes of some of the accounts. Nothing is written.
    ///
    /// # Errors
    /// When the tables do not answer.
    pub async fn rescore_page(&self, query: &RescoreQuery) -> Result<RescorePage, HostError> {
        let (accounts, next) = if query.accounts.is_empty() {
            self.store.book_page(&query.after.clone().unwrap_or_default(), PAGE).await?
        } else {
            (query.accounts.clone(), None)
        };
        let now = self.clock.now();
        let mut rows = Vec::with_capacity(accounts.len());
        for account in accounts {
            rows.extend(self.health.rescored(&account, now).await?.map(row));
        }
        Ok(RescorePage { rows, next, model: self.config.model.version.to_string() })
    }

    /// States that these accounts count by the configuration of today from now on. It is done when that has come through
    /// the stream; stating it twice changes nothing more.
    ///
    /// # Errors
    /// When there are too many, or the tables do not answer.
    pub async fn rescore(&self, request: &RescoreRequest) -> Result<RescoreStated, HostError> {
        let (asked, most) = (request.accounts.len(), RescoreRequest::MOST);
        if asked == 0 || asked > most {
            return Err(HostError::NotFound {
                message: format!("{asked} accounts cannot be rescored at once"),
                help: format!("ask for 1 to {most} at a time"),
            });
        }
        let statement = OperatorStatement::Rescore { accounts: request.accounts.clone() };
        Ok(RescoreStated { delivery: self.state_as_operator(&statement).await? })
    }

    /// What of the configuration has changed since an account was assessed.
    pub(super) fn outdated(&self, assessment: &Assessment) -> Vec<String> {
        let is_newest = |profile: &config::Profile| profile.version == assessment.model;
        let model = (!self.config.model.profiles.iter().any(is_newest)).then_some("model");
        let playbooks = (assessment.playbooks != self.config.playbooks_hash).then_some("playbooks");
        model.into_iter().chain(playbooks).map(str::to_owned).collect()
    }
}

fn row(Rescored { held, now }: Rescored) -> RescoreRow {
    RescoreRow {
        account: held.account.clone(),
        name: held.card.name.clone(),
        arr: held.card.arr,
        differs: now.as_ref().is_some_and(|now| !is_same(&held, now)),
        reason: now.as_ref().and_then(|now| reason::reason(&held, now)),
        from: scored(&held),
        to: now.as_ref().map(scored),
    }
}

fn scored(assessment: &Assessment) -> ScoredRow {
    ScoredRow {
        score: assessment.score.map(model::Score::shown),
        band: assessment.band,
        model: assessment.model.to_string(),
    }
}

/// The configuration has changed nothing about it. Points are not looked at: a score goes on falling with the days while
/// nobody needs to know, and whatever gives other points for the same value has another version.
fn is_same(held: &Assessment, now: &Assessment) -> bool {
    let versions = |it: &Assessment| (it.model.clone(), it.model_because.clone(), it.playbooks.clone());
    let standing = |it: &Assessment| (it.score.is_some(), it.machine_band, it.band, it.provisional);
    let measure = |row: &Contribution| {
        let evidence = row.evidence.as_ref().map(|evidence| (evidence.subject.clone(), evidence.stamp.clone()));
        (row.measure.clone(), row.state, row.weight, row.case.clone(), evidence)
    };
    let measures = |it: &Assessment| it.contributions.iter().map(measure).collect::<Vec<_>>();
    versions(held) == versions(now)
        && standing(held) == standing(now)
        && held.card == now.card
        && measures(held) == measures(now)
}
