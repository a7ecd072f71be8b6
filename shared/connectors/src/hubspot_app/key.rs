//! What makes a batch the same one when HubSpot sends it again: everything but the count of its attempts.

use serde_json::value::RawValue;

use crate::DeliveryKey;
use crate::json::{self, Object};

const ATTEMPT: &str = "attemptNumber";

/// The hash of the body as its first attempt had it: a number under `attemptNumber` of an event counts as 0, every other
/// byte as it is. So two bodies share a key only when they say the same, and what is not a batch is named by its bytes.
pub(super) fn of(body: &[u8]) -> DeliveryKey {
    DeliveryKey::of_body(&first_attempt(body).unwrap_or_else(|| body.to_vec()))
}

fn first_attempt(body: &[u8]) -> Option<Vec<u8>> {
    let mut first = Vec::with_capacity(body.len());
    let mut copied = 0;
    for event in json::list(json::whole(body).ok()?).ok()? {
        let Ok(event) = Object::read(event) else { continue };
        for (key, value) in event.members() {
            if key == ATTEMPT && value.get().bytes().all(|b| b.is_ascii_digit()) {
                let at = offset(body, value)?;
                first.extend_from_slice(body.get(copied..at)?);
                first.push(b'0');
                copied = at + value.get().len();
            }
        }
    }
    first.extend_from_slice(body.get(copied..)?);
    Some(first)
}

/// Where a token of the body begins in it: tokens are borrowed from the body, never copied.
fn offset(body: &[u8], token: &RawValue) -> Option<usize> {
    token.get().as_ptr().addr().checked_sub(body.as_ptr().addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(body: &str) -> String {
        of(body.as_bytes()).as_str().to_owned()
    }

    #[test]
    fn another_attempt_is_the_same_delivery() {
        let body = |a: &str, b: &str| {
            format!(r#" [{{"attemptNumber": {a},"objectId":1}} , {{"objectId":2,"\u0061ttemptNumber":{b} }}]"#)
        };
        assert_eq!(key(&body("0", "0")), key(&body("3", "10")));
        assert_eq!(key(&body("0", "0")), DeliveryKey::of_body(body("0", "0").as_bytes()).as_str());
    }

    #[test]
    fn anything_else_is_another_delivery() {
        let bodies = [
            r#"[{"objectId":1,"attemptNumber":1}]"#,
            r#"[{"objectId":2,"attemptNumber":1}]"#,
            r#"[{"objectId":1,"attemptNumber":1}] "#,
            r#"[{"objectId":1}]"#,
            r#"[{"objectId":1,"attemptNumber":"1"}]"#,
            r#"[{"objectId":1,"attemptNumber":-1}]"#,
            r#"[{"objectId":1,"attemptNumber":{"a":1}}]"#,
            r#"[{"objectId":1,"attemptNumber":1},{"attemptNumber":1}]"#,
            // Not of an event, or of no event at all.
            r#"[{"objectId":1,"x":{"attemptNumber":1}}]"#,
            r#"[{"objectId":1,"x":{"attemptNumber":2}}]"#,
            r#"[{"objectId":1,"propertyValue":"\"attemptNumber\":1"}]"#,
            r#"[{"objectId":1,"propertyValue":"\"attemptNumber\":2"}]"#,
            r#"{"attemptNumber":1}"#,
            r#"{"attemptNumber":2}"#,
            r#"[{"objectId":1,"attemptNumber":}]"#,
            r#"[{"objectId":1,"attemptNumber":1"#,
            r#"[{"objectId":1,"attemptNumber":2"#,
            "",
        ];
        let keys: std::collections::BTreeSet<_> = bodies.iter().map(|body| key(body)).collect();
        assert_eq!(keys.len(), bodies.len());
    }
}
