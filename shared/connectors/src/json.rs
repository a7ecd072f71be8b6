//! JSON read token by token, so that every value keeps the bytes it was written with.
//!
//! Nothing is turned into a float, no depth of nesting costs stack (a token is skipped over, not descended into), and
//! what is odd is named by its kind, never by its content: reasons go into logs, bodies hold personal data.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Longest value read, in bytes as written. Every value of an object together must fit one stored item of 400 kB.
pub(crate) const MAX_TEXT: usize = 4_096;
/// Most keys of one object; the largest CRM objects have some hundreds of properties.
pub(crate) const MAX_KEYS: usize = 10_000;
/// Most items of one list; the longest lists read are version histories of some tens.
pub(crate) const MAX_ITEMS: usize = 1_000;

/// What stood in a place where something else was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Null,
    Flag,
    Number,
    Text,
    List,
    Object,
    LongValue,
    LongList,
    LargeObject,
    BrokenText,
    Twice,
}

impl Found {
    /// The kind of a token, by its first byte.
    pub(crate) fn kind(raw: &RawValue) -> Self {
        match raw.get().as_bytes().first() {
            None => Self::Nothing,
            Some(b'{') => Self::Object,
            Some(b'[') => Self::List,
            Some(b'"') => Self::Text,
            Some(b't' | b'f') => Self::Flag,
            Some(b'n') => Self::Null,
            Some(_) => Self::Number,
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Null => f.write_str("null"),
            Self::Flag => f.write_str("true or false"),
            Self::Number => f.write_str("a number"),
            Self::Text => f.write_str("text"),
            Self::List => f.write_str("a list"),
            Self::Object => f.write_str("an object"),
            Self::LongValue => write!(f, "a value of more than {MAX_TEXT} bytes"),
            Self::LongList => write!(f, "a list of more than {MAX_ITEMS} items"),
            Self::LargeObject => write!(f, "an object of more than {MAX_KEYS} keys"),
            Self::BrokenText => f.write_str("text that is not valid Unicode"),
            Self::Twice => f.write_str("the same key twice"),
        }
    }
}

/// The whole of a body as one token.
///
/// # Errors
/// A sentence that says what the body is instead of JSON.
pub(crate) fn whole(body: &[u8]) -> Result<&RawValue, String> {
    let text = std::str::from_utf8(body).map_err(|_| "not UTF-8 text".to_owned())?;
    serde_json::from_str(text).map_err(|e| format!("not JSON: wrong at line {} column {}", e.line(), e.column()))
}

/// A plain value as text: the content of a string, or a number, `true` or `false` as written. `None` for null.
///
/// # Errors
/// When it is a list, an object, too long, or a string with half a surrogate pair.
pub(crate) fn scalar(raw: &RawValue) -> Result<Option<String>, Found> {
    let token = raw.get();
    match Found::kind(raw) {
        Found::Null => Ok(None),
        kind @ (Found::List | Found::Object) => Err(kind),
        _ if token.len() > MAX_TEXT => Err(Found::LongValue),
        Found::Text => serde_json::from_str(token).map(Some).map_err(|_| Found::BrokenText),
        _ => Ok(Some(token.to_owned())),
    }
}

/// The items of a list.
///
/// # Errors
/// When it is no list, or too long a one.
pub(crate) fn list(raw: &RawValue) -> Result<Vec<&RawValue>, Found> {
    match Found::kind(raw) {
        Found::List => {
            let Items(items) = serde_json::from_str(raw.get()).map_err(|_| Found::BrokenText)?;
            if items.len() > MAX_ITEMS { Err(Found::LongList) } else { Ok(items) }
        }
        other => Err(other),
    }
}

/// `{"erased":true}` stands where a person's data was before it was erased: it says nothing, and is no cause for alarm.
pub(crate) fn is_erased(raw: &RawValue) -> bool {
    let Ok(Object(members)) = Object::read(raw) else { return false };
    matches!(members.as_slice(), [(key, value)] if key == "erased" && value.get() == "true")
}

