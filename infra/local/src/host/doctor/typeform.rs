//! Typeform: whose token it is, and whether the webhooks of forms send their answers to our address.

use actions::vendor::GetError;
use config::Connection;
use serde_json::Value;

use super::checks::{Checks, read};
use super::{Look, NotAsked};
use crate::show::count;

const CHECK: &str = "webhook";
/// How many forms are looked at: each takes a call, of which Typeform takes two a second.
const FORMS: usize = 20;

impl Look<'_> {
    pub(super) async fn typeform(&self, connection: &Connection, checks: &mut Checks) {
        let api = match self.api(connection) {
            Ok(api) => api,
            Err(NotAsked { why, how }) => {
                checks.unknown("token", why.clone(), how);
                return checks.unknown(CHECK, why, None);
            }
        };
        match read(&api, "/me").await {
            Ok(me) => {
                let alias = me["alias"].as_str().unwrap_or("somebody");
                checks.ok("token", format!("Typeform knows it: {alias}"));
            }
            Err(error) => return checks.unanswered("token", "Typeform", error, "accounts:read"),
        }
        let Some(address) = self.place.hook(connection) else {
            return checks.unknown(CHECK, "not asked: it is found by our address, and there is no public_url", None);
        };
        let forms = match read(&api, "/forms?page_size=200").await {
            Ok(told) => told,
            Err(error) => return checks.unanswered(CHECK, "Typeform", error, "forms:read"),
        };
        let forms: Vec<&Value> = forms["items"].as_array().into_iter().flatten().collect();
        let (mut on, mut off) = (0, Vec::new());
        for form in forms.iter().take(FORMS) {
            let id = form["id"].as_str().unwrap_or_default();
            // An id of theirs; anything else is not put into an address.
            if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
                continue;
            }
            let told = match read(&api, &format!("/forms/{id}/webhooks")).await {
                Ok(told) => told,
                Err(GetError::SlowDown { .. }) => return checks.busy(CHECK, "Typeform"),
                Err(error) => return checks.unanswered(CHECK, "Typeform", error, "webhooks:read"),
            };
            let ours = told["items"].as_array().into_iter().flatten().filter(|hook| hook["url"] == address.as_str());
            for webhook in ours {
                match webhook["enabled"].as_bool() {
                    Some(true) => on += 1,
                    Some(false) | None => off.push(form["title"].as_str().unwrap_or(id).to_owned()),
                }
            }
        }
        if !off.is_empty() {
            let mend = "Typeform: the form → Connect → Webhooks → switch it on";
            return checks.mend(CHECK, format!("switched off for {}", off.join(", ")), mend);
        }
        let looked = count(forms.len().min(FORMS) as u64, "form", "forms");
        let rest = if forms.len() > FORMS { ", the first ones" } else { "" };
        if on == 0 {
            let says = format!("no form sends its answers to {address} ({looked} looked at{rest})");
            return checks.mend(CHECK, says, "barometer setup typeform --form ID --config DIR --yes makes it");
        }
        checks.ok(CHECK, format!("answers of {} come here ({looked} looked at{rest})", count(on, "form", "forms")));
    }
}
