//! Where walks end, and what a view unites, on small graphs written out.

use super::*;
use crate::{DeliveryId, Gone, Moment, Said, Slot, Stamp, stable_hash};
use ClaimKind::{Crm, Domain, ExternalId, Manual};

fn id(text: &str) -> SubjectId {
    SubjectId::from_stored(text)
}

fn said(at: i64) -> Said {
    let occurred_at = Moment::from_millis(1_790_000_000_000 + at * 1_000).unwrap();
    let stamp = Stamp { occurred_at, sequence: None, delivery: DeliveryId::from_stored("hubspot:1"), index: 0 };
    Said { stamp, received_at: occurred_at, digest: stable_hash(&[]), clamped: false }
}

/// Who claims what of which kind, said when, and who is gone.
#[derive(Debug, Default)]
struct Graph(BTreeMap<SubjectId, Up>);

impl Graph {
    fn new(claims: &[(&str, ClaimKind, &str, i64)]) -> Self {
        claims.iter().fold(Self::default(), |graph, (subject, kind, target, at)| {
            graph.claim(subject, *kind, Some(Target::Subject(id(target))), *at)
        })
    }

    fn claim(mut self, subject: &str, kind: ClaimKind, target: Option<Target>, at: i64) -> Self {
        let slot = Slot::own(&format!("{kind:?} {target:?}"), &"hubspot".parse().unwrap());
        if let Some(Target::Subject(target)) = &target {
            self.0.entry(target.clone()).or_default();
        }
        let up = self.0.entry(id(subject)).or_default();
        up.seen.extend(target.iter().filter_map(|target| match target {
            Target::Subject(target) => Some(target.clone()),
            Target::Alone => None,
        }));
        up.claim(slot, Claim { kind, target, said: said(at) });
        self
    }

    fn gone(mut self, subject: &str) -> Self {
        self.0.entry(id(subject)).or_default().gone = Some(Gone { gone: true, said: said(0) });
        self
    }

    fn known(mut self, subject: &str) -> Self {
        self.0.entry(id(subject)).or_default();
        self
    }

    /// `expected`: a subject, `unmatched`, or the candidates with `|` between them.
    #[track_caller]
    fn check(&self, from: &str, expected: &str) {
        let root = match walk(&id(from), &self.0).unwrap().root {
            Root::At(root) => root.to_string(),
            Root::Unmatched => "unmatched".to_owned(),
            Root::Ambiguous(ends) => ends.iter().map(SubjectId::as_str).collect::<Vec<_>>().join(" | "),
        };
        assert_eq!(root, expected, "from {from}");
    }

    fn hints(&self) -> BTreeMap<SubjectId, BTreeSet<SubjectId>> {
        let mut hints: BTreeMap<_, BTreeSet<_>> = self.0.keys().map(|x| (x.clone(), BTreeSet::new())).collect();
        for (subject, up) in &self.0 {
            for target in up.seen.iter().chain(&parents(subject, up)) {
                hints.entry(target.clone()).or_default().insert(subject.clone());
            }
        }
        hints
    }

    /// Everything of which the root is `root`, with its steps.
    fn members(&self, root: &str) -> Vec<(String, u32)> {
        let below = below(&id(root), &self.hints()).unwrap();
        let members = members(&id(root), &below, &self.0).unwrap();
        members.into_iter().map(|(member, steps)| (member.to_string(), steps)).collect()
    }

    fn touched(&self, subject: &str) -> Vec<String> {
        let below = below(&id(subject), &self.hints()).unwrap();
        touched(&id(subject), &below, &self.0).unwrap().iter().map(ToString::to_string).collect()
    }
}

#[track_caller]
fn check_touched_again(graph: &Graph, subject: &str, expected: &[&str]) {
    let touched = touched_again(&id(subject), &graph.0).unwrap();
    assert_eq!(touched.iter().map(SubjectId::as_str).collect::<Vec<_>>(), expected, "by {subject}");
}