/// An object's keys and values, in the order of the body.
#[derive(Debug, Default)]
pub(crate) struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    /// # Errors
    /// When it is no object, too large a one, or has a key that is not valid Unicode.
    pub(crate) fn read(raw: &'a RawValue) -> Result<Self, Found> {
        match Found::kind(raw) {
            Found::Object => {
                let object: Self = serde_json::from_str(raw.get()).map_err(|_| Found::BrokenText)?;
                if object.0.len() > MAX_KEYS { Err(Found::LargeObject) } else { Ok(object) }
            }
            other => Err(other),
        }
    }

    /// The value of `key`; `None` when it is absent.
    ///
    /// # Errors
    /// [`Found::Twice`] when the key is there twice: readers disagree on which one counts, so neither does.
    pub(crate) fn get(&self, key: &str) -> Result<Option<&'a RawValue>, Found> {
        let mut found = self.0.iter().filter(|(name, _)| name == key).map(|(_, value)| *value);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(Found::Twice),
            (first, None) => Ok(first),
        }
    }

    /// Every key with its value, in the order of the body.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_str(), *value))
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_str(), *value))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    // One past the limit tells that it was passed.
                    if entries.len() <= MAX_KEYS {
                        entries.push(entry);
                    }
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

struct Items<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'de> Visitor<'de> for Elements {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if items.len() <= MAX_ITEMS {
                        items.push(item);
                    }
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> &RawValue {
        whole(text.as_bytes()).unwrap()
    }

    #[test]
    fn values_keep_their_bytes() {
        let object = Object::read(raw("{\"a\": 1.50e+400 , \"b\":\"\\u00e9\\/\"}")).unwrap();
        assert_eq!(object.get("a").unwrap().unwrap().get(), "1.50e+400");
        assert_eq!(object.get("b").unwrap().unwrap().get(), "\"\\u00e9\\/\"");
        assert_eq!(scalar(object.get("b").unwrap().unwrap()), Ok(Some("é/".to_owned())));
    }

    #[test]
    fn a_key_that_stands_twice_has_no_value() {
        let object = Object::read(raw(r#"{"a": 1, "\u0061": 2, "b": 3}"#)).unwrap();
        assert_eq!(object.get("a").unwrap_err(), Found::Twice);
        assert!(object.get("b").unwrap().is_some());
        assert!(object.get("c").unwrap().is_none());
    }

    #[test]
    fn what_is_not_json_is_named_without_its_content() {
        for (body, reason) in [
            (&b"\xff"[..], "not UTF-8 text"),
            (b"", "not JSON: wrong at line 1 column 0"),
            (b"\xef\xbb\xbf{}", "not JSON: wrong at line 1 column 1"),
            (b"{\"a\": NaN}", "not JSON: wrong at line 1 column 7"),
            (b"{} x", "not JSON: wrong at line 1 column 4"),
            (b"{'a': 1}", "not JSON: wrong at line 1 column 2"),
        ] {
            assert_eq!(whole(body).unwrap_err(), reason);
        }
    }

    #[test]
    fn caps_hold_at_their_edges() {
        let text = |length: usize| format!("\"{}\"", "a".repeat(length - 2));
        assert!(scalar(raw(&text(MAX_TEXT))).is_ok());
        assert_eq!(scalar(raw(&text(MAX_TEXT + 1))), Err(Found::LongValue));

        let items = |count: usize| format!("[{}]", vec!["1"; count].join(","));
        assert_eq!(list(raw(&items(MAX_ITEMS))).unwrap().len(), MAX_ITEMS);
        assert_eq!(list(raw(&items(MAX_ITEMS + 1))).unwrap_err(), Found::LongList);

        let keys = |count: usize| format!("{{{}}}", vec!["\"k\":1"; count].join(","));
        assert!(Object::read(raw(&keys(MAX_KEYS))).is_ok());
        assert_eq!(Object::read(raw(&keys(MAX_KEYS + 1))).unwrap_err(), Found::LargeObject);
    }

    #[test]
    fn what_was_erased_is_known_by_nothing_else_being_there() {
        for text in [r#"{"erased":true}"#, r#" { "erased" : true } "#] {
            assert!(is_erased(raw(text)), "{text}");
        }
        for text in [r#"{"erased":false}"#, r#"{"erased":"true"}"#, r#"{"erased":true,"a":1}"#, "{}", "[]", "true"] {
            assert!(!is_erased(raw(text)), "{text}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{{\"a\": {}{}, \"b\": 1}}", "[".repeat(200_000), "]".repeat(200_000));
        let object = Object::read(raw(&deep)).unwrap();
        assert_eq!(object.get("b").unwrap().unwrap().get(), "1");
        assert_eq!(scalar(object.get("a").unwrap().unwrap()), Err(Found::List));
    }

    #[test]
    fn half_a_surrogate_pair_is_no_text() {
        assert_eq!(scalar(raw(r#""\ud800""#)), Err(Found::BrokenText));
        assert_eq!(Object::read(raw(r#"{"\udc00": 1}"#)).unwrap_err(), Found::BrokenText);
    }
}
