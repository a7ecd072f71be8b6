//! Zendesk's bodies with Zendesk's names, only the parts in use.
//!
//! An event is `{type, id, time, subject, detail, event}`: `detail` is the object as it is now, `event` what changed. A
//! trigger sends what its author wrote; of those only our own template is read. Ids come as text from webhooks and as
//! numbers from the API, enumerations in upper case from events and in lower case from everywhere else.

use jiff::Timestamp;
use model::{Moment, QuarantineKind, QuarantinedItem};
use serde_json::value::RawValue;

use crate::json::{self, Found, Object};

/// The kinds of object that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ticket,
    Organization,
    User,
}

impl Kind {
    /// In event types, in fetched bodies and in the names of fetched objects.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Organization => "organization",
            Self::User => "user",
        }
    }

    /// In subjects.
    pub(super) fn subject(self) -> &'static str {
        match self {
            Self::Organization => "org",
            Self::Ticket | Self::User => self.name(),
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Ticket, Self::Organization, Self::User].into_iter().find(|kind| kind.name() == name)
    }
}

/// When something was said, to the nanosecond: Zendesk's events of one action are often less than a millisecond apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub(super) occurred_at: Moment,
    /// The nanoseconds after the millisecond; `None` for the full millisecond.
    pub(super) sequence: Option<u64>,
}

impl At {
    fn read(text: &str) -> Option<Self> {
        let timestamp: Timestamp = text.parse().ok()?;
        let below = u64::try_from(timestamp.as_nanosecond().rem_euclid(1_000_000)).ok();
        let occurred_at = Moment::from_millis(timestamp.as_millisecond())?;
        Some(Self { occurred_at, sequence: below.filter(|nanoseconds| *nanoseconds > 0) })
    }
}

/// One event of a subscription.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) kind: Kind,
    /// Such as `status_changed`.
    pub(super) name: String,
    pub(super) id: String,
    /// Where the id stands.
    pub(super) id_path: &'static str,
    pub(super) at: At,
    /// The token of the time.
    pub(super) time: &'a RawValue,
    pub(super) detail: Object<'a>,
    /// What changed: `current` and `previous`, or nothing.
    pub(super) change: Object<'a>,
}

/// What a request can hold.
#[derive(Debug)]
pub(super) enum Body<'a> {
    Event(Event<'a>),
    /// An event about something else, such as an article.
    OtherEvent,
    /// The object `ticket` of our template.
    Template(Object<'a>),
    /// What was here is erased.
    Erased,
}

/// The version of `trigger-template.json` that is read.
const TEMPLATE: &str = "1";

/// A reason and a place.
pub(super) fn odd(what: &str, expected: &str, found: impl std::fmt::Display, path: &str) -> QuarantinedItem {
    QuarantinedItem {
        kind: QuarantineKind::Unreadable,
        reason: format!("{what}: expected {expected}, found {found}"),
        path: path.to_owned(),
    }
}

impl<'a> Body<'a> {
    /// # Errors
    /// When the body is not JSON, no event, and not our template either; or an event without time, id or detail.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, QuarantinedItem> {
        let unreadable = |reason| QuarantinedItem { kind: QuarantineKind::Unreadable, reason, path: "$".into() };
        let whole = json::whole(body).map_err(unreadable)?;
        if json::is_erased(whole) {
            return Ok(Self::Erased);
        }
        let top = Object::read(whole).map_err(|found| odd("body", "one event as an object", found, "$"))?;
        if let Some((kind, name)) = type_of(&top)? {
            return match Kind::named(&kind) {
                Some(kind) => Event::read(&top, kind, name).map(Self::Event),
                None => Ok(Self::OtherEvent),
            };
        }
        match top.get("barometer").map_err(|found| odd("barometer", TEMPLATE, found, "barometer"))? {
            Some(raw) if json::scalar(raw).ok().flatten().as_deref() == Some(TEMPLATE) => {
                object(&top, "ticket", "ticket").map(Self::Template)
            }
            Some(raw) => {
                let expected = format!("{TEMPLATE}, the version of the trigger's template that this release reads");
                Err(odd("barometer", &expected, Found::kind(raw), "barometer"))
            }
            None => Err(unreadable(
                "neither an event of Zendesk nor our template; paste `trigger-template.json` into the trigger".into(),
            )),
        }
    }
}

