//! HubSpot: what the token is allowed, whether the mapped properties are there, and whether ours are.

use std::collections::{BTreeMap, BTreeSet};

use actions::hubspot::{HubSpot, WriteError, our_properties};
use actions::vendor::ApiToken;
use config::Connection;

use super::checks::Checks;
use super::place::Given;
use super::{Look, NotAsked};

const INFO: &str = "infra/README.md, \"Before anything goes to HubSpot\"";
const SCOPES: &str = "HubSpot: Settings → Integrations → Private Apps → the app → Edit → Scopes";
/// What the mapping calls an object, and what HubSpot's API calls it.
const OBJECTS: [(&str, &str); 4] =
    [("company", "companies"), ("contact", "contacts"), ("deal", "deals"), ("ticket", "tickets")];

impl Look<'_> {
    /// The portal as a connection reads it.
    pub(super) async fn portal(&self, connection: &Connection, checks: &mut Checks) {
        self.mapped(connection, checks).await;
        if connection.tool == "hubspot-app" {
            let how = "HubSpot: your app → Webhooks, or Private Apps → the app → Webhooks; `barometer setup hubspot` lists \
                       the events";
            let says = "not asked: HubSpot tells what an app is subscribed to only with a developer's key, which Barometer \
                        does not hold";
            checks.unknown("subscriptions", says, Some(how.to_owned()));
        }
    }

    async fn mapped(&self, connection: &Connection, checks: &mut Checks) {
        const CHECK: &str = "mapping";
        let own = self.secrets.connections.get(&connection.name).and_then(|held| held.token.as_deref());
        let url = connection.api_url.clone();
        let client = match own.filter(|_| connection.api.is_some()) {
            Some(token) => self.client(token, url),
            None => self.destination(),
        };
        let hubspot = match client {
            Ok(hubspot) => hubspot,
            Err(not_asked) => return checks.not_asked(CHECK, not_asked),
        };
        let (mut missing, mut found) = (Vec::new(), 0);
        for (object, plural) in OBJECTS {
            let mapped: BTreeSet<&str> = connection
                .mapping
                .objects
                .get(object)
                .into_iter()
                .flat_map(BTreeMap::values)
                .map(String::as_str)
                .collect();
            if mapped.is_empty() {
                continue;
            }
            match hubspot.properties_of(plural).await {
                Ok(told) => {
                    let known = names(&told);
                    let absent = mapped.iter().filter(|name| !known.contains(**name));
                    missing.extend(absent.map(|name| format!("{name} of {plural}")));
                    found += mapped.len();
                }
                Err(error) => return unanswered(CHECK, error, checks),
            }
        }
        if missing.is_empty() {
            return checks.ok(CHECK, format!("all {found} properties that it names are in HubSpot"));
        }
        let mend = format!(
            "give [connection.{}.map.…] the internal names that your HubSpot has (`barometer setup hubspot` proposes them), \
             or leave these lines out",
            connection.name
        );
        checks.mend(CHECK, format!("HubSpot has no {}", missing.join(", ")), mend);
    }

    /// HubSpot as a destination of tasks and scores.
    pub(super) async fn hubspot(&self, checks: &mut Checks) {
        let hubspot = match self.destination() {
            Ok(hubspot) => hubspot,
            Err(not_asked) => return checks.not_asked("token", not_asked),
        };
        let scopes = match hubspot.scopes().await {
            Ok(scopes) => scopes,
            Err(error) => return unanswered("token", error, checks),
        };
        checks.ok("token", "HubSpot knows it");
        let config = &self.operator.config;
        let mut wanted = vec![
            ("crm.objects.contacts.write", "to make tasks"),
            ("crm.objects.companies.read", "to put them on companies"),
        ];
        if config.modes.writes_back() {
            wanted.push(("crm.objects.companies.write", "to write scores"));
        }
        if config.team.people.iter().any(|person| person.active && person.crm_owner_id.is_none()) {
            wanted.push(("crm.objects.owners.read", "to find owners whom team.toml gives no crm_owner_id"));
        }
        let missing: Vec<String> = wanted
            .iter()
            .filter(|(scope, _)| !scopes.contains(*scope))
            .map(|(scope, why)| format!("{scope} ({why})"))
            .collect();
        if missing.is_empty() {
            let all: Vec<&str> = wanted.iter().map(|(scope, _)| *scope).collect();
            checks.ok("scopes", all.join(", "));
        } else {
            checks.mend("scopes", format!("it lacks {}", missing.join(", ")), format!("{SCOPES}: tick them"));
        }
        ours(&hubspot, config.modes.writes_back(), checks).await;
    }

    fn destination(&self) -> Result<HubSpot, NotAsked> {
        let held = self.secrets.destinations.get("hubspot");
        let token = held.and_then(|held| held.token.as_deref()).ok_or_else(|| NotAsked {
            why: "not asked: no token".to_owned(),
            how: Some(format!(
                "make a private app ({INFO}) and give its access token (pat-…): {}",
                self.place.give(Given::Destination("hubspot"))
            )),
        });
        self.client(token?, held.and_then(|held| held.base_url.clone()))
    }

    fn client(&self, token: &str, url: Option<String>) -> Result<HubSpot, NotAsked> {
        self.may_ask()?;
        let token = ApiToken::new(token).map_err(|problem| NotAsked {
            why: format!("not asked: {problem}"),
            how: Some("paste the access token of the private app again".to_owned()),
        })?;
        Ok(HubSpot::new(self.seam.clone(), url, token))
    }
}

/// The properties that we write.
async fn ours(hubspot: &HubSpot, writes_back: bool, checks: &mut Checks) {
    const CHECK: &str = "properties";
    let mut missing = Vec::new();
    let wanted: Vec<_> = our_properties().into_iter().filter(|ours| ours.object == "tasks" || writes_back).collect();
    let objects: BTreeSet<&str> = wanted.iter().map(|ours| ours.object).collect();
    for object in objects {
        match hubspot.properties_of(object).await {
            Ok(told) => {
                let known = names(&told);
                let absent = wanted.iter().filter(|ours| ours.object == object && !known.contains(ours.name));
                missing.extend(absent.map(|ours| format!("{} of {object}", ours.name)));
            }
            Err(error) => return unanswered(CHECK, error, checks),
        }
    }
    if missing.is_empty() {
        checks.ok(CHECK, "those that tasks and scores are written to are there");
    } else {
        let says = format!("HubSpot has no {}", missing.join(", "));
        checks.mend(CHECK, says, "barometer setup hubspot --config DIR --yes");
    }
}

fn names(told: &serde_json::Value) -> BTreeSet<&str> {
    told["results"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect()
}

fn unanswered(check: &str, error: WriteError, checks: &mut Checks) {
    match error {
        WriteError::SlowDown { .. } => checks.busy(check, "HubSpot"),
        WriteError::Retry { reason } => checks.unreached(check, "HubSpot", &reason),
        WriteError::Unauthorized => checks.mend(
            check,
            "HubSpot does not know the token (401)",
            "Settings → Integrations → Private Apps → the app → Auth → Show token, and store that",
        ),
        WriteError::NoSuchOwner { reason } | WriteError::Refused { reason } => checks.mend(check, reason, SCOPES),
    }
}
