//! Whom the company of these tests has as customers, and what its tools say of them.

use jiff::SignedDuration;
use model::Moment;
use serde_json::{Value, json};

use crate::common::company;

/// What HubSpot exports: labels, and not the names that webhooks use.
pub const COMPANIES: &str = "\
Record ID,Company name,Company Domain Name,Lifecycle Stage,CSM Email,ARR,Contract Renewal Date,Support Tier,CSM Sentiment,Last Contacted,Is Test Account
501,Halyard Freight,halyard.example,Customer,ines.almeida@ourco.example,64000,2031-05-01,Gold,yellow,2030-12-12 10:00,false
502,Moorland Dairy,moorland.example,Customer,tom.brandt@ourco.example,30000,2031-10-20,Silver,green,2031-02-25 14:05,false
503,Quillback Press,quillback.example,Customer,ines.almeida@ourco.example,18000,2031-11-30,Silver,red,2030-11-20 09:00,false
504,Tidewater Labs,tidewater.example,Customer,priya.nair@ourco.example,120000,2031-06-10,Gold,yellow,2031-02-10 16:30,false
505,Test Bench,bench.example,Customer,tom.brandt@ourco.example,1000,2031-10-20,Silver,green,2031-02-25 14:05,true
506,Fernhill Schools,fernhill.example,Lead,tom.brandt@ourco.example,,,Silver,,2031-02-20 11:00,false
507,Ourselves,ourco.example,Customer,ines.almeida@ourco.example,1000,2031-10-20,Silver,green,2031-02-25 14:05,false
";

/// Contacts, as HubSpot exports them.
pub const CONTACTS: &str = "\
Record ID,Email,First Name,Buying Role,Associated Company IDs
51,ann@halyard.example,Ann,EXECUTIVE_SPONSOR,501
52,bob@moorland.example,Bob,,502
";

/// A body, and the connection that sends it.
#[derive(Debug, Clone)]
pub struct Sent {
    pub connection: &'static str,
    pub body: String,
}

fn sent(connection: &'static str, body: &Value) -> Sent {
    Sent { connection, body: body.to_string() }
}

/// A row of the export as HubSpot's workflow sends it, with the names that its properties have there.
pub fn workflow(id: &str, set_at: Moment) -> Sent {
    let mut rows = COMPANIES.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let labels = rows.next().unwrap();
    let row = rows.find(|row| row[0] == id).unwrap();
    let at = set_at.as_millis();
    let properties = labels.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty()).map(|(label, cell)| {
        let value = match *label {
            "Lifecycle Stage" => cell.to_lowercase(),
            // HubSpot's files have minutes, its webhooks milliseconds.
            "Last Contacted" => {
                format!("{}:00Z", cell.replace(' ', "T")).parse::<Moment>().unwrap().as_millis().to_string()
            }
            _ => cell.to_owned(),
        };
        (property(label), value, at)
    });
    let properties = properties.collect::<Vec<_>>();
    Sent { connection: "hubspot", body: company(id.parse().unwrap(), &properties) }
}

fn property(label: &str) -> &'static str {
    match label {
        "Company name" => "name",
        "Company Domain Name" => "domain",
        "Lifecycle Stage" => "lifecyclestage",
        "CSM Email" => "csm_email",
        "ARR" => "arr",
        "Contract Renewal Date" => "contract_renewal_date",
        "Support Tier" => "support_tier",
        "CSM Sentiment" => "csm_sentiment",
        "Last Contacted" => "notes_last_contacted",
        "Is Test Account" => "is_test_account",
        other => panic!("{other}"),
    }
}

/// A contact as HubSpot's workflow sends it.
fn contact(id: u64, (email, role): (&str, &str), company: u64, at: Moment) -> Sent {
    let value = |text: &str| json!({ "value": text, "versions": [{ "value": text, "timestamp": at.as_millis() }] });
    sent(
        "hubspot",
        &json!({
            "vid": id, "canonical-vid": id, "merged-vids": [], "portal-id": 4_242, "is-contact": true,
            "properties": { "email": value(email), "hs_buying_role": value(role), "associatedcompanyid": value(&company.to_string()) },
            "associated-company": { "company-id": company, "portal-id": 4_242 },
        }),
    )
}

