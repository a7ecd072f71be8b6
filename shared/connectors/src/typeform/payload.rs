//! The body of a Typeform webhook with Typeform's names, only the parts in use:
//! `{event_id, event_type, form_response: {form_id, token, landed_at, submitted_at, hidden, definition, answers}}`.

use model::{Moment, Normalized, QuarantineKind, QuarantinedItem};
use serde_json::value::RawValue;

use super::values::Scale;
use crate::json::{self, Found, Object};

/// What a body turned out to be.
#[derive(Debug)]
pub(super) enum Body<'a> {
    Response(Box<Response<'a>>),
    /// The button "Send test request": its answers are Typeform's, not a person's.
    Test,
    /// An event type that we do not use.
    Other,
    /// The person was erased, and the body with them.
    Erased,
}

/// One person's answers to one form.
#[derive(Debug)]
pub(super) struct Response<'a> {
    /// Typeform's id of it; a partial response has the one that the complete response will have.
    pub(super) token: String,
    /// When it was answered; for a partial response when the form was opened, so that the complete one is newer.
    pub(super) occurred_at: Option<Moment>,
    /// Orders statements of one instant: partial responses as they were sent, then the complete one.
    pub(super) sequence: u64,
    /// The id of the form.
    pub(super) form: Option<Token<'a>>,
    /// When it was submitted; never of a partial response.
    pub(super) submitted: Option<(Token<'a>, Moment)>,
    /// What the form's address carried.
    pub(super) hidden: Object<'a>,
    pub(super) answers: Vec<Answer<'a>>,
    /// The questions of the form, as far as the body tells.
    pub(super) questions: Vec<Question<'a>>,
    /// Parts that were odd.
    pub(super) odd: Vec<QuarantinedItem>,
}

/// A token of the body and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Token<'a> {
    pub(super) raw: &'a RawValue,
    pub(super) path: String,
}

/// One answer.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    path: String,
    object: Object<'a>,
    id: Option<String>,
    /// The name that the form's author gave the question; bodies of before 2019 do not repeat it here.
    reference: Option<String>,
    /// The question's type, such as `opinion_scale`.
    pub(super) kind: Option<String>,
}

/// One question of the form's definition.
#[derive(Debug)]
pub(super) struct Question<'a> {
    id: Option<String>,
    reference: Option<String>,
    /// The scale it is asked on, and the token that says how long it is.
    pub(super) scale: Option<(Scale, Token<'a>)>,
}

/// The sequence of a complete response: above every time of sending in milliseconds, which has 48 bits.
const COMPLETE: u64 = 1 << 48;

/// Instants before 2000 are stand-ins: `0001-01-01T00:00:00Z` is how Typeform writes "not yet".
const FIRST_MS: i64 = 946_684_800_000;

/// Longest id taken for one.
const MAX_ID: usize = 100;

/// A reason and a place.
pub(super) fn odd(what: &str, expected: &str, found: impl std::fmt::Display, path: &str) -> QuarantinedItem {
    let reason = format!("{what}: expected {expected}, found {found}");
    QuarantinedItem { kind: QuarantineKind::Unreadable, reason, path: path.to_owned() }
}

/// An id that can stand in keys and subjects.
pub(super) fn plain_id(raw: &RawValue) -> Result<String, Found> {
    let text = json::scalar(raw)?.unwrap_or_default();
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if plain && (1..=MAX_ID).contains(&text.len()) { Ok(text) } else { Err(Found::kind(raw)) }
}

impl<'a> Body<'a> {
    /// # Errors
    /// With the delivery's quarantine, when the body is not JSON or no response with a token.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Normalized> {
        let whole =
            json::whole(body).map_err(|reason| Normalized::quarantine(QuarantineKind::Unreadable, reason, "$"))?;
        Self::of(whole).map_err(|item| Normalized { quarantined: vec![item], ..Normalized::default() })
    }

    fn of(whole: &'a RawValue) -> Result<Self, QuarantinedItem> {
        if json::is_erased(whole) {
            return Ok(Self::Erased);
        }
        let top = Object::read(whole).map_err(|found| odd("body", "one Typeform event as an object", found, "$"))?;
        let kind = event_type(&top)?;
        let complete = match kind.as_str() {
            "form_response" => true,
            "form_response_partial" => false,
            _ => return Ok(Self::Other),
        };
        let part = |found| odd("form_response", "an object", found, "form_response");
        let response = top.get("form_response").and_then(|raw| raw.ok_or(Found::Nothing)).map_err(part)?;
        let response = Object::read(response).map_err(part)?;
        const TOKEN: &str = "form_response.token";
        let no_token = |found| odd("token", "the id of a response", found, TOKEN);
        let token = response.get("token").and_then(|raw| plain_id(raw.ok_or(Found::Nothing)?)).map_err(no_token)?;
        let event_id = top.get("event_id").ok().flatten().and_then(|raw| plain_id(raw).ok());
        if event_id.as_ref() == Some(&token) {
            return Ok(Self::Test);
        }
        let sent_ms = event_id.as_deref().and_then(ulid_ms).unwrap_or(0);
        let sequence = if complete { COMPLETE } else { sent_ms };
        Response::read(&response, token, sequence).map(|response| Self::Response(Box::new(response)))
    }
}

