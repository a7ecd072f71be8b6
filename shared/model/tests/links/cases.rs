//! What tools say, in the shapes that go wrong: drawn deliveries, and what each case really contains.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    ClaimKind, ConnectionName, DeliveryId, FactKey, Field, Link, LinkSays, Statement, SubjectId, Target, Value,
};

use crate::draw::Draw;
use crate::normalize::Delivery;
use crate::settled::{Settled, moment};

pub fn company(n: usize) -> SubjectId {
    SubjectId::vendor("hubspot", "company", &n.to_string())
}

pub fn org(n: usize) -> SubjectId {
    SubjectId::vendor("zendesk", "org", &n.to_string())
}

pub fn domain(n: usize) -> SubjectId {
    SubjectId::domain(["acme.example", "globex.example", "initech.example"][n % 3]).unwrap()
}

pub fn email(n: usize) -> SubjectId {
    SubjectId::email(["ann@acme.example", "bob@globex.example", "cy@gmail.com"][n % 3]).unwrap()
}

pub fn contact(n: usize) -> SubjectId {
    SubjectId::vendor("hubspot", "contact", &n.to_string())
}

pub fn ticket(n: usize) -> SubjectId {
    SubjectId::vendor("zendesk", "ticket", &n.to_string())
}

/// One delivery in the making; when it is received is drawn later.
#[derive(Debug, Clone)]
pub struct Piece {
    connection: &'static str,
    links: Vec<(SubjectId, LinkSays, i64)>,
    facts: Vec<(SubjectId, FactKey, Field, &'static str, i64)>,
}

impl Piece {
    pub fn new(connection: &'static str) -> Self {
        Self { connection, links: Vec::new(), facts: Vec::new() }
    }

    pub fn link(mut self, subject: SubjectId, says: LinkSays, at: i64) -> Self {
        self.links.push((subject, says, at));
        self
    }

    pub fn own(self, subject: SubjectId, field: &str, kind: ClaimKind, target: Option<SubjectId>, at: i64) -> Self {
        self.link(subject, LinkSays::Own { field: field.into(), kind, target }, at)
    }

    pub fn list(
        self,
        claimer: SubjectId,
        list: &str,
        kind: ClaimKind,
        listed: impl IntoIterator<Item = SubjectId>,
        at: i64,
    ) -> Self {
        let listed = listed.into_iter().collect();
        self.link(claimer, LinkSays::List { list: list.into(), kind, listed }, at)
    }

    pub fn profile(mut self, company: SubjectId, stage: &'static str, at: i64) -> Self {
        self.facts.push((company, FactKey::Profile, Field::LifecycleStage, stage, at));
        self
    }

    fn leaf(mut self, subject: SubjectId, key: FactKey, value: &'static str, at: i64) -> Self {
        self.facts.push((subject, key, Field::Status, value, at));
        self
    }

    /// The delivery, as number `n` received.
    pub fn received(&self, n: usize) -> Delivery {
        let connection: ConnectionName = self.connection.parse().unwrap();
        let links = self.links.iter().map(|(subject, says, at)| Link {
            subject: subject.clone(),
            says: says.clone(),
            occurred_at: moment(*at),
            sequence: None,
            path: "$".into(),
        });
        let facts = self.facts.iter().map(|(subject, key, field, value, at)| {
            let statement = Statement {
                field: *field,
                value: Value::Text((*value).into()),
                occurred_at: moment(*at),
                sequence: None,
                path: "$".into(),
                raw: (*value).into(),
            };
            (subject.clone(), key.clone(), vec![statement])
        });
        Delivery {
            id: DeliveryId::new(&connection, &format!("{n:03}")),
            received_at: moment(1_000 + i64::try_from(n).unwrap()),
            links: links.collect(),
            facts: facts.collect(),
            connection,
        }
    }
}

/// Deliveries from pieces, received in a drawn order that is not the order in which things became true.
pub fn received(draw: &mut Draw, mut pieces: Vec<Piece>) -> Vec<Delivery> {
    draw.shuffle(&mut pieces);
    pieces.iter().enumerate().map(|(n, piece)| piece.received(n)).collect()
}

/// What can be asked of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Theme {
    FieldTwice,
    Merge,
    Restore,
    Gone,
    Shrinking,
    DomainTwice,
    ClaimerGone,
    Ring,
    Leaf,
    Person,
    Decision,
    Erasure,
    Customer,
}

