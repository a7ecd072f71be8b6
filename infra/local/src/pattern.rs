//! Event patterns: which events a rule takes, which stream records a function is given.
//!
//! Source: "Comparison operators for use in event patterns in Amazon EventBridge", docs.aws.amazon.com, read 2026-11.
//! Exact values, `prefix`, `anything-but` (one value or a list) and `exists` are understood; every other operator is
//! refused when the pattern is read, never guessed at. `tests` holds the documentation's cases.

use serde_json::{Map, Value};

/// A pattern: every field must match (and), a field matches when one of its alternatives does (or).
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(Vec<(String, Wanted)>);

#[derive(Debug, Clone, PartialEq)]
enum Wanted {
    Inside(Pattern),
    OneOf(Vec<Test>),
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Equals(Value),
    Prefix(String),
    AnythingBut(Vec<Value>),
    Exists(bool),
}

/// A pattern that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at `{path}`: {message}")]
pub struct BadPattern {
    /// Where, such as `detail.kind`; `$` is the whole pattern.
    pub path: String,
    /// What is wrong and what is understood.
    pub message: String,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// For an operator outside the four, an empty alternative list, a bare value where a list is expected.
    pub fn parse(pattern: &Value) -> Result<Self, BadPattern> {
        fields(pattern, "$")
    }

    /// Whether the event is wanted.
    pub fn matches(&self, event: &Value) -> bool {
        self.0.iter().all(|(name, wanted)| wanted.matches(event.get(name)))
    }
}

impl Wanted {
    fn matches(&self, found: Option<&Value>) -> bool {
        match (self, found) {
            // An element of a list must match as a whole: `and` does not reach across two elements.
            (Self::Inside(pattern), Some(Value::Array(items))) => items.iter().any(|item| pattern.matches(item)),
            (Self::Inside(pattern), found) => pattern.matches(found.unwrap_or(&Value::Null)),
            (Self::OneOf(tests), found) => tests.iter().any(|test| test.matches(found)),
        }
    }
}

impl Test {
    fn matches(&self, found: Option<&Value>) -> bool {
        // `exists` looks at leaves only; an object, and an empty list, count as absent.
        let leaves: Vec<&Value> = match found {
            Some(Value::Array(items)) => items.iter().filter(|item| is_leaf(item)).collect(),
            Some(value) if is_leaf(value) => vec![value],
            _ => vec![],
        };
        match self {
            Self::Equals(wanted) => leaves.into_iter().any(|leaf| leaf == wanted),
            Self::Prefix(prefix) => leaves.into_iter().any(|leaf| leaf.as_str().is_some_and(|t| t.starts_with(prefix))),
            Self::AnythingBut(unwanted) => leaves.into_iter().any(|leaf| !unwanted.contains(leaf)),
            Self::Exists(wanted) => leaves.is_empty() != *wanted,
        }
    }
}

