//! One object of a body on its way into statements and links. A part that is odd is set aside alone, by its path.

use model::{
    FactKey, FetchWanted, Field, Link, LinkSays, Mapping, Moment, Normalized, QuarantineKind, QuarantinedItem, Signal,
    SignalKind, Statement, SubjectId, Value, Warning,
};
use serde_json::value::RawValue;

use super::payload::{At, ID, Kind, TIME, moment, odd, whole_number};
use crate::json::{self, Found, Object};

/// A part of an object, with where it stands.
#[derive(Debug)]
pub(super) struct Part<'a, T> {
    /// `None` for null and for empty text: the source emptied it.
    pub(super) value: Option<T>,
    pub(super) raw: &'a RawValue,
    pub(super) path: String,
}

/// An object that is being read.
#[derive(Debug)]
pub(super) struct Reading<'a, 'm> {
    pub(super) subject: SubjectId,
    pub(super) at: At,
    pub(super) mapping: &'m Mapping,
    object: Object<'a>,
    /// Where the object stands.
    prefix: &'static str,
    statements: Vec<Statement>,
    out: Normalized,
}

/// The subject that an id of Zendesk's names.
pub(super) fn subject(kind: Kind, id: &str) -> SubjectId {
    SubjectId::vendor("zendesk", kind.subject(), id)
}

impl<'a, 'm> Reading<'a, 'm> {
    pub(super) fn of(
        subject: SubjectId,
        at: At,
        object: Object<'a>,
        prefix: &'static str,
        mapping: &'m Mapping,
    ) -> Self {
        Self { subject, at, mapping, object, prefix, statements: Vec::new(), out: Normalized::default() }
    }

    /// Goes on with another object about the same subject.
    pub(super) fn turn_to(&mut self, object: Object<'a>, prefix: &'static str) {
        self.object = object;
        self.prefix = prefix;
    }

    /// All that was read; the statements as one signal.
    pub(super) fn finish(mut self, kind: SignalKind, key: FactKey) -> Normalized {
        if !self.statements.is_empty() {
            self.out.signals.push(Signal { kind, subject: self.subject, key, statements: self.statements });
        }
        self.out
    }

    /// The part under `key`; `None` when it is absent, which says nothing about it, or odd.
    pub(super) fn part<T>(
        &mut self,
        key: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<Part<'a, T>> {
        let path = self.path(key);
        let part = self.object.get(key).and_then(|raw| {
            let Some(raw) = raw else { return Ok(None) };
            value(raw, read).map(|value| Some((raw, value)))
        });
        match part {
            Ok(part) => part.map(|(raw, value)| Part { value, raw, path }),
            Err(found) => {
                self.aside(odd(key, expected, found, &path));
                None
            }
        }
    }

    /// Where the part under `key` stands.
    pub(super) fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.prefix)
    }

    /// The part under `key` is this word, letter for letter.
    pub(super) fn says(&self, key: &str, word: &str) -> bool {
        let raw = self.object.get(key).ok().flatten();
        raw.and_then(|raw| json::scalar(raw).ok()?).is_some_and(|text| text == word)
    }

    pub(super) fn text(&mut self, key: &str) -> Option<Part<'a, String>> {
        self.part(key, "text", |text| Some(text.to_owned()))
    }

    /// A word out of a list, whose case means nothing.
    pub(super) fn word(&mut self, key: &str) -> Option<Part<'a, String>> {
        // What is not set comes out of a placeholder as a dash.
        let mut part = self.part(key, "a word", |text| Some(text.to_lowercase()))?;
        part.value = part.value.filter(|word| word != "-");
        Some(part)
    }

    /// An id; users without an organisation have the organisation `0`.
    pub(super) fn id(&mut self, key: &str) -> Option<Part<'a, String>> {
        let mut part = self.part(key, ID, whole_number)?;
        part.value = part.value.filter(|id| id != "0");
        Some(part)
    }

    pub(super) fn moment(&mut self, key: &str) -> Option<Part<'a, Moment>> {
        self.part(key, TIME, moment)
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<Part<'a, bool>> {
        self.part(key, "true or false", |text| text.parse().ok())
    }

    /// The list under `key`, each item with its path; null is an empty one.
    pub(super) fn list(&mut self, key: &str) -> Option<(Vec<(&'a RawValue, String)>, String)> {
        let path = self.path(key);
        let items = self.object.get(key).and_then(|raw| match raw {
            Some(raw) if Found::kind(raw) == Found::Null => Ok(Some(Vec::new())),
            raw => raw.map(json::list).transpose(),
        });
        let items = items.unwrap_or_else(|found| {
            self.aside(odd(key, "a list", found, &path));
            None
        })?;
        let items = items.into_iter().enumerate().map(|(n, raw)| (raw, format!("{path}[{n}]")));
        Some((items.collect(), path))
    }

    /// A property of the object's custom fields, as text.
    pub(super) fn custom(&mut self, key: &str, property: &str) -> Option<Part<'a, String>> {
        let path = format!("{}.{key}.{property}", self.prefix);
        let raw = self.object.get(key).ok().flatten().and_then(|raw| Object::read(raw).ok()?.get(property).transpose());
        match raw?.and_then(|raw| Ok((raw, value(raw, |text| Some(text.to_owned()))?))) {
            Ok((raw, value)) => Some(Part { value, raw, path }),
            Err(found) => {
                let item = odd(property, "text, a number, true or false", found, &path);
                self.aside(QuarantinedItem { kind: QuarantineKind::UnfitValue, ..item });
                None
            }
        }
    }

    /// States a part as it is.
    pub(super) fn state<T>(&mut self, field: Field, part: Part<'a, T>, value: impl Fn(T) -> Value) {
        let at = self.at;
        self.state_at(at, field, part.value.map_or(Value::Cleared, value), &part.path, part.raw);
    }

    pub(super) fn state_at(&mut self, at: At, field: Field, value: Value, path: &str, raw: &RawValue) {
        let At { occurred_at, sequence } = at;
        let raw = Statement::cut_raw(raw.get());
        self.statements.push(Statement { field, value, occurred_at, sequence, path: path.to_owned(), raw });
    }

    pub(super) fn link(&mut self, says: LinkSays, path: &str) {
        self.link_of(self.subject.clone(), says, path);
    }

    pub(super) fn link_of(&mut self, subject: SubjectId, says: LinkSays, path: &str) {
        let At { occurred_at, sequence } = self.at;
        self.out.links.push(Link { subject, says, occurred_at, sequence, path: path.to_owned() });
    }

    pub(super) fn want(&mut self, kind: Kind, id: &str, version: &str, path: &str) {
        let object = format!("{}/{id}", kind.name());
        self.out.fetches.push(FetchWanted { object, version: version.to_owned(), path: path.to_owned() });
    }

    pub(super) fn aside(&mut self, item: QuarantinedItem) {
        self.out.quarantined.push(item);
    }

    pub(super) fn warn(&mut self, message: &str, path: &str) {
        self.out.warnings.push(Warning { message: message.to_owned(), path: path.to_owned() });
    }
}

/// A token as a value; `None` for null and for empty text.
fn value<T>(raw: &RawValue, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Found> {
    let text = json::scalar(raw)?.unwrap_or_default();
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { read(text).map(Some).ok_or_else(|| Found::kind(raw)) }
}