/// The kind of object and the name of the event; `None` when the body is not an event.
fn type_of(top: &Object<'_>) -> Result<Option<(String, String)>, QuarantinedItem> {
    let wrong =
        |found: Found| odd("type", "the type of an event such as `zen:event-type:ticket.created`", found, "type");
    let Some(raw) = top.get("type").map_err(wrong)? else { return Ok(None) };
    // Somebody's own template may have a `type` that is anything.
    let text = json::scalar(raw).ok().flatten().unwrap_or_default();
    // Zendesk's own pages write some types with a slash.
    let Some(name) = text.strip_prefix("zen:event-type").and_then(|rest| rest.strip_prefix([':', '/'])) else {
        return Ok(None);
    };
    // Zendesk's names are worth showing; anything else could be anything.
    let plain = name.len() <= 80 && name.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'.'));
    let (kind, name) = name.split_once('.').filter(|_| plain).ok_or_else(|| wrong(Found::kind(raw)))?;
    Ok(Some((kind.to_owned(), name.to_owned())))
}

impl<'a> Event<'a> {
    fn read(top: &Object<'a>, kind: Kind, name: String) -> Result<Self, QuarantinedItem> {
        let (at, time) = time(top, "time", "time")?;
        let detail = object(top, "detail", "detail")?;
        let (id, id_path) = id_of(top, &detail)?;
        // What changed matters less than what is: without it the event still tells its object.
        let change = object(top, "event", "event").unwrap_or_default();
        Ok(Self { kind, name, id, id_path, at, time, detail, change })
    }
}

/// The object's id, in its detail or, where that is scrubbed, in the event's subject, `zen:ticket:5158`.
fn id_of(top: &Object<'_>, detail: &Object<'_>) -> Result<(String, &'static str), QuarantinedItem> {
    const DETAIL: &str = "detail.id";
    let wrong = |found: Found| odd("id", ID, found, DETAIL);
    if let Some(raw) = detail.get("id").map_err(wrong)?
        && let Some(text) = json::scalar(raw).map_err(wrong)?
    {
        return whole_number(&text).map(|id| (id, DETAIL)).ok_or_else(|| wrong(Found::kind(raw)));
    }
    let subject = top.get("subject").ok().flatten().and_then(|raw| json::scalar(raw).ok().flatten());
    let id = subject.as_deref().and_then(|subject| subject.rsplit_once(':')).and_then(|(_, id)| whole_number(id));
    id.map(|id| (id, "subject")).ok_or_else(|| wrong(Found::Nothing))
}

/// What an id is expected to be.
pub(super) const ID: &str = "a whole number of up to 64 bits";

/// An id: 64 bits and never through a float, since Zendesk's pass 2^53 one day.
pub(super) fn whole_number(text: &str) -> Option<String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse::<u64>().ok().filter(|_| digits).map(|number| number.to_string())
}

/// What a time is expected to be.
pub(super) const TIME: &str = "a time such as 2026-11-20T08:30:00Z";

/// The time under `key`. Without it nothing that is said could be put in order with what was said before.
pub(super) fn time<'a>(
    object: &Object<'a>,
    key: &'static str,
    path: &str,
) -> Result<(At, &'a RawValue), QuarantinedItem> {
    let wrong = |found: Found| odd(key, TIME, found, path);
    let raw = object.get(key).and_then(|raw| raw.ok_or(Found::Nothing)).map_err(wrong)?;
    let text = json::scalar(raw).map_err(wrong)?.unwrap_or_default();
    At::read(&text).map(|at| (at, raw)).ok_or_else(|| wrong(Found::kind(raw)))
}

pub(super) fn moment(text: &str) -> Option<Moment> {
    At::read(text).map(|at| at.occurred_at)
}

/// The object under `key`.
pub(super) fn object<'a>(top: &Object<'a>, key: &'static str, path: &str) -> Result<Object<'a>, QuarantinedItem> {
    let inner = top.get(key).and_then(|raw| Object::read(raw.ok_or(Found::Nothing)?));
    inner.map_err(|found| odd(key, "an object", found, path))
}

/// The id of an event, as the delivery's name: stable over retries and part of what is signed.
pub(super) fn event_id(body: &[u8]) -> Option<String> {
    let top = Object::read(json::whole(body).ok()?).ok()?;
    type_of(&top).ok()??;
    json::scalar(top.get("id").ok()??).ok()?
}