#[test]
fn what_is_said_again_touches_the_roots_of_where_it_belongs_and_ever_belonged() {
    let [ticket, org, one, two] = ["zendesk:ticket:9", "zendesk:org:5", "hubspot:company:1", "hubspot:company:2"];
    let graph = Graph::new(&[(ticket, Crm, org, 1), (org, ExternalId, one, 1)]);
    check_touched_again(&graph, ticket, &[one]);
    check_touched_again(&graph.claim(ticket, Manual, Some(Target::Subject(id(two))), 2), ticket, &[one, two]);
    let missing = touched_again(&id(ticket), &BTreeMap::new()).unwrap_err();
    assert_eq!(missing, BTreeSet::from([id(ticket)]));
}

#[test]
fn what_is_said_again_in_a_ring_may_name_it_anew() {
    let [one, two] = ["hubspot:company:1", "hubspot:company:2"];
    let ring = |first| Graph::new(&[(one, Crm, two, first), (two, Crm, one, 2)]);
    ring(1).check(one, one);
    ring(3).check(one, two);
    check_touched_again(&ring(3), one, &[one, two]);
}

#[test]
fn the_strongest_kind_decides() {
    let by_strength = [("d", Domain), ("e", ExternalId), ("c", Crm), ("m", Manual)];
    for most in 1..=by_strength.len() {
        let claims: Vec<_> = by_strength[..most].iter().map(|(target, kind)| ("x", *kind, *target, 9)).collect();
        let (strongest, _) = by_strength[most - 1];
        Graph::new(&claims).check("x", strongest);
    }
}

#[test]
fn a_weaker_kind_never_steps_in() {
    // Not when the strongest claim is one on the subject itself, and not when it leads nowhere.
    Graph::new(&[("x", Crm, "x", 1), ("x", Domain, "d", 2)]).check("x", "x");
    Graph::new(&[("x", Crm, "c", 1), ("x", Domain, "d", 2)]).gone("c").check("x", "unmatched");
    Graph::new(&[("x", Crm, "x", 1), ("x", Crm, "c", 1)]).check("x", "c");
}

#[test]
fn a_claim_that_ended_does_not_count() {
    Graph::new(&[("x", Domain, "d", 1)]).claim("x", Crm, None, 2).check("x", "d");
}

#[test]
fn alone_beats_all() {
    let alone = Graph::new(&[("x", Crm, "c", 1)]).claim("x", Manual, Some(Target::Alone), 0);
    alone.check("x", "x");
    alone.gone("x").check("x", "unmatched");
}

#[test]
fn a_deleted_subject_is_passed_through_and_is_no_end() {
    Graph::new(&[("x", Crm, "a", 1), ("a", Crm, "b", 1), ("b", Crm, "c", 1)]).gone("a").gone("b").check("x", "c");
    Graph::new(&[("x", Crm, "a", 1)]).gone("a").check("x", "unmatched");
    Graph::new(&[("x", Crm, "a", 1), ("x", Crm, "b", 1)]).gone("a").check("x", "b");
    let mut erased = Graph::new(&[("x", Crm, "a", 1)]);
    erased.0.entry(id("a")).or_default().erased = Some(said(1));
    erased.check("x", "unmatched");
}

#[test]
fn several_ends_are_candidates_and_several_ways_to_one_end_are_not() {
    Graph::new(&[("x", Domain, "a", 1), ("x", Domain, "b", 9)]).check("x", "a | b");
    let both = [("x", Domain, "a", 1), ("x", Domain, "b", 9)];
    Graph::new(&[&both[..], &[("a", Crm, "c", 1), ("b", Crm, "c", 1)]].concat()).check("x", "c");
    Graph::new(&[&both[..], &[("a", Crm, "b", 1)]].concat()).check("x", "b");
}

