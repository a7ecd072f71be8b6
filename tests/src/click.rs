//! Clicks on the buttons of a message, as Slack sends them.

use model::{AlertAnswer, Moment};
use runtime::lambda::{HttpAnswer, HttpEvent};
use serde_json::{Value, json};

use crate::{HOST, SECRET, World, signed};

/// Where Slack sends clicks to.
pub const PATH: &str = "/hooks/slack/slack";

/// The name of the block with buttons of a message, if it has one.
pub fn block(message: &Value) -> Option<&str> {
    message["blocks"].as_array()?.iter().find(|block| block["type"] == "actions")?["block_id"].as_str()
}

/// What Slack sends when `user` clicks at `at` what gives `answer` under `message`, and chooses `chosen`.
///
/// # Panics
/// When the message has no buttons.
pub fn body(message: &Value, answer: AlertAnswer, chosen: Option<&str>, user: &str, at: Moment) -> String {
    let ms = at.as_millis();
    let mut action = json!({
        "action_id": answer.element(), "block_id": block(message).expect("the message has buttons"),
        "type": if chosen.is_some() { "static_select" } else { "button" },
        "action_ts": format!("{}.{:06}", ms.div_euclid(1_000), ms.rem_euclid(1_000) * 1_000 + 7),
    });
    if let Some(chosen) = chosen {
        action["selected_option"] = json!({ "text": { "type": "plain_text", "text": chosen }, "value": chosen });
    }
    let payload = json!({
        "type": "block_actions", "user": { "id": user, "username": "canary-in-a-name", "name": "canary-in-a-name" },
        "api_app_id": "A0TEST", "token": "old", "trigger_id": "1.2.3", "team": null,
        "channel": { "id": "C0TEST", "name": "canary-in-a-name" },
        "message": { "type": "message", "ts": "1790000000.000001", "text": message["text"], "user": "U0BOT" },
        "response_url": "https://hooks.slack.com/actions/T0/1/canary-in-a-name", "actions": [action],
    });
    format!("payload={}", encoded(&payload.to_string()))
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let byte = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(byte).collect()
}

/// A body as the gateway hands it over, signed with `secret` at `at`.
pub fn request(body: &str, secret: &str, at: Moment) -> HttpEvent {
    let url = format!("https://{HOST}{PATH}");
    let headers = barometer::samples::signed_by("slack", body.as_bytes(), &url, secret, at);
    HttpEvent {
        raw_path: PATH.to_owned(),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..signed(body.as_bytes().to_vec(), at)
    }
}

impl World {
    /// Somebody clicks, again until that is taken, and everything comes to rest.
    ///
    /// # Panics
    /// When it is not taken after eight tries.
    pub async fn clicks(&self, body: &str, at: Moment) -> HttpAnswer {
        self.until(at);
        for _ in 0..8 {
            if let Ok(answer) = self.host.receive(request(body, SECRET, at)).await
                && answer.status_code == 200
            {
                self.rest().await;
                return answer;
            }
        }
        panic!("not accepted after eight tries");
    }
}
