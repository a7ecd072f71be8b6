//! Amazon SES: mail that came back, who called it spam, who unsubscribed. What we know is in `README.md`.
//!
//! No webhook brings these events: AWS puts them on the account's default bus, and whoever may write to our queue is AWS. So
//! there is nothing to verify, and no connection to configure.

use model::{
    Delivery, FactKey, Field, Moment, Normalized, QuarantineKind, QuarantinedItem, Signal, SignalKind, Statement,
    SubjectId, Value, Warning,
};
use serde::Deserialize;
use serde_json::value::RawValue;

#[cfg(test)]
mod tests;

/// An event as EventBridge hands it over.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    detail: Detail<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'a> {
    #[serde(default)]
    event_type: String,
    #[serde(borrow, default)]
    mail: Mail<'a>,
    #[serde(borrow)]
    bounce: Option<Bounce<'a>>,
    #[serde(borrow)]
    complaint: Option<Complaint<'a>>,
    subscription: Option<Subscription>,
}

#[derive(Default, Deserialize)]
struct Mail<'a> {
    #[serde(borrow, default)]
    destination: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce<'a> {
    bounce_type: String,
    timestamp: Moment,
    #[serde(borrow)]
    bounced_recipients: Vec<Recipient<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint<'a> {
    timestamp: Moment,
    #[serde(borrow)]
    complained_recipients: Vec<Recipient<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient<'a> {
    #[serde(borrow)]
    email_address: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    timestamp: Moment,
    new_topic_preferences: Preferences,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Preferences {
    #[serde(default)]
    unsubscribe_all: bool,
    #[serde(default)]
    topic_subscription_status: Vec<Topic>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Topic {
    #[serde(default)]
    subscription_status: String,
}

impl Preferences {
    /// Whoever leaves one topic is left alone: which of them ours is, stands in no event of the past.
    fn is_out(&self) -> bool {
        self.unsubscribe_all || self.topic_subscription_status.iter().any(|topic| topic.subscription_status == "OptOut")
    }
}

/// What an event says. Never fails and never panics, whatever the bytes.
pub fn normalize(delivery: &Delivery) -> Normalized {
    let envelope: Envelope<'_> = match serde_json::from_slice(&delivery.body) {
        Ok(envelope) => envelope,
        Err(error) => {
            let reason = format!("expected an event of SES: {error}");
            return Normalized::quarantine(QuarantineKind::Unreadable, reason, "$");
        }
    };
    let Detail { event_type, mail, bounce, complaint, subscription } = envelope.detail;
    let mut out = Normalized::default();
    match (event_type.as_str(), bounce, complaint, subscription) {
        ("Bounce", Some(bounce), ..) if bounce.bounce_type == "Permanent" => {
            for (at, recipient) in bounce.bounced_recipients.iter().enumerate() {
                let path = format!("detail.bounce.bouncedRecipients[{at}].emailAddress");
                said(recipient.email_address, (Field::MailBounced, true), bounce.timestamp, path, &mut out);
            }
        }
        // A full mailbox says nothing of tomorrow.
        ("Bounce", Some(_), ..) => {}
        ("Complaint", _, Some(complaint), _) => {
            for (at, recipient) in complaint.complained_recipients.iter().enumerate() {
                let path = format!("detail.complaint.complainedRecipients[{at}].emailAddress");
                said(recipient.email_address, (Field::MailComplained, true), complaint.timestamp, path, &mut out);
            }
        }
        ("Subscription", _, _, Some(subscription)) => {
            let is_out = subscription.new_topic_preferences.is_out();
            for (at, address) in mail.destination.iter().enumerate() {
                let path = format!("detail.mail.destination[{at}]");
                said(address, (Field::MailUnsubscribed, is_out), subscription.timestamp, path, &mut out);
            }
        }
        (kind, ..) => {
            let message = format!("`{kind}` is not used; Bounce, Complaint and Subscription are");
            out.warnings.push(Warning { message, path: "detail.eventType".to_owned() });
        }
    }
    out
}

/// One thing that is true of whoever has an address.
fn said(address: &RawValue, (field, flag): (Field, bool), occurred_at: Moment, path: String, out: &mut Normalized) {
    let text: Option<String> = serde_json::from_str(address.get()).ok();
    let Some(subject) = text.as_deref().and_then(SubjectId::email) else {
        let reason = format!("{field}: expected an email address");
        out.quarantined.push(QuarantinedItem { kind: QuarantineKind::UnfitValue, reason, path });
        return;
    };
    let (value, raw) = (Value::Flag(flag), Statement::cut_raw(address.get()));
    let statement = Statement { field, value, occurred_at, sequence: None, path, raw };
    let kind = SignalKind::ContactChanged;
    out.signals.push(Signal { kind, subject, key: FactKey::Contact, statements: vec![statement] });
}
