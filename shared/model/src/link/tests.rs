//! What a subject ends up belonging to, after these statements in any order.

use super::*;

fn moment(seconds: i64) -> Moment {
    Moment::from_millis(1_790_000_000_000 + seconds * 1_000).unwrap()
}

fn id(text: &str) -> SubjectId {
    SubjectId::from_stored(text)
}

fn link(says: LinkSays, at: i64) -> Link {
    Link { subject: id("zendesk:org:1"), says, occurred_at: moment(at), sequence: None, path: "$".into() }
}

fn own(target: Option<&str>, at: i64) -> Link {
    link(LinkSays::Own { field: "external_id".into(), kind: ClaimKind::ExternalId, target: target.map(id) }, at)
}

fn association(other: &str, removed: bool, at: i64) -> Link {
    let (pair, other) = ("org_to_company".to_owned(), id(other));
    link(LinkSays::Association { pair, kind: ClaimKind::Crm, other, removed }, at)
}

fn gone(gone: bool, at: i64) -> Link {
    link(LinkSays::Gone { gone }, at)
}

/// Applies `link` as delivery number `received`, received at that second.
fn apply(up: &mut Up, received: u32, link: &Link) -> bool {
    let connection = "zendesk".parse().unwrap();
    let delivery = DeliveryId::new(&connection, &format!("{received:04}"));
    let received_at = moment(1_000 + i64::from(received));
    up.apply(Source { connection: &connection, delivery: &delivery, received_at, index: 0 }, link)
}

/// Applied in this order and backwards, the statements must end in these targets, and in the same bytes.
#[track_caller]
fn check(links: &[Link], targets: &[&str]) -> Up {
    let numbered: Vec<_> = (1..).zip(links).collect();
    let [mut one, mut other] = [Up::default(), Up::default()];
    numbered.iter().for_each(|(n, link)| _ = apply(&mut one, *n, link));
    numbered.iter().rev().for_each(|(n, link)| _ = apply(&mut other, *n, link));
    let bytes = |up: &Up| serde_json::to_string(up).unwrap();
    assert_eq!(bytes(&one), bytes(&other), "the order matters");
    assert_eq!(one.targets().map(SubjectId::as_str).collect::<Vec<_>>(), targets);
    one
}

#[test]
fn a_field_holds_what_it_was_last_set_to() {
    check(&[own(Some("a"), 1), own(Some("b"), 2)], &["b"]);
    check(&[own(Some("a"), 1), own(None, 2)], &[]);
    check(&[own(Some("a"), 1), own(None, 2), own(Some("a"), 3)], &["a"]);
}

#[test]
fn an_association_ends_by_its_own_removal_only() {
    check(&[association("a", false, 1), association("b", false, 2)], &["a", "b"]);
    check(&[association("a", false, 1), association("b", false, 1), association("a", true, 2)], &["b"]);
    check(&[association("a", true, 2), association("a", false, 1)], &[]);
}

#[test]
fn a_decision_replaces_the_one_before() {
    let decided = |target, at| link(LinkSays::Manual { target }, at);
    let to = |text| Some(Target::Subject(id(text)));
    check(&[decided(to("a"), 1), decided(to("b"), 2)], &["b"]);
    let up = check(&[decided(to("a"), 1), decided(Some(Target::Alone), 2)], &[]);
    assert_eq!(up.live().map(|(_, claim, _)| &claim.target).collect::<Vec<_>>(), [&Some(Target::Alone)]);
    assert_eq!(check(&[decided(Some(Target::Alone), 1), decided(None, 2)], &[]).live().count(), 0);
}

#[test]
fn connections_do_not_speak_for_each_other() {
    let slot = |connection: &str| Slot::own("external_id", &connection.parse().unwrap());
    assert_ne!(slot("zendesk"), slot("zendesk-emea"));
    let connection = "hubspot".parse().unwrap();
    assert_ne!(Slot::list("domain", &id("a"), &connection), Slot::list("domain", &id("b"), &connection));
    assert_ne!(Slot::list("domain", &id("a"), &connection), Slot::list("other_domains", &id("a"), &connection));
}

