//! The words of a rendered request, as its reader would see them.

use serde_json::Value;

use super::safe;

/// The words of a chat message, block by block, or of a mail; of anything else the JSON itself.
pub(super) fn lines(request: &Value) -> Vec<String> {
    // The body may stand beside the method and the address it goes to.
    let body = request.get("body").filter(|body| body.is_object()).unwrap_or(request);
    let mut texts = Vec::new();
    if let Some(simple) = body.get("Content").and_then(|content| content.get("Simple")) {
        return mail(body, simple);
    }
    if let Some(channel) = body.get("channel").and_then(Value::as_str) {
        let reply = body.get("thread_ts").is_some_and(Value::is_string);
        texts.push(format!("{channel}{}", if reply { " (in the thread)" } else { "" }));
    }
    let before = texts.len();
    for block in body.get("blocks").and_then(Value::as_array).into_iter().flatten() {
        collect(block, &mut texts);
    }
    if texts.len() == before {
        texts.extend(body.get("text").and_then(Value::as_str).map(plain));
    }
    if texts.len() == before {
        texts.push(serde_json::to_string_pretty(body).unwrap_or_default());
    }
    texts.iter().flat_map(|text| text.lines()).map(safe).collect()
}

/// A mail: whom it goes to, what stands above it, and its text.
fn mail(body: &Value, simple: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let addresses =
        |value: &Value| value.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    let answers = addresses(&body["ReplyToAddresses"]);
    let head = [
        format!("To: {}", addresses(&body["Destination"]["ToAddresses"])),
        format!("From: {}", text(&body["FromEmailAddress"])),
        format!("Answers to: {}", if answers.is_empty() { "the sender" } else { &answers }),
        format!("Subject: {}", text(&simple["Subject"]["Data"])),
        String::new(),
    ];
    let words = text(&simple["Body"]["Text"]["Data"]);
    head.iter().map(String::as_str).chain(words.lines()).map(safe).collect()
}

/// Every text of a block, in the order it stands there.
fn collect(block: &Value, texts: &mut Vec<String>) {
    match block {
        Value::Object(object) => {
            let is_text = object.get("type").is_some_and(|kind| kind == "mrkdwn" || kind == "plain_text");
            match object.get("text") {
                Some(Value::String(text)) if is_text => texts.push(plain(text)),
                _ => object.values().for_each(|value| collect(value, texts)),
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Slack escapes three characters; a terminal needs none of them escaped.
fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