/// Few moments, so that many things are said of the same one.
fn at(draw: &mut Draw) -> i64 {
    i64::try_from(draw.below(6)).unwrap()
}

fn later(draw: &mut Draw) -> (i64, i64) {
    let first = at(draw);
    (first, first + 1 + at(draw) / 2)
}

/// `losers` are merged into `survivor`.
pub fn merge(losers: &[SubjectId], survivor: &SubjectId, gone: bool, at: i64) -> Piece {
    let mut piece = Piece::new("hubspot");
    for loser in losers {
        piece = piece.own(loser.clone(), "merge", ClaimKind::Crm, Some(survivor.clone()), at);
        if gone {
            piece = piece.link(loser.clone(), LinkSays::Gone { gone: true }, at);
        }
    }
    piece
}

/// The deliveries that a theme is made of.
pub fn pieces(draw: &mut Draw, theme: Theme) -> Vec<Piece> {
    let companies: Vec<_> = (1..=3).map(company).collect();
    let (a, b) = draw.two(&companies);
    match theme {
        Theme::FieldTwice => {
            let (first, second) = (at(draw), at(draw));
            match draw.below(3) {
                0 => {
                    let stages = ["customer", "lead", "other"];
                    let piece = |value, at| Piece::new("hubspot").profile(a.clone(), value, at);
                    vec![piece(draw.pick(&stages), first), piece(draw.pick(&stages), second)]
                }
                1 => {
                    let org = org(1 + draw.below(2));
                    let choice = [Some(a), Some(b), None];
                    let piece =
                        |to, at| Piece::new("zendesk").own(org.clone(), "external_id", ClaimKind::ExternalId, to, at);
                    vec![piece(draw.pick(&choice), first), piece(draw.pick(&choice), second)]
                }
                _ => {
                    let piece = |value, org, at| ticket_of(ticket(1), value, Some(org), at);
                    vec![piece("open", org(1), first), piece("solved", org(1 + draw.below(2)), second)]
                }
            }
        }
        Theme::Merge => vec![merge(&[a], &b, draw.percent(70), at(draw))],
        Theme::Restore => {
            let (first, second) = later(draw);
            let restored = Piece::new("hubspot").own(a.clone(), "merge", ClaimKind::Crm, None, second).link(
                a.clone(),
                LinkSays::Gone { gone: false },
                second,
            );
            vec![merge(&[a], &b, true, first), restored]
        }
        Theme::Gone => {
            let subject = draw.pick(&[a.clone(), a, b, org(1), ticket(1), contact(1), domain(0)]);
            let mut all = vec![Piece::new("hubspot").link(subject.clone(), LinkSays::Gone { gone: true }, at(draw))];
            if draw.percent(25) {
                all.push(Piece::new("hubspot").link(subject, LinkSays::Gone { gone: false }, at(draw)));
            }
            all
        }
        Theme::Shrinking => {
            let (first, second) = later(draw);
            if draw.percent(30) {
                let piece = |listed: Vec<_>, at| {
                    Piece::new("hubspot").list(contact(1), "email", ClaimKind::ExternalId, listed, at)
                };
                return vec![piece(vec![email(0)], first), piece(vec![email(1)], second)];
            }
            let (keep, drop) = draw.two(&[domain(0), domain(1), domain(2)]);
            let short = if draw.percent(60) { vec![keep.clone()] } else { Vec::new() };
            let piece =
                |listed: Vec<_>, at| Piece::new("hubspot").list(a.clone(), "domain", ClaimKind::Domain, listed, at);
            vec![piece(vec![keep, drop], first), piece(short, second)]
        }
        Theme::DomainTwice | Theme::ClaimerGone => {
            let shared = domain(draw.below(2));
            let other = if draw.percent(40) { Some(domain(2)) } else { None };
            let list = |claimer: &SubjectId, more: Option<SubjectId>, at| {
                let listed = more.into_iter().chain([shared.clone()]);
                Piece::new("hubspot").list(claimer.clone(), "domain", ClaimKind::Domain, listed, at)
            };
            let gone = Piece::new("hubspot").link(a.clone(), LinkSays::Gone { gone: true }, at(draw));
            let lists = [list(&a, other, at(draw)), list(&b, None, at(draw))];
            lists.into_iter().chain((theme == Theme::ClaimerGone).then_some(gone)).collect()
        }
        Theme::Ring => {
            let gone = draw.percent(20);
            let merge = |loser, survivor, at| merge(std::slice::from_ref(loser), survivor, gone, at);
            vec![merge(&a, &b, at(draw)), merge(&b, &a, at(draw))]
        }
        Theme::Leaf => {
            let (deal, response) =
                (SubjectId::vendor("hubspot", "deal", "1"), SubjectId::vendor("typeform", "response", "r1"));
            let removed = draw.percent(30);
            let linked = |piece: Piece, other, at| {
                let says =
                    LinkSays::Association { pair: "deal_to_company".into(), kind: ClaimKind::Crm, other, removed };
                piece.link(deal.clone(), says, at)
            };
            match draw.below(3) {
                0 => {
                    vec![linked(Piece::new("hubspot").leaf(deal.clone(), FactKey::Deal, "open", at(draw)), a, at(draw))]
                }
                1 => vec![
                    Piece::new("typeform")
                        .own(response.clone(), "email", ClaimKind::Domain, Some(email(draw.below(3))), at(draw))
                        .leaf(response, FactKey::Response, "complete", at(draw)),
                ],
                _ => vec![ticket_of(ticket(1), "open", Some(org(1)), at(draw))],
            }
        }
        Theme::Person => {
            let when = at(draw);
            let who = contact(1 + draw.below(2));
            let mut piece = Piece::new("hubspot").leaf(who.clone(), FactKey::Contact, "known", when);
            if draw.percent(70) {
                piece = piece.list(who.clone(), "email", ClaimKind::ExternalId, [email(draw.below(3))], when);
            }
            if draw.percent(60) {
                let says =
                    LinkSays::Association { pair: "primary".into(), kind: ClaimKind::Crm, other: a, removed: false };
                piece = piece.link(who, says, when);
            }
            vec![piece]
        }
        Theme::Decision => {
            let subject = draw.pick(&[org(1), ticket(1), domain(0), contact(1), b]);
            let target = draw.pick(&[Some(Target::Subject(a)), Some(Target::Alone), None]);
            vec![Piece::new("operator").link(subject, LinkSays::Manual { target }, at(draw))]
        }
        Theme::Erasure => {
            let when = at(draw);
            let person = Piece::new("hubspot").leaf(contact(1), FactKey::Contact, "known", when).list(
                contact(1),
                "email",
                ClaimKind::ExternalId,
                [email(draw.below(2))],
                when,
            );
            let erased = Piece::new("operator").link(contact(1), LinkSays::Erased, at(draw));
            let too = draw.percent(40);
            let erased = if too { erased.link(email(0), LinkSays::Erased, at(draw)) } else { erased };
            vec![person, erased]
        }
        Theme::Customer => vec![Piece::new("hubspot").profile(a, "customer", at(draw))],
    }
}

