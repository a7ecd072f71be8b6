//! DynamoDB's JSON protocol over the engine's typed calls.

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Whether a successful call of this operation may have changed a table.
pub(super) fn writes(operation: &str) -> bool {
    matches!(operation, "PutItem" | "DeleteItem" | "UpdateItem" | "BatchWriteItem" | "TransactWriteItems")
}

pub(super) fn run(db: &Database, operation: &str, body: &[u8]) -> http::Response<Bytes> {
    let answered = match operation {
        "PutItem" => typed(body, |request| db.put_item(request)),
        "GetItem" => typed(body, |request| db.get_item(request)),
        "DeleteItem" => typed(body, |request| db.delete_item(request)),
        "UpdateItem" => typed(body, |request| db.update_item(request)),
        "Query" => typed(body, |request| db.query(request)),
        "Scan" => typed(body, |request| db.scan(request)),
        "BatchGetItem" => typed(body, |request| db.batch_get_item(request)),
        "BatchWriteItem" => typed(body, |request| db.batch_write_item(request)),
        "TransactWriteItems" => typed(body, |request| db.transact_write_items(request)),
        "TransactGetItems" => typed(body, |request| db.transact_get_items(request)),
        "DescribeTable" => typed(body, |request| db.describe_table(request)),
        _ => return answer(400, r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#.into()),
    };
    match answered {
        Ok(json) => answer(200, json.into()),
        Err(error) => answer(error.status_code(), error.to_json().into()),
    }
}

fn typed<Request: DeserializeOwned, Answer: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Request) -> dynoxide::Result<Answer>,
) -> dynoxide::Result<Vec<u8>> {
    let request = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    let answer = operation(request)?;
    serde_json::to_vec(&answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The engine's request types mark what DynamoDB would call a validation error; the rest is of the wrong JSON type.
fn unreadable(error: &serde_json::Error) -> DynoxideError {
    let text = error.to_string();
    for marker in ["VALIDATION:", "VALIDATION_REQUEST:", "VALIDATION_AS_READ:"] {
        if let Some(message) = text.strip_prefix(marker) {
            return DynoxideError::ValidationException(message.to_owned());
        }
    }
    let is_validation = ["missing field", "unknown variant", "invalid type: null", "AttributeValue"];
    if is_validation.iter().any(|part| text.contains(part)) {
        return DynoxideError::ValidationException(text);
    }
    let message = text.strip_prefix("SERIALIZATION:").or_else(|| text.strip_prefix("SERIALIZATION_AS_READ:"));
    DynoxideError::SerializationException(message.unwrap_or(&text).to_owned())
}

fn answer(status: u16, body: Bytes) -> http::Response<Bytes> {
    let mut answer = http::Response::new(body);
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/x-amz-json-1.0"));
    answer
}

pub(super) fn scan(db: &Database, table: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut start = Value::Null;
    loop {
        let mut request = json!({"TableName": table, "ConsistentRead": true});
        if !start.is_null() {
            request["ExclusiveStartKey"] = start;
        }
        let page = run(db, "Scan", request.to_string().as_bytes());
        let mut page: Value = serde_json::from_slice(page.body()).unwrap_or_default();
        if let Some(Value::Array(found)) = page.get_mut("Items").map(Value::take) {
            items.extend(found.into_iter().map(sorted));
        }
        start = page.get_mut("LastEvaluatedKey").map(Value::take).unwrap_or_default();
        if start.is_null() {
            break;
        }
    }
    let key = describe_key(db, table);
    items.sort_by_cached_key(|item| key.iter().map(|name| item[name].to_string()).collect::<Vec<_>>());
    items
}

/// The same with attributes in the order of their names, so that equal items read equal.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        leaf => leaf,
    }
}

fn describe_key(db: &Database, table: &str) -> Vec<String> {
    let described = run(db, "DescribeTable", json!({"TableName": table}).to_string().as_bytes());
    let described: Value = serde_json::from_slice(described.body()).unwrap_or_default();
    let schema = described["Table"]["KeySchema"].as_array().cloned().unwrap_or_default();
    schema.iter().filter_map(|part| part["AttributeName"].as_str().map(str::to_owned)).collect()
}