fn zendesk(kind: &str, subject: &str, n: u32, at: Moment, detail: &Value) -> Sent {
    sent(
        "zendesk",
        &json!({
            "type": format!("zen:event-type:{kind}"), "account_id": 9_120, "id": format!("01HQ{n:022}"),
            "time": at.to_string(), "subject": format!("zen:{subject}"), "zendesk_event_version": "2022-11-06",
            "detail": detail, "event": {},
        }),
    )
}

fn organization(id: u32, company: &str, at: Moment) -> Sent {
    let detail = json!({ "id": id.to_string(), "name": "", "external_id": company, "updated_at": at.to_string() });
    zendesk("organization.created", &format!("organization:{id}"), id, at, &detail)
}

/// What happened to a ticket of an organisation; `n` tells its events apart.
pub fn ticket(
    id: u32,
    organization: u32,
    (status, priority): (&str, &str),
    opened_at: Moment,
    at: Moment,
    n: u32,
) -> Sent {
    let detail = json!({
        "id": id.to_string(), "status": status, "priority": priority, "type": "PROBLEM", "requester_id": null,
        "organization_id": organization.to_string(), "created_at": opened_at.to_string(), "updated_at": at.to_string(),
    });
    let kind = if opened_at == at { "ticket.created" } else { "ticket.status_changed" };
    zendesk(kind, &format!("ticket:{id}"), id * 10 + n, at, &detail)
}

/// An answer to the NPS question; `hidden` is what the survey knows of who answers.
pub fn answer(token: &str, score: u32, hidden: &Value, at: Moment) -> Sent {
    let field = json!({ "id": "f1", "ref": "nps", "type": "nps" });
    sent(
        "typeform",
        &json!({
            "event_id": format!("01J{token}"), "event_type": "form_response",
            "form_response": {
                "form_id": "lT4Z3j", "token": token, "landed_at": at.to_string(), "submitted_at": at.to_string(),
                "hidden": hidden,
                "definition": { "id": "lT4Z3j", "title": "Pulse", "fields": [
                    { "id": "f1", "ref": "nps", "type": "nps", "title": "Would you recommend us?", "properties": {} } ] },
                "answers": [{ "type": "number", "number": score, "field": field }],
            },
        }),
    )
}

/// What the tools say in the first days, a day at a time: twenty bodies, and one bad answer among them.
pub fn first_days(start: Moment) -> [Vec<Sent>; 3] {
    let hours = |n: i64| start.plus(SignedDuration::from_hours(n));
    let before = hours(-24 * 30);
    let knows = |account: &str| json!({ "account_id": account });
    let mut first: Vec<_> = ["501", "502", "503", "504", "505", "506", "507"].map(|id| workflow(id, before)).into();
    first.extend([
        contact(51, ("ann@halyard.example", "EXECUTIVE_SPONSOR"), 501, before),
        contact(52, ("bob@moorland.example", ""), 502, before),
    ]);
    let second = vec![
        organization(31, "501", hours(24)),
        organization(32, "502", hours(24)),
        organization(33, "503", hours(24)),
        ticket(901, 31, ("OPEN", "NORMAL"), hours(24), hours(24), 0),
        ticket(902, 33, ("OPEN", "LOW"), hours(24), hours(24), 0),
        answer("t1", 9, &json!({ "email": "bob@moorland.example" }), hours(24)),
    ];
    let third = vec![
        ticket(901, 31, ("SOLVED", "NORMAL"), hours(24), hours(48), 1),
        answer("t2", 3, &knows("503"), hours(48)),
        answer("t3", 8, &json!({ "account_id": "501", "email": "ann@halyard.example" }), hours(48)),
        answer("t4", 7, &json!({ "email": "someone@elsewhere.example" }), hours(48)),
        answer("t5", 10, &knows("502"), hours(48)),
    ];
    [first, second, third]
}
