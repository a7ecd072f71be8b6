//! A few subjects in memory, asked as the store would be.

use std::cell::Cell;

use model::{
    ClaimKind, ConnectionName, DeliveryId, EpisodeKey, EpisodeState, Field, Link, LinkSays, Moment, Source, Statement,
    Value,
};

use super::*;

fn company(id: &str) -> SubjectId {
    SubjectId::vendor("hubspot", "company", id)
}

fn org(id: &str) -> SubjectId {
    SubjectId::vendor("zendesk", "org", id)
}

fn ticket(id: &str) -> SubjectId {
    SubjectId::vendor("zendesk", "ticket", id)
}

fn domain(name: &str) -> SubjectId {
    SubjectId::domain(name).unwrap()
}

fn email(address: &str) -> SubjectId {
    SubjectId::email(address).unwrap()
}

fn at(second: i64) -> Moment {
    Moment::from_millis(1_790_000_000_000 + second * 1_000).unwrap()
}

/// What is stored; each statement comes a second after the one before.
#[derive(Default)]
struct Rows {
    subjects: BTreeMap<SubjectId, Partition>,
    clock: i64,
    reads: Cell<usize>,
}

impl Rows {
    fn says(&mut self, subject: &SubjectId, says: LinkSays) {
        self.clock += 1;
        let connection: ConnectionName = subject.parts().map_or("hubspot", |(tool, _, _)| tool).parse().unwrap();
        let delivery = DeliveryId::new(&connection, &format!("{:04}", self.clock));
        let source = Source { connection: &connection, delivery: &delivery, received_at: at(self.clock), index: 0 };
        let link =
            Link { subject: subject.clone(), says, occurred_at: at(self.clock), sequence: None, path: "$".into() };
        let partition = self.subjects.entry(subject.clone()).or_default();
        partition.up.apply(source, &link);
        let named: BTreeSet<_> = partition.up.targets().cloned().collect();
        partition.up.seen.extend(named.clone());
        for target in named {
            self.subjects.entry(target).or_default().members.insert(subject.clone());
        }
    }

    fn belongs(&mut self, subject: &SubjectId, kind: ClaimKind, target: Option<&SubjectId>) {
        self.says(subject, LinkSays::Own { field: format!("{kind:?}"), kind, target: target.cloned() });
    }

    fn is_deleted(&mut self, subject: &SubjectId) {
        self.says(subject, LinkSays::Gone { gone: true });
    }

    /// A fact of one field.
    fn tells(&mut self, subject: &SubjectId, key: FactKey) {
        self.clock += 1;
        let connection: ConnectionName = "hubspot".parse().unwrap();
        let delivery = DeliveryId::new(&connection, &format!("{:04}", self.clock));
        let source = Source { connection: &connection, delivery: &delivery, received_at: at(self.clock), index: 0 };
        let opens_account = key == FactKey::Profile && subject.as_str().starts_with("hubspot:");
        let mut fact = Fact { opens_account, ..Fact::empty(subject.clone(), key) };
        let statement = Statement {
            field: Field::Name,
            value: Value::Text("Acme".into()),
            occurred_at: at(self.clock),
            sequence: None,
            path: "$".into(),
            raw: "Acme".into(),
        };
        fact.apply(source, &[statement]);
        self.subjects.entry(subject.clone()).or_default().facts.push(fact);
    }

    fn has_episode(&mut self, home: &SubjectId) {
        let stamp = model::Stamp {
            occurred_at: at(0),
            sequence: None,
            delivery: DeliveryId::from_stored("hubspot:1"),
            index: 0,
        };
        let playbook = "risk-mitigation".parse().unwrap();
        let value = Episode {
            key: EpisodeKey { home: home.clone(), playbook, key: "account".into(), cause: stamp },
            run: 1,
            state: EpisodeState::Open { recovering_since: None },
            opened_at: at(0),
            root_action: None,
            alerted_at: None,
            why: String::new(),
            band: model::Band::Red,
            score: None,
            reasons: vec![],
            asked: BTreeSet::new(),
            asked_at: None,
            done: Default::default(),
            owner: None,
            handed_over: None,
            told: BTreeMap::new(),
            told_caps: BTreeSet::new(),
            updated_on: None,
            runway: None,
            handled: model::Handled::default(),
        };
        self.subjects.entry(home.clone()).or_default().episodes.push(Stored { value, rev: 1 });
    }

