//! Typeform: answers to surveys, one webhook per form. What we know is in `README.md`.

mod payload;
mod reading;
mod signature;
#[cfg(test)]
mod tests;
mod values;

use model::{Api, Delivery, Family, Field, MappedObject, Mapping, Normalized, Tool, Warning};

use crate::json::{self, Object};
use crate::{Connector, DeliveryKey, Receiver, Refusal, Secrets, Unverified, Verified};
use payload::Body;
use reading::{RESPONSE, Reading};

/// The connector.
#[derive(Debug)]
pub(crate) struct Typeform;

static TOOL: Tool = Tool {
    name: "typeform",
    title: "Typeform",
    family: Family::Survey,
    creates_accounts: false,
    accounts: None,
    objects: &[MappedObject {
        name: RESPONSE,
        fields: &[
            Field::Nps,
            Field::Csat,
            Field::CsatScale,
            Field::Ces,
            Field::CesScale,
            Field::Comment,
            Field::AccountId,
            Field::Email,
        ],
    }],
    api: Some(Api {
        url: Some("https://api.typeform.com"),
        // Typeform takes two calls a second.
        per_ten_seconds: 10,
        without_token: None,
    }),
};

impl Receiver for Typeform {
    fn tool(&self) -> &'static Tool {
        &TOOL
    }

    fn verify<'a>(&self, request: &Unverified<'a>, secrets: &Secrets) -> Result<Verified<'a>, Refusal> {
        signature::verify(request, secrets)
    }

    /// The event's id, which a retry repeats. Two events that share one, as those of the test button do with responses,
    /// differ in their bytes and are kept apart by them.
    fn delivery_key(&self, verified: &Verified<'_>) -> DeliveryKey {
        let id = json::whole(verified.body).ok().and_then(|whole| {
            let event_id = Object::read(whole).ok()?.get("event_id").ok()??;
            payload::plain_id(event_id).ok()
        });
        id.map_or_else(|| DeliveryKey::of_body(verified.body), DeliveryKey::Vendor)
    }
}

impl Connector for Typeform {
    fn normalize(&self, delivery: &Delivery, mapping: &Mapping) -> Normalized {
        match Body::read(&delivery.body) {
            Ok(Body::Response(response)) => Reading::of(*response, delivery.received_at).finish(mapping),
            Ok(Body::Test) => {
                warning("a test request (its event has the id of its response); nothing of it is used", "event_id")
            }
            Ok(Body::Other) => {
                warning("events of this type are not used; the webhook need not send them", "event_type")
            }
            Ok(Body::Erased) => Normalized::default(),
            Err(normalized) => normalized,
        }
    }
}

fn warning(message: &str, path: &str) -> Normalized {
    let warning = Warning { message: message.to_owned(), path: path.to_owned() };
    Normalized { warnings: vec![warning], ..Normalized::default() }
}
