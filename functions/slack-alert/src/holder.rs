//! A child without a contract: its trouble is a matter of the contract that a company above it holds, and is told in that
//! one's thread.

use model::{ActionRequest, RollUp};
use store::{ActionContext, ActionRow, StoreError};

use crate::SlackAlert;

impl SlackAlert {
    /// The message whose thread a first message belongs to: the one that the same playbook began about the nearest company
    /// above that has a contract, where it went to the same reader. `None` where the message stands for itself: 1 call for
    /// each company above, 1 for the message.
    pub(crate) async fn holder(
        &self,
        request: &ActionRequest,
        context: &ActionContext,
    ) -> Result<Option<ActionRow>, StoreError> {
        let under = request.under.clone().filter(|_| request.reply_to.is_none() && context.root.is_none());
        let Some(mut above) = under else { return Ok(None) };
        for _ in 0..RollUp::MOST_LEVELS {
            let Some(company) = self.store.assessed(&above).await?.assessment else { return Ok(None) };
            if company.card.has_contract() {
                let Some(root) = company.threads.get(&request.playbook) else { return Ok(None) };
                let row = self.store.actions(std::slice::from_ref(root)).await?.remove(root);
                // Another reader would not see it there.
                return Ok(row.filter(|row| row.to == request.to.address));
            }
            let Some(next) = company.card.parent else { return Ok(None) };
            above = next;
        }
        Ok(None)
    }
}
