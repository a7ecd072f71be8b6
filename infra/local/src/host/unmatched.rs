//! What belongs to no account, gathered under what would have to be linked, with what would link it.

use std::collections::{BTreeMap, BTreeSet};

use model::{Episode, Field, Root, SubjectId, Target, Up, Value};

use super::forest::{Forest, words_of};
use super::{HostError, Operator};
use crate::api::{Candidate, UnmatchedReason, UnmatchedRow};

impl Operator {
    /// What belongs to no account, the longest known first.
    ///
    /// # Errors
    /// When the tables do not answer.
    pub async fn unmatched(&self) -> Result<Vec<UnmatchedRow>, HostError> {
        let forest = self.forest([]).await?;
        let mut held: BTreeMap<SubjectId, u32> = BTreeMap::new();
        for episode in self.store().episodes().await?.into_iter().filter(Episode::is_open) {
            *held.entry(episode.key.home).or_default() += 1;
        }
        let excluded = &self.config().watch.exclude_domains;
        Ok(rows(&forest, &held).into_iter().filter(|row| !is_excluded(&row.subject, excluded)).collect())
    }

    /// Everything that is known and where it belongs; `also` need not be known.
    pub(super) async fn forest(&self, also: impl IntoIterator<Item = SubjectId>) -> Result<Forest, HostError> {
        Forest::read(self.store(), also).await
    }
}

/// A domain that is no customer's by configuration: our own, or a partner's.
fn is_excluded(subject: &SubjectId, excluded: &[String]) -> bool {
    let is_or_is_below = |domain: &str, of: &String| domain == of || domain.ends_with(&format!(".{of}"));
    subject.as_domain().is_some_and(|domain| excluded.iter().any(|of| is_or_is_below(domain, of)))
}

/// The rows, oldest first; `held` are open episodes by home.
pub(super) fn rows(forest: &Forest, held: &BTreeMap<SubjectId, u32>) -> Vec<UnmatchedRow> {
    let mut heads: BTreeMap<SubjectId, BTreeSet<SubjectId>> = BTreeMap::new();
    for (subject, up) in forest.subjects() {
        let speaks = forest.known(subject).is_some() || held.contains_key(subject);
        let is_twice_claimed = subject.as_domain().is_some() && forest.parents(subject).len() > 1;
        if (speaks || is_twice_claimed) && !up.is_gone() && forest.account(subject).is_none() {
            heads.entry(head(forest, subject)).or_default().insert(subject.clone());
        }
    }
    let mut rows: Vec<_> = heads.iter().filter_map(|(head, below)| row(forest, head, below, held)).collect();
    rows.sort_by(|a, b| (a.first_at, &a.subject).cmp(&(b.first_at, &b.subject)));
    rows
}

/// What would have to be linked for the subject to have an account: the end that is none, or where the ways part, or the
/// highest that was not deleted.
fn head(forest: &Forest, subject: &SubjectId) -> SubjectId {
    let gone = |subject: &SubjectId| forest.up(subject).is_some_and(Up::is_gone);
    let mut head = subject.clone();
    let mut passed = BTreeSet::from([head.clone()]);
    let is_alike = |a: &Root, b: &Root| match (a, b) {
        (Root::At(a), Root::At(b)) => a == b,
        (Root::Unmatched, Root::Unmatched) | (Root::Ambiguous(_), Root::Ambiguous(_)) => true,
        _ => false,
    };
    if let Root::At(root) = forest.root(subject) {
        return root;
    }
    loop {
        let alike = |parent: &SubjectId| is_alike(&forest.root(parent), &forest.root(subject));
        let next = forest.parents(&head).into_iter().find(|parent| !gone(parent) && alike(parent));
        match next.filter(|next| passed.insert(next.clone())) {
            Some(next) => head = next,
            None => return head,
        }
    }
}

fn row(
    forest: &Forest,
    head: &SubjectId,
    below: &BTreeSet<SubjectId>,
    held: &BTreeMap<SubjectId, u32>,
) -> Option<UnmatchedRow> {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let known: Vec<_> = below.iter().filter_map(|subject| forest.known(subject)).collect();
    let heard: Vec<_> = below.iter().chain([head]).filter_map(|subject| forest.heard_at(subject)).collect();
    let first_at = heard.iter().map(|(first, _)| *first).min()?;
    let last_at = heard.iter().map(|(_, last)| *last).max()?;
    let reason = match forest.root(head) {
        Root::At(_) => UnmatchedReason::NoAccount,
        Root::Ambiguous(_) => UnmatchedReason::Ambiguous,
        Root::Unmatched => UnmatchedReason::Unmatched,
    };
    let candidates = candidates(forest, head, below);
    Some(UnmatchedRow {
        subject: head.clone(),
        kind: kind(head).to_owned(),
        name: forest.name(head),
        reason,
        facts: number(known.iter().map(|known| known.facts.len()).sum()),
        subjects: number(known.len()),
        since: first_at,
        first_at,
        last_at,
        held_episodes: below.iter().filter_map(|subject| held.get(subject)).sum(),
        hint: hint(forest, head, reason, &candidates),
        candidates,
    })
}