#[test]
fn a_claim_that_follows_from_a_list_names_its_keeper() {
    let connection = "hubspot".parse().unwrap();
    let slot = Slot::list("email", &id("hubspot:contact:5"), &connection);
    assert!(slot.is_of_list_of(&id("hubspot:contact:5")));
    assert!(!slot.is_of_list_of(&id("hubspot:contact:55")) && !slot.is_of_list_of(&id("contact:5")));
    assert!(!Slot::association("pair", &id("a"), &connection).is_of_list_of(&id("a")));
}

#[test]
fn of_two_statements_of_one_instant_one_wins_whatever_came_first() {
    check(&[own(Some("a"), 1), own(Some("b"), 1)], &["b"]);
    check(&[own(Some("b"), 1), own(Some("a"), 1)], &["b"]);
    let numbered = |target, sequence| Link { sequence: Some(sequence), ..own(Some(target), 1) };
    check(&[numbered("a", 2), numbered("b", 1)], &["a"]);
    check(&[numbered("b", 2), numbered("a", 1)], &["b"]);
}

#[test]
fn of_equal_statements_the_first_received_is_kept() {
    let up = check(&[own(Some("a"), 1), own(Some("a"), 1), own(Some("a"), 1)], &["a"]);
    assert_eq!(up.claims.values().next().unwrap().said.received_at, moment(1_001));
    let mut again = up.clone();
    assert!(!apply(&mut again, 1, &own(Some("a"), 1)) && !apply(&mut again, 9, &own(Some("a"), 1)));
    assert_eq!(again, up);
    let up = check(&[gone(true, 1), gone(true, 1)], &[]);
    assert_eq!(up.gone.unwrap().said.received_at, moment(1_001));
}

#[test]
fn a_deletion_holds_until_a_later_restore() {
    assert!(check(&[gone(true, 1)], &[]).is_gone());
    assert!(!check(&[gone(true, 1), gone(false, 2)], &[]).is_gone());
    assert!(check(&[gone(false, 1), gone(true, 2)], &[]).is_gone());
}

#[test]
fn an_erasure_is_for_ever_and_drops_what_was_said() {
    let erased = |at| link(LinkSays::Erased, at);
    let up = check(&[own(Some("a"), 1), gone(false, 9), erased(2), own(Some("b"), 3)], &[]);
    assert!(up.is_gone() && up.claims.is_empty() && up.gone.is_none());
    // The word that was received first stays, whenever the erasure is said to have been.
    let up = check(&[erased(5), erased(2), erased(5)], &[]);
    assert_eq!(up.erased.unwrap().received_at, moment(1_001));
}

#[test]
fn an_erasure_remembers_whom_it_touches() {
    let mut up = Up { seen: BTreeSet::from([id("a")]), ..Up::default() };
    assert!(apply(&mut up, 1, &link(LinkSays::Erased, 1)));
    assert_eq!(up.seen, BTreeSet::from([id("a")]));
}

#[test]
fn a_clock_far_ahead_does_not_make_a_claim_the_newest_for_ever() {
    // Received at 1 001, said of 9 000: it counts as of 1 001.
    let up = check(&[own(Some("a"), 9_000), own(Some("b"), 1_100)], &["b"]);
    assert!(!up.claims.values().next().unwrap().said.clamped);
}

fn list(listed: &[&str], at: i64) -> ListRegister {
    let listed: BTreeSet<_> = listed.iter().map(|text| id(text)).collect();
    let link = link(LinkSays::List { list: "domain".into(), kind: ClaimKind::Domain, listed: listed.clone() }, at);
    let (connection, delivery) = ("zendesk".parse().unwrap(), DeliveryId::from_stored("zendesk:1"));
    let source = Source { connection: &connection, delivery: &delivery, received_at: moment(1_000), index: 0 };
    ListRegister { kind: ClaimKind::Domain, listed, said: link.said(source) }
}

