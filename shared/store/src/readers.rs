//! Whom an email address names in Slack, as Slack said last: one row per address, so that it is not asked before each
//! message.

use jiff::SignedDuration;
use model::{Moment, stable_hash};
use serde::{Deserialize, Serialize};

use crate::rows::{Attributes, Key, item, row, text};
use crate::{Store, StoreError};

/// What Slack said of an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlackUser {
    /// The person's id.
    Member(String),
    /// Nobody in the workspace has the address.
    Unknown,
    /// Somebody had it, who left.
    Deactivated,
    /// It gave an id, and then took no message for that.
    Doubted,
}

/// What Slack said of an address, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reader {
    /// What it said.
    pub user: SlackUser,
    /// When. Nobody's clock but ours.
    pub learned_at: Moment,
}

/// An id stays the same person's for ever; what changes is that they leave.
const ID_HOLDS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Somebody who is missing today may have been invited by tomorrow.
const ABSENCE_HOLDS: SignedDuration = SignedDuration::from_hours(24);

impl Reader {
    /// Whether Slack need not be asked again at `now`.
    pub fn holds(&self, now: Moment) -> bool {
        let holds = match self.user {
            SlackUser::Member(_) => ID_HOLDS,
            SlackUser::Unknown | SlackUser::Deactivated => ABSENCE_HOLDS,
            SlackUser::Doubted => return false,
        };
        now < self.learned_at.plus(holds)
    }
}

/// Keys are named in errors, so the address itself is none.
fn key(email: &str) -> Key {
    Key { pk: format!("READER#{}", stable_hash(&["reader", &email.to_lowercase()])), sk: "SLACK".to_owned() }
}

impl Store {
    /// What Slack said last of an address: 1 call. `None` while it was not asked.
    ///
    /// # Errors
    /// When the store does not answer or the row cannot be read.
    pub async fn reader(&self, email: &str) -> Result<Option<Reader>, StoreError> {
        self.get(&key(email)).await?.map(row).transpose()
    }

    /// Notes what Slack says of an address: 1 call. What was learned later stays.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_reader(&self, email: &str, reader: &Reader) -> Result<(), StoreError> {
        let values = Attributes::from([(":at".into(), text(reader.learned_at.to_string()))]);
        let condition = "attribute_not_exists(pk) OR learned_at <= :at";
        self.put_on(item(&key(email), reader)?, condition, &[], values).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_looked_for_again_sooner_than_an_id_is_doubted() {
        let learned_at = Moment::from_millis(1_790_000_000_000).unwrap();
        let holds = |user: SlackUser, hours: i64| {
            Reader { user, learned_at }.holds(learned_at.plus(SignedDuration::from_hours(hours)))
        };
        let member = || SlackUser::Member("U1".into());
        assert!(holds(member(), 7 * 24 - 1) && !holds(member(), 7 * 24));
        for absent in [SlackUser::Unknown, SlackUser::Deactivated] {
            assert!(holds(absent.clone(), 23) && !holds(absent, 24));
        }
        assert!(!holds(SlackUser::Doubted, 0));
    }
}
