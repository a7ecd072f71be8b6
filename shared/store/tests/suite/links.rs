//! Links as they are stored.

use std::collections::BTreeSet;

use crate::common::{contact, domain, email, fact, hubspot, list, moment, new, node, store};
use model::{Ended, FactKey, Field, LinkChange, SubjectId};
use store::{Node, Stored};

#[tokio::test]
async fn claims_and_the_fact_beside_them_are_read_back_as_they_were_written() {
    let store = store();
    for subject in [contact(1), email("ann@acme.example"), email("ann@gmail.com")] {
        assert_eq!(store.node(&subject).await.unwrap(), new(Node::default()));
        let written = node(&subject);
        assert!(store.put_node(&subject, &new(written.clone()), LinkChange::Other).await.unwrap());
        assert_eq!(store.node(&subject).await.unwrap(), Stored { value: written, rev: 1 });
    }
}

#[tokio::test]
async fn a_node_is_written_only_on_what_was_read() {
    let (store, subject) = (store(), contact(1));
    assert!(store.put_node(&subject, &new(Node::default()), LinkChange::Other).await.unwrap());
    assert!(!store.put_node(&subject, &new(node(&subject)), LinkChange::Other).await.unwrap(), "it is there already");
    let read = store.node(&subject).await.unwrap();
    assert!(store.put_node(&subject, &read, LinkChange::Other).await.unwrap());
    assert!(
        !store.put_node(&subject, &Stored { value: node(&subject), rev: read.rev }, LinkChange::Other).await.unwrap()
    );
    assert_eq!(store.node(&subject).await.unwrap(), Stored { value: Node::default(), rev: 2 });
}

#[tokio::test]
async fn many_nodes_are_read_at_once_and_all_are_answered() {
    let store = store();
    let subjects: BTreeSet<_> = (0..230).map(contact).collect();
    for n in [3, 111, 222] {
        assert!(store.put_node(&contact(n), &new(node(&contact(n))), LinkChange::Other).await.unwrap());
    }
    let nodes = store.nodes(&subjects).await.unwrap();
    assert_eq!(nodes.keys().cloned().collect::<BTreeSet<_>>(), subjects);
    let there: Vec<_> = nodes.iter().filter(|(_, node)| node.rev > 0).map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(there, ["hubspot:contact:111", "hubspot:contact:222", "hubspot:contact:3"]);
}

#[tokio::test]
async fn the_partition_of_a_domain_holds_everybody_at_it() {
    let store = store();
    let (acme, ann, bob) = (domain("acme.example"), email("ann@acme.example"), email("bob@acme.example"));
    store.put_node(&acme, &new(Node::default()), LinkChange::Other).await.unwrap();
    store.put_node(&ann, &new(node(&ann)), LinkChange::Other).await.unwrap();
    store.put_hint(&ann, &contact(1), None).await.unwrap();
    store.put_hint(&ann, &contact(1), None).await.unwrap();
    store.put_hint(&acme, &contact(2), None).await.unwrap();
    store.put_hint(&bob, &contact(3), None).await.unwrap();
    store.put_stub(&ann).await.unwrap();
    let tick = new(fact(&ann, FactKey::Sentiment, Field::Sentiment, "red", 1));
    assert!(store.put_facts(&[&tick]).await.unwrap());

    let all = store.partition(&acme).await.unwrap();
    assert_eq!(all.keys().collect::<Vec<_>>(), [&acme, &ann, &bob]);
    assert_eq!(all[&acme].members, BTreeSet::from([contact(2)]));
    assert!(!all[&acme].assessed && all[&acme].facts.is_empty());
    let of_ann = &all[&ann];
    assert_eq!(of_ann.up, node(&ann).up);
    assert_eq!(of_ann.facts.iter().map(|fact| &fact.key).collect::<Vec<_>>(), [&FactKey::Contact, &FactKey::Sentiment]);
    assert_eq!((of_ann.members.clone(), of_ann.assessed), (BTreeSet::from([contact(1)]), true));
    assert_eq!(all[&bob].members, BTreeSet::from([contact(3)]));

    assert_eq!(store.partition(&bob).await.unwrap().len(), 3, "bob lies with the domain");
    let unheard = store.partition(&contact(9)).await.unwrap();
    assert_eq!(unheard.keys().collect::<Vec<_>>(), [&contact(9)]);
}