/// The event's type, as it is shown: anything that does not look like one is an odd body.
fn event_type(top: &Object<'_>) -> Result<String, QuarantinedItem> {
    let wrong = |found| odd("event_type", "form_response or form_response_partial", found, "event_type");
    let raw = top.get("event_type").and_then(|raw| raw.ok_or(Found::Nothing)).map_err(wrong)?;
    plain_id(raw).map_err(wrong)
}

/// When an id of the form that Typeform uses was made, in milliseconds: its first ten letters are 48 bits of time.
fn ulid_ms(id: &str) -> Option<u64> {
    const LETTERS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let time = id.get(..10).filter(|_| id.len() == 26)?;
    let ms = time.chars().try_fold(0_u64, |ms, letter| Some((ms << 5) | LETTERS.find(letter)? as u64))?;
    (ms < COMPLETE).then_some(ms)
}

impl<'a> Response<'a> {
    fn read(response: &Object<'a>, token: String, sequence: u64) -> Result<Self, QuarantinedItem> {
        let complete = sequence == COMPLETE;
        let submitted = if complete { time(response, "submitted_at")? } else { None };
        let landed = time(response, "landed_at")?.map(|(_, at)| at);
        if !complete && landed.is_none() {
            // A stand-in such as the time of receipt could be later than the complete response, and win.
            let expected = "when the form was opened, to put a partial response before the complete one";
            return Err(odd("landed_at", expected, Found::Nothing, "form_response.landed_at"));
        }
        let mut strange = Vec::new();
        let form = match response.get("form_id").and_then(|raw| raw.map(|raw| plain_id(raw).map(|_| raw)).transpose()) {
            Ok(raw) => raw.map(|raw| Token { raw, path: "form_response.form_id".into() }),
            Err(found) => {
                strange.push(odd("form_id", "the id of a form", found, "form_response.form_id"));
                None
            }
        };
        let hidden = member(response, "hidden", Object::read).unwrap_or_else(|found| {
            strange.push(odd("hidden", "an object", found, "form_response.hidden"));
            None
        });
        let answers = member(response, "answers", json::list).unwrap_or_else(|found| {
            strange.push(odd("answers", "a list", found, "form_response.answers"));
            None
        });
        let answers = answers.unwrap_or_default().into_iter().enumerate().filter_map(|(index, raw)| {
            let path = format!("form_response.answers[{index}]");
            let answer = Answer::read(raw, path.clone());
            answer.map_err(|found| strange.push(odd("answer", "an object with its `field`", found, &path))).ok()
        });
        let answers = answers.collect();
        let questions = questions(response).unwrap_or_else(|found| {
            strange.push(odd("definition", "an object with a list of fields", found, "form_response.definition"));
            Vec::new()
        });
        Ok(Self {
            token,
            occurred_at: if complete { submitted.as_ref().map(|(_, at)| *at) } else { landed },
            sequence,
            form,
            submitted,
            hidden: hidden.unwrap_or_default(),
            answers,
            questions,
            odd: strange,
        })
    }

    /// The question and the answer that `name`, a reference or an id, belongs to.
    ///
    /// # Errors
    /// When it was answered twice.
    pub(super) fn asked(&self, name: &str) -> Result<(Option<&Question<'a>>, Option<&Answer<'a>>), QuarantinedItem> {
        let is = |text: &Option<String>| text.as_deref() == Some(name);
        let question = self.questions.iter().find(|question| is(&question.reference) || is(&question.id));
        let id = question.and_then(|question| question.id.as_deref());
        let mut answers = self
            .answers
            .iter()
            .filter(|answer| is(&answer.reference) || is(&answer.id) || (id.is_some() && answer.id.as_deref() == id));
        match (answers.next(), answers.next()) {
            (_, Some(again)) => Err(odd(name, "one answer", "another to the same question", &again.path)),
            (first, None) => Ok((question, first)),
        }
    }

    /// The question of an answer.
    pub(super) fn question_of(&self, answer: &Answer<'a>) -> Option<&Question<'a>> {
        self.questions.iter().find(|question| question.id.is_some() && question.id == answer.id)
    }

    /// A hidden field; `None` when the form's address did not carry it.
    pub(super) fn hidden(&self, name: &str) -> Result<Option<Token<'a>>, QuarantinedItem> {
        let path = format!("form_response.hidden.{name}");
        let raw = self.hidden.get(name).map_err(|found| odd(name, "one hidden field", found, &path))?;
        Ok(raw.map(|raw| Token { raw, path }))
    }
}

