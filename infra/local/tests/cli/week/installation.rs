//! An installation of one's own with the vendors that it calls, from an empty folder on, and what became of its outbox.

use std::collections::BTreeMap;
use std::path::Path;

use barometer::samples::signed_by;
use jiff::SignedDuration;
use model::Moment;
use serde_json::{Value, json};

use super::book::{self, Sent};
use super::vendors::{Made, Vendor, hubspot, slack};
use crate::common::{self, Data, Host};
use crate::{row, rows};

/// A Friday, 10:00 in Berlin.
const FRIDAY: &str = "2031-02-28T09:00:00Z";

/// How deliveries arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Each once, in the order of what happened.
    InOrder,
    /// Each twice and the last first, and all of them once more with the next ones.
    TwiceAndOutOfOrder,
}

/// An installation, and the vendors that it calls.
pub struct Week {
    pub data: Data,
    host: Host,
    hubspot: Vendor,
    slack: Vendor,
    arrival: Arrival,
    /// What arrived last.
    last: Vec<Sent>,
    /// The outbox at the last look, by id.
    outbox: BTreeMap<String, String>,
}

/// So many hours later.
pub fn hours(n: i64) -> Moment {
    FRIDAY.parse::<Moment>().unwrap().plus(SignedDuration::from_hours(n))
}

impl Week {
    /// A configuration of one's own, which knows what HubSpot's properties mean; a host; tokens; and the book as it is.
    pub fn begin(arrival: Arrival) -> Self {
        let (hubspot, slack) = (hubspot::HubSpot::default(), slack::Slack::default());
        hubspot.is_new();
        slack.has("priya.nair@ourco.example", "U0PRIYA003");
        let (hubspot, slack) = (Vendor::hubspot(hubspot), Vendor::slack(slack));
        let data = Data::fresh();
        let config = data.beside("config");
        common::copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"), &config);
        let file = |name: &str, text: &str| {
            std::fs::write(data.beside(name), text).unwrap();
            data.beside(name).display().to_string()
        };
        let (companies, contacts) = (file("companies.csv", book::COMPANIES), file("contacts.csv", book::CONTACTS));
        let setup = format!("setup hubspot --sample {companies} --config {} --yes", config.display());
        let found = data.json(&setup);
        let meant = |field: &str| row(&found["proposals"], "field", field)["property"].clone();
        assert_eq!((meant("renews_on"), meant("csm")), (json!("contract_renewal_date"), json!("csm_email")));
        // So far as the file goes, tasks may be made as well.
        let modes = config.join("modes.toml");
        let text = std::fs::read_to_string(&modes).unwrap();
        assert!(text.contains("\n# hubspot = \"live\""), "{text}");
        std::fs::write(&modes, text.replacen("\n# hubspot = \"live\"", "\nhubspot = \"live\"", 1)).unwrap();
        data.run(&format!("check --config {}", config.display())).succeeded();

        let host = data.up(&format!("--empty --clock {FRIDAY}"));
        let secrets = data.path().join("secrets.toml");
        let text = std::fs::read_to_string(&secrets).unwrap();
        let destinations = format!(
            "[destinations.slack]\ntoken = \"{}\"\nbase_url = \"http://{}/api\"\n\n\
             [destinations.hubspot]\ntoken = \"{}\"\nbase_url = \"http://{}\"\n",
            slack::TOKEN,
            slack.address,
            hubspot::TOKEN,
            hubspot.address
        );
        std::fs::write(&secrets, text + &destinations).unwrap();

        for (sheet, file, good) in [("accounts", &companies, 7), ("contacts", &contacts, 2)] {
            let loaded = data.json(&format!("import {sheet} {file} --as-of 2031-02-27"));
            assert_eq!((&loaded["good"], &loaded["problems"]), (&json!(good), &json!([])), "{loaded:#}");
        }
        // With a token there are our properties in HubSpot; the files say already what they should.
        let week = Self { data, host, hubspot, slack, arrival, last: vec![], outbox: BTreeMap::new() };
        assert_eq!(week.calls(), [""; 0], "a file is looked at, and nobody is asked");
        assert_eq!(week.data.json(&setup)["changes"], json!({}));
        let made = week.calls();
        let ours = ["as_of", "band", "reasons", "score"].map(|name| format!("companies name=barometer_{name}"));
        let ours = ours.into_iter().chain(["tasks name=barometer_action_id".to_owned()]);
        assert_eq!(made, ours.map(|ours| format!("POST /crm/v3/properties/{ours}")).collect::<Vec<_>>());
        week
    }

