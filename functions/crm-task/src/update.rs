//! What an account's record shows: one writer of a record at a time, and nobody writes what is no longer the latest.

use actions::hubspot::HubSpot;
use model::{ActionId, ActionRequest, Mode, SubjectId, stable_hash};
use runtime::secrets::Secret;
use store::{ActionRow, ActionStatus, Claim};

use crate::{CrmTasks, LEASE, NotNow, Work};

impl CrmTasks {
    /// Writes a record while nobody else does. Two writes of one account can be under way at once, and of two calls that
    /// are under way at once nobody knows which one HubSpot takes last: so each waits for the other, and then looks
    /// whether it is still the latest.
    pub(crate) async fn write(
        &self,
        work: Work<'_>,
        hubspot: &HubSpot,
        token: &Secret,
        mode: Mode,
        held: ActionRow,
    ) -> Result<(), NotNow> {
        let now = self.clock.now();
        let turn = match self.store.claim(&turn_of(work.account), None, &held.holder, now, now.plus(LEASE)).await? {
            Claim::Ours(turn) => *turn,
            Claim::Busy { until } => return Err(NotNow::Busy(until)),
            // Nobody ends a turn; it lapses.
            Claim::Over(_) => return Err(NotNow::LostClaim),
        };
        let done = if self.is_latest(work.account, work.request).await? {
            self.send(work, hubspot, token, mode, held).await
        } else {
            let reason = Some("a later state of the account is written in its place".to_owned());
            let next = ActionRow { status: ActionStatus::Obsolete, mode: Some(mode), reason, ..held.clone() };
            self.finish(work.account, work.request, next, &held).await
        };
        let ended = ActionRow { lease_until: self.clock.now(), ..turn.clone() };
        // Whoever took it over meanwhile has it; of a turn that is not given back, the others wait until it lapses.
        self.store.put_held(&ended, &turn).await?;
        done
    }

    /// Nothing was asked for later of this account.
    async fn is_latest(&self, account: &SubjectId, request: &ActionRequest) -> Result<bool, NotNow> {
        let empties = request.update.as_ref().is_some_and(|update| update.band.is_none());
        Ok(match self.store.assessed(account).await?.assessment {
            Some(assessment) => assessment.written_back.is_some_and(|last| last.action == request.id),
            None => empties,
        })
    }
}

/// The turn of whoever writes the record of an account, claimed like an action.
fn turn_of(account: &SubjectId) -> ActionId {
    ActionId::from_stored(stable_hash(&["crm_update", "turn", account.as_str()]))
}