/// A ticket's state, and the organisation it is of.
pub fn ticket_of(ticket: SubjectId, status: &'static str, org: Option<SubjectId>, at: i64) -> Piece {
    let piece = Piece::new("zendesk").own(ticket.clone(), "organization_id", ClaimKind::Crm, org, at);
    piece.leaf(ticket, FactKey::Ticket, status, at)
}

/// A theme by its weight.
pub fn theme(draw: &mut Draw, weights: &[(Theme, usize)]) -> Theme {
    let mut drawn = draw.below(weights.iter().map(|(_, weight)| weight).sum());
    for (theme, weight) in weights {
        if drawn < *weight {
            return *theme;
        }
        drawn -= weight;
    }
    Theme::Customer
}

/// At least `least` and at most `most` pieces, of themes by their weights.
pub fn themed(draw: &mut Draw, weights: &[(Theme, usize)], least: usize, most: usize) -> Vec<Piece> {
    let mut all = Vec::new();
    while all.len() < least {
        let theme = theme(draw, weights);
        let more = pieces(draw, theme);
        if all.len() + more.len() <= most {
            all.extend(more);
        }
    }
    all
}

/// How many cases contain what, counted in the deliveries themselves.
#[derive(Debug, Default)]
pub struct Mix {
    cases: usize,
    with: BTreeMap<&'static str, usize>,
}