    /// Deliveries arrive at `at`.
    pub fn receive(&mut self, at: Moment, deliveries: Vec<Sent>) {
        self.until(at);
        let arrive = match self.arrival {
            Arrival::InOrder => deliveries.clone(),
            Arrival::TwiceAndOutOfOrder => {
                let twice = deliveries.iter().rev().flat_map(|sent| [sent, sent]);
                twice.chain(&self.last).cloned().collect()
            }
        };
        let secrets = barometer::secrets::load(&self.data.path().join("secrets.toml")).unwrap();
        for Sent { connection, body } in &arrive {
            let (tool, family) = match *connection {
                "hubspot" => ("hubspot-workflow", "crm"),
                "zendesk" => ("zendesk", "ticketing"),
                other => (other, "survey"),
            };
            let hook = format!("/hooks/{family}/{connection}");
            let url = format!("https://{}{hook}", self.host.address);
            let secret = &secrets.connections[&connection.parse().unwrap()].secret;
            let headers = signed_by(tool, body.as_bytes(), &url, secret, at);
            assert_eq!(self.host.post_to(&hook, body, &headers), 200, "{body}");
            if self.arrival == Arrival::InOrder {
                self.data.settle();
            }
        }
        self.data.settle();
        self.last = deliveries;
    }

    /// Lets time pass until `at`.
    pub fn until(&self, at: Moment) {
        self.data.json(&format!("clock set {at}"));
        self.data.settle();
    }

    /// The rows of the outbox that are new, or stand elsewhere, since the last look: with all before them, every row.
    #[track_caller]
    pub fn news(&mut self) -> Vec<String> {
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("–").to_owned();
        let line = |row: &Value| {
            let [account, playbook, step, kind] =
                ["account_name", "playbook", "step", "kind"].map(|key| text(row, key));
            let to = text(row, "to");
            format!("{account}: {playbook}/{step}, {kind} {} → {}", text(row, "status"), to.split(' ').next().unwrap())
        };
        let outbox = self.data.json("outbox");
        let now: BTreeMap<_, _> = rows(&outbox).iter().map(|row| (text(row, "id"), line(row))).collect();
        assert!(self.outbox.keys().all(|id| now.contains_key(id)), "nothing leaves the outbox");
        let mut news: Vec<_> =
            now.iter().filter(|(id, line)| self.outbox.get(*id) != Some(line)).map(|(_, line)| line.clone()).collect();
        news.sort();
        self.outbox = now;
        news
    }

    /// Every call since the last look.
    #[track_caller]
    pub fn calls(&self) -> Vec<String> {
        let mut calls: Vec<_> = self.hubspot.calls().iter().map(to_hubspot).collect();
        calls.extend(self.slack.calls().iter().map(to_slack));
        // Tasks and messages do not wait for each other.
        calls.sort();
        calls
    }
}

/// A call to HubSpot, with what matters of its body.
fn to_hubspot(call: &Made) -> String {
    let properties = match &call.body["inputs"][0]["properties"] {
        Value::Null => &call.body["properties"],
        properties => properties,
    };
    let matters =
        ["hs_task_subject", "hubspot_owner_id", "hs_timestamp", "hs_task_status", "barometer_band", "barometer_score"];
    let values = matters.iter().filter_map(|name| Some(format!(" {name}={}", properties[name].as_str()?)));
    let name = call.body["name"].as_str().map(|name| format!(" name={name}")).unwrap_or_default();
    // An id of ours is as long as a hash.
    let path: Vec<_> = call.path.split('/').map(|part| if part.len() > 60 { "ACTION" } else { part }).collect();
    format!("{} {}{name}{}", call.method, path.join("/"), values.collect::<String>())
}

/// A call to Slack: to whom, in which thread, and what it is about.
fn to_slack(call: &Made) -> String {
    let about = call.body["text"].as_str().unwrap_or_default().split(" · ").next().unwrap_or_default();
    let thread = call.body["thread_ts"].as_str().map(|ts| format!(" in {ts}")).unwrap_or_default();
    format!("{} {}{thread} {about}", call.path, call.body["channel"].as_str().unwrap_or_default()).trim().to_owned()
}