#[test]
fn a_merged_company_leads_to_the_last_survivor() {
    let merges = Graph::new(&[("a", Crm, "b", 1), ("b", Crm, "c", 2), ("a", Domain, "d", 3)]).gone("a").gone("b");
    for one in ["a", "b", "c"] {
        merges.check(one, "c");
    }
}

#[test]
fn more_than_the_most_above_is_ambiguous() {
    let names: Vec<_> = (0..=MOST_ABOVE).map(|n| format!("n{n:02}")).collect();
    let chain: Vec<_> = names.windows(2).map(|two| (two[0].as_str(), Crm, two[1].as_str(), 1)).collect();
    let graph = Graph::new(&chain);
    graph.check("n01", "n64");
    let walk = walk(&id("n00"), &graph.0).unwrap();
    assert_eq!(walk.root, Root::Ambiguous(BTreeSet::new()));
    // Nothing beyond need be loaded to know it.
    let wide: Vec<_> = names.iter().map(|name| ("x", Crm, name.as_str(), 1)).collect();
    let only = BTreeMap::from([(id("x"), Graph::new(&wide).0[&id("x")].clone())]);
    assert!(matches!(super::walk(&id("x"), &only), Ok(Walk { root: Root::Ambiguous(_), .. })));
}

#[test]
fn a_ring_is_named_by_its_newest_claim_of_the_strongest_kind() {
    let ring = [("a", Crm, "b", 1), ("b", Crm, "c", 3), ("c", Crm, "a", 2), ("x", Domain, "b", 9)];
    for one in ["a", "b", "c", "x"] {
        Graph::new(&ring).check(one, "c");
        Graph::new(&ring).gone("c").check(one, "a");
        Graph::new(&ring).gone("a").gone("c").check(one, "b");
        Graph::new(&ring).gone("a").gone("b").gone("c").check(one, "unmatched");
    }
    let mixed = [("a", Domain, "b", 9), ("b", ExternalId, "a", 1)];
    Graph::new(&mixed).check("a", "a");
    Graph::new(&mixed).check("b", "a");
}

#[test]
fn the_name_of_a_ring_comes_from_a_claim_between_two_and_is_the_same_for_all() {
    // A newer claim on oneself names nobody; neither does one whose target is gone, while the built-in one of an email does.
    let ring = [("a", Crm, "b", 1), ("b", Crm, "a", 2), ("b", Crm, "b", 9)];
    let (ann, domain) = ("email:ann@acme.example", "domain:acme.example");
    let person = Graph::new(&[(domain, Manual, ann, 1)]).gone(ann);
    let said_at_once = Graph::new(&[("a", Crm, "b", 1), ("b", Crm, "a", 1)]);
    for (one, of_person) in [("a", ann), ("b", domain)] {
        Graph::new(&ring).check(one, "a");
        person.check(of_person, domain);
        said_at_once.check(one, "b");
    }
}

#[test]
fn a_ring_with_a_way_out_is_no_end() {
    let open = [("a", Crm, "b", 1), ("b", Crm, "a", 2), ("b", Crm, "c", 1)];
    for one in ["a", "b"] {
        Graph::new(&open).check(one, "c");
    }
    let two_rings = [("x", Domain, "a", 1), ("x", Domain, "c", 1), ("a", Crm, "b", 1), ("b", Crm, "a", 2)];
    Graph::new(&[&two_rings[..], &[("c", Crm, "d", 1), ("d", Crm, "c", 2)]].concat()).check("x", "a | c");
}

#[test]
fn an_email_belongs_to_its_domain_until_something_stronger_is_said() {
    let ann = "email:ann@acme.example";
    Graph::default().known(ann).known("domain:acme.example").check(ann, "domain:acme.example");
    Graph::new(&[("domain:acme.example", Domain, "c", 1)]).known(ann).check(ann, "c");
    Graph::new(&[(ann, ExternalId, "contact", 1), ("contact", Crm, "c", 1)]).check(ann, "c");
    // A claim by domain stands beside the built-in one.
    Graph::new(&[(ann, Domain, "c", 1)]).known("domain:acme.example").check(ann, "c | domain:acme.example");
    Graph::default().known("email:cy@gmail.com").check("email:cy@gmail.com", "email:cy@gmail.com");
}

