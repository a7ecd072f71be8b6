//! Slack's form, and the JSON in it, with Slack's names.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use serde_json::value::RawValue;

use crate::json::{self, Found, Object};

/// The only field of the form.
const FIELD: &str = "payload";

/// The JSON of a body: the value of the form's field; a body that is JSON itself is what the Events API sends.
pub(super) fn json_of(body: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    if body.trim_ascii_start().starts_with(b"{") {
        return Ok(Cow::Borrowed(body));
    }
    let fields = body.split(|byte| *byte == b'&');
    let mut payloads = fields.filter_map(|field| field.strip_prefix(FIELD.as_bytes())?.strip_prefix(b"="));
    match (payloads.next(), payloads.next()) {
        (Some(payload), None) => Ok(Cow::Owned(decoded(payload))),
        (None, _) => Err(format!("a form without `{FIELD}`; expected what Slack's interactivity sends")),
        (Some(_), Some(_)) => Err(format!("a form with `{FIELD}` twice")),
    }
}

/// A value of a form: `+` is a blank, `%7B` a byte. What is no such escape stays as it is.
fn decoded(value: &[u8]) -> Vec<u8> {
    let blanks: Vec<u8> = value.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&blanks).collect()
}

/// A value with the place where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub raw: &'a RawValue,
}

impl At<'_> {
    /// Its text; `None` for null and for what is no plain text of a reasonable length.
    pub fn text(&self) -> Option<String> {
        if Found::kind(self.raw) == Found::Text { json::scalar(self.raw).ok().flatten() } else { None }
    }
}

/// One click on one element of a message.
#[derive(Debug)]
pub(super) struct Click<'a> {
    /// Position in the body's `actions`.
    pub index: usize,
    /// The element, as whoever made the message named it.
    pub action: Option<String>,
    /// The block it stands in, likewise.
    pub block: Option<String>,
    /// When, in seconds with six decimals.
    pub at: Option<At<'a>>,
    /// Of a menu, the value of what was chosen.
    pub chosen: Option<At<'a>>,
}

/// What a body says.
#[derive(Debug)]
pub(super) enum Payload<'a> {
    /// Somebody clicked.
    Clicks {
        /// Their Slack id.
        user: Option<At<'a>>,
        clicks: Vec<Click<'a>>,
    },
    /// Something that we make no use of.
    Other,
    /// What is left of it after its person was erased.
    Erased,
}

impl<'a> Payload<'a> {
    /// # Errors
    /// What is there instead of what was expected, and where.
    pub fn read(json: &'a [u8]) -> Result<Self, (String, &'static str)> {
        let whole = json::whole(json).map_err(|reason| (reason, "$"))?;
        if json::is_erased(whole) {
            return Ok(Self::Erased);
        }
        let body = Object::read(whole).map_err(|found| (format!("expected an object, found {found}"), "$"))?;
        let kind = member(&body, "type").and_then(|kind| kind.text());
        match kind.as_deref() {
            Some("block_actions") => {}
            Some(_) => return Ok(Self::Other),
            None => return Err(("expected the type of what happened, as text".to_owned(), "type")),
        }
        let user = member(&body, "user").and_then(|user| Object::read(user.raw).ok());
        let user = user.and_then(|user| member(&user, "id"));
        let actions = member(&body, "actions").map(|actions| json::list(actions.raw));
        let actions = match actions {
            Some(Ok(actions)) => actions,
            Some(Err(found)) => return Err((format!("expected a list, found {found}"), "actions")),
            None => return Err(("expected a list, found nothing".to_owned(), "actions")),
        };
        let click = |(index, raw): (usize, &'a RawValue)| {
            let Ok(action) = Object::read(raw) else {
                return Click { index, action: None, block: None, at: None, chosen: None };
            };
            let text = |name: &str| member(&action, name).and_then(|value| value.text());
            let chosen = member(&action, "selected_option").and_then(|option| Object::read(option.raw).ok());
            Click {
                index,
                action: text("action_id"),
                block: text("block_id"),
                at: member(&action, "action_ts"),
                chosen: chosen.and_then(|option| member(&option, "value")),
            }
        };
        Ok(Self::Clicks { user, clicks: actions.into_iter().enumerate().map(click).collect() })
    }
}

/// What stands under `name`; `None` too where it stands there twice.
fn member<'a>(object: &Object<'a>, name: &str) -> Option<At<'a>> {
    object.get(name).ok().flatten().map(|raw| At { raw })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Result<&str, &str>) {
        let found = json_of(body.as_bytes()).map(|json| String::from_utf8_lossy(&json).into_owned());
        match expected {
            Ok(json) => assert_eq!(found.as_deref(), Ok(json)),
            Err(part) => assert!(found.as_ref().is_err_and(|error| error.contains(part)), "{found:?}"),
        }
    }

    #[test]
    fn the_form_holds_json_in_its_one_field() {
        check("payload=%7B%22a%22%3A%22b+c%2B%C3%BC%22%7D", Ok(r#"{"a":"b c+ü"}"#));
        check("x=1&payload=%7b%7d&y=2", Ok("{}"));
        check(r#" {"type":"url_verification"}"#, Ok(r#" {"type":"url_verification"}"#));
        check("payload=%7", Ok("%7"));
        check("payload=", Ok(""));
        check("payload=%7B%7D&payload=%7B%7D", Err("twice"));
        check("command=%2Fbarometer&text=", Err("without `payload`"));
        check("", Err("without `payload`"));
    }
}