#[tokio::test]
async fn lists_are_written_on_what_was_read_and_told_by_their_keeper() {
    let store = store();
    let (acme, ann) = (domain("acme.example"), email("ann@acme.example"));
    let (of_acme, of_ann) = (list([contact(1)]), list([contact(2)]));
    assert!(store.put_list(&acme, "friends", &hubspot(), &new(Some(of_acme.clone()))).await.unwrap());
    assert!(store.put_list(&ann, "friends", &hubspot(), &new(Some(of_ann.clone()))).await.unwrap());
    assert!(!store.put_list(&ann, "friends", &hubspot(), &new(Some(of_acme.clone()))).await.unwrap());

    let lists = store.lists(&acme).await.unwrap();
    assert_eq!(lists, [("friends".to_owned(), hubspot(), Stored { value: of_acme, rev: 1 })]);
    let asked = BTreeSet::from([ann.clone(), contact(1)]);
    let listed = store.listed(&ann, "friends", &hubspot(), &asked).await.unwrap();
    assert_eq!(listed.list, Stored { value: Some(of_ann), rev: 1 });
    assert_eq!(listed.nodes.into_keys().collect::<BTreeSet<_>>(), asked);
    assert_eq!(store.list(&ann, "others", &hubspot()).await.unwrap(), new(None));
}

#[tokio::test]
async fn a_list_is_removed_on_what_was_read() {
    let (store, keeper) = (store(), contact(1));
    store.put_list(&keeper, "email", &hubspot(), &new(Some(list([])))).await.unwrap();
    assert!(!store.put_list(&keeper, "email", &hubspot(), &Stored { value: None, rev: 2 }).await.unwrap());
    assert!(store.put_list(&keeper, "email", &hubspot(), &Stored { value: None, rev: 1 }).await.unwrap());
    assert_eq!(store.list(&keeper, "email", &hubspot()).await.unwrap(), new(None));
    assert!(!store.put_list(&keeper, "email", &hubspot(), &Stored { value: None, rev: 1 }).await.unwrap());
}

#[tokio::test]
async fn every_subject_with_facts_is_known_with_its_claims() {
    let store = store();
    let (ann, deal) = (email("ann@acme.example"), SubjectId::vendor("hubspot", "deal", "1"));
    store.put_node(&ann, &new(node(&ann)), LinkChange::Other).await.unwrap();
    let claimed_only = Node { fact: None, ..node(&deal) };
    store.put_node(&deal, &new(claimed_only.clone()), LinkChange::Other).await.unwrap();
    let company = SubjectId::vendor("hubspot", "company", "1");
    let early = new(fact(&company, FactKey::Profile, Field::Name, "Acme", 2));
    let late = new(fact(&company, FactKey::Sentiment, Field::Sentiment, "red", 9));
    store.put_facts(&[&early, &late]).await.unwrap();
    let tick = new(fact(&contact(3), FactKey::Tick, Field::At, "-", 1));
    store.put_facts(&[&tick]).await.unwrap();

    let known = store.known().await.unwrap();
    let rows: Vec<_> = known.iter().map(|k| (&k.subject, k.first_at, k.last_at, k.facts.len())).collect();
    assert_eq!(rows, [(&company, moment(2), moment(9), 2), (&ann, moment(5), moment(5), 1)]);
    assert_eq!(known[1].up, node(&ann).up);

    let nodes = store.all_nodes().await.unwrap();
    assert_eq!(nodes.into_iter().collect::<Vec<_>>(), [(ann.clone(), node(&ann)), (deal, claimed_only)]);
}

#[tokio::test]
async fn a_hint_tells_of_the_end_that_was_told_last_whatever_came_first() {
    let store = store();
    let (org, ticket) = (SubjectId::vendor("zendesk", "org", "5"), SubjectId::vendor("zendesk", "ticket", "9"));
    let told = |second: i64, at: Option<i64>| Ended { at: at.map(moment), order: format!("{}~", moment(second)) };
    let known = async |store: &store::Store| store.partition(&org).await.unwrap()[&org].ended.get(&ticket).copied();
    store.put_hint(&org, &ticket, None).await.unwrap();
    assert_eq!(known(&store).await, None);
    store.put_hint(&org, &ticket, Some(&told(20, Some(20)))).await.unwrap();
    for earlier in [Some(&told(10, Some(10))), Some(&told(15, None)), None] {
        store.put_hint(&org, &ticket, earlier).await.unwrap();
        assert_eq!(known(&store).await, Some(moment(20)));
    }
    store.put_hint(&org, &ticket, Some(&told(30, None))).await.unwrap();
    assert_eq!(known(&store).await, None, "opened again");
    assert!(store.partition(&org).await.unwrap()[&org].members.contains(&ticket));
}