#[test]
fn a_walk_names_what_it_lacks() {
    let graph = Graph::new(&[("x", Crm, "a", 1), ("x", Crm, "b", 1), ("a", Crm, "c", 1)]);
    let lacking = |known: &[&str]| {
        let ups = known.iter().map(|one| (id(one), graph.0[&id(one)].clone())).collect();
        walk(&id("x"), &ups).err().unwrap_or_default()
    };
    assert_eq!(lacking(&[]), BTreeSet::from([id("x")]));
    assert_eq!(lacking(&["x"]), BTreeSet::from([id("a"), id("b")]));
    assert_eq!(lacking(&["x", "a"]), BTreeSet::from([id("b"), id("c")]));
    assert_eq!(lacking(&["x", "a", "b", "c"]), BTreeSet::new());
}

#[test]
fn a_view_holds_those_whose_root_it_is_with_the_fewest_steps_and_no_guests() {
    let (ann, domain) = ("email:ann@acme.example", "domain:acme.example");
    let known = Graph::new(&[(domain, Domain, "c", 1), ("org", ExternalId, "c", 1), ("ticket", Crm, "org", 1)]);
    let graph = known.claim("ticket", Crm, Some(Target::Subject(id("c"))), 1).known(ann);
    let all = [("c", 0), (domain, 1), (ann, 2), ("org", 1), ("ticket", 1)].map(|(x, steps)| (x.to_owned(), steps));
    assert_eq!(graph.members("c"), all);
    assert_eq!(graph.members("org"), []);
    // Ann is claimed by another company: at this domain she is a guest.
    let guest = graph.claim(ann, ExternalId, Some(Target::Subject(id("other"))), 1);
    assert!(guest.members("c").iter().all(|(member, _)| member != ann));
    assert_eq!(guest.members("other"), [(ann.to_owned(), 1), ("other".to_owned(), 0)]);
}

#[test]
fn what_is_below_is_asked_for_until_it_is_known_and_leaves_are_not_asked() {
    let (company, org, ticket) = (id("hubspot:company:1"), id("zendesk:org:1"), id("zendesk:ticket:1"));
    let mut hints = BTreeMap::new();
    assert_eq!(below(&company, &hints), Err(BTreeSet::from([company.clone()])));
    hints.insert(company.clone(), BTreeSet::from([org.clone(), company.clone()]));
    assert_eq!(below(&company, &hints), Err(BTreeSet::from([org.clone()])));
    hints.insert(org.clone(), BTreeSet::from([ticket.clone(), company.clone()]));
    assert_eq!(below(&company, &hints), Ok(BTreeSet::from([company, org, ticket])));
}

#[test]
fn a_change_touches_old_and_new_ends_and_companies_on_the_way() {
    let (a, b, c) = ("hubspot:company:1", "hubspot:company:2", "hubspot:company:3");
    let moved = Graph::new(&[("x", Crm, a, 1), ("x", Crm, b, 1)]).claim("x", Manual, Some(Target::Alone), 2);
    assert_eq!(moved.touched("x"), [a, b, "x"]);
    let merged = Graph::new(&[("x", Crm, a, 1), (a, Crm, b, 1), (b, Crm, c, 1)]).gone(a);
    assert_eq!(merged.touched("x"), [a, b, c]);
    // What lies below has another end, which a change above may bring about or undo.
    let shared = Graph::new(&[("d", Domain, a, 1), ("d", Domain, b, 1), (a, Crm, c, 1)]);
    assert_eq!(shared.touched(a), [a, b, c]);
}
