//! Whom a mail to a part of the customer's is for.

use config::MailTo;
use model::{FactKey, Family, Field, Placed, SubjectId, View};

use super::Known;
use super::people::Part;
use crate::told::Told;

/// A contact that has a part, and an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Addressee<'a> {
    /// The contact wants no mail, or none arrives.
    pub is_closed: bool,
    pub address: &'a str,
    pub contact: &'a SubjectId,
    pub name: Option<&'a str>,
}

/// What speaks against mail, whoever says it.
const AGAINST: [Field; 4] = [Field::OptedOut, Field::MailBounced, Field::MailComplained, Field::MailUnsubscribed];

impl<'a> Known<'a> {
    /// The contact that has the part in a CRM; of several the one that takes mail, then the first by address, so that it is the
    /// same one each time. Nobody else is ever meant.
    pub fn addressee(&self, to: MailTo) -> Option<Addressee<'a>> {
        let part = match to {
            MailTo::Owner => return None,
            MailTo::Sponsor => Part::Sponsor,
            MailTo::DecisionMaker => Part::Decider,
            MailTo::Admin => Part::Admin,
        };
        let contacts = || self.view.facts().iter().filter(|placed| placed.fact.key == FactKey::Contact);
        let with_part = contacts().filter(|placed| !placed.gone && self.has_part(placed, part));
        let found = with_part.filter_map(|placed| {
            let own = View::new(std::slice::from_ref(placed), self.config);
            let address = own.text(&FactKey::Contact, Field::Email)?;
            let is_same = |other: &&Placed| {
                let other = View::new(std::slice::from_ref(*other), self.config);
                other.text(&FactKey::Contact, Field::Email) == Some(address)
            };
            let named = SubjectId::email(address);
            let about = contacts().filter(|other| Some(&other.fact.subject) == named.as_ref() || is_same(other));
            let is_closed = about.flat_map(|placed| placed.fact.registers.values()).any(|said| {
                AGAINST.iter().any(|field| said.get(field).is_some_and(|it| it.value == model::Value::Flag(true)))
            });
            let name = own.text(&FactKey::Contact, Field::Name);
            let is_ours = !self.people.is_theirs(address);
            (!is_ours).then_some(Addressee { is_closed, address, contact: &placed.fact.subject, name })
        });
        found.min()
    }

    /// The part stands in a CRM: what a help desk calls an admin is its own staff.
    fn has_part(&self, placed: &Placed, part: Part) -> bool {
        let own = View::new(std::slice::from_ref(placed), self.config);
        let said = Told::all(own, &FactKey::Contact, Field::Role).filter(|told| {
            let family = self.config.connection(told.connection).map(|connection| connection.family);
            family != Some(Family::Ticketing)
        });
        // Who is believed comes first.
        said.take(1).filter_map(|told| told.text()).any(|role| Part::of(role).any(|one| one == part))
    }
}
