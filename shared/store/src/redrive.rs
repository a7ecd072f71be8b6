//! What a redrive begins with after an outage: deliveries to hand over once more, and accounts that nobody looked at when
//! their moment came.

use model::{Delivery, DeliveryId, FactKey, Moment, SubjectId, Value};
use runtime::lambda::{StreamChange, StreamRecord};

use crate::journal::stream_image;
use crate::rows::{Attributes, Key, text, text_of};
use crate::{Due, Store, StoreError};

impl Store {
    /// Every delivery received from `since` on, in the journal's total order. An operator's command: it reads every page.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn received_since(&self, since: Moment) -> Result<Vec<DeliveryId>, StoreError> {
        let mut found: Vec<(String, String)> = Vec::new();
        let mut start = None;
        loop {
            let page = self
                .client
                .scan()
                .table_name(&self.tables.journal)
                .filter_expression("received_at >= :since")
                .expression_attribute_values(":since", text(since.to_string()))
                .projection_expression("delivery, received_at")
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|e| StoreError::unavailable("Scan", &e))?;
            let read = |item: &Attributes| {
                Some((text_of(item, "received_at")?.to_owned(), text_of(item, "delivery")?.to_owned()))
            };
            found.extend(page.items.unwrap_or_default().iter().filter_map(read));
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        // The text of a moment sorts like the moment.
        found.sort();
        Ok(found.into_iter().map(|(_, id)| DeliveryId::from_stored(id)).collect())
    }

    /// The accounts whose due moment has passed by `now`, which were asked to look at it, and have not: the record that
    /// should have woken them is lost. 1 call for the index, 2 for each account that is due.
    ///
    /// # Errors
    /// When the store does not answer or an item cannot be read.
    pub async fn overdue(&self, now: Moment) -> Result<Vec<SubjectId>, StoreError> {
        let mut overdue = Vec::new();
        for due in self.due(now).await? {
            let Due::Account(account) = due else { continue };
            let assessed = self.assessed(&account).await?.assessment;
            let Some(due_at) = assessed.and_then(|a| a.next_due_at).filter(|due| *due <= now) else { continue };
            let tick = self.fact(&account, &FactKey::Tick).await?.value;
            let is_asked = |value: &Value| matches!(value, Value::Moment(at) if *at >= due_at);
            if tick.all_registers().any(|(_, _, register)| is_asked(&register.value)) {
                overdue.push(account);
            }
        }
        Ok(overdue)
    }
}

/// A record of the journal's stream that hands a delivery to its consumer once more.
///
/// # Errors
/// When it cannot be written as an item.
pub fn delivery_record(delivery: &Delivery) -> Result<StreamRecord, StoreError> {
    let dynamodb = StreamChange {
        keys: Default::default(),
        new_image: Some(stream_image(delivery)?),
        old_image: None,
        sequence_number: delivery.id.to_string(),
    };
    Ok(StreamRecord { event_name: "INSERT".to_owned(), dynamodb })
}

/// A record of the accounts' stream that has whatever `subject` belongs to, and belonged to, looked at again. Nothing is
/// written for it, so it changes no fact.
pub fn waking_record(subject: &SubjectId) -> StreamRecord {
    record(subject, &Key::up(subject))
}

/// As [`waking_record`], of an account whose due moment has come.
pub fn tick_record(account: &SubjectId) -> StreamRecord {
    record(account, &Key::fact(account, &FactKey::Tick))
}

fn record(subject: &SubjectId, key: &Key) -> StreamRecord {
    let keys = key.attributes().into();
    let dynamodb = StreamChange { keys, new_image: None, old_image: None, sequence_number: subject.to_string() };
    StreamRecord { event_name: "MODIFY".to_owned(), dynamodb }
}
