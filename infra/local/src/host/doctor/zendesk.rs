//! Zendesk: whose token it is, and whether a webhook sends what we read to our address.

use actions::vendor::{Api, GetError};
use config::Connection;
use connectors::ZENDESK_EVENTS;
use serde_json::Value;

use super::checks::{Checks, read};
use super::{Look, NotAsked};

const CHECK: &str = "webhook";
const WHERE: &str = "Admin Center → Apps and integrations → Webhooks";

impl Look<'_> {
    pub(super) async fn zendesk(&self, connection: &Connection, checks: &mut Checks) {
        let api = match self.api(connection) {
            Ok(api) => api,
            Err(NotAsked { why, how }) => {
                checks.unknown("token", why.clone(), how);
                return checks.unknown(CHECK, why, None);
            }
        };
        let me = match read(&api, "/api/v2/users/me.json").await {
            Ok(me) => me,
            Err(error) => return checks.unanswered("token", "Zendesk", error, "to read"),
        };
        let mend = "store it as email/token:…, with the email address of an administrator of your Zendesk";
        // Zendesk answers a stranger too, as nobody.
        match me["user"]["role"].as_str() {
            Some(role @ ("admin" | "agent")) if !me["user"]["id"].is_null() => {
                checks.ok("token", format!("Zendesk knows it: {role}"));
            }
            Some(_) | None => return checks.mend("token", "Zendesk does not take the token for one of an agent", mend),
        }
        webhook(&api, self.place.hook(connection), checks).await;
    }
}

async fn webhook(api: &Api, hook: Option<String>, checks: &mut Checks) {
    let Some(address) = hook else {
        return checks.unknown(CHECK, "not asked: it is found by our address, and there is no public_url", None);
    };
    let told = match read(api, "/api/v2/webhooks?page%5Bsize%5D=100").await {
        Ok(told) => told,
        Err(GetError::Refused { .. }) => {
            let how = format!("store the token of an administrator, or look yourself: {WHERE}");
            return checks.unknown(CHECK, "not known: Zendesk shows webhooks to administrators only", Some(how));
        }
        Err(error) => return checks.unanswered(CHECK, "Zendesk", error, "to read webhooks"),
    };
    let all = told["webhooks"].as_array();
    let ours = |webhook: &&Value| webhook["endpoint"] == address.as_str();
    let ours: Vec<&Value> = all.into_iter().flatten().filter(ours).collect();
    // Of several, one that is active counts.
    let Some(webhook) = ours.iter().find(|webhook| webhook["status"] == "active").or(ours.first()) else {
        let says = format!("none of Zendesk's webhooks calls {address}");
        return checks.mend(CHECK, says, "barometer setup zendesk --config DIR --yes makes one");
    };
    if webhook["status"] != "active" {
        return checks.mend(CHECK, "it is switched off", format!("{WHERE} → it → Activate"));
    }
    let subscribed: Vec<&str> =
        webhook["subscriptions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if subscribed.contains(&"conditional_ticket_events") {
        return checks.ok(CHECK, "active, sent by triggers of yours: it tells tickets, when their conditions hold");
    }
    let missing: Vec<&str> = ZENDESK_EVENTS.iter().copied().filter(|event| !subscribed.contains(event)).collect();
    if missing.is_empty() {
        return checks.ok(CHECK, format!("active, subscribed to all {} events", ZENDESK_EVENTS.len()));
    }
    let missing: Vec<&str> = missing.iter().map(|event| event.trim_start_matches("zen:event-type:")).collect();
    checks.mend(
        CHECK,
        format!("it is not subscribed to {}", missing.join(", ")),
        format!("{WHERE} → it → Edit → Events"),
    );
}
