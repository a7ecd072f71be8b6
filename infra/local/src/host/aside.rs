//! What an erasure makes of records that functions gave up, which are kept to be tried again.

use serde_json::Value;
use store::Erased;

use super::{HostError, Operator};

impl Operator {
    /// Puts the row as it is now, after the erasure, in place of one that spoke of those who are forgotten; what is no row any
    /// more keeps its key only. Gives how many records changed.
    pub(super) async fn redact_aside(&self, erased: &Erased) -> Result<usize, HostError> {
        let mut changed = 0;
        for failure in self.given_up.failures().await? {
            let Some(mut batch) = self.given_up.batch(&failure.id).await? else { continue };
            let mut rewritten = 0;
            for record in &mut batch.records {
                if erased.is_spoken_of_in(&record["dynamodb"]) {
                    rewritten += usize::from(self.rewrite(batch.table.as_deref(), record).await?);
                }
            }
            if rewritten > 0 {
                self.given_up.rewrite(&failure.id, &batch.records).await?;
            }
            changed += rewritten;
        }
        Ok(changed)
    }

    /// False where it is the row of now already.
    async fn rewrite(&self, table: Option<&str>, record: &mut Value) -> Result<bool, HostError> {
        let now = self.row_now(table, &record["dynamodb"]["Keys"]).await?;
        let Some(change) = record["dynamodb"].as_object_mut() else { return Ok(false) };
        if change.get("NewImage") == now.as_ref() && !change.contains_key("OldImage") {
            return Ok(false);
        }
        change.remove("OldImage");
        match now {
            Some(now) => change.insert("NewImage".to_owned(), now),
            None => change.remove("NewImage"),
        };
        Ok(true)
    }

    async fn row_now(&self, table: Option<&str>, keys: &Value) -> Result<Option<Value>, HostError> {
        // A record that names no row is of none.
        let Some((table, key)) = table.zip(serde_json::from_value(keys.clone()).ok()) else { return Ok(None) };
        let row = self.store().image(table, key).await?;
        Ok(row.and_then(|row| serde_json::to_value(row).ok()))
    }
}
