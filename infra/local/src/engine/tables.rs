//! Makes the template's tables, or checks the ones that are there.

use std::path::Path;

use dynoxide::{Database, DynoxideError};
use serde_json::{Value, json};

use super::{EngineError, operations};
use crate::template::{Key, Stack, Table};

pub(super) fn open(file: &Path, stack: &Stack) -> Result<Database, EngineError> {
    let failed = |source| EngineError::Open { file: file.to_owned(), source };
    let path = file.to_str().ok_or_else(|| {
        failed(DynoxideError::ValidationException("the path of the data folder must be UTF-8".into()))
    })?;
    let database = Database::new(path).map_err(failed)?;
    for table in &stack.tables {
        match existing(&database, table) {
            Some(found) => check(file, table, &found)?,
            None => create(&database, table).map_err(failed)?,
        }
    }
    Ok(database)
}

fn existing(database: &Database, table: &Table) -> Option<Value> {
    let request = json!({"TableName": table.logical_id}).to_string();
    let answer = operations::run(database, "DescribeTable", request.as_bytes());
    let mut answer: Value = serde_json::from_slice(answer.body()).ok()?;
    answer.get_mut("Table").map(Value::take)
}

fn create(database: &Database, table: &Table) -> Result<(), DynoxideError> {
    let mut attributes: Vec<_> = keys(table).flat_map(|key| [Some(&key.hash), key.range.as_ref()]).flatten().collect();
    attributes.sort_by_key(|attribute| &attribute.name);
    attributes.dedup();
    let attributes: Vec<_> = attributes
        .iter()
        .map(|attribute| json!({"AttributeName": attribute.name, "AttributeType": attribute.kind}))
        .collect();
    let mut request = json!({
        "TableName": table.logical_id,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes,
        "KeySchema": schema(&table.key),
    });
    if !table.indexes.is_empty() {
        let index = |index: &crate::template::Index| {
            json!({
                "IndexName": index.name,
                "KeySchema": schema(&index.key),
                "Projection": {"ProjectionType": index.projection},
            })
        };
        request["GlobalSecondaryIndexes"] = table.indexes.iter().map(index).collect();
    }
    if table.stream.is_some() {
        // Both images are kept, whatever the template's view, to tell writes that changed nothing: they are no records.
        request["StreamSpecification"] = json!({"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"});
    }
    let request =
        serde_json::from_value(request).map_err(|error| DynoxideError::ValidationException(error.to_string()))?;
    database.create_table(request).map(|_| ())
}

fn check(file: &Path, table: &Table, found: &Value) -> Result<(), EngineError> {
    let compare = |found: String, wanted: String| {
        if found == wanted {
            return Ok(());
        }
        Err(EngineError::Shape { file: file.to_owned(), table: table.logical_id.clone(), found, wanted })
    };
    let described = |key: &Key| describe(&schema(key));
    compare(format!("the key {}", describe(&found["KeySchema"])), format!("the key {}", described(&table.key)))?;
    let indexes = found["GlobalSecondaryIndexes"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found_indexes = indexes.iter().map(|index| {
        let projection = text(&index["Projection"]["ProjectionType"]);
        format!("{} {} {projection}", text(&index["IndexName"]), describe(&index["KeySchema"]))
    });
    let wanted_indexes = table.indexes.iter();
    let wanted_indexes =
        wanted_indexes.map(|index| format!("{} {} {}", index.name, described(&index.key), index.projection));
    compare(listed(found_indexes.collect()), listed(wanted_indexes.collect()))?;
    let stream = |on: bool| if on { "a stream" } else { "no stream" }.to_owned();
    compare(stream(found["StreamSpecification"]["StreamEnabled"] == true), stream(table.stream.is_some()))
}

fn keys(table: &Table) -> impl Iterator<Item = &Key> {
    std::iter::once(&table.key).chain(table.indexes.iter().map(|index| &index.key))
}

fn schema(key: &Key) -> Value {
    let mut parts = vec![json!({"AttributeName": key.hash.name, "KeyType": "HASH"})];
    parts.extend(key.range.iter().map(|range| json!({"AttributeName": range.name, "KeyType": "RANGE"})));
    Value::Array(parts)
}

fn describe(schema: &Value) -> String {
    let part = |part: &Value| {
        format!("{}:{}", part["AttributeName"].as_str().unwrap_or("?"), part["KeyType"].as_str().unwrap_or("?"))
    };
    format!("({})", schema.as_array().into_iter().flatten().map(part).collect::<Vec<_>>().join(", "))
}

fn listed(mut indexes: Vec<String>) -> String {
    indexes.sort();
    if indexes.is_empty() { "no indexes".into() } else { format!("the indexes {}", indexes.join(", ")) }
}
