//! How a message stands once somebody answered it: what was answered takes the place of the buttons that are of no use any
//! more.
//!
//! Followed: "chat.update" on docs.slack.dev, from general knowledge of 2026-11: `channel` is an id, `ts` that of the message;
//! text and blocks are replaced as a whole, metadata that is not named stays, nobody is notified; `chat:write` is enough.

use model::{ActionId, AlertAnswer, is_member_id};
use serde_json::{Value, json};

use super::text::{escape, shown};

/// The longest that a person's name or a reason is.
const LONGEST: usize = 80;

/// What was answered to a message, as its readers are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// One sentence for each answer that counts, without markup but what [`who`] writes.
    pub lines: Vec<String>,
    /// What can still be answered.
    pub left: Vec<AlertAnswer>,
}

/// A person in a sentence: their name, else a mention of the Slack id.
pub fn who(name: Option<&str>, id: Option<&str>) -> String {
    match (name.and_then(|name| shown(name, LONGEST)), id.filter(|id| is_member_id(id))) {
        (Some(name), _) => escape(&name),
        (None, Some(id)) => format!("<@{id}>"),
        (None, None) => "Somebody".to_owned(),
    }
}

/// Which action's message this is, by its buttons; `None` where it has none, or is not ours.
pub fn bears_buttons(rendered: &Value) -> Option<ActionId> {
    let (_, block) = buttons_of(rendered)?;
    let (_, action) = AlertAnswer::of_block(block["block_id"].as_str()?)?;
    Some(ActionId::from_stored(action))
}

/// The body of the `chat.update` by which the message that was posted as `rendered` shows how it stands. It is the same for
/// the same standing, so that asking twice is asking once. `None` where the message bears no buttons.
pub fn restated(rendered: &Value, (channel, ts): (&str, &str), standing: &Standing) -> Option<Value> {
    let (at, block) = buttons_of(rendered)?;
    let mut blocks = rendered["blocks"].as_array()?.clone();
    let is_left = |element: &Value| {
        let answer = element["action_id"].as_str().and_then(AlertAnswer::of_element);
        answer.is_some_and(|answer| standing.left.contains(&answer))
    };
    let elements: Vec<Value> = block["elements"].as_array()?.iter().filter(|e| is_left(e)).cloned().collect();
    let buttons = (!elements.is_empty()).then(|| {
        let mut block = block.clone();
        block["elements"] = Value::Array(elements);
        block
    });
    let text = json!({ "type": "mrkdwn", "text": standing.lines.join("\n"), "verbatim": true });
    let said = (!standing.lines.is_empty()).then(|| json!({ "type": "section", "text": text }));
    blocks.splice(at..=at, said.into_iter().chain(buttons));
    Some(json!({ "channel": channel, "ts": ts, "text": rendered["text"], "blocks": blocks }))
}

fn buttons_of(rendered: &Value) -> Option<(usize, &Value)> {
    rendered["blocks"].as_array()?.iter().enumerate().find(|(_, block)| block["type"] == "actions")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered() -> Value {
        let button = |name: &str| json!({ "type": "button", "action_id": name, "text": { "text": name } });
        let buttons = ["barometer_claim", "barometer_snooze", "barometer_dismiss"].map(button);
        json!({
            "channel": "#success", "text": "Acme", "unfurl_links": false, "blocks": [
                { "type": "section", "text": { "type": "mrkdwn", "text": "Acme" } },
                { "type": "actions", "block_id": "barometer~5f0c~hubspot:company:7", "elements": buttons },
                { "type": "context", "elements": [] },
            ],
        })
    }

    #[test]
    fn what_was_answered_takes_the_place_of_its_button() {
        let left = vec![AlertAnswer::Snooze, AlertAnswer::Dismiss];
        let standing = Standing { lines: vec![format!("{} takes care of it", who(Some("I & <A>"), None))], left };
        let body = restated(&rendered(), ("C1", "1.2"), &standing).unwrap();
        assert_eq!((&body["channel"], &body["ts"], &body["text"]), (&json!("C1"), &json!("1.2"), &json!("Acme")));
        let blocks = body["blocks"].as_array().unwrap();
        assert_eq!(blocks[1]["text"]["text"], "I &amp; &lt;A&gt; takes care of it");
        let names: Vec<_> = blocks[2]["elements"].as_array().unwrap().iter().map(|e| e["action_id"].clone()).collect();
        assert_eq!(names, ["barometer_snooze", "barometer_dismiss"]);
        assert_eq!((blocks.len(), blocks[3]["type"].as_str()), (4, Some("context")));
        assert_eq!(body.get("unfurl_links"), None, "it is no argument of the method");
    }

    #[test]
    fn where_nothing_is_left_to_answer_there_are_no_buttons() {
        let standing =
            Standing { lines: vec![format!("{} dismissed it", who(None, Some("U0INES0001")))], left: vec![] };
        let body = restated(&rendered(), ("C1", "1.2"), &standing).unwrap();
        assert_eq!(body["blocks"][1]["text"]["text"], "<@U0INES0001> dismissed it");
        assert_eq!(bears_buttons(&body), None);
        assert_eq!(restated(&body, ("C1", "1.2"), &standing), None);
        assert_eq!(bears_buttons(&rendered()), Some(ActionId::from_stored("5f0c")));
        assert_eq!(who(Some(" "), Some("no id")), "Somebody");
    }
}