impl<'a> Answer<'a> {
    fn read(raw: &'a RawValue, path: String) -> Result<Self, Found> {
        let object = Object::read(raw)?;
        let field = Object::read(object.get("field")?.ok_or(Found::Nothing)?)?;
        let part = |key| Ok(field.get(key)?.map(json::scalar).transpose()?.flatten());
        Ok(Self { path, id: part("id")?, reference: part("ref")?, kind: part("type")?, object })
    }

    /// What was answered: under the key that `type` names, of a choice its label.
    ///
    /// # Errors
    /// When it is not where it should be.
    pub(super) fn value(&self) -> Result<Token<'a>, QuarantinedItem> {
        let path = format!("{}.type", self.path);
        let no_type = |found| odd("answer", "the type of an answer", found, &path);
        let kind = self.object.get("type").and_then(|raw| raw.ok_or(Found::Nothing)).map_err(no_type)?;
        let kind = plain_id(kind).map_err(no_type)?;
        let path = format!("{}.{kind}", self.path);
        let wrong = |found, path: &str| odd("answer", "a value under the name of its type", found, path);
        let raw = self.object.get(&kind).and_then(|raw| raw.ok_or(Found::Nothing)).map_err(|e| wrong(e, &path))?;
        if kind != "choice" || Found::kind(raw) == Found::Null {
            return Ok(Token { raw, path });
        }
        // What a person typed beside the choices stands under `other`.
        let choice = Object::read(raw).map_err(|found| wrong(found, &path))?;
        let label = ["label", "other"].into_iter().find_map(|key| Some((key, choice.get(key).ok()??)));
        let (key, raw) = label.ok_or_else(|| odd("answer", "the label of a choice", Found::Nothing, &path))?;
        Ok(Token { raw, path: format!("{path}.{key}") })
    }
}

/// A part that may be absent or null.
fn member<'a, T>(
    object: &Object<'a>,
    key: &str,
    read: impl FnOnce(&'a RawValue) -> Result<T, Found>,
) -> Result<Option<T>, Found> {
    object.get(key)?.filter(|raw| Found::kind(raw) != Found::Null).map(read).transpose()
}

/// An instant; `None` when it is absent, null or Typeform's stand-in for "not yet".
///
/// # Errors
/// When it is there and cannot be read: what is said could not be put in order.
fn time<'a>(response: &Object<'a>, key: &str) -> Result<Option<(Token<'a>, Moment)>, QuarantinedItem> {
    let path = format!("form_response.{key}");
    let wrong = |found| odd(key, "an instant such as 2026-11-21T09:00:00Z", found, &path);
    let Some(raw) = response.get(key).map_err(wrong)? else { return Ok(None) };
    let Some(text) = json::scalar(raw).map_err(wrong)?.filter(|text| !text.is_empty()) else { return Ok(None) };
    let at: Moment = text.parse().map_err(|_| wrong(Found::kind(raw)))?;
    Ok((at.as_millis() >= FIRST_MS).then(|| (Token { raw, path: path.clone() }, at)))
}

/// The questions of the definition, those in groups as well.
fn questions<'a>(response: &Object<'a>) -> Result<Vec<Question<'a>>, Found> {
    let Some(definition) = member(response, "definition", Object::read)? else { return Ok(Vec::new()) };
    let mut questions = Vec::new();
    let fields = member(&definition, "fields", json::list)?.unwrap_or_default();
    for (index, raw) in fields.into_iter().enumerate() {
        let path = format!("form_response.definition.fields[{index}]");
        let Ok((question, properties)) = Question::read(raw, &path) else { continue };
        questions.push(question);
        let group = properties.as_ref().and_then(|properties| member(properties, "fields", json::list).ok()?);
        for (index, raw) in group.unwrap_or_default().into_iter().enumerate() {
            let path = format!("{path}.properties.fields[{index}]");
            questions.extend(Question::read(raw, &path).ok().map(|(question, _)| question));
        }
    }
    Ok(questions)
}

impl<'a> Question<'a> {
    fn read(raw: &'a RawValue, path: &str) -> Result<(Self, Option<Object<'a>>), Found> {
        let field = Object::read(raw)?;
        let part = |key| Ok(field.get(key)?.map(json::scalar).transpose()?.flatten());
        let properties = member(&field, "properties", Object::read)?;
        let kind: Option<String> = part("type")?;
        let scale = properties.as_ref().and_then(|properties| scale(kind.as_deref()?, properties, path));
        Ok((Self { id: part("id")?, reference: part("ref")?, scale }, properties))
    }
}

/// The scale that the properties tell; most bodies leave them empty.
fn scale<'a>(kind: &str, properties: &Object<'a>, path: &str) -> Option<(Scale, Token<'a>)> {
    let raw = properties.get("steps").ok()??;
    let steps = super::values::score(raw).ok()??;
    let from_one = properties.get("start_at_one").ok()?.is_some_and(|raw| raw.get() == "true");
    // Stars are counted from one.
    let scale = Scale::of_steps(steps, from_one || kind == "rating")?;
    Some((scale, Token { raw, path: format!("{path}.properties.steps") }))
}
