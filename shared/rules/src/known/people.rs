//! Who the people of an account are, under whichever name a source knows them.

use std::collections::{BTreeMap, BTreeSet};

use config::Config;
use model::{FactKey, Family, Field, SubjectId, View};

use crate::told::Told;

/// A person's part that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Sponsor,
    Decider,
    Admin,
}

impl Part {
    /// The parts in a role as a CRM writes it, such as `EXECUTIVE_SPONSOR;BUDGET_HOLDER`.
    pub(super) fn of(role: &str) -> impl Iterator<Item = Self> {
        role.split([';', ',']).filter_map(|one| {
            let words = one.trim().to_lowercase().replace(['_', '-'], " ");
            match words.as_str() {
                "sponsor" | "executive sponsor" | "champion" => Some(Self::Sponsor),
                "decision maker" | "decisionmaker" => Some(Self::Decider),
                "admin" | "administrator" => Some(Self::Admin),
                _ => None,
            }
        })
    }
}

/// The contacts of an account.
#[derive(Debug, Clone)]
pub(super) struct People<'a> {
    /// The address of each contact that has one.
    emails: BTreeMap<&'a SubjectId, &'a str>,
    /// The parts of each person.
    parts: BTreeMap<&'a str, BTreeSet<Part>>,
    /// Our own people, by address or contact.
    ours: BTreeSet<&'a str>,
    /// Somebody's role is told, also of contacts that are gone.
    tells_roles: bool,
    /// The role of a sponsor, else any.
    role: Option<Told<'a>>,
    our_domains: &'a [String],
}

impl<'a> People<'a> {
    pub fn new(view: View<'a>, config: &'a Config) -> Self {
        let mut people = Self {
            emails: BTreeMap::new(),
            parts: BTreeMap::new(),
            ours: BTreeSet::new(),
            tells_roles: false,
            role: None,
            our_domains: &config.watch.exclude_domains,
        };
        for placed in view.facts().iter().filter(|placed| placed.fact.key == FactKey::Contact) {
            let own = View::new(std::slice::from_ref(placed), config);
            let subject = &placed.fact.subject;
            if let Some(email) = own.text(&FactKey::Contact, Field::Email) {
                people.emails.insert(subject, email);
            }
            let name = people.emails.get(subject).copied().unwrap_or(subject.as_str());
            let Some(told) = Told::of(own, &FactKey::Contact, Field::Role) else { continue };
            let Some(role) = told.text() else { continue };
            let family = config.connection(told.connection).map(|connection| connection.family);
            if family == Some(Family::Ticketing) {
                // A help desk calls its own staff agents and admins, and everybody else an end user.
                if ["agent", "admin"].contains(&role) {
                    people.ours.insert(name);
                }
                continue;
            }
            people.tells_roles = true;
            let parts: BTreeSet<_> = Part::of(role).collect();
            let is_sponsor = parts.contains(&Part::Sponsor) && !placed.gone;
            if people.role.is_none() || (is_sponsor && !people.has_part(Part::Sponsor)) {
                people.role = Some(told);
            }
            if !placed.gone {
                people.parts.entry(name).or_default().extend(parts);
            }
        }
        people
    }

    /// One name for a person, whichever of their contacts is meant: the address where it is known.
    pub fn name(&self, person: &'a str) -> &'a str {
        let subject = SubjectId::from_stored(person);
        self.emails.get(&subject).copied().unwrap_or_else(|| person.strip_prefix("email:").unwrap_or(person))
    }

    /// Somebody of the customer's, by a name of [`Self::name`].
    pub fn is_theirs(&self, name: &str) -> bool {
        let domain = name.rsplit_once('@').map(|(_, domain)| domain);
        !self.ours.contains(name) && !domain.is_some_and(|domain| self.our_domains.iter().any(|ours| ours == domain))
    }

    pub fn is_sponsor(&self, name: &str) -> bool {
        self.parts.get(name).is_some_and(|parts| parts.contains(&Part::Sponsor))
    }

    /// One whose word alone counts for the account.
    pub fn decides(&self, name: &str) -> bool {
        self.parts.get(name).is_some_and(|parts| !parts.is_empty())
    }

    /// `None` while nobody's role is told.
    pub fn has_sponsor(&self) -> Option<bool> {
        self.tells_roles.then(|| self.has_part(Part::Sponsor))
    }

    /// The statement behind [`Self::has_sponsor`].
    pub fn role(&self) -> Option<Told<'a>> {
        self.role
    }

    fn has_part(&self, part: Part) -> bool {
        self.parts.values().any(|parts| parts.contains(&part))
    }
}
