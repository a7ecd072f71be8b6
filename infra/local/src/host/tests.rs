//! Where things belong and whom an erasure means, on a few subjects that are told by hand.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    ClaimKind, ConnectionName, Delivery, DeliveryId, Fact, FactKey, Family, Field, Link, LinkSays, Moment, Root,
    Source, Statement, SubjectId, Target, Up, Value,
};
use store::KnownSubject;

use super::forest::Forest;
use super::link::as_subject;
use super::redact::{Redacted, redacted};
use super::{person, unmatched};
use crate::api::{UnmatchedReason, UnmatchedRow};

fn at(minute: i64) -> Moment {
    Moment::from_millis(1_795_000_000_000 + minute * 60_000).unwrap()
}

fn subject(text: &str) -> SubjectId {
    as_subject(text).unwrap_or_else(|| panic!("{text} is no subject"))
}

fn stated(of: &str, says: LinkSays, occurred_at: Moment) -> Link {
    Link { subject: subject(of), says, occurred_at, sequence: None, path: "$".into() }
}

/// What was told so far.
#[derive(Default)]
struct Told {
    ups: BTreeMap<SubjectId, Up>,
    facts: BTreeMap<SubjectId, Vec<Fact>>,
    count: i64,
}

impl Told {
    fn source<R>(&mut self, connection: &str, then: impl FnOnce(&mut Self, Source<'_>) -> R) -> R {
        self.count += 1;
        let connection: ConnectionName = connection.parse().unwrap();
        let delivery = DeliveryId::new(&connection, &self.count.to_string());
        let received_at = at(self.count);
        then(self, Source { connection: &connection, delivery: &delivery, received_at, index: 0 })
    }

    fn says(mut self, of: &str, says: LinkSays) -> Self {
        let connection = of.split(':').next().unwrap_or_default().to_owned();
        self.source(&connection, |told, source| {
            let link = stated(of, says, source.received_at);
            let up = told.ups.entry(link.subject.clone()).or_default();
            up.apply(source, &link);
            up.seen.extend(super::redact::named_by(&link).into_iter().skip(1).cloned());
        });
        self
    }

    fn own(self, of: &str, field: &str, kind: ClaimKind, target: &str) -> Self {
        self.says(of, LinkSays::Own { field: field.into(), kind, target: Some(subject(target)) })
    }

    /// `of` lists the others, as a company its domains and a contact its addresses.
    fn lists(mut self, of: &str, list: &str, kind: ClaimKind, listed: &[&str]) -> Self {
        let link = LinkSays::List { list: list.into(), kind, listed: listed.iter().map(|s| subject(s)).collect() };
        self.source("hubspot", |told, source| {
            let link = stated(of, link, source.received_at);
            let LinkSays::List { listed, .. } = &link.says else { unreachable!() };
            for one in listed {
                let slot = model::Slot::list(list, &link.subject, source.connection);
                let target = Some(Target::Subject(link.subject.clone()));
                let up = told.ups.entry(one.clone()).or_default();
                up.claim(slot, model::Claim { kind, target, said: link.said(source) });
                up.seen.insert(link.subject.clone());
            }
        });
        self
    }

    fn fact(mut self, of: &str, key: FactKey, field: Field, value: &str) -> Self {
        self.source("hubspot", |told, source| {
            let mut fact = Fact::empty(subject(of), key.clone());
            fact.opens_account = key == FactKey::Profile && of.starts_with("hubspot:company");
            let statement = Statement {
                field,
                value: Value::Text(value.into()),
                occurred_at: source.received_at,
                sequence: None,
                path: "$".into(),
                raw: value.into(),
            };
            fact.apply(source, &[statement]);
            told.facts.entry(subject(of)).or_default().push(fact);
        });
        self
    }

    fn company(self, id: &str, name: &str, domain: &str) -> Self {
        let of = format!("hubspot:company:{id}");
        self.fact(&of, FactKey::Profile, Field::Name, name).lists(&of, "domain", ClaimKind::Domain, &[domain])
    }

    fn response(self, token: &str, email: &str) -> Self {
        let of = format!("typeform:response:{token}");
        self.fact(&of, FactKey::Response, Field::Survey, "pulse").own(&of, "email", ClaimKind::Domain, email)
    }

    fn forest(&self) -> Forest {
        let known = self.facts.iter().map(|(subject, facts)| {
            let received = || facts.iter().flat_map(Fact::all_registers).map(|(_, _, r)| r.received_at);
            KnownSubject {
                subject: subject.clone(),
                up: Up::default(),
                facts: facts.clone(),
                first_at: received().min().unwrap(),
                last_at: received().max().unwrap(),
            }
        });
        Forest::new(known.collect(), self.ups.clone(), [])
    }

    fn unmatched(&self) -> Vec<UnmatchedRow> {
        unmatched::rows(&self.forest(), &BTreeMap::new())
    }

    /// The subjects of the person, in order.
    #[track_caller]
    fn person(&self, of: &str) -> String {
        let found = person::subjects(&self.forest(), &subject(of));
        found.iter().map(SubjectId::as_str).collect::<Vec<_>>().join(" ")
    }
}

fn acme() -> Told {
    Told::default().company("1", "Acme Inc", "acme.example")
}

#[test]
fn a_text_names_a_subject_by_itself_or_not_at_all() {
    for (text, is) in [
        ("hubspot:company:1", "hubspot:company:1"),
        ("zendesk:org:5", "zendesk:org:5"),
        ("Acme.example", "domain:acme.example"),
        ("domain:acme.example", "domain:acme.example"),
        (" Ann@Acme.example ", "email:ann@acme.example"),
        ("email:ann@acme.example", "email:ann@acme.example"),
    ] {
        assert_eq!(as_subject(text).unwrap().as_str(), is, "{text}");
    }
    for text in ["", "nordwind", "Acme Inc", "Acme Inc. Ltd", "a:b", "hubspot:company:", "ann@", "x:y:z#1"] {
        assert_eq!(as_subject(text), None, "{text}");
    }
}

#[test]
fn a_survey_finds_its_account_through_the_domain_of_its_address() {
    let forest = acme().response("r1", "ann@acme.example").forest();
    let account = subject("hubspot:company:1");
    assert_eq!(forest.account(&subject("typeform:response:r1")), Some(account.clone()));
    let members = forest.members(&account);
    assert_eq!(members.get(&subject("typeform:response:r1")), Some(&3));
    let by = forest.claims(&subject("ann@acme.example"));
    assert_eq!((by[0].what.as_str(), &by[0].connection), ("address", &None));
    let by = forest.claims(&subject("acme.example"));
    assert_eq!((by[0].what.as_str(), by[0].connection.as_ref().unwrap().as_str()), ("domain", "hubspot"));
}

#[test]
fn what_belongs_to_an_account_is_not_listed_and_a_prospect_is_one() {
    assert_eq!(acme().response("r1", "ann@acme.example").unmatched(), []);
}

#[test]
fn everything_at_an_unknown_domain_is_one_row_with_what_would_link_it() {
    let told = acme()
        .response("r1", "ann@acme-group.example")
        .response("r2", "bob@acme-group.example")
        .fact("hubspot:contact:5", FactKey::Contact, Field::Role, "user")
        .own("hubspot:contact:5", "email", ClaimKind::Domain, "acme-group.example");
    let rows = told.unmatched();
    let row = &rows[0];
    assert_eq!((rows.len(), row.subject.as_str(), row.kind.as_str()), (1, "domain:acme-group.example", "domain"));
    assert_eq!((row.reason, row.facts, row.subjects), (UnmatchedReason::NoAccount, 3, 3));
    assert!(row.first_at < row.last_at && row.since == row.first_at);
    assert!(row.hint.contains("`barometer link acme-group.example ACCOUNT`"), "{}", row.hint);
}

#[test]
fn an_organisation_could_be_the_company_that_shares_its_domain() {
    let told = acme()
        .fact("zendesk:org:5", FactKey::Profile, Field::Name, "ACME, Inc.")
        .lists("zendesk:org:5", "domain_names", ClaimKind::Domain, &["acme.example"])
        .fact("zendesk:ticket:9", FactKey::Ticket, Field::Status, "open")
        .own("zendesk:ticket:9", "organization_id", ClaimKind::Crm, "zendesk:org:5");
    let rows = told.unmatched();
    let of = |id: &str| rows.iter().find(|row| row.subject.as_str() == id).unwrap_or_else(|| panic!("{rows:#?}"));
    let organisation = of("zendesk:org:5");
    assert_eq!((organisation.facts, organisation.subjects), (2, 2), "its ticket comes along");
    assert_eq!(organisation.candidates.len(), 1);
    assert_eq!(organisation.candidates[0].why, "acme.example is its domain; the names are alike");
    assert!(organisation.hint.contains("`barometer link zendesk:org:5 hubspot:company:1`"), "{}", organisation.hint);
    let domain = of("domain:acme.example");
    assert_eq!((domain.reason, domain.facts), (UnmatchedReason::Ambiguous, 0), "two claim it");
    assert_eq!(rows.len(), 2);

    let manual = LinkSays::Manual { target: Some(Target::Subject(subject("hubspot:company:1"))) };
    assert_eq!(told.says("zendesk:org:5", manual).unmatched(), [], "one link settles both");
}

#[test]
fn what_is_claimed_for_two_accounts_is_listed_where_the_ways_part() {
    let told = acme().company("2", "Bolt", "acme.example").response("r1", "ann@acme.example");
    let rows = told.unmatched();
    assert_eq!((rows.len(), rows[0].subject.as_str()), (1, "domain:acme.example"));
    assert_eq!((rows[0].reason, rows[0].facts), (UnmatchedReason::Ambiguous, 1));
    assert_eq!(rows[0].candidates.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["Acme Inc", "Bolt"]);
    assert!(rows[0].hint.contains("claimed for Acme Inc and Bolt"), "{}", rows[0].hint);
}

#[test]
fn what_belonged_to_something_deleted_is_unmatched_and_the_deleted_is_not_listed() {
    let told = acme()
        .fact("hubspot:deal:7", FactKey::Deal, Field::Stage, "open")
        .own("hubspot:deal:7", "company", ClaimKind::Crm, "hubspot:company:1")
        .says("hubspot:company:1", LinkSays::Gone { gone: true });
    let rows = told.unmatched();
    assert_eq!((rows.len(), rows[0].subject.as_str()), (1, "hubspot:deal:7"), "{rows:#?}");
    assert_eq!(rows[0].reason, UnmatchedReason::Unmatched);
    assert!(rows[0].hint.contains("was deleted (Acme Inc)"), "{}", rows[0].hint);
    let gone = told.says("hubspot:deal:7", LinkSays::Gone { gone: true });
    assert_eq!(gone.unmatched(), []);
}

#[test]
fn a_company_that_is_only_named_is_what_must_come() {
    let told = acme()
        .fact("typeform:response:r1", FactKey::Response, Field::Survey, "pulse")
        .own("typeform:response:r1", "account_id", ClaimKind::ExternalId, "hubspot:company:99")
        .own("typeform:response:r1", "email", ClaimKind::Domain, "ann@acme.example");
    let rows = told.unmatched();
    assert_eq!((rows.len(), rows[0].subject.as_str()), (1, "hubspot:company:99"), "no weaker claim steps in");
    assert!(rows[0].hint.contains("have the CRM send this company"), "{}", rows[0].hint);
}

#[test]
fn episodes_are_held_where_their_home_has_no_account() {
    let told = acme().company("2", "Bolt", "acme.example");
    let home = subject("ann@acme.example");
    let forest = Forest::new(vec![], told.ups.clone(), [home.clone()]);
    let rows = unmatched::rows(&forest, &BTreeMap::from([(home, 2)]));
    let row = rows.iter().find(|row| row.subject.as_str() == "domain:acme.example").unwrap();
    assert_eq!((row.held_episodes, row.reason), (2, UnmatchedReason::Ambiguous));
}

/// Ann, known to two tools, with two addresses and an answer; Bob beside her.
fn people() -> Told {
    acme()
        .fact("hubspot:contact:5", FactKey::Contact, Field::Name, "Ann")
        .lists("hubspot:contact:5", "email", ClaimKind::ExternalId, &["ann@acme.example", "ann@gmail.com"])
        .own("hubspot:contact:5", "company", ClaimKind::Crm, "hubspot:company:1")
        .fact("zendesk:user:8", FactKey::Contact, Field::Name, "Ann")
        .own("zendesk:user:8", "email", ClaimKind::ExternalId, "ann@gmail.com")
        .response("r1", "ann@acme.example")
        .lists("hubspot:contact:6", "email", ClaimKind::ExternalId, &["bob@acme.example"])
        .response("r2", "bob@acme.example")
        .fact("zendesk:ticket:9", FactKey::Ticket, Field::Status, "open")
        .own("zendesk:ticket:9", "requester_id", ClaimKind::ExternalId, "zendesk:user:8")
}

const ANN: &str = "email:ann@acme.example email:ann@gmail.com hubspot:contact:5 typeform:response:r1 zendesk:user:8";

#[test]
fn a_person_is_all_that_the_tools_tie_together_whichever_end_is_named() {
    let told = people();
    for of in ANN.split(' ') {
        assert_eq!(told.person(of), ANN, "{of}");
    }
    assert_eq!(told.person("bob@acme.example"), "email:bob@acme.example hubspot:contact:6 typeform:response:r2");
    assert_eq!(told.person("nobody@acme.example"), "email:nobody@acme.example");
}

#[test]
fn whom_a_tool_erased_is_still_known_by_what_it_was_tied_to() {
    let mut told = people().says("hubspot:contact:5", LinkSays::Erased);
    // What an erasure leaves: no claims, and every hint.
    for up in told.ups.values_mut() {
        let dead = |slot: &model::Slot| slot.as_str().contains("hubspot:contact:5");
        up.claims.iter_mut().filter(|(slot, _)| dead(slot)).for_each(|(_, claim)| claim.target = None);
    }
    told.ups.get_mut(&subject("hubspot:contact:5")).unwrap().claims.clear();
    assert_eq!(told.person("hubspot:contact:5"), ANN);
    // The address is another's by now.
    let told = told.lists("hubspot:contact:7", "email", ClaimKind::ExternalId, &["ann@acme.example"]);
    let theirs = person::subjects(&told.forest(), &subject("hubspot:contact:5"));
    assert!(!theirs.contains(&subject("ann@acme.example")), "{theirs:?}");
    assert!(person::left_alone(&told.forest(), &theirs).contains(&subject("ann@acme.example")));
}

fn delivery(connection: &str, family: Family, body: &str) -> Delivery {
    let connection: ConnectionName = connection.parse().unwrap();
    Delivery {
        id: DeliveryId::new(&connection, "1"),
        connection,
        family,
        received_at: at(0),
        body_sha256: "0".repeat(64),
        headers: BTreeMap::new(),
        body: body.as_bytes().to_vec(),
        same_key_as: None,
    }
}

#[track_caller]
fn left(delivery: &Delivery, theirs: &[&str]) -> Option<String> {
    let theirs: BTreeSet<SubjectId> = theirs.iter().map(|s| subject(s)).collect();
    let config = crate::config_files::load(None).unwrap();
    match redacted(delivery, &theirs, &config) {
        Redacted::Untouched => None,
        Redacted::Whole => Some("whole".to_owned()),
        Redacted::Part(left) => {
            let again = Delivery { body: left.clone(), ..delivery.clone() };
            assert_eq!(redacted(&again, &theirs, &config), Redacted::Untouched, "twice is once");
            Some(String::from_utf8(left).unwrap())
        }
    }
}

#[test]
fn a_body_about_the_person_goes_and_one_about_others_stays() {
    let body = r#"{"event_id":"1","event_type":"form_response","form_response":{"form_id":"f","token":"t1",
        "submitted_at":"2026-11-20T08:29:41Z","hidden":{"email":"Ann@acme.example"},"answers":[]}}"#;
    let answer = delivery("typeform", Family::Survey, body);
    assert_eq!(left(&answer, &["ann@acme.example"]).as_deref(), Some("whole"));
    assert_eq!(left(&answer, &["typeform:response:t1"]).as_deref(), Some("whole"));
    assert_eq!(left(&answer, &["bob@acme.example", "typeform:response:t2"]), None);
}