    /// Answers a question with what it asks for, one read a partition and one for all nodes at once.
    fn answer<T>(&self, question: impl Fn(&mut Reading) -> Result<T, Missing>) -> T {
        let mut reading = Reading::default();
        loop {
            let missing = match question(&mut reading) {
                Ok(answer) => return answer,
                Err(missing) => missing,
            };
            assert_ne!(missing, Missing::default(), "a question that asks for nothing is never answered");
            for subject in &missing.partitions {
                if !reading.has_nothing_of(subject) {
                    self.reads.set(self.reads.get() + 1);
                    reading.add_partition(subject, self.partition(subject));
                }
            }
            if !missing.nodes.is_empty() {
                self.reads.set(self.reads.get() + 1);
                let node = |subject: &SubjectId| {
                    let held = self.subjects.get(subject).cloned().unwrap_or_default();
                    let fact = held.facts.into_iter().find(|fact| fact.key.is_kept_with_claims());
                    (subject.clone(), Stored { value: Node { up: held.up, fact }, rev: 1 })
                };
                reading.add_nodes(missing.nodes.iter().map(node).collect());
            }
        }
    }

    fn partition(&self, subject: &SubjectId) -> BTreeMap<SubjectId, Partition> {
        let place = |subject: &SubjectId| subject.company_domain().unwrap_or_else(|| subject.clone());
        let here = self.subjects.iter().filter(|(other, _)| place(other) == place(subject));
        let mut all: BTreeMap<_, _> = here.map(|(other, held)| (other.clone(), held.clone())).collect();
        all.entry(subject.clone()).or_default();
        all
    }

    #[track_caller]
    fn check_touched(&self, subject: &SubjectId, links: LinkChange, expected: &[(&SubjectId, bool)]) {
        let change = Change { subject: subject.clone(), links, up: None, said_in: None };
        let touched = self.answer(|reading| reading.touched(&change));
        let expected: BTreeMap<_, _> =
            expected.iter().map(|(touched, is_root)| ((*touched).clone(), *is_root)).collect();
        assert_eq!(touched, expected, "by {subject}");
    }

    fn view(&self, root: &SubjectId) -> View {
        self.answer(|reading| reading.view(root))
    }
}

/// A customer with an organisation, and a ticket of it.
fn acme() -> Rows {
    let mut stored = Rows::default();
    stored.tells(&company("1"), FactKey::Profile);
    stored.belongs(&org("5"), ClaimKind::ExternalId, Some(&company("1")));
    stored.tells(&org("5"), FactKey::Profile);
    stored.belongs(&ticket("9"), ClaimKind::Crm, Some(&org("5")));
    stored.tells(&ticket("9"), FactKey::Ticket);
    stored
}

#[test]
fn the_items_of_the_stream_name_their_subject_and_kind() {
    #[track_caller]
    fn check(pk: &str, sk: &str, expected: Option<(&str, bool)>) {
        let change = Change::of_item(pk, sk, None);
        let found = change.as_ref().map(|change| (change.subject.as_str(), change.links == LinkChange::Other));
        assert_eq!(found, expected, "{pk} {sk}");
    }
    check("SUBJECT#hubspot:company:1", "FACT#PROFILE", Some(("hubspot:company:1", false)));
    check("SUBJECT#hubspot:company:1", "FACT#PLAY#risk-mitigation", Some(("hubspot:company:1", false)));
    check("SUBJECT#hubspot:company:1", "FACT#UP", Some(("hubspot:company:1", true)));
    check("SUBJECT#domain:acme.example", "FACT#UP", Some(("domain:acme.example", true)));
    check("SUBJECT#domain:acme.example", "FACT#P#ann@acme.example#UP", Some(("email:ann@acme.example", true)));
    check("SUBJECT#domain:acme.example", "FACT#P#ann@acme.example#PROFILE", Some(("email:ann@acme.example", false)));
    check("OUTBOX#1", "EVENT#1", None);
}

#[test]
fn a_fact_touches_the_account_that_its_subject_belongs_to() {
    let stored = acme();
    stored.check_touched(&company("1"), LinkChange::Same, &[(&company("1"), true)]);
    assert_eq!(stored.reads.get(), 1);
    stored.check_touched(&org("5"), LinkChange::Same, &[(&company("1"), true)]);
    stored.check_touched(&org("6"), LinkChange::Same, &[(&org("6"), true)]);
}

#[test]
fn a_change_of_claims_touches_the_companies_on_its_way_up() {
    acme().check_touched(&ticket("9"), LinkChange::Other, &[(&org("5"), false), (&company("1"), true)]);
}

#[test]
fn what_is_said_again_touches_no_company_on_its_way_up() {
    acme().check_touched(&ticket("9"), LinkChange::Restated, &[(&company("1"), true)]);
}

