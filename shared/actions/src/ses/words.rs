//! What a template may say: every value cleaned, cut to length, and `none` where there is nothing to say.

use model::{ActionRequest, Audience, Email};
use serde::Serialize;

use crate::slack::text::shown;

/// Where SES puts the link by which a reader leaves the list.
pub(super) const UNSUBSCRIBE: &str = "{{amazonSESUnsubscribeUrl}}";

/// The longest names,
const NAME: usize = 120;
/// and the longest sentences.
const SENTENCE: usize = 500;

/// The variables of a template. To somebody at a customer's nothing is said of scores and revenue.
#[derive(Debug, Serialize)]
pub(super) struct Words {
    /// What people call the account.
    pub account: String,
    /// What people call the reader.
    person: Option<String>,
    /// Who looks after the account.
    owner: Option<String>,
    /// What else the step says.
    text: Option<String>,
    /// What the playbook wants to have reached in the end.
    goal: Option<String>,
    /// By when what it proposes should be done.
    due: Option<String>,
    /// The day the term ends.
    renews_on: Option<String>,
    /// Score and band, such as `38 (red)`; for us only.
    health: Option<String>,
    /// The playbook's title; for us only.
    playbook: Option<String>,
    /// The link by which the reader gets no more of these; `none` where SES does not put one.
    unsubscribe: Option<&'static str>,
}

impl Words {
    pub(super) fn of(request: &ActionRequest, email: &Email, has_link: bool) -> Self {
        let alert = &request.alert;
        let name = |text: &str| shown(text, NAME);
        let sentence = |text: &Option<String>| text.as_deref().and_then(|text| shown(text, SENTENCE));
        let is_ours = match email.audience {
            Audience::Colleague => true,
            Audience::Customer => false,
        };
        let score = alert.score.1.map(|score| format!("{score} ({})", alert.band.1));
        Self {
            account: name(&alert.name).or_else(|| name(alert.account.as_str())).unwrap_or_else(|| "an account".into()),
            person: email.name.as_deref().and_then(name),
            owner: alert.owner.as_ref().and_then(|owner| name(&owner.name)),
            text: sentence(&alert.text),
            goal: sentence(&alert.goal),
            due: sentence(&alert.due),
            renews_on: alert.renews_on.map(|day| day.to_string()),
            health: score.filter(|_| is_ours),
            playbook: name(&alert.playbook).filter(|_| is_ours),
            unsubscribe: has_link.then_some(UNSUBSCRIBE),
        }
    }
}