fn is_leaf(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

fn fields(pattern: &Value, path: &str) -> Result<Pattern, BadPattern> {
    let object = pattern.as_object().ok_or_else(|| bad(path, "expected an object of fields"))?;
    if object.is_empty() {
        return Err(bad(path, "an empty object matches nothing that could be told apart; leave it out"));
    }
    let field = |(name, wanted): (&String, &Value)| {
        let path = if path == "$" { name.clone() } else { format!("{path}.{name}") };
        if name.starts_with('$') {
            return Err(bad(&path, format!("the operator `{name}` is not understood; {UNDERSTOOD}")));
        }
        let wanted = match wanted {
            Value::Object(_) => Wanted::Inside(fields(wanted, &path)?),
            Value::Array(tests) if tests.is_empty() => return Err(bad(&path, "an empty list matches nothing")),
            Value::Array(tests) => {
                Wanted::OneOf(tests.iter().map(|wanted| test(wanted, &path)).collect::<Result<_, _>>()?)
            }
            _ => return Err(bad(&path, "expected a list of alternatives, such as [\"INSERT\"]")),
        };
        Ok((name.clone(), wanted))
    };
    object.iter().map(field).collect::<Result<_, _>>().map(Pattern)
}

const UNDERSTOOD: &str = "understood are exact values, `prefix`, `anything-but` and `exists`";

fn test(wanted: &Value, path: &str) -> Result<Test, BadPattern> {
    match wanted {
        Value::Object(operator) => comparison(operator, path),
        Value::Array(_) => Err(bad(path, "a list inside a list is not an alternative")),
        leaf => Ok(Test::Equals(leaf.clone())),
    }
}

fn comparison(operator: &Map<String, Value>, path: &str) -> Result<Test, BadPattern> {
    let mut entries = operator.iter();
    let (Some((name, value)), None) = (entries.next(), entries.next()) else {
        return Err(bad(path, "expected exactly one operator in an object"));
    };
    match (name.as_str(), value) {
        ("prefix", Value::String(text)) => Ok(Test::Prefix(text.clone())),
        ("exists", Value::Bool(wanted)) => Ok(Test::Exists(*wanted)),
        ("anything-but", Value::Array(values)) if !values.is_empty() && values.iter().all(is_text_or_number) => {
            Ok(Test::AnythingBut(values.clone()))
        }
        ("anything-but", value) if is_text_or_number(value) => Ok(Test::AnythingBut(vec![value.clone()])),
        ("prefix" | "exists" | "anything-but", value) => {
            Err(bad(path, format!("`{name}` with {value} is not understood; {UNDERSTOOD}")))
        }
        _ => Err(bad(path, format!("the operator `{name}` is not understood; {UNDERSTOOD}"))),
    }
}

fn is_text_or_number(value: &Value) -> bool {
    value.is_string() || value.is_number()
}

fn bad(path: &str, message: impl Into<String>) -> BadPattern {
    BadPattern { path: path.to_owned(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(pattern: Value, event: Value, expected: bool) {
        let parsed = Pattern::parse(&pattern).unwrap();
        assert_eq!(parsed.matches(&event), expected, "{pattern} against {event}");
    }

    #[track_caller]
    fn refused(pattern: Value, path: &str) {
        assert_eq!(Pattern::parse(&pattern).unwrap_err().path, path, "{pattern}");
    }

    #[test]
    fn exact_values_are_alternatives_of_one_type() {
        check(json!({"source": ["aws.ec2"]}), json!({"source": "aws.ec2", "id": "1"}), true);
        check(json!({"source": ["aws.ec2"]}), json!({"source": "aws.s3"}), false);
        check(json!({"source": ["aws.ec2", "aws.fargate"]}), json!({"source": "aws.fargate"}), true);
        check(json!({"source": ["aws.ec2"]}), json!({}), false);
        check(json!({"source": ["AWS.ec2"]}), json!({"source": "aws.ec2"}), false);
        check(json!({"price": [100]}), json!({"price": 100}), true);
        check(json!({"price": ["100"]}), json!({"price": 100}), false);
        check(json!({"on": [true]}), json!({"on": true}), true);
        check(json!({"on": [true]}), json!({"on": "true"}), false);
    }

    #[test]
    fn null_and_empty_are_values() {
        check(json!({"user": [null]}), json!({"user": null}), true);
        check(json!({"user": [null]}), json!({"user": ""}), false);
        check(json!({"user": [null]}), json!({}), false);
        check(json!({"user": [""]}), json!({"user": ""}), true);
    }

    #[test]
    fn fields_are_joined_by_and_and_nest() {
        let pattern = json!({"source": ["aws.ec2"], "detail": {"state": ["running"], "zone": ["a", "b"]}});
        check(pattern.clone(), json!({"source": "aws.ec2", "detail": {"state": "running", "zone": "b"}}), true);
        check(pattern.clone(), json!({"source": "aws.ec2", "detail": {"state": "running", "zone": "c"}}), false);
        check(pattern, json!({"source": "aws.ec2", "detail": "running"}), false);
    }

    #[test]
    fn lists_in_the_event_match_when_an_element_does() {
        check(json!({"tags": ["b"]}), json!({"tags": ["a", "b"]}), true);
        check(json!({"tags": ["c"]}), json!({"tags": ["a", "b"]}), false);
        let pattern = json!({"items": {"kind": ["x"], "size": [1]}});
        check(pattern.clone(), json!({"items": [{"kind": "y"}, {"kind": "x", "size": 1}]}), true);
        check(pattern, json!({"items": [{"kind": "x", "size": 2}, {"kind": "y", "size": 1}]}), false);
    }

    #[test]
    fn prefix_looks_at_text_only() {
        check(json!({"time": [{"prefix": "2017-10-02"}]}), json!({"time": "2017-10-02T18:43:48Z"}), true);
        check(json!({"time": [{"prefix": "2017-10-02"}]}), json!({"time": "2017-10-03T18:43:48Z"}), false);
        check(json!({"time": [{"prefix": "2"}]}), json!({"time": 2}), false);
        check(json!({"sk": [{"prefix": ""}]}), json!({"sk": "anything"}), true);
        check(json!({"sk": [{"prefix": "FACT#"}]}), json!({}), false);
        check(json!({"zone": [{"prefix": "us-"}, "eu-west-1"]}), json!({"zone": "eu-west-1"}), true);
    }

    #[test]
    fn anything_but_needs_the_field() {
        check(json!({"state": [{"anything-but": "initializing"}]}), json!({"state": "running"}), true);
        check(json!({"state": [{"anything-but": "initializing"}]}), json!({"state": "initializing"}), false);
        check(json!({"state": [{"anything-but": "initializing"}]}), json!({}), false);
        check(json!({"limit": [{"anything-but": 123}]}), json!({"limit": 124}), true);
        check(json!({"state": [{"anything-but": ["stopped", "overloaded"]}]}), json!({"state": "overloaded"}), false);
        check(json!({"state": [{"anything-but": ["stopped", "overloaded"]}]}), json!({"state": "running"}), true);
        check(json!({"limit": [{"anything-but": [100, 200, 300]}]}), json!({"limit": 200}), false);
    }

    #[test]
    fn exists_looks_at_leaves() {
        check(json!({"name": [{"exists": true}]}), json!({"name": "x"}), true);
        check(json!({"name": [{"exists": true}]}), json!({"name": null}), true);
        check(json!({"name": [{"exists": true}]}), json!({}), false);
        check(json!({"name": [{"exists": false}]}), json!({}), true);
        check(json!({"name": [{"exists": false}]}), json!({"name": "x"}), false);
        check(json!({"name": [{"exists": true}]}), json!({"name": {"first": "x"}}), false);
        check(json!({"detail": {"name": [{"exists": false}]}}), json!({"detail": {"other": 1}}), true);
        check(json!({"detail": {"name": [{"exists": false}]}}), json!({}), true);
    }

    #[test]
    fn what_is_not_understood_is_refused_where_it_stands() {
        refused(json!({"detail": {"price": [{"numeric": [">", 10]}]}}), "detail.price");
        refused(json!({"file": [{"suffix": ".png"}]}), "file");
        refused(json!({"file": [{"wildcard": "dir/*.png"}]}), "file");
        refused(json!({"name": [{"equals-ignore-case": "alice"}]}), "name");
        refused(json!({"name": [{"prefix": {"equals-ignore-case": "a"}}]}), "name");
        refused(json!({"zone": [{"anything-but": {"prefix": "us-"}}]}), "zone");
        refused(json!({"zone": [{"anything-but": []}]}), "zone");
        refused(json!({"$or": [{"a": ["b"]}, {"c": ["d"]}]}), "$or");
        refused(json!({"source": "aws.ec2"}), "source");
        refused(json!({"source": []}), "source");
        refused(json!({"source": [["a"]]}), "source");
        refused(json!({"a": [{"prefix": "x", "exists": true}]}), "a");
        refused(json!({"a": [{"exists": "yes"}]}), "a");
        refused(json!({"a": {}}), "a");
        refused(json!("aws.ec2"), "$");
    }
}
