//! Objects to be fetched from vendors: each version once, and none faster than its vendor likes.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use model::{ConnectionName, DeliveryId, EventBody, EventId, FetchRequest, Moment};

use crate::rows::{Attributes, Key, item, number, row, text};
use crate::{ActionRow, ActionStatus, Claim, Store, StoreError};

/// How long one count of calls lasts; [`model::Api::per_ten_seconds`] is the most of it.
const WINDOW: SignedDuration = SignedDuration::from_secs(10);

/// An object that was asked for, and what became of it.
#[derive(Debug, Clone)]
pub struct FetchEntry {
    /// What was asked for.
    pub request: FetchRequest,
    /// The event that asks.
    pub event: EventId,
    /// The delivery that names the object.
    pub cause: Option<DeliveryId>,
    /// When that was received.
    pub requested_at: Moment,
    /// Its record; `None` while nobody has claimed it.
    pub action: Option<ActionRow>,
}

/// Whether a vendor may be called now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// This once; it has been counted.
    Granted,
    /// Not before then.
    NotBefore(Moment),
}

#[derive(Serialize, Deserialize)]
struct RateRow {
    /// The start of the ten seconds that are counted; ahead of now where the vendor asked for a rest.
    window_at: Moment,
    calls: u32,
}

fn rate_key(connection: &ConnectionName) -> Key {
    Key::control(format!("RATE#{connection}"))
}

/// The start of the ten seconds that `at` lies in.
fn window_of(at: Moment) -> Moment {
    let past = at.as_millis().rem_euclid(WINDOW.as_millis() as i64);
    at.plus(SignedDuration::from_millis(-past))
}

impl Store {
    /// Claims a fetch for `holder` until `lease_until`: 1 call, 2 when it was claimed before. Only a fetch that is done
    /// is over: one that was held or failed is claimed again when its event comes again, see [`Self::ask_again`].
    ///
    /// # Errors
    /// When the store does not answer or the row cannot be read.
    pub async fn claim_fetch(
        &self,
        request: &FetchRequest,
        holder: &str,
        now: Moment,
        lease_until: Moment,
    ) -> Result<Claim, StoreError> {
        let first = ActionRow::first(&request.id, None, holder, lease_until);
        self.claim_row(first, now, |status| status == ActionStatus::Done).await
    }

    /// Asks for leave to call the vendor of `connection` once, at most `most` times in ten seconds by the clock: 1 call,
    /// 2 for the first of ten seconds and for a refusal.
    ///
    /// # Errors
    /// When the store does not answer or the row cannot be read.
    pub async fn may_call(&self, connection: &ConnectionName, most: u32, now: Moment) -> Result<Leave, StoreError> {
        const OPERATION: &str = "UpdateItem";
        let window_at = window_of(now);
        let first = item(&rate_key(connection), &RateRow { window_at, calls: 1 })?;
        // Who loses the race for the first call of a window counts as one more of it.
        for _ in 0..3 {
            let sent = self
                .client
                .update_item()
                .table_name(&self.tables.accounts)
                .set_key(Some(rate_key(connection).attributes()))
                .update_expression("SET calls = calls + :one")
                .condition_expression("window_at = :window AND calls < :most")
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":most", number(most.max(1)))
                .expression_attribute_values(":window", text(window_at.to_string()))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
                .await;
            let error = match sent {
                Ok(_) => return Ok(Leave::Granted),
                Err(error) => error,
            };
            let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
                return Err(StoreError::unavailable(OPERATION, &error));
            };
            match failed.item.clone().map(row::<RateRow>).transpose()? {
                Some(held) if held.window_at > window_at => return Ok(Leave::NotBefore(held.window_at)),
                Some(held) if held.window_at == window_at => return Ok(Leave::NotBefore(window_at.plus(WINDOW))),
                Some(_) | None => {
                    if self.put_rate(first.clone(), window_at).await? {
                        return Ok(Leave::Granted);
                    }
                }
            }
        }
        Ok(Leave::NotBefore(window_at.plus(WINDOW)))
    }

    /// The vendor of `connection` wants to be left alone until then: 1 call. Never shortens a rest.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn leave_alone(&self, connection: &ConnectionName, until: Moment) -> Result<(), StoreError> {
        // The first whole window after that.
        let window_at = window_of(until.plus(WINDOW).plus(SignedDuration::from_millis(-1)));
        let rest = item(&rate_key(connection), &RateRow { window_at, calls: 0 })?;
        self.put_rate(rest, window_at).await.map(|_| ())
    }

    async fn put_rate(&self, next: Attributes, window_at: Moment) -> Result<bool, StoreError> {
        let values = Attributes::from([(":window".into(), text(window_at.to_string()))]);
        self.put_on(next, "attribute_not_exists(pk) OR window_at < :window", &[], values).await
    }

    /// Every object that was asked for, oldest first. An operator's command: it reads the whole outbox.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn fetches(&self) -> Result<Vec<FetchEntry>, StoreError> {
        let mut entries = Vec::new();
        for outbox in self.whole_outbox().await? {
            if let EventBody::FetchRequested(request) = outbox.event.body {
                entries.push(FetchEntry {
                    request,
                    event: outbox.event.id,
                    cause: outbox.event.cause.delivery,
                    requested_at: outbox.event.as_of,
                    action: None,
                });
            }
        }
        let ids: Vec<_> = entries.iter().map(|entry| entry.request.id.clone()).collect();
        let mut actions = self.actions(&ids).await?;
        for entry in &mut entries {
            entry.action = actions.remove(&entry.request.id);
        }
        entries.sort_by(|a, b| (a.requested_at, &a.request.id).cmp(&(b.requested_at, &b.request.id)));
        Ok(entries)
    }

    /// Has `clock` publish the request of a fetch once more, as something may have changed since it was held or failed:
    /// 1 call. A request that is still on its way stays as it is.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn ask_again(&self, entry: &FetchEntry) -> Result<(), StoreError> {
        let is_not_on_its_way = "attribute_exists(pk) AND #s <> :pending";
        self.pend(&entry.event, entry.requested_at, is_not_on_its_way).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_ten_seconds_by_the_clock() {
        for (at, start) in [
            ("2026-11-23T08:00:00.000Z", "2026-11-23T08:00:00.000Z"),
            ("2026-11-23T08:00:09.999Z", "2026-11-23T08:00:00.000Z"),
            ("2026-11-23T08:00:10.000Z", "2026-11-23T08:00:10.000Z"),
        ] {
            assert_eq!(window_of(at.parse().unwrap()), start.parse().unwrap(), "{at}");
        }
    }
}
