//! The templates people write: what they may use, and what happens to every value they print.

use std::collections::BTreeMap;

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};

use super::words::{UNSUBSCRIBE, Words};
use crate::slack::text::clean;
use crate::slack::{RenderError, parse, write};

/// The words of mails, from `templates/email/` of the configuration: each as `NAME.txt.j2` and as `NAME.html.j2`.
///
/// The first line of the text is the subject. The HTML is what stands inside `<body>`. Variables are those of
/// `words`, with `none` for what is not known. Every printed value is one line of text, escaped in HTML, so no value
/// can add a header, a tag or a link.
#[derive(Debug)]
pub struct MailTemplates {
    text: Environment<'static>,
    html: Environment<'static>,
    texts: BTreeMap<String, String>,
}

/// One mail as a template writes it.
pub(super) struct Written {
    pub subject: String,
    pub text: String,
    pub html: String,
}

const FOLDER: &str = "email/";

impl MailTemplates {
    /// Takes the templates of a configuration, by their path below `templates/`; those of mail are used.
    ///
    /// # Errors
    /// When one of them does not parse. [`super::render`] finds names that do not exist.
    pub fn new(templates: &BTreeMap<String, String>) -> Result<Self, RenderError> {
        let of_mail = templates.iter().filter(|(path, _)| path.starts_with(FOLDER));
        let texts = of_mail.map(|(path, text)| (path.clone(), text.clone())).collect();
        let templates = Self { text: environment(print_text), html: environment(print_html), texts };
        for (name, text) in &templates.texts {
            parse(templates.of(name), name, text)?;
        }
        Ok(templates)
    }

    /// The names that can be used, those that lack their HTML included.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().filter_map(|path| path.strip_prefix(FOLDER)?.strip_suffix(".txt.j2"))
    }

    fn of(&self, name: &str) -> &Environment<'static> {
        if name.ends_with(".html.j2") { &self.html } else { &self.text }
    }

    pub(super) fn write(&self, template: &str, words: &Words) -> Result<Written, RenderError> {
        let part = |ending: &str| {
            let name = format!("{FOLDER}{template}{ending}");
            let text = self.texts.get(&name).ok_or_else(|| RenderError::Missing { name: name.clone() })?;
            write(self.of(&name), &name, text, words)
        };
        let (text, html) = (part(".txt.j2")?, part(".html.j2")?);
        let (subject, text) = text.trim_start().split_once('\n').unwrap_or((text.trim_start(), ""));
        let (subject, text) = (clean(subject), text.trim().to_owned());
        if subject.is_empty() || text.is_empty() {
            return Err(RenderError::Empty { name: format!("{FOLDER}{template}.txt.j2") });
        }
        Ok(Written { subject, text, html: html.trim().to_owned() })
    }
}

type Print = fn(&mut Output<'_>, &State<'_, '_>, &Value) -> Result<(), Error>;

fn environment(print: Print) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(print);
    environment
}

fn print_text(out: &mut Output<'_>, _: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    out.write_str(&printed(value)?).map_err(Error::from)
}

fn print_html(out: &mut Output<'_>, _: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    out.write_str(&escape(&printed(value)?)).map_err(Error::from)
}

/// A missing or empty value is an error, because a reader would see a hole.
fn printed(value: &Value) -> Result<String, Error> {
    let text = match value.kind() {
        ValueKind::String | ValueKind::Number => clean(&value.to_string()),
        other => return Err(hole(format!("{other} cannot be printed; guard it with {{% if … %}}"))),
    };
    if text.is_empty() {
        return Err(hole("an empty text cannot be printed; guard it with {% if … %}".to_owned()));
    }
    Ok(text)
}

fn hole(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// What could start a tag, an entity or end an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // SES looks for the placeholder as it stands; it holds nothing that would have to be escaped.
    debug_assert!(!UNSUBSCRIBE.contains(['&', '<', '>', '"', '\'']));
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
