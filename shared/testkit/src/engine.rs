//! The tables in memory, behind the seam: a store under test makes the calls it makes on AWS, and an engine answers them.
//! Without indexes and streams, which tests of the whole product have.

use std::sync::Arc;

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use runtime::seam::{Call, CallError, Seam, Target};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The name of the table of deliveries.
pub const JOURNAL: &str = "Journal";
/// The name of the table of everything else.
pub const ACCOUNTS: &str = "Accounts";

/// A seam with fresh, empty tables behind it. It calls nobody else.
///
/// # Panics
/// When the engine does not start.
#[must_use]
pub fn tables() -> Seam {
    #[expect(clippy::expect_used, reason = "a test without tables should end")]
    let database = Arc::new(fresh().expect("the engine starts"));
    Seam::new(move |call: Call| {
        let database = database.clone();
        Box::pin(async move {
            match call.target {
                Target::DynamoDb => Ok(answer(&database, &call.operation, call.request.body())),
                other => Err(CallError::NotCalled(format!("{other} is not part of this test"))),
            }
        })
    })
}

fn fresh() -> Result<Database, DynoxideError> {
    let database = Database::memory()?;
    for (table, keys) in [(JOURNAL, &["delivery"][..]), (ACCOUNTS, &["pk", "sk"][..])] {
        let attributes = keys.iter().map(|name| json!({ "AttributeName": name, "AttributeType": "S" }));
        let schema = keys.iter().zip(["HASH", "RANGE"]);
        let schema = schema.map(|(name, kind)| json!({ "AttributeName": name, "KeyType": kind }));
        let request = json!({
            "TableName": table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": attributes.collect::<Vec<_>>(),
            "KeySchema": schema.collect::<Vec<_>>(),
        });
        database.create_table(read(request.to_string().as_bytes())?)?;
    }
    Ok(database)
}

fn answer(db: &Database, operation: &str, body: &[u8]) -> http::Response<Bytes> {
    let answered = match operation {
        "PutItem" => typed(body, |request| db.put_item(request)),
        "GetItem" => typed(body, |request| db.get_item(request)),
        "DeleteItem" => typed(body, |request| db.delete_item(request)),
        "UpdateItem" => typed(body, |request| db.update_item(request)),
        "Query" => typed(body, |request| db.query(request)),
        "Scan" => typed(body, |request| db.scan(request)),
        "BatchGetItem" => typed(body, |request| db.batch_get_item(request)),
        "TransactWriteItems" => typed(body, |request| db.transact_write_items(request)),
        other => Err(DynoxideError::ValidationException(format!("{other} is not part of this engine"))),
    };
    let (status, body) = match answered {
        Ok(json) => (200, json.to_string()),
        Err(error) => (error.status_code(), error.to_json()),
    };
    let mut answer = http::Response::new(Bytes::from(body));
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    answer
}

fn typed<Request: DeserializeOwned, Answer: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Request) -> dynoxide::Result<Answer>,
) -> dynoxide::Result<Value> {
    let answer = operation(read(body)?)?;
    serde_json::to_value(&answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

fn read<Request: DeserializeOwned>(body: &[u8]) -> dynoxide::Result<Request> {
    serde_json::from_slice(body).map_err(|error| DynoxideError::ValidationException(error.to_string()))
}