impl Mix {
    /// Counts a case.
    pub fn count(&mut self, contains: impl IntoIterator<Item = &'static str>) {
        self.cases += 1;
        for one in contains.into_iter().collect::<BTreeSet<_>>() {
            *self.with.entry(one).or_default() += 1;
        }
    }

    /// Prints the mix; fails when something is in fewer than so many of a hundred cases.
    #[track_caller]
    #[expect(clippy::print_stdout, reason = "the mix is shown with --nocapture")]
    pub fn assert(&self, property: &str, least: &[(&'static str, usize)]) {
        let share = |count: usize| 100 * count / self.cases;
        let shares: Vec<_> = self.with.iter().map(|(what, count)| format!("{what} {} %", share(*count))).collect();
        println!("{property}: {} cases; {}", self.cases, shares.join(", "));
        for (what, least) in least {
            let share = share(self.with.get(what).copied().unwrap_or_default());
            assert!(share >= *least, "{property}: {what} is in {share} % of the cases, expected {least} %");
        }
    }
}

/// What these deliveries contain.
pub fn contents(deliveries: &[Delivery], settled: &Settled) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut said: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut lists: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let merged = |link: &Link| matches!(&link.says, LinkSays::Own { field, target: Some(_), .. } if field == "merge");
    let merges: BTreeSet<_> =
        deliveries.iter().flat_map(|d| &d.links).filter(|link| merged(link)).map(|link| &link.subject).collect();
    for delivery in deliveries {
        for (subject, key, statements) in &delivery.facts {
            let slot = format!("{subject} {key:?} {}", delivery.connection);
            said.entry(slot).or_default().insert(format!("{} {:?}", delivery.id, statements[0].value));
        }
        for (index, link) in delivery.links.iter().enumerate() {
            match &link.says {
                LinkSays::Own { field, target, .. } => {
                    let slot = format!("{} {field} {}", link.subject, delivery.connection);
                    said.entry(slot).or_default().insert(format!("{} {target:?}", delivery.id));
                    if field == "merge" && target.is_none() && merges.contains(&link.subject) {
                        found.push("restore");
                    }
                }
                LinkSays::Gone { gone: true } if !delivery.links.iter().any(merged) => found.push("gone"),
                LinkSays::Erased => found.push("erased"),
                LinkSays::Manual { .. } => found.push("decision"),
                LinkSays::List { .. } => {
                    let (key, list) = delivery.list(index).unwrap();
                    lists.entry(key).or_default().push(list);
                }
                LinkSays::Gone { .. } | LinkSays::Association { .. } => {}
            }
        }
    }
    let twice = said.values().any(|values| values.len() > 1);
    let shrinking = lists.values().any(|list| {
        list.iter()
            .any(|a| list.iter().any(|b| b.said.beats(&a.said) && a.listed.difference(&b.listed).next().is_some()))
    });
    let named = |(claimer, _, _): &crate::store::ListKey, list: &[model::ListRegister]| {
        let ids: BTreeSet<_> = list.iter().flat_map(|list| list.listed.clone()).collect();
        ids.into_iter().map(|id| (id, claimer.clone())).collect::<Vec<_>>()
    };
    let mut claimers: BTreeMap<SubjectId, BTreeSet<SubjectId>> = BTreeMap::new();
    for (id, claimer) in lists.iter().flat_map(|(key, list)| named(key, list)) {
        claimers.entry(id).or_default().insert(claimer);
    }
    let ups = settled.ups();
    let in_a_ring = |x: &SubjectId| {
        let mut above = model::parents(x, &ups[x]);
        let mut todo: Vec<_> = above.iter().cloned().collect();
        while let Some(next) = todo.pop() {
            todo.extend(model::parents(&next, &ups[&next]).into_iter().filter(|parent| above.insert(parent.clone())));
        }
        above.contains(x)
    };
    let all = [
        ("a field twice", twice),
        ("merge", !merges.is_empty()),
        ("shrinking list", shrinking),
        ("domain twice", claimers.iter().any(|(id, by)| id.as_domain().is_some() && by.len() > 1)),
        ("ring", ups.keys().any(in_a_ring)),
        ("leaf", deliveries.iter().any(|d| !d.links.is_empty() && d.facts.iter().any(|(x, _, _)| x.is_leaf()))),
    ];
    found.extend(all.into_iter().filter_map(|(what, is)| is.then_some(what)));
    found
}
