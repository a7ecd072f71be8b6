//! The templates people write: what they may use, and what happens to every value they print.

use std::collections::BTreeMap;

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};
use model::{Alert, AlertKind, is_member_id};
use serde::Serialize;

use super::text::{clean, escape};
use super::words::Words;

/// Why an alert cannot be written. The template is at fault, never the alert.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// It does not parse, uses a name that does not exist, or prints a value that can be missing.
    #[error("template {name} cannot be used")]
    Template {
        /// The file.
        name: String,
        /// What and where.
        #[source]
        source: Error,
    },
    /// Nothing but blanks came out.
    #[error("template {name} writes nothing")]
    Empty {
        /// The file.
        name: String,
    },
    /// There is no such file.
    #[error("there is no template {name}")]
    Missing {
        /// The file.
        name: String,
    },
}

/// The words of Slack alerts, from `templates/slack/` of the configuration.
///
/// The first line is also the notification. A line `===` starts another section of the message, a line `---` the small
/// print, of which every line is one element; blank lines mean nothing. Variables are those of an alert, with `none`
/// for what is not known. Every printed value is escaped, so no value can mention people, link or break a line.
/// Filters: `points`, `days`, `emoji`, `code`, and `person`, which alone can mention somebody, by their Slack id.
#[derive(Debug)]
pub struct SlackTemplates {
    environment: Environment<'static>,
    texts: BTreeMap<String, String>,
}

impl SlackTemplates {
    /// Takes the templates of a configuration, by their path below `templates/`; those of Slack are used.
    ///
    /// # Errors
    /// When one of them does not parse, or one that a kind of message needs is missing. `crate::slack::render` finds
    /// names that do not exist.
    pub fn new(templates: &BTreeMap<String, String>) -> Result<Self, RenderError> {
        let of_slack = templates.iter().filter(|(path, _)| path.starts_with("slack/"));
        let texts = of_slack.map(|(path, text)| (path.clone(), text.clone())).collect();
        let templates = Self { environment: environment(), texts };
        for kind in AlertKind::ALL {
            templates.source(&path_of(*kind))?;
        }
        for (name, text) in &templates.texts {
            parse(&templates.environment, name, text)?;
        }
        Ok(templates)
    }

    fn source(&self, name: &str) -> Result<&str, RenderError> {
        self.texts.get(name).map(String::as_str).ok_or_else(|| RenderError::Missing { name: name.to_owned() })
    }

    /// The text of `alert` with `words`, escaped: by the template it names, else by that of its kind.
    pub(super) fn write(&self, alert: &Alert, words: &Words) -> Result<String, RenderError> {
        let named = alert.template.as_ref().map(|name| format!("slack/{name}.j2"));
        let name = named.unwrap_or_else(|| path_of(alert.kind));
        write(&self.environment, &name, self.source(&name)?, words)
    }
}

/// The template of a kind of message that names none.
fn path_of(kind: AlertKind) -> String {
    format!("slack/{}.j2", kind.as_str())
}

/// Whether the text `name` parses.
pub(crate) fn parse(environment: &Environment<'_>, name: &str, text: &str) -> Result<(), RenderError> {
    let parsed = environment.template_from_named_str(name, text);
    parsed.map(|_| ()).map_err(|source| RenderError::Template { name: name.to_owned(), source })
}

/// The text `name` with `words`, escaped.
pub(crate) fn write(
    environment: &Environment<'_>,
    name: &str,
    text: &str,
    words: &impl Serialize,
) -> Result<String, RenderError> {
    let written = environment.template_from_named_str(name, text).and_then(|template| template.render(words));
    let written = written.map_err(|source| RenderError::Template { name: name.to_owned(), source })?;
    if written.trim().is_empty() { Err(RenderError::Empty { name: name.to_owned() }) } else { Ok(written) }
}

pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(print);
    environment.add_filter("points", points);
    environment.add_filter("days", days);
    environment.add_filter("emoji", emoji);
    environment.add_filter("code", code);
    environment.add_filter("person", person);
    environment
}

/// Every `{{ value }}` passes here. A missing or empty value is an error, because a reader would see a hole.
fn print(out: &mut Output<'_>, _: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    // Made by the filter `person`, and by nothing that a value holds.
    if let Some(mention) = value.as_str().filter(|text| value.is_safe() && is_mention(text)) {
        return out.write_str(mention).map_err(Error::from);
    }
    let text = match value.kind() {
        ValueKind::String | ValueKind::Number => clean(&value.to_string()),
        other => return Err(hole(format!("{other} cannot be printed; guard it with {{% if … %}}"))),
    };
    if text.is_empty() {
        return Err(hole("an empty text cannot be printed; guard it with {% if … %}".into()));
    }
    out.write_str(&escape(&text)).map_err(Error::from)
}

