//! A store over an engine in memory, and short ways to make what is stored.

use model::{
    Claim, ClaimKind, ConnectionName, Delivery, DeliveryId, Fact, FactKey, Family, Field, ListRegister, Moment, Said,
    Slot, Source, Stamp, Statement, SubjectId, Target, Up, Value,
};
use runtime::aws::AwsSettings;
use store::{Node, Store, Stored, Tables};
use testkit::engine;

pub fn store() -> Store {
    let tables = Tables { journal: engine::JOURNAL.into(), accounts: engine::ACCOUNTS.into() };
    Store::connect(&engine::tables(), &AwsSettings::local(), tables)
}

pub fn moment(seconds: i64) -> Moment {
    Moment::from_millis(1_790_000_000_000 + seconds * 1_000).unwrap()
}

pub fn hubspot() -> ConnectionName {
    "hubspot".parse().unwrap()
}

pub fn contact(id: u32) -> SubjectId {
    SubjectId::vendor("hubspot", "contact", &id.to_string())
}

pub fn email(address: &str) -> SubjectId {
    SubjectId::email(address).unwrap()
}

pub fn domain(name: &str) -> SubjectId {
    SubjectId::domain(name).unwrap()
}

pub fn delivery(key: &str, body: &str) -> Delivery {
    let connection = hubspot();
    Delivery {
        id: DeliveryId::new(&connection, key),
        connection,
        family: Family::Crm,
        received_at: moment(0),
        body_sha256: format!("{:0>64}", body.len()),
        headers: Default::default(),
        body: body.as_bytes().to_vec(),
        same_key_as: None,
    }
}

pub fn said(at: i64) -> Said {
    let delivery = DeliveryId::new(&hubspot(), "1");
    let stamp = Stamp { occurred_at: moment(at), sequence: Some(7), delivery, index: 0 };
    Said { stamp, received_at: moment(at), digest: "d".into(), clamped: false }
}

pub fn claim(target: Option<SubjectId>) -> Claim {
    Claim { kind: ClaimKind::Crm, target: target.map(Target::Subject), said: said(1) }
}

/// A node with a live claim, one that says nothing any more, one to stand alone, and a fact.
pub fn node(subject: &SubjectId) -> Node {
    let company = SubjectId::vendor("hubspot", "company", "1");
    let mut up = Up::default();
    up.claims.insert(Slot::own("company", &hubspot()), claim(Some(company.clone())));
    up.claims.insert(Slot::own("merge", &hubspot()), claim(None));
    up.claims.insert(Slot::manual(), Claim { target: Some(Target::Alone), ..claim(None) });
    up.gone = Some(model::Gone { gone: true, said: said(2) });
    up.seen.insert(company);
    Node { up, fact: Some(fact(subject, FactKey::Contact, Field::Role, "sponsor", 5)) }
}

pub fn fact(subject: &SubjectId, key: FactKey, field: Field, text: &str, at: i64) -> Fact {
    let mut fact = Fact::empty(subject.clone(), key);
    let (connection, delivery) = (hubspot(), DeliveryId::new(&hubspot(), "1"));
    let statement = Statement {
        field,
        value: Value::Text(text.into()),
        occurred_at: moment(at),
        sequence: None,
        path: "$".into(),
        raw: text.into(),
    };
    let source = Source { connection: &connection, delivery: &delivery, received_at: moment(at), index: 0 };
    fact.apply(source, &[statement]);
    fact
}

pub fn list(ids: impl IntoIterator<Item = SubjectId>) -> ListRegister {
    ListRegister { kind: ClaimKind::ExternalId, listed: ids.into_iter().collect(), said: said(1) }
}

pub fn new<T>(value: T) -> Stored<T> {
    Stored { value, rev: 0 }
}
