//! Where HubSpot's records belong: what its values, associations and merges claim.

use std::collections::BTreeSet;

use model::{ClaimKind, Field, Link, LinkSays, Moment, SubjectId, Value, is_free_mail};

use crate::hubspot::{Kind, Told};

/// What the value of a field claims, and what to say of a part of it that claims nothing.
pub(crate) fn of_value(
    subject: &SubjectId,
    field: Field,
    value: &Value,
    told: &Told<'_>,
) -> (Vec<Link>, Option<&'static str>) {
    let text = match value {
        Value::Text(text) => text.as_str(),
        _ => "",
    };
    let says = |says| link(subject.clone(), says, told.at, &told.path);
    let list = |list: &str, kind, listed| LinkSays::List { list: list.to_owned(), kind, listed };
    match field {
        Field::Domain | Field::OtherDomains => {
            let (listed, left_out) = domains(text);
            (vec![says(list(field.as_str(), ClaimKind::Domain, listed))], left_out)
        }
        Field::Email => {
            let email = SubjectId::email(text);
            let odd = email.is_none() && !text.is_empty();
            let target = email.as_ref().and_then(SubjectId::company_domain);
            let links = vec![
                says(list("email", ClaimKind::ExternalId, email.into_iter().collect())),
                says(LinkSays::Own { field: "email".into(), kind: ClaimKind::Domain, target }),
            ];
            (links, odd.then_some("this is no email address; it links nobody"))
        }
        _ => (Vec::new(), None),
    }
}

fn domains(text: &str) -> (BTreeSet<SubjectId>, Option<&'static str>) {
    let mut left_out = None;
    let mut listed = BTreeSet::new();
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        match SubjectId::domain(part) {
            Some(domain) if domain.as_domain().is_some_and(is_free_mail) => {
                left_out = Some("a mail provider's domain tells nothing of a company; it links nobody");
            }
            Some(domain) => {
                listed.insert(domain);
            }
            None => left_out = Some("this is no web domain; it links nobody"),
        }
    }
    (listed, left_out)
}

fn link(subject: SubjectId, says: LinkSays, occurred_at: Moment, path: &str) -> Link {
    Link { subject, says, occurred_at, sequence: None, path: path.to_owned() }
}

/// The company of a record, from a body that tells it as a whole: one, or none.
pub(crate) fn company(kind: Kind, id: &str, company: Option<&str>, at: Moment, path: &str) -> Link {
    let target = company.map(|company| Kind::Company.subject(company));
    link(kind.subject(id), LinkSays::Own { field: "company".into(), kind: ClaimKind::Crm, target }, at, path)
}

/// How a record is associated with a company. HubSpot keeps both: a primary company is associated plainly as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Association {
    /// The one company a record belongs to.
    Primary,
    /// One of several. It counts where there is no primary one.
    Plain,
}

/// An association of a record with a company, made or removed. It is a claim of its own per company, because HubSpot
/// tells of each by itself and in any order.
pub(crate) fn association(
    (kind, id): (Kind, &str),
    company: &str,
    association: Association,
    removed: bool,
    (at, path): (Moment, &str),
) -> Link {
    let (pair, strength) = match association {
        Association::Primary => (format!("{}_to_company", kind.name()), ClaimKind::Crm),
        Association::Plain => (format!("{}_to_company_unlabeled", kind.name()), ClaimKind::ExternalId),
    };
    let says = LinkSays::Association { pair, kind: strength, other: Kind::Company.subject(company), removed };
    link(kind.subject(id), says, at, path)
}

/// The record was merged into another and is gone.
pub(crate) fn merged(kind: Kind, id: &str, survivor: &str, at: Moment, path: &str) -> [Link; 2] {
    [merge(kind, id, Some(survivor), at, path), gone(kind, id, true, at, path)]
}

/// The record is back, by itself.
pub(crate) fn restored(kind: Kind, id: &str, at: Moment, path: &str) -> [Link; 2] {
    [merge(kind, id, None, at, path), gone(kind, id, false, at, path)]
}

fn merge(kind: Kind, id: &str, survivor: Option<&str>, at: Moment, path: &str) -> Link {
    let target = survivor.map(|survivor| kind.subject(survivor));
    link(kind.subject(id), LinkSays::Own { field: "merge".into(), kind: ClaimKind::Crm, target }, at, path)
}

/// The record was deleted, or is there.
pub(crate) fn gone(kind: Kind, id: &str, gone: bool, at: Moment, path: &str) -> Link {
    link(kind.subject(id), LinkSays::Gone { gone }, at, path)
}

/// The person behind a contact was erased.
pub(crate) fn erased(id: &str, at: Moment, path: &str) -> Link {
    link(Kind::Contact.subject(id), LinkSays::Erased, at, path)
}
