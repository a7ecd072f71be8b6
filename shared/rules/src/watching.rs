//! Why an account is watched, or is not: `[watch]` in the words of whoever wrote it.

use std::collections::BTreeMap;

use config::{Condition, Config, Scalars, Verdict};
use model::{ConnectionName, Field, Heard, Moment, Placed, View};

use crate::decide::excluding_domain;
use crate::known::Known;
use crate::when::When;

/// `[watch]` with its conditions taken apart: each of several that are joined by `||` is a reason of its own.
#[derive(Debug)]
pub struct Watching<'a> {
    config: &'a Config,
    when: Vec<Condition>,
    exclude: Vec<Condition>,
}

/// Why an account is watched, or is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// These parts of `when` hold; at least one.
    Because(Vec<String>),
    /// It would be, and these parts of `exclude` hold.
    Excluded(Vec<String>),
    /// It would be, and its domain is, or is below, this one of `exclude_domains`.
    OwnDomain(String),
    /// `when` does not hold.
    No,
}

impl<'a> Watching<'a> {
    /// The rules of a configuration.
    pub fn new(config: &'a Config) -> Self {
        Self { config, when: alternatives(&config.watch.when), exclude: alternatives(&config.watch.exclude) }
    }

    /// The parts of `when`, in the order of the file.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.when.iter().map(Condition::source)
    }

    /// Why the account of these facts is watched at a moment, or is not.
    pub fn of(&self, facts: &[Placed], heard: &BTreeMap<ConnectionName, Heard>, at: Moment) -> Watched {
        let known = Known::new(View::new(facts, self.config), heard, self.config);
        let scalars = known.scalars(When::at(at, &self.config.model.zone));
        let when = holding(&self.when, &scalars);
        if when.is_empty() {
            return Watched::No;
        }
        let domain = known.text(Field::Domain).and_then(|domain| excluding_domain(self.config, domain));
        if let Some(domain) = domain {
            return Watched::OwnDomain(domain.to_owned());
        }
        match holding(&self.exclude, &scalars) {
            excluded if excluded.is_empty() => Watched::Because(when),
            excluded => Watched::Excluded(excluded),
        }
    }
}

fn holding(conditions: &[Condition], scalars: &Scalars) -> Vec<String> {
    let holding = conditions.iter().filter(|condition| condition.holds(scalars) == Verdict::Holds);
    holding.map(|condition| condition.source().to_owned()).collect()
}

/// The conditions that a condition joins by `||`; itself where it joins none.
fn alternatives(condition: &Condition) -> Vec<Condition> {
    let parts: Result<Vec<_>, _> = parts(condition.source()).into_iter().map(Condition::compile).collect();
    parts.unwrap_or_else(|_| vec![condition.clone()])
}

fn parts(source: &str) -> Vec<&str> {
    let (mut depth, mut quote, mut from, mut parts) = (0_i32, None, 0, Vec::new());
    let mut before = ' ';
    for (at, c) in source.char_indices() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if c == open && before != '\\' => quote = None,
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth -= 1,
            (None, '|') if depth == 0 && before == '|' => {
                parts.push(source[from..at - 1].trim());
                from = at + 1;
            }
            _ => {}
        }
        before = c;
    }
    parts.push(source[from..].trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_taken_apart_where_it_joins_others() {
        for (source, expected) in [
            ("is_test", vec!["is_test"]),
            (
                "lifecycle_stage == 'customer' || has_active_subscription",
                vec!["lifecycle_stage == 'customer'", "has_active_subscription"],
            ),
            ("(is_test || has(arr)) && arr > 1 || is_test", vec!["(is_test || has(arr)) && arr > 1", "is_test"]),
            ("tier == 'a||b' || is_test", vec!["tier == 'a||b'", "is_test"]),
        ] {
            assert_eq!(parts(source), expected, "{source}");
        }
    }
}
