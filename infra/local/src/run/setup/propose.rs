//! Which property is the renewal date? By its name, its kind, and what stands in it; with the reason, and how sure.

use jiff::civil::Date;
use model::{Field, Moment, Money};
use serde::Serialize;

use super::portal::{Kind, Portal, Property};

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Confidence {
    /// Shown, and not written: somebody should look.
    Low,
    Medium,
    High,
}

impl Confidence {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A property that should feed a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Proposal {
    /// The field's name in the mapping.
    pub field: &'static str,
    /// The property's internal name; `None` where none fits.
    pub property: Option<String>,
    pub confidence: Option<Confidence>,
    pub reason: String,
}

/// What is looked for.
struct Wanted {
    field: Field,
    /// What people call it, for the reason.
    what: &'static str,
    /// Words of a name, all of which must be there, and what they count. The best counts.
    named: &'static [(&'static [&'static str], i32)],
    /// Words that make it something else.
    never: &'static [&'static str],
    kind: Kind,
    fits: fn(&str) -> bool,
}

const WANTED: [Wanted; 5] = [
    Wanted {
        field: Field::RenewsOn,
        what: "a renewal date",
        named: &[
            (&["renewal", "date"], 60),
            (&["renew"], 50),
            (&["contract", "end"], 45),
            (&["term", "end"], 45),
            (&["subscription", "end"], 45),
            (&["expir"], 40),
        ],
        never: &["notice", "reminder", "status", "owner", "amount", "created", "last_renew", "original"],
        kind: Kind::Day,
        fits: is_day,
    },
    Wanted {
        field: Field::Arr,
        what: "annual recurring revenue",
        named: &[
            (&["annual", "recurring"], 65),
            (&["arr"], 60),
            (&["recurring", "revenue"], 55),
            (&["acv"], 40),
            (&["contract", "value"], 40),
        ],
        // What the customer earns itself, and what is not for a year.
        never: &["annualrevenue", "mrr", "monthly", "total_revenue", "recent", "currency", "growth"],
        kind: Kind::Number,
        fits: is_amount,
    },
    Wanted {
        field: Field::Csm,
        what: "who looks after the account",
        named: &[
            (&["csm"], 60),
            (&["customer", "success"], 60),
            (&["success", "manager"], 60),
            (&["account", "manager"], 40),
            (&["hubspot_owner_id"], 30),
        ],
        never: &["sentiment", "score", "date", "notes", "team", "assigned_date"],
        kind: Kind::Choice,
        fits: is_person,
    },
    Wanted {
        field: Field::Tier,
        what: "a tier",
        named: &[(&["tier"], 60), (&["support", "level"], 40), (&["service", "level"], 40), (&["segment"], 25)],
        never: &["date", "frontier"],
        kind: Kind::Choice,
        fits: is_word,
    },
    Wanted {
        field: Field::IsTest,
        what: "a mark of test records",
        named: &[
            (&["is", "test"], 60),
            (&["test", "account"], 60),
            (&["test"], 45),
            (&["demo"], 40),
            (&["sandbox"], 40),
        ],
        never: &["latest", "contest", "date", "testimonial"],
        kind: Kind::YesOrNo,
        fits: is_flag,
    },
];

/// A proposal for each field that is looked for, in a fixed order.
pub(super) fn proposals(portal: &Portal) -> Vec<Proposal> {
    WANTED.iter().map(|wanted| proposal(wanted, portal)).collect()
}

fn proposal(wanted: &Wanted, portal: &Portal) -> Proposal {
    let judged = portal.properties.iter().filter_map(|property| judged(wanted, property, portal));
    let best = judged.max_by(|a, b| (a.0, &b.1.name).cmp(&(b.0, &a.1.name)));
    let field = wanted.field.as_str();
    let Some((points, property, reasons)) = best.filter(|(points, ..)| *points >= 40) else {
        let reason = format!("no property is named like {}", wanted.what);
        return Proposal { field, property: None, confidence: None, reason };
    };
    let confidence = match points {
        85.. => Confidence::High,
        65..=84 => Confidence::Medium,
        _ => Confidence::Low,
    };
    let property = Some(property.name.clone());
    Proposal { field, property, confidence: Some(confidence), reason: reasons.join("; ") }
}

/// How well a property fits; `None` where it does not.
fn judged<'a>(wanted: &Wanted, property: &'a Property, portal: &Portal) -> Option<(i32, &'a Property, Vec<String>)> {
    let name = format!("{} {}", property.name, property.label.to_lowercase());
    // A name that cannot stand between quotes is none of HubSpot's.
    let is_odd = property.name.contains(['"', '\\']) || property.name.contains(char::is_control);
    if is_odd || property.name.starts_with(model::OUR_PROPERTIES) || wanted.never.iter().any(|word| name.contains(word))
    {
        return None;
    }
    let has = |words: &[&str]| words.iter().all(|word| is_named(&name, word));
    let mut points = wanted.named.iter().filter(|(words, _)| has(words)).map(|(_, points)| *points).max()?;
    let mut reasons = vec![format!("named like {}", wanted.what)];
    if property.kind == wanted.kind {
        points += 20;
        reasons.push("of the right kind".to_owned());
    } else if property.kind != Kind::Unknown {
        points -= 10;
    }
    let values: Vec<&str> = portal.values(&property.name).collect();
    let fitting = values.iter().filter(|value| (wanted.fits)(value)).count();
    let all = portal.companies.len();
    if values.is_empty() {
        points -= 25;
        reasons.push(format!("empty for all {all} companies"));
    } else {
        if fitting * 2 < values.len() {
            return None;
        }
        points += if fitting * 10 >= values.len() * 9 { 20 } else { 5 };
        reasons.push(format!("{fitting} of {} values fit, filled for {} of {all}", values.len(), values.len()));
        points -= if values.len() * 10 < all { 15 } else { 0 };
    }
    if property.is_guessed {
        points -= 5;
        reasons.push("its internal name is taken from the label: check it in HubSpot (`</>`)".to_owned());
    }
    Some((points, property, reasons))
}