#[test]
fn what_is_said_again_touches_where_it_was() {
    let mut stored = acme();
    stored.tells(&company("2"), FactKey::Profile);
    stored.belongs(&org("5"), ClaimKind::ExternalId, Some(&company("2")));
    stored.check_touched(&org("5"), LinkChange::Restated, &[(&company("1"), true), (&company("2"), true)]);
    stored.check_touched(&org("5"), LinkChange::Same, &[(&company("2"), true)]);
}

/// An item of claims in a partition of its own, as a record carries it.
fn image(up: &Up, links: Option<LinkChange>) -> serde_dynamo::Item {
    let mut row = serde_json::json!({ "pk": "SUBJECT#any", "sk": "FACT#UP", "rev": 7, "up": up });
    if let Some(links) = links {
        row["link_change"] = serde_json::to_value(links).unwrap();
    }
    serde_dynamo::to_item(row).unwrap()
}

#[test]
fn a_record_tells_what_was_written_or_counts_as_a_change_of_links() {
    let up = acme().subjects[&ticket("9")].up.clone();
    let change = |image| Change::of_item("SUBJECT#zendesk:ticket:9", "FACT#UP", image).unwrap();
    let told = change(Some(image(&up, Some(LinkChange::Restated))));
    assert_eq!((told.links, told.up.as_ref()), (LinkChange::Restated, Some(&up)));
    let by_older_code = change(Some(image(&up, None)));
    assert_eq!((by_older_code.links, by_older_code.up.as_ref()), (LinkChange::Other, Some(&up)));
    for silent in [None, Some(serde_dynamo::Item::default())] {
        let told = change(silent);
        assert_eq!((told.links, told.up), (LinkChange::Other, None));
    }
}

#[test]
fn the_first_step_up_is_taken_on_the_claims_that_the_record_carries_and_no_other() {
    let mut stored = acme();
    let up = stored.subjects[&ticket("9")].up.clone();
    stored.belongs(&ticket("9"), ClaimKind::Crm, Some(&company("2")));
    let change = Change { subject: ticket("9"), links: LinkChange::Same, up: Some(up), said_in: None };
    let touched = stored.answer(|reading| reading.touched(&change));
    assert_eq!((touched, stored.reads.get()), ([(company("1"), true)].into(), 2), "organisation, company");
    // Whoever comes upon the ticket in the same batch goes by what is stored.
    let other = Change { subject: org("6"), links: LinkChange::Same, up: None, said_in: None };
    stored.belongs(&org("6"), ClaimKind::Crm, Some(&ticket("9")));
    let touched = stored.answer(|reading| {
        reading.touched(&change)?;
        reading.touched(&other)
    });
    assert_eq!(touched, [(company("2"), true)].into());
}

#[test]
fn who_leaves_touches_where_it_was() {
    let mut stored = acme();
    stored.tells(&company("2"), FactKey::Profile);
    stored.belongs(&org("5"), ClaimKind::ExternalId, Some(&company("2")));
    let expected = [(&org("5"), false), (&company("1"), true), (&company("2"), true)];
    stored.check_touched(&org("5"), LinkChange::Other, &expected);
    stored.belongs(&org("5"), ClaimKind::ExternalId, None);
    stored.check_touched(
        &org("5"),
        LinkChange::Other,
        &[(&org("5"), true), (&company("1"), true), (&company("2"), true)],
    );
}

#[test]
fn a_domain_that_two_claim_touches_both_and_whoever_a_person_there_belongs_to() {
    let mut stored = acme();
    let (place, ann) = (domain("acme.example"), email("ann@acme.example"));
    for claimer in ["1", "2"] {
        let says = LinkSays::Association {
            pair: format!("domain_of_{claimer}"),
            kind: ClaimKind::Domain,
            other: company(claimer),
            removed: false,
        };
        stored.says(&place, says);
    }
    stored.belongs(&ann, ClaimKind::ExternalId, Some(&company("3")));
    let expected = [(&company("1"), true), (&company("2"), true), (&company("3"), true)];
    stored.check_touched(&place, LinkChange::Other, &expected);
    // Ambiguous: nobody's fact.
    stored.check_touched(&place, LinkChange::Same, &[]);
}

#[test]
fn a_merge_touches_loser_and_survivor_and_a_deleted_company_itself() {
    let mut stored = acme();
    stored.belongs(&company("1"), ClaimKind::Crm, Some(&company("2")));
    let expected = [(&org("5"), false), (&company("1"), false), (&company("2"), true)];
    stored.check_touched(&company("1"), LinkChange::Other, &expected);
    let mut stored = acme();
    stored.is_deleted(&company("1"));
    stored.check_touched(&company("1"), LinkChange::Other, &[(&org("5"), false), (&company("1"), false)]);
    let walk = stored.answer(|reading| reading.walk(&company("1")));
    assert_eq!(walk.root, Root::Unmatched);
}

