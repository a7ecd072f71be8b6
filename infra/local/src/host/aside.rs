//! What an erasure makes of records that functions gave up, which are kept to be tried again.

use serde_json::{Value, json};
use store::Erased;

use super::{Host, HostError};

impl Host {
    /// Puts the row as it is now, after the erasure, in place of one that spoke of those who are forgotten; what is no row any
    /// more keeps its key only. Gives how many records changed.
    pub(super) fn redact_aside(&self, erased: &Erased) -> Result<usize, HostError> {
        let mut changed = 0;
        for (number, mut batch) in self.state.set_aside_by_number()? {
            let theirs = batch.records.iter_mut().filter(|record| erased.is_spoken_of_in(&record["dynamodb"]));
            let rewritten = theirs.filter_map(|record| self.rewrite(&batch.table, record)).count();
            if rewritten > 0 {
                self.state.keep_aside(number, &batch.records)?;
            }
            changed += rewritten;
        }
        Ok(changed)
    }

    /// `None` where it is the row of now already.
    fn rewrite(&self, table: &str, record: &mut Value) -> Option<()> {
        let now = self.row(table, &record["dynamodb"]["Keys"]);
        let change = record["dynamodb"].as_object_mut()?;
        if change.get("NewImage") == now.as_ref() && !change.contains_key("OldImage") {
            return None;
        }
        change.remove("OldImage");
        match now {
            Some(now) => change.insert("NewImage".to_owned(), now),
            None => change.remove("NewImage"),
        };
        Some(())
    }

    fn row(&self, table: &str, keys: &Value) -> Option<Value> {
        let asked = json!({ "TableName": table, "Key": keys, "ConsistentRead": true });
        let answer = self.engine().call("GetItem", asked.to_string().as_bytes());
        let mut answer: Value = serde_json::from_slice(answer.body()).ok()?;
        answer.get_mut("Item").map(Value::take)
    }
}