#[test]
fn of_a_click_the_address_in_its_message_goes_and_what_was_clicked_stays() {
    let click = |home: &str| {
        let json = format!(
            r#"{{"type":"block_actions","user":{{"id":"U1"}},"message":{{"text":"By ann@acme.example"}},"actions":[{{"action_id":"barometer_claim","block_id":"barometer~5f~{home}","action_ts":"1795163398.123456"}}]}}"#
        );
        let byte = |byte: u8| format!("%{byte:02X}");
        delivery("slack", Family::Slack, &format!("payload={}", json.bytes().map(byte).collect::<String>()))
    };
    let mut files = crate::config_files::read(None).unwrap();
    files.0.get_mut("connections.toml").unwrap().push_str("\n[connection.slack]\ntool = \"slack\"\n");
    let config = config::load(&files, &connectors::tools()).unwrap();
    let ann = BTreeSet::from([subject("ann@acme.example")]);
    let Redacted::Part(left) = redacted(&click("hubspot:company:7"), &ann, &config) else { panic!("a part of it") };
    let left = String::from_utf8(left).unwrap();
    assert!(left.contains(r#""text":"By [erased]""#) && left.contains("barometer~5f~hubspot:company:7"), "{left}");
    let again = Delivery { body: left.into_bytes(), ..click("hubspot:company:7") };
    assert_eq!(redacted(&again, &ann, &config), Redacted::Untouched, "twice is once");
    assert_eq!(normalize::normalized(&again, &config).signals.len(), 1);
    assert_eq!(redacted(&click("email:ann@acme.example"), &ann, &config), Redacted::Whole);
    assert_eq!(redacted(&click("hubspot:company:7"), &BTreeSet::from([subject("bob@acme.example")]), &config), Redacted::Untouched);
}

#[test]
fn an_address_in_somebody_elses_record_goes_and_the_record_stays() {
    let about = |text: &str| {
        let body = format!(
            r#"{{"portalId":1,"objectType":"COMPANY","objectTypeId":"0-2","objectId":7,"properties":{{"name":{{"value":"{text}","timestamp":1795000000000}}}},"version":1,"isDeleted":false}}"#
        );
        delivery("hubspot", Family::Crm, &body)
    };
    let kept = left(&about("ask ANN@acme.example."), &["ann@acme.example"]).unwrap();
    assert!(kept.contains(r#""value":"ask [erased].""#) && kept.contains(r#""objectId":7"#), "{kept}");
    for other in ["joann@acme.example", "ann@acme.example.org", "ann@acme.examples", "x.ann@acme.example"] {
        assert_eq!(left(&about(other), &["ann@acme.example"]), None, "{other}");
    }
}

#[test]
fn of_a_list_only_the_elements_about_the_person_go() {
    let contact = |id: u32| {
        format!(
            r#"{{"eventId":{id},"subscriptionType":"contact.propertyChange","portalId":1,"occurredAt":1795000000000,"attemptNumber":0,"objectId":{id},"propertyName":"firstname","propertyValue":"Ann"}}"#
        )
    };
    let body = format!("[ {} ,{},{}]", contact(5), contact(6), r#"{"erased":true}"#);
    let batch = delivery("hubspot-app", Family::Crm, &body);
    let expected = format!(r#"[{{"erased":true}},{},{{"erased":true}}]"#, contact(6));
    assert_eq!(left(&batch, &["hubspot:contact:5"]), Some(expected));
    assert_eq!(left(&batch, &["hubspot:contact:9"]), None);
}

#[test]
fn what_was_not_understood_goes_when_it_names_the_address() {
    let odd = delivery("hubspot", Family::Crm, r#"{"objectType":"UNHEARD_OF","note":"ann@acme.example called"}"#);
    assert_eq!(left(&odd, &["ann@acme.example"]).as_deref(), Some("whole"));
    assert_eq!(left(&odd, &["bob@acme.example"]), None);
    let stated = delivery("operator", Family::Operator, r#"{"erase":{"subjects":["email:ann@acme.example"]}}"#);
    assert_eq!(left(&stated, &["ann@acme.example"]), None, "a replay must know of it");
}

#[test]
fn an_unknown_subject_stands_alone() {
    let forest = acme().forest();
    let unheard = subject("zendesk:org:404");
    assert!(!forest.has_heard_of(&unheard));
    assert_eq!(forest.root(&unheard), Root::At(unheard.clone()));
    assert_eq!(forest.belongs(&unheard).reason, Some(UnmatchedReason::NoAccount));
}
