//! Bodies as trees, and what is said about a place in one.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use connectors::{ALL, Connector};
use model::{LinkSays, Normalized, Statement};
use serde_json::Value;

use super::{Recorded, accepted, fetched};

/// A fixture with a body that says something, sent or fetched.
pub struct Telling {
    pub connector: &'static dyn Connector,
    /// For messages.
    pub name: String,
    pub request: Recorded,
    /// What it says.
    pub out: Normalized,
}

/// All of them, of every connector.
pub static TELLING: LazyLock<Vec<Telling>> = LazyLock::new(|| {
    let of = |connector: &&'static dyn Connector| {
        let connector = *connector;
        let all = accepted(connector).into_iter().chain(fetched(connector));
        all.filter_map(move |(name, request)| {
            let request = request.plain();
            let out = request.normalize(connector);
            let name = format!("{} {name}", connector.tool().name);
            (!is_silent(&out)).then_some(Telling { connector, name, request, out })
        })
    };
    ALL.iter().flat_map(of).collect()
});

/// It says nothing that would be kept or asked for.
pub fn is_silent(out: &Normalized) -> bool {
    out.signals.is_empty() && out.links.is_empty() && out.fetches.is_empty()
}

/// The body as a tree.
pub fn tree(recorded: &Recorded) -> Value {
    serde_json::from_slice(&recorded.body).unwrap()
}

/// The same request with this tree as its body.
pub fn with_tree(recorded: &Recorded, tree: &Value) -> Recorded {
    Recorded { body: tree.to_string().into_bytes(), ..recorded.clone() }
}

/// A step into a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Key(String),
    Index(usize),
}

/// The steps of a path such as `$[3].propertyValue` or `form_response.answers[2].number`.
pub fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.strip_prefix('$').unwrap_or(path).split('.').filter(|part| !part.is_empty()) {
        let (key, indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
        if !key.is_empty() {
            steps.push(Step::Key(key.to_owned()));
        }
        let indexes = indexes.split(['[', ']']).filter_map(|index| index.parse().ok());
        steps.extend(indexes.map(Step::Index));
    }
    steps
}

/// What stands at a path.
pub fn at<'a>(tree: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    steps(path).iter().try_fold(tree, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    })
}

/// Takes away what stands at a path.
pub fn remove(tree: &mut Value, path: &str) {
    let mut steps = steps(path);
    let last = steps.pop().unwrap();
    let parent = steps.iter().try_fold(tree, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    });
    match (parent, last) {
        (Some(Value::Object(members)), Step::Key(key)) => drop(members.remove(&key)),
        (parent, last) => panic!("{parent:?} has no member {last:?}"),
    }
}

/// Every statement and link by what it is about: its place, and what it says. Times aside, because a time can be a value
/// of its own.
pub fn said(out: &Normalized) -> BTreeMap<String, (String, String)> {
    let statement = |s: &Statement| (s.path.clone(), format!("{:?} {}", s.value, s.raw));
    let statements = out.signals.iter().flat_map(|signal| {
        signal
            .statements
            .iter()
            .map(move |s| (format!("{} {:?} {}", signal.subject, signal.key, s.field), statement(s)))
    });
    let links = out.links.iter().map(|link| {
        let slot = match &link.says {
            LinkSays::Own { field, .. } => format!("own {field}"),
            LinkSays::Association { pair, .. } => format!("association {pair}"),
            LinkSays::List { list, .. } => format!("list {list}"),
            LinkSays::Manual { .. } => "manual".to_owned(),
            LinkSays::Gone { .. } => "gone".to_owned(),
            LinkSays::Erased => "erased".to_owned(),
        };
        (format!("{} {slot} {}", link.subject, link.path), (link.path.clone(), format!("{:?}", link.says)))
    });
    statements.chain(links).collect()
}

/// What follows from a value beside what stands at its place: (the value's key, part of what follows).
const FOLLOWS: [(&str, &str); 9] = [
    // When a ticket was solved is known from its becoming solved.
    ("status", " Ticket solved_at"),
    // Of an earlier solution, only that it came after the opening.
    ("created_at", " Ticket solved_at"),
    // The scale of an answer that there is.
    ("number", " Response csat_scale"),
    ("number", " Response ces_scale"),
    // And without its scale an answer may be off the one that is assumed.
    ("steps", " Response csat"),
    ("steps", " Response ces"),
    // Whose external id it is.
    ("organization_id", " own external_id "),
    // Which of a record's associations is the primary one.
    ("associatedcompanyid", " association "),
    ("hs_primary_associated_company", " association "),
];

/// What is said `about` something, at `place`, comes from the value at `path`.
pub fn is_fed_by(about: &str, place: &str, path: &str) -> bool {
    let key = path.rsplit('.').next().unwrap_or(path);
    place == path || FOLLOWS.iter().any(|(value, follows)| key == *value && about.contains(follows))
}

/// The output without the vendor's bytes, which may differ where the meaning does not.
pub fn without_raw(out: &Normalized) -> Normalized {
    let mut out = out.clone();
    for statement in out.signals.iter_mut().flat_map(|signal| &mut signal.statements) {
        statement.raw.clear();
    }
    out
}

/// Changes every value of a tree, the leaves first.
pub fn walk(value: &mut Value, key: &str, change: &mut impl FnMut(&str, &mut Value)) {
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(key, value)| walk(value, key, change)),
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, key, change)),
        _ => {}
    }
    change(key, value);
}