/// What a subject is: the type of a vendor's object, `domain` or `email`.
pub(super) fn kind(subject: &SubjectId) -> &str {
    subject.as_str().split(':').nth(if subject.parts().is_some() { 1 } else { 0 }).unwrap_or_default()
}

/// Accounts that the subject, or what is below it, has something to do with.
fn candidates(forest: &Forest, head: &SubjectId, below: &BTreeSet<SubjectId>) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut add = |account: Option<SubjectId>, why: String| {
        let Some(account) = account.filter(|account| account != head) else { return };
        match found.iter_mut().find(|candidate| candidate.account == account) {
            Some(held) if held.why.contains(&why) => {}
            Some(held) => held.why = format!("{}; {why}", held.why),
            None => found.push(Candidate { name: forest.called(&account), account, why }),
        }
    };
    // Also what is overruled by a stronger claim is worth a look.
    for (slot, _, target) in forest.up(head).into_iter().flat_map(Up::live) {
        if let Target::Subject(target) = target {
            let words = words_of(slot);
            add(forest.account(target), format!("{} at {} says so", words.what, words.connection));
        }
    }
    for domain in domains(forest, head, below) {
        let owners = forest.parents(&domain);
        let account = forest.account(&domain).into_iter().chain(owners.iter().filter_map(|o| forest.account(o)));
        let name = domain.as_domain().unwrap_or_default().to_owned();
        for account in account.collect::<BTreeSet<_>>() {
            add(Some(account), format!("{name} is its domain"));
        }
    }
    for account in forest.accounts().filter(|account| is_called_alike(forest, head, account)) {
        add(Some(account.clone()), "the names are alike".to_owned());
    }
    found
}

/// Shortest part of a name that says something.
const TELLING: usize = 4;

/// One name begins with the other, or a domain with the beginning of the name.
fn is_called_alike(forest: &Forest, head: &SubjectId, account: &SubjectId) -> bool {
    let label = head.as_domain().and_then(|domain| domain.split('.').next()).map(str::to_owned);
    let one = plain(&label.or_else(|| forest.name(head)).unwrap_or_default());
    let other = plain(&forest.name(account).unwrap_or_default());
    one.len().min(other.len()) >= TELLING && (one.starts_with(&other) || other.starts_with(&one))
}

/// The domains that speak for a subject: those it lists as its own, and those that people below it write from.
fn domains(forest: &Forest, head: &SubjectId, below: &BTreeSet<SubjectId>) -> BTreeSet<SubjectId> {
    let mut domains: BTreeSet<SubjectId> = below.iter().filter_map(SubjectId::company_domain).collect();
    for subject in below {
        let known = forest.known(subject).into_iter().flat_map(|known| &known.facts);
        for (_, field, register) in known.flat_map(|fact| fact.all_registers()) {
            if let (Field::Email, Value::Text(address)) = (field, &register.value) {
                domains.extend(SubjectId::email(address).and_then(|email| email.company_domain()));
            }
        }
        let named = forest.up(subject).into_iter().flat_map(Up::targets);
        domains
            .extend(named.filter_map(|target| target.company_domain().or(target.as_domain().map(|_| target.clone()))));
    }
    let lists_it = |up: &Up| up.targets().any(|target| target == head);
    let listed = forest.subjects().filter(|(subject, up)| subject.as_domain().is_some() && lists_it(up));
    domains.extend(listed.map(|(subject, _)| subject.clone()));
    domains.remove(head);
    domains
}

/// A name without what differs between tools.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What would link it, in words and with a command.
fn hint(forest: &Forest, head: &SubjectId, reason: UnmatchedReason, candidates: &[Candidate]) -> String {
    let short = head.as_email().or(head.as_domain()).unwrap_or(head.as_str());
    let account = candidates.first().map_or("ACCOUNT", |candidate| candidate.account.as_str());
    let command = format!("`barometer link {short} {account}`");
    let owners: Vec<String> = forest.parents(head).iter().map(|owner| forest.called(owner)).collect();
    if reason == UnmatchedReason::Ambiguous {
        return format!("it is claimed for {}: take it from all but one of them, or {command}", owners.join(" and "));
    }
    if reason == UnmatchedReason::Unmatched {
        return format!("what it belonged to was deleted ({}): {command}", owners.join(", "));
    }
    let at_its_source = match (head.parts(), kind(head)) {
        (Some(_), "org") => "set the external id of the organisation to the account's id",
        (Some(_), "company") => "have the CRM send this company",
        (Some(_), "contact") => "give the contact a company, or its work address",
        (Some(_), "user") => "put the user into an organisation",
        (Some(_), "deal") => "give the deal a company",
        (Some(_), "ticket") => "put who asked into an organisation",
        (Some(_), "response") => "send `account_id` or `email` with the survey as hidden fields",
        (None, "domain") => "give the company this domain in the CRM",
        (None, "email") => "make it a contact of its company in the CRM",
        _ => return command,
    };
    format!("{at_its_source}, or {command}")
}