/// A short word stands by itself, a longer one anywhere.
fn is_named(name: &str, word: &str) -> bool {
    if word.len() > 4 || word == "tier" {
        return name.contains(word);
    }
    name.split(|c: char| !c.is_alphanumeric()).any(|part| part == word)
}

fn is_day(text: &str) -> bool {
    let text = text.trim();
    let in_epoch = text.parse::<i64>().ok().is_some_and(|ms| ms.unsigned_abs() >= 10_000_000_000);
    in_epoch || text.parse::<Date>().is_ok() || text.parse::<Moment>().is_ok()
}

fn is_amount(text: &str) -> bool {
    "USD".parse().is_ok_and(|currency| Money::from_decimal(text.trim(), currency).is_ok())
}

fn is_person(text: &str) -> bool {
    let text = text.trim();
    (text.contains('@') && !text.contains(' ')) || text.bytes().all(|b| b.is_ascii_digit())
}

fn is_word(text: &str) -> bool {
    text.chars().count() <= 40 && !text.contains('@')
}

fn is_flag(text: &str) -> bool {
    ["true", "false", "yes", "no"].contains(&text.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(export: &str, field: &str, expected: Option<(&str, Confidence)>) {
        let portal = Portal::read(export).unwrap();
        let all = proposals(&portal);
        let found = all.iter().find(|proposal| proposal.field == field).unwrap();
        let is = found.property.as_deref().zip(found.confidence);
        assert_eq!(is, expected, "{found:?}");
    }

    #[test]
    fn a_name_and_values_that_fit_are_enough() {
        check("Name,Renewal Date\nAcme,2027-01-31\n", "renews_on", Some(("renewal_date", Confidence::Medium)));
        let typed = r#"[{"results": [{"name": "renewal_date", "label": "Renewal date", "type": "date"}]},
            {"results": [{"id": "7", "properties": {"renewal_date": "2027-01-31"}}]}]"#;
        check(typed, "renews_on", Some(("renewal_date", Confidence::High)));
    }

    #[test]
    fn a_name_whose_values_do_not_fit_is_not_enough() {
        check("Name,Renewal Date\nAcme,soon\nBolt,maybe\n", "renews_on", None);
        check("Name,ARR\nAcme,big\n", "arr", None);
    }

    #[test]
    fn what_looks_alike_is_told_apart() {
        // What a customer earns is not what it pays; a month is no year; the notice is not the renewal.
        check("Annual Revenue,MRR\n5000000,400\n", "arr", None);
        check("Renewal Notice Date\n2027-01-31\n", "renews_on", None);
        check("Latest Source,Contest\ntrue,true\n", "is_test", None);
        check("Company owner,CSM\n410001,ines@ourco.example\n", "csm", Some(("csm", Confidence::Medium)));
        check("Company owner\n410001\n", "csm", Some(("hubspot_owner_id", Confidence::Low)));
    }

    #[test]
    fn a_name_that_would_break_the_file_is_not_written() {
        let odd = r#"{"results": [{"id": "7", "properties": {"tier\"\nx = \"": "gold"}}]}"#;
        check(odd, "tier", None);
    }

    #[test]
    fn our_own_properties_feed_nothing() {
        check("barometer tier\ngold\n", "tier", None);
    }
}
