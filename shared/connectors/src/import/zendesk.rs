//! Zendesk's export of organisations and users.

use std::collections::BTreeSet;

use model::{
    ClaimKind, FactKey, Field, Link, LinkSays, Mapping, Normalized, QuarantinedItem, Signal, SignalKind, Statement,
    SubjectId, Value, is_free_mail,
};

use super::{Cell, Feeds, Form, Row, lacks, plain};
use crate::hubspot_values::whole_number;
use crate::zendesk::ORGANIZATION;

/// The two kinds of file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Records {
    Organizations,
    Users,
}

const ID: &str = "id";
const NAME: &str = "name";
const EXTERNAL_ID: &str = "external_id";
const DOMAINS: &str = "domain_names";
const EMAIL: &str = "email";
const ROLE: &str = "role";
const ORGANIZATION_ID: &str = "organization_id";

impl Form for Records {
    fn feeds(&self, mapping: &Mapping, name: &str) -> Feeds {
        let heading = plain(name);
        let own = match (self, heading.as_str()) {
            (_, "id") | (Self::Organizations, "organizationid") | (Self::Users, "userid") => Some(ID),
            (_, "name") => Some(NAME),
            (Self::Organizations, "externalid") => Some(EXTERNAL_ID),
            (Self::Organizations, "domainnames" | "domains" | "default") => Some(DOMAINS),
            (Self::Users, "email") => Some(EMAIL),
            (Self::Users, "role") => Some(ROLE),
            (Self::Users, "organizationid") => Some(ORGANIZATION_ID),
            _ => None,
        };
        match (self, own) {
            // A mapped name is another one than Zendesk's own: the two would fight.
            (Self::Organizations, Some(NAME)) if mapping.property(ORGANIZATION.name, Field::Name).is_some() => vec![],
            (_, Some(own)) => vec![own],
            (Self::Organizations, None) => custom(mapping, &heading).map(Field::as_str).into_iter().collect(),
            (Self::Users, None) => vec![],
        }
    }

    fn needs(&self) -> (&'static str, &'static str) {
        (ID, "`ID`")
    }

    fn row(&self, row: &Row<'_>) -> Normalized {
        let cells = row.fed(self);
        let of = |what: &str| cells.iter().find(|(fed, _)| *fed == what).map(|(_, cell)| cell);
        let mut said = Normalized::default();
        let Some(id) = of(ID) else {
            said.quarantined.push(lacks(row, self.needs()));
            return said;
        };
        let Ok(number) = whole_number(id.raw) else {
            said.quarantined.push(id.unfit("Zendesk's id of the record, a whole number"));
            return said;
        };
        match self {
            Self::Organizations => organization(row, &SubjectId::vendor("zendesk", "org", &number), &cells, &mut said),
            Self::Users => user(row, &SubjectId::vendor("zendesk", "user", &number), &cells, &mut said),
        }
        said
    }
}

/// The field that a mapped field of organisations feeds.
fn custom(mapping: &Mapping, heading: &str) -> Option<Field> {
    let fields = ORGANIZATION.fields.iter().copied();
    fields
        .into_iter()
        .find(|field| mapping.property(ORGANIZATION.name, *field).is_some_and(|key| plain(key) == heading))
}

type Cells<'a> = [(&'static str, Cell<'a>)];

fn organization(row: &Row<'_>, subject: &SubjectId, cells: &Cells<'_>, said: &mut Normalized) {
    let mut statements = Vec::new();
    for (what, cell) in cells {
        match *what {
            EXTERNAL_ID => match row.mapping.account(&cell.text()) {
                Some(account) => {
                    said.links.push(own(row, subject, cell, "external_id", ClaimKind::ExternalId, account))
                }
                None => said.quarantined.push(cell.unfit("an account's id, or its web domain")),
            },
            DOMAINS => match domains(cell) {
                Ok(listed) => {
                    let says = LinkSays::List { list: DOMAINS.to_owned(), kind: ClaimKind::Domain, listed };
                    said.links.push(link(row, subject, cell, says));
                }
                Err(item) => said.quarantined.push(item),
            },
            ID => {}
            field => statements.extend(field.parse().ok().map(|field| state(row, cell, field, cell.text()))),
        }
    }
    signal(said, SignalKind::AccountChanged, subject, FactKey::Profile, statements);
}

fn user(row: &Row<'_>, subject: &SubjectId, cells: &Cells<'_>, said: &mut Normalized) {
    let mut statements = Vec::new();
    for (what, cell) in cells {
        match *what {
            EMAIL => match SubjectId::email(&cell.text()) {
                Some(email) => {
                    let address = email.as_email().unwrap_or_default().to_owned();
                    statements.push(state(row, cell, Field::Email, address));
                    said.links.push(own(row, subject, cell, "email", ClaimKind::ExternalId, email));
                }
                None => said.quarantined.push(cell.unfit("an email address")),
            },
            ORGANIZATION_ID => match whole_number(cell.raw) {
                Ok(id) => {
                    let organization = SubjectId::vendor("zendesk", "org", &id);
                    said.links.push(own(row, subject, cell, ORGANIZATION_ID, ClaimKind::Crm, organization));
                }
                Err(_) => said.quarantined.push(cell.unfit("an organisation's id, a whole number")),
            },
            NAME => statements.push(state(row, cell, Field::Name, cell.text())),
            ROLE => statements.push(state(row, cell, Field::Role, cell.text().to_lowercase())),
            _ => {}
        }
    }
    signal(said, SignalKind::ContactChanged, subject, FactKey::Contact, statements);
}

/// The domains of a cell, which stand apart by blanks, commas or semicolons. A mail provider's tells nothing of a company.
fn domains(cell: &Cell<'_>) -> Result<BTreeSet<SubjectId>, QuarantinedItem> {
    let text = cell.text();
    let parts = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';')).filter(|part| !part.is_empty());
    let mut listed = BTreeSet::new();
    for part in parts {
        let domain = SubjectId::domain(part).ok_or_else(|| cell.unfit("web domains, separated by blanks"))?;
        if !domain.as_domain().is_some_and(is_free_mail) {
            listed.insert(domain);
        }
    }
    Ok(listed)
}

fn own(row: &Row<'_>, of: &SubjectId, cell: &Cell<'_>, field: &str, kind: ClaimKind, target: SubjectId) -> Link {
    link(row, of, cell, LinkSays::Own { field: field.to_owned(), kind, target: Some(target) })
}

fn link(row: &Row<'_>, subject: &SubjectId, cell: &Cell<'_>, says: LinkSays) -> Link {
    Link { subject: subject.clone(), says, occurred_at: row.as_of, sequence: None, path: cell.path.clone() }
}

fn state(row: &Row<'_>, cell: &Cell<'_>, field: Field, text: String) -> Statement {
    Statement {
        field,
        value: Value::Text(text),
        occurred_at: row.as_of,
        sequence: None,
        path: cell.path.clone(),
        raw: Statement::cut_raw(cell.raw.get()),
    }
}

fn signal(said: &mut Normalized, kind: SignalKind, subject: &SubjectId, key: FactKey, statements: Vec<Statement>) {
    if !statements.is_empty() {
        said.signals.push(Signal { kind, subject: subject.clone(), key, statements });
    }
}
