//! The request: everything SES is sent, the same for the same mail.

use model::{ActionRequest, Email};
use serde_json::{Map, Value, json};

use super::templates::{MailTemplates, Written, escape};
use super::words::Words;
use crate::slack::RenderError;
use crate::slack::text::clean;

/// The tag by which SES's events name the action.
const TAG: &str = "barometer_action";
/// The longest subject; more is not shown anywhere.
const SUBJECT: usize = 200;

/// How a mail goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Going<'a> {
    /// Who sends it, as SES takes it.
    pub from: &'a str,
    /// SES's configuration set.
    pub configuration_set: Option<&'a str>,
    /// The address that it goes to, whomever it is meant for.
    pub to: &'a str,
    /// It is not for whoever reads it: they send it on, or do not.
    pub is_draft: bool,
    /// The contact list of SES that its reader can leave, and the topic; `None` where they are one of us.
    pub list: Option<(&'a str, Option<&'a str>)>,
}

/// A `SendEmail` request.
#[derive(Debug, Clone, PartialEq)]
pub struct MailMessage(Value);

impl MailMessage {
    /// The body of the request, keys always in the same order.
    pub fn body(&self) -> Value {
        self.0.clone()
    }
}

/// Writes the mail of `request`, as it is to go.
///
/// # Errors
/// When a template is at fault; no request, however odd its values, makes the shipped templates fail.
pub fn render(
    templates: &MailTemplates,
    request: &ActionRequest,
    email: &Email,
    going: &Going<'_>,
) -> Result<MailMessage, RenderError> {
    let words = Words::of(request, email, going.list.is_some());
    let written = templates.write(&email.template, &words)?;
    let Written { subject, text, html } = if going.is_draft { draft(written, request, email) } else { written };
    let subject: String = subject.chars().take(SUBJECT).collect();
    let part = |data: &str| json!({ "Data": data, "Charset": "UTF-8" });
    let html = format!("<!doctype html>\n<html>\n<body>\n{html}\n</body>\n</html>\n");
    let mut body = Map::new();
    body.insert("FromEmailAddress".to_owned(), going.from.into());
    body.insert("Destination".to_owned(), json!({ "ToAddresses": [going.to] }));
    if let Some(reply_to) = &email.reply_to {
        body.insert("ReplyToAddresses".to_owned(), json!([reply_to]));
    }
    let content = json!({ "Subject": part(&subject), "Body": { "Text": part(&text), "Html": part(&html) } });
    body.insert("Content".to_owned(), json!({ "Simple": content }));
    body.insert("EmailTags".to_owned(), json!([{ "Name": TAG, "Value": request.id.as_str() }]));
    if let Some(set) = going.configuration_set {
        body.insert("ConfigurationSetName".to_owned(), set.into());
    }
    if let Some((list, topic)) = going.list {
        let mut options = Map::from_iter([("ContactListName".to_owned(), Value::from(list))]);
        options.extend(topic.map(|topic| ("TopicName".to_owned(), topic.into())));
        body.insert("ListManagementOptions".to_owned(), options.into());
    }
    Ok(MailMessage(Value::Object(body)))
}

/// As its owner gets it: what it is stands above it, in both parts.
fn draft(written: Written, request: &ActionRequest, email: &Email) -> Written {
    let Written { subject, text, html } = written;
    let role = email.role.as_deref().map(|role| format!(", the {role}")).unwrap_or_default();
    let reader = match email.name.as_deref().map(clean).filter(|name| !name.is_empty()) {
        Some(name) => format!("{name} <{}>", request.to.address),
        None => request.to.address.clone(),
    };
    let head =
        format!("A draft for {reader}{role}. Nothing was sent to them: change it as you like, and send it yourself.");
    Written {
        subject: format!("Draft: {subject}"),
        text: format!("{head}\n\nSubject: {subject}\n\n{text}"),
        html: format!(
            "<p><em>{}</em></p>\n<p><strong>Subject:</strong> {}</p>\n<hr>\n{html}",
            escape(&head),
            escape(&subject)
        ),
    }
}