fn hole(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// Basis points of the score as points, exact and with a sign: -1250 is `−12.5 points`.
fn points(basis_points: i64) -> String {
    let size = basis_points.unsigned_abs();
    let mut text = match basis_points {
        0 => String::new(),
        1.. => "+".to_owned(),
        _ => "−".to_owned(),
    };
    text.push_str(&(size / 100).to_string());
    if !size.is_multiple_of(100) {
        text.push_str(format!(".{:02}", size % 100).trim_end_matches('0'));
    }
    text.push_str(if size == 100 { " point" } else { " points" });
    text
}

/// A number of days without its sign: `1 day`, `47 days`.
fn days(number: i64) -> String {
    let size = number.unsigned_abs();
    format!("{size} day{}", if size == 1 { "" } else { "s" })
}

/// The colour of a band as Slack's emoji.
fn emoji(band: &str) -> Result<&'static str, Error> {
    match band {
        "green" => Ok(":large_green_circle:"),
        "yellow" => Ok(":large_yellow_circle:"),
        "red" => Ok(":red_circle:"),
        "unknown" => Ok(":white_circle:"),
        other => Err(hole(format!("`{other}` is not a band; use the filter with band.from or band.to"))),
    }
}

/// A value as code. One that holds a backtick would end the code early, so it stands as it is.
fn code(text: &str) -> String {
    if text.contains('`') { text.to_owned() } else { format!("`{text}`") }
}

/// A person's Slack id as a mention; a name as it is.
fn person(text: &str) -> Value {
    if is_member_id(text) { Value::from_safe_string(format!("<@{text}>")) } else { Value::from(text) }
}

fn is_mention(text: &str) -> bool {
    text.strip_prefix("<@").and_then(|rest| rest.strip_suffix('>')).is_some_and(is_member_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_slack_id_is_a_mention() {
        let environment = environment();
        let written = |by: &str| {
            let context = minijinja::context! { by => by };
            environment.render_str("{{ by | person }}", context).unwrap()
        };
        assert_eq!(written("U0INES0001"), "<@U0INES0001>");
        assert_eq!(written("Ines"), "Ines");
        assert_eq!(written("<@U0INES0001>"), "&lt;@U0INES0001&gt;");
        assert_eq!(written("U1> <!channel"), "U1&gt; &lt;!channel");
        assert_eq!(environment.render_str("{{ '<@U1>' }}", ()).unwrap(), "&lt;@U1&gt;");
    }

    #[test]
    fn points_are_exact_and_carry_their_sign() {
        let cases = [
            (0, "0 points"),
            (100, "+1 point"),
            (-100, "−1 point"),
            (-1_250, "−12.5 points"),
            (-3, "−0.03 points"),
            (2_010, "+20.1 points"),
        ];
        for (basis_points, expected) in cases {
            assert_eq!(points(basis_points), expected, "{basis_points}");
        }
        assert_eq!((days(1), days(-3), days(0)), ("1 day".into(), "3 days".into(), "0 days".into()));
    }

    #[track_caller]
    fn check(template: &str, expected: Result<&str, &str>) {
        let environment = environment();
        let context = minijinja::context! { name => "<!channel> & co\n*", none => (), empty => " " };
        let written = environment.render_str(template, context).map_err(|error| error.to_string());
        match expected {
            Ok(text) => assert_eq!(written.unwrap(), text),
            Err(part) => assert!(written.as_ref().is_err_and(|error| error.contains(part)), "{written:?}"),
        }
    }

    #[test]
    fn every_printed_value_is_escaped_however_it_was_made() {
        check("{{ name }}", Ok("&lt;!channel&gt; &amp; co *"));
        check("{{ name | code }}", Ok("`&lt;!channel&gt; &amp; co *`"));
        check("{{ name ~ '<@U1>' }}", Ok("&lt;!channel&gt; &amp; co *&lt;@U1&gt;"));
        check("{{ name | safe }}", Ok("&lt;!channel&gt; &amp; co *"));
        check("{% autoescape false %}{{ name }}{% endautoescape %}", Ok("&lt;!channel&gt; &amp; co *"));
    }

    #[test]
    fn a_hole_is_an_error_and_names_its_line() {
        check("\n{{ none }}", Err("<string>:2"));
        check("{{ empty }}", Err("empty text"));
        check("{{ nmae }}", Err("undefined"));
        check("{% if nmae %}x{% endif %}", Err("undefined"));
        check("{{ 'blue' | emoji }}", Err("`blue` is not a band"));
    }

    #[test]
    fn a_template_that_does_not_parse_is_refused_by_name() {
        let with = |resolved: Option<&str>| {
            let texts = AlertKind::ALL.iter().map(|kind| (path_of(*kind), "{{ name }}".to_owned()));
            let mut texts: BTreeMap<_, _> = texts.collect();
            texts.remove("slack/resolved.j2");
            texts.extend(resolved.map(|text| ("slack/resolved.j2".to_owned(), text.to_owned())));
            SlackTemplates::new(&texts).unwrap_err().to_string()
        };
        assert_eq!(with(Some("{% if %}")), "template slack/resolved.j2 cannot be used");
        assert_eq!(with(None), "there is no template slack/resolved.j2");
    }
}
