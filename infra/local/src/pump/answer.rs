//! What a function's answer to a batch means.
//!
//! Source: "Configuring partial batch response with DynamoDB and Lambda" and the same for SQS, docs.aws.amazon.com,
//! read 2026-11.

use std::collections::BTreeSet;

use serde_json::Value;

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All of it is done.
    Done,
    /// These failed; never empty, always of the batch.
    Partly(BTreeSet<String>),
    /// None of it counts as done.
    Failed(String),
}

/// What names a stream's record in an answer.
pub(crate) fn identifier(record: &Value) -> String {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default().to_owned()
}

/// The outcome of a call for a batch of these identifiers.
pub(super) fn outcome<'a>(
    called: Result<Value, String>,
    may_be_partial: bool,
    identifiers: impl IntoIterator<Item = &'a str>,
) -> Outcome {
    let answer = match called {
        Err(reason) => return Outcome::Failed(reason),
        Ok(_) if !may_be_partial => return Outcome::Done,
        Ok(answer) => answer,
    };
    let items = match &answer {
        Value::Null => return Outcome::Done,
        Value::Object(fields) => match fields.get("batchItemFailures") {
            None | Some(Value::Null) => return Outcome::Done,
            Some(Value::Array(items)) => items,
            Some(_) => return malformed("`batchItemFailures` is no list"),
        },
        _ => return malformed("it is no object"),
    };
    let known: BTreeSet<&str> = identifiers.into_iter().collect();
    let mut failed = BTreeSet::new();
    for item in items {
        match item.get("itemIdentifier").and_then(Value::as_str) {
            None => return malformed("an item has no `itemIdentifier`"),
            Some(identifier) if !known.contains(identifier) => {
                return malformed(&format!("`{identifier}` is not of the batch"));
            }
            Some(identifier) => failed.insert(identifier.to_owned()),
        };
    }
    if failed.is_empty() { Outcome::Done } else { Outcome::Partly(failed) }
}

/// The identifiers of those records that failed in a call of a function that says which.
///
/// # Errors
/// Why none of them is done.
pub(crate) fn failed_of(called: Result<Value, String>, identifiers: &[String]) -> Result<BTreeSet<String>, String> {
    match outcome(called, true, identifiers.iter().map(String::as_str)) {
        Outcome::Done => Ok(BTreeSet::new()),
        Outcome::Partly(failed) => Ok(failed),
        Outcome::Failed(reason) => Err(reason),
    }
}

fn malformed(why: &str) -> Outcome {
    Outcome::Failed(format!("its answer does not say what failed: {why}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(answer: Value, expected: &[&str]) {
        let outcome = outcome(Ok(answer.clone()), true, ["a", "b"]);
        match outcome {
            Outcome::Done => assert!(expected.is_empty(), "{answer}"),
            Outcome::Partly(failed) => assert_eq!(failed.iter().map(String::as_str).collect::<Vec<_>>(), expected),
            Outcome::Failed(_) => assert_eq!(expected, ["all"], "{answer}"),
        }
    }

    #[test]
    fn an_empty_answer_is_full_success() {
        check(Value::Null, &[]);
        check(json!({}), &[]);
        check(json!({"batchItemFailures": null}), &[]);
        check(json!({"batchItemFailures": []}), &[]);
    }

    #[test]
    fn named_items_failed() {
        check(json!({"batchItemFailures": [{"itemIdentifier": "b"}]}), &["b"]);
        check(json!({"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "a"}]}), &["a", "b"]);
    }

    #[test]
    fn an_answer_that_names_nothing_known_fails_the_whole_batch() {
        check(json!({"batchItemFailures": [{"itemIdentifier": ""}]}), &["all"]);
        check(json!({"batchItemFailures": [{"itemIdentifier": null}]}), &["all"]);
        check(json!({"batchItemFailures": [{"item": "a"}]}), &["all"]);
        check(json!({"batchItemFailures": [{"itemIdentifier": "c"}]}), &["all"]);
        check(json!({"batchItemFailures": "a"}), &["all"]);
        check(json!("fine"), &["all"]);
    }

    #[test]
    fn without_partial_failures_only_an_error_is_one() {
        let answer = json!({"batchItemFailures": [{"itemIdentifier": "a"}]});
        assert_eq!(outcome(Ok(answer), false, ["a"]), Outcome::Done);
        assert_eq!(outcome(Err("no".into()), false, ["a"]), Outcome::Failed("no".into()));
    }
}
