//! Mail: whom a step writes to, and how much one address gets.

use crate::common::{Account, asked_for, at, playing, requests, word};
use config::{Config, MailLimits};
use model::{
    ActionId, ActionKind, ActionRequest, Audience, Desk, FactKey, Field, Mode, Moment, Placement, Recipient, SubjectId,
    Value,
};
use rules::desk::{MailRules, allow, withdraw};

/// A mail to the sponsor before anything else.
const WRITES: &str = r#"
title = "Rescue"
why = "Because."
goal = "Out of red."

[trigger.band_changed]
to = ["red"]

[[step]]
name = "alert"
slack_alert = { next_step = "Call them." }

[[step]]
name = "write"
due = "2bd"
email_nudge = { to = "sponsor", template = "kickoff", text = "As agreed." }
"#;

fn config() -> Config {
    playing(&[("rescue", WRITES)])
}

/// A contact of the account: what is said of it by whom.
type Contact<'a> = (&'a str, &'a str, &'a [(Field, Value)]);

/// The mail that is asked for when the account turns red.
fn asked(config: &Config, contacts: &[Contact<'_>]) -> ActionRequest {
    let mut account = Account::healthy();
    account.state(0, Field::Csm, FactKey::Profile, word("410001"));
    for (connection, contact, said) in contacts {
        let contact = SubjectId::from_stored(*contact);
        for (field, value) in *said {
            account.tell((connection, &contact, 1), 0, FactKey::Contact, *field, value.clone());
        }
    }
    account.decide_with(config);
    account.feels(1, "red");
    account.spoke(1, -100);
    account.decide_with(config);
    assert_eq!(requests(&account.last).len(), 1, "a mail starts no thread and takes none");
    let [mail] = asked_for(&account.last, ActionKind::EmailNudge)[..] else { panic!("{:?}", account.last.events) };
    mail.clone()
}

fn person(email: &str, role: &str) -> Vec<(Field, Value)> {
    vec![(Field::Email, word(email)), (Field::Role, word(role)), (Field::Name, word("Eve"))]
}

/// Whom a mail is for when these contacts are known.
fn addressed(contacts: &[Contact<'_>]) -> String {
    asked(&config(), contacts).to.address
}

#[test]
fn a_mail_is_for_the_contact_with_the_role_and_its_owner_gets_the_answer() {
    let request = asked(&config(), &[("hubspot", "hubspot:contact:1", &person("Eve@acme.example", "CHAMPION"))]);
    assert_eq!(request.to.address, "eve@acme.example");
    assert_eq!(request.to.reason, "Eve, the sponsor (hubspot:contact:1)");
    let email = request.email.unwrap();
    assert_eq!((email.audience, email.role.as_deref()), (Audience::Customer, Some("sponsor")));
    assert_eq!((email.name.as_deref(), email.reply_to.as_deref()), (Some("Eve"), Some("ines.almeida@ourco.example")));
    assert_eq!(email.contact, Some(SubjectId::from_stored("hubspot:contact:1")));
    let alert = request.alert;
    assert_eq!((alert.text.as_deref(), alert.goal.as_deref()), (Some("As agreed."), Some("Out of red.")));
    assert!(alert.due.is_some_and(|due| due.starts_with("Thu 26 Nov 2026")), "two working days later");
}

#[test]
fn nobody_else_is_ever_meant() {
    let user = person("jo@acme.example", "END_USER");
    let decider = person("jo@acme.example", "DECISION_MAKER");
    let ours = person("kim@ourco.example", "CHAMPION");
    let agent = person("kim@acme.example", "sponsor");
    let nameless = vec![(Field::Role, word("CHAMPION"))];
    let all: [Contact<'_>; 5] = [
        ("hubspot", "hubspot:contact:1", &user),
        ("hubspot", "hubspot:contact:2", &decider),
        ("hubspot", "hubspot:contact:3", &ours),
        ("zendesk", "zendesk:user:4", &agent),
        ("hubspot", "hubspot:contact:5", &nameless),
    ];
    let request = asked(&config(), &all);
    assert_eq!((request.to.address.as_str(), request.to.reason.as_str()), ("nobody", "no contact is the sponsor"));
    assert_eq!(request.email.unwrap().contact, None);
    let to_decider = playing(&[("rescue", &WRITES.replace("\"sponsor\"", "\"decision_maker\""))]);
    assert_eq!(asked(&to_decider, &all).to.address, "jo@acme.example");
    let to_owner = playing(&[("rescue", &WRITES.replace("\"sponsor\"", "\"owner\""))]);
    let request = asked(&to_owner, &all);
    assert_eq!(request.to.address, "ines.almeida@ourco.example");
    assert_eq!(request.email.unwrap().audience, Audience::Colleague);
}

#[test]
fn of_several_the_first_who_takes_mail_is_written_to() {
    let (eve, zoe) = (person("eve@acme.example", "CHAMPION"), person("zoe@acme.example", "EXECUTIVE_SPONSOR"));
    let both: [Contact<'_>; 2] = [("hubspot", "hubspot:contact:9", &eve), ("hubspot", "hubspot:contact:1", &zoe)];
    assert_eq!(addressed(&both), "eve@acme.example");
    for field in [Field::OptedOut, Field::MailBounced, Field::MailComplained, Field::MailUnsubscribed] {
        for (says, expected) in [(true, "zoe@acme.example"), (false, "eve@acme.example")] {
            let closed = [(field, Value::Flag(says))];
            // Said of the contact, or of the address, by whomever.
            for (of, connection) in [("hubspot:contact:9", "hubspot"), ("email:eve@acme.example", "typeform")] {
                let told: [Contact<'_>; 3] = [both[0], both[1], (connection, of, &closed)];
                assert_eq!(addressed(&told), expected, "{field} is {says}, of {of}");
            }
        }
    }
    let only: [Contact<'_>; 2] = [both[0], ("hubspot", "hubspot:contact:9", &[(Field::OptedOut, Value::Flag(true))])];
    assert_eq!(addressed(&only), "eve@acme.example", "the outbox says why nothing is sent");
}

fn rules(per_day: u32, per_week: u32) -> MailRules {
    let team = &crate::common::shipped().team;
    MailRules::of("eve@acme.example", Audience::Customer, MailLimits { per_day, per_week }, team)
}

/// A ledger, asked again and again.
struct Ledger(Desk);

impl Ledger {
    fn new() -> Self {
        Self(Desk::new(Recipient::default(), Mode::Live))
    }

    fn check(&mut self, action: &str, now: &str, rules: &MailRules, expected: Option<&str>) {
        let (action, account) = (ActionId::from_stored(action), SubjectId::from_stored("hubspot:company:1"));
        let now: Moment = at(now);
        let (placement, next) = allow(&self.0, (&action, &account), now, rules);
        let expected = expected.map_or(Placement::SendNow, |later| Placement::NotBefore(at(later)));
        assert_eq!(placement, expected, "{action} at {now}");
        if placement != Placement::SendNow {
            assert_eq!(next, self.0, "what waits leaves the ledger as it is");
        }
        self.0 = next;
    }
}

#[test]
fn an_address_gets_so_many_a_day_and_a_week() {
    let (mut ledger, rules) = (Ledger::new(), rules(1, 2));
    // A Monday in Berlin; eight in the evening is quiet, and so is the weekend.
    ledger.check("a", "2026-11-23T09:00:00Z", &rules, None);
    ledger.check("a", "2026-11-23T09:00:05Z", &rules, None);
    ledger.check("b", "2026-11-23T10:00:00Z", &rules, Some("2026-11-24T07:00:00Z"));
    ledger.check("b", "2026-11-24T07:00:00Z", &rules, None);
    ledger.check("c", "2026-11-26T09:00:00Z", &rules, Some("2026-11-30T07:00:00Z"));
    ledger.check("a", "2026-11-27T09:00:00Z", &rules, None);
    ledger.check("c", "2026-11-30T07:00:00Z", &rules, None);
}

#[test]
fn nobody_is_written_to_at_night_or_at_the_weekend() {
    let (mut ledger, rules) = (Ledger::new(), rules(1, 2));
    ledger.check("a", "2026-11-23T19:00:00Z", &rules, Some("2026-11-24T07:00:00Z"));
    ledger.check("a", "2026-11-28T12:00:00Z", &rules, Some("2026-11-30T07:00:00Z"));
    ledger.check("a", "2026-11-30T07:00:00Z", &rules, None);
}

#[test]
fn what_was_not_sent_uses_up_nothing() {
    let (mut ledger, rules) = (Ledger::new(), rules(1, 2));
    ledger.check("a", "2026-11-23T09:00:00Z", &rules, None);
    ledger.0 = withdraw(&ledger.0, &ActionId::from_stored("a"));
    ledger.check("b", "2026-11-23T10:00:00Z", &rules, None);
}