#[test]
fn a_list_claims_those_in_it_and_lets_go_of_the_others() {
    let claimer = id("zendesk:org:1");
    let list = list(&["domain:a.example"], 1);
    let claim = |text| list.claim_on(&id(text), &claimer);
    assert_eq!(claim("domain:a.example").target, Some(Target::Subject(claimer.clone())));
    assert_eq!(claim("domain:b.example").target, None);
    assert_eq!(claim("domain:b.example").said, list.said);
    // It says nothing of the one who keeps it.
    let stated = LinkSays::List { list: "domain".into(), kind: ClaimKind::Domain, listed: list.listed.clone() };
    assert!(!apply(&mut Up::default(), 1, &link(stated, 1)));
}

#[test]
fn two_lists_of_one_instant_have_one_winner() {
    let (one, other) = (list(&["a"], 1), list(&["a", "b"], 1));
    assert_ne!(one.said.beats(&other.said), other.said.beats(&one.said));
}

#[test]
fn the_list_of_an_erased_claimer_stays_empty() {
    let erased = ListRegister::erased(&list(&["a"], 1).said);
    assert!(erased.listed.is_empty());
    assert!(erased.said.beats(&list(&["a"], 250_000_000).said));
}

#[test]
fn what_is_said_and_kept_survives_being_stored() {
    let manual = LinkSays::Manual { target: Some(Target::Alone) };
    let listed = LinkSays::List { list: "domain".into(), kind: ClaimKind::Domain, listed: [id("a")].into() };
    let others = [manual, listed, LinkSays::Erased].map(|says| link(says, 1));
    let all = [own(Some("a"), 1), own(None, 1), association("a", true, 1), gone(true, 1)];
    let mut up = Up { poke: 3, ..Up::default() };
    for stated in all.iter().chain(&others) {
        let text = serde_json::to_string(stated).unwrap();
        assert_eq!(&serde_json::from_str::<Link>(&text).unwrap(), stated, "{text}");
        apply(&mut up, 1, stated);
        let text = serde_json::to_string(&up).unwrap();
        assert_eq!(serde_json::from_str::<Up>(&text).unwrap(), up, "{text}");
    }
    let register = list(&["a"], 1);
    let text = serde_json::to_string(&register).unwrap();
    assert_eq!(serde_json::from_str::<ListRegister>(&text).unwrap(), register, "{text}");
}

#[test]
fn a_change_of_links_is_told_from_a_repetition_and_from_none() {
    #[track_caller]
    fn check(before: &[Link], after: Link, expected: LinkChange) {
        let mut up = Up::default();
        (1..).zip(before).for_each(|(n, link)| _ = apply(&mut up, n, link));
        let mut next = up.clone();
        next.seen.insert(id("c"));
        apply(&mut next, 99, &after);
        assert_eq!(next.change_since(&up), expected, "{after:?} after {before:?}");
    }
    check(&[], own(Some("a"), 1), LinkChange::Other);
    check(&[own(Some("a"), 1)], own(Some("b"), 2), LinkChange::Other);
    check(&[own(Some("a"), 1)], own(None, 2), LinkChange::Other);
    check(&[own(Some("a"), 1)], association("a", false, 2), LinkChange::Other);
    check(&[own(Some("a"), 1)], gone(true, 2), LinkChange::Other);
    check(&[gone(true, 1)], gone(false, 2), LinkChange::Other);
    check(&[gone(true, 1)], link(LinkSays::Erased, 2), LinkChange::Other);
    check(&[own(Some("a"), 1)], own(Some("a"), 2), LinkChange::Restated);
    check(&[own(Some("a"), 1)], association("b", true, 2), LinkChange::Restated);
    check(&[gone(true, 1)], gone(true, 2), LinkChange::Restated);
    check(&[own(Some("a"), 2)], own(Some("b"), 1), LinkChange::Same);
    let poked = Up { poke: 1, ..Up::default() };
    assert_eq!(poked.change_since(&Up::default()), LinkChange::Other);
    assert_eq!(LinkChange::default(), LinkChange::Other, "what older code wrote");
}