#[test]
fn an_account_is_all_that_belongs_to_it_with_the_steps_between() {
    let mut stored = acme();
    let (place, ann, guest) = (domain("acme.example"), email("ann@acme.example"), email("bo@acme.example"));
    stored.belongs(&place, ClaimKind::Domain, Some(&company("1")));
    stored.tells(&ann, FactKey::Touchpoint);
    // Somebody at that domain works for another company.
    stored.belongs(&guest, ClaimKind::ExternalId, Some(&company("2")));
    stored.tells(&guest, FactKey::Touchpoint);
    stored.has_episode(&ann);
    stored.has_episode(&guest);
    let view = stored.view(&company("1"));
    let placed: BTreeMap<_, _> = view.facts.iter().map(|p| (p.fact.subject.clone(), (p.steps, p.gone))).collect();
    let expected =
        [(company("1"), (0, false)), (org("5"), (1, false)), (ticket("9"), (2, false)), (ann.clone(), (2, false))];
    assert_eq!(placed, expected.into());
    assert_eq!(view.members.keys().collect::<Vec<_>>(), [&place, &ann, &company("1"), &org("5"), &ticket("9")]);
    assert_eq!(view.episodes.iter().map(|e| &e.value.key.home).collect::<Vec<_>>(), [&ann]);
}

#[test]
fn reading_an_account_takes_a_query_for_each_member_and_one_call_for_all_leaves() {
    let mut stored = acme();
    for n in 0..50 {
        stored.belongs(&ticket(&format!("1{n}")), ClaimKind::Crm, Some(&org("5")));
    }
    stored.belongs(&domain("acme.example"), ClaimKind::Domain, Some(&company("1")));
    for n in 0..20 {
        stored.tells(&email(&format!("p{n}@acme.example")), FactKey::Touchpoint);
    }
    stored.view(&company("1"));
    assert_eq!(stored.reads.get(), 3 + 1, "company, organisation, domain; tickets");
}

#[test]
fn of_a_root_that_no_crm_opened_nothing_below_is_read() {
    let mut stored = Rows::default();
    let place = domain("acme.example");
    stored.belongs(&org("5"), ClaimKind::Domain, Some(&place));
    stored.tells(&org("5"), FactKey::Profile);
    let view = stored.view(&place);
    assert_eq!((view.members.len(), stored.reads.get()), (1, 1));
}

#[test]
fn what_ended_longer_ago_than_any_measure_looks_back_is_not_read() {
    let mut stored = acme();
    let heard = stored.subjects[&company("1")].facts.iter().flat_map(Fact::all_registers);
    let last_heard = heard.map(|(_, _, register)| register.received_at).max().unwrap();
    for (ended, is_read) in [
        (last_heard.plus(-LOOK_BACK), true),
        (last_heard.plus(-LOOK_BACK).plus(-SignedDuration::from_millis(1)), false),
    ] {
        stored.subjects.entry(org("5")).or_default().ended.insert(ticket("9"), ended);
        assert_eq!(stored.view(&company("1")).members.contains_key(&ticket("9")), is_read, "{ended}");
    }
}

#[test]
fn deleted_members_are_marked() {
    let mut stored = acme();
    stored.is_deleted(&ticket("9"));
    let view = stored.view(&company("1"));
    let gone: Vec<_> = view.facts.iter().filter(|placed| placed.gone).map(|placed| &placed.fact.subject).collect();
    assert_eq!(gone, [&ticket("9")]);
}

#[test]
fn episodes_that_a_leaf_causes_live_with_what_it_belongs_to() {
    let view = acme().view(&company("1"));
    assert_eq!(view.members[&ticket("9")].home, org("5"));
    assert_eq!(view.members[&org("5")].home, org("5"));
    assert!(view.members[&ticket("9")].linked.is_some() && view.members[&company("1")].linked.is_none());
}

#[test]
fn the_newest_link_counts_also_of_who_left_and_not_of_guests() {
    let mut stored = acme();
    stored.belongs(&domain("acme.example"), ClaimKind::Domain, Some(&company("1")));
    let linked = |stored: &Rows| stored.view(&company("1")).linked.unwrap().received_at;
    let before = at(stored.clock);
    assert_eq!(linked(&stored), before);
    stored.belongs(&email("bo@acme.example"), ClaimKind::ExternalId, Some(&company("2")));
    assert_eq!(linked(&stored), before, "he never named anybody here");
    stored.belongs(&org("5"), ClaimKind::ExternalId, None);
    assert_eq!(linked(&stored), at(stored.clock), "it did");
    assert!(!stored.view(&company("1")).members.contains_key(&org("5")));
}
