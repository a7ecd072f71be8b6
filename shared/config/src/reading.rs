//! What reading any of the files needs: one parse error or all semantic problems, and the nearest valid name.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use toml::Spanned;

use crate::{Condition, Problem};

/// A table whose keys know where they stand.
pub(crate) type Table<T> = BTreeMap<Spanned<String>, T>;

/// One file being read, with what was found wrong so far.
pub(crate) struct Reader<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, problems: Vec::new() }
    }

    /// The file as `T`; otherwise the one problem why not.
    pub(crate) fn parse<T: DeserializeOwned>(&mut self) -> Option<T> {
        match toml::from_str(self.text) {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                let (message, help) = explain(error.message());
                self.wrong(span, message, help);
                None
            }
        }
    }

    /// Notes a problem.
    pub(crate) fn wrong(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<Option<String>>) {
        self.problems.push(Problem::at(self.file, self.text, span, message).help(help));
    }

    /// Notes that a name is not one of `valid`.
    pub(crate) fn unknown<'n>(&mut self, name: &Spanned<String>, what: &str, valid: impl Iterator<Item = &'n str>) {
        let help = suggestion(name.get_ref(), valid);
        self.wrong(name.span(), format!("`{}` is not {what}", name.get_ref()), help);
    }

    /// A value that is parsed from text.
    pub(crate) fn text<T>(&mut self, text: &Spanned<String>) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        match text.get_ref().parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let error: T::Err = error;
                self.wrong(text.span(), error.to_string(), None);
                None
            }
        }
    }

    /// Text that people read: not blank.
    pub(crate) fn words(&mut self, text: &Spanned<String>) -> String {
        if text.get_ref().trim().is_empty() {
            self.wrong(text.span(), "cannot be blank", None);
        }
        text.get_ref().trim().to_owned()
    }

    /// A weight: 1 to 1000.
    pub(crate) fn weight(&mut self, weight: &Spanned<i64>) -> u32 {
        match u32::try_from(*weight.get_ref()) {
            Ok(good @ 1..=1_000) => good,
            _ => {
                let help = "leave out what should not count".to_owned();
                self.wrong(weight.span(), "a weight is a whole number from 1 to 1000", help);
                1
            }
        }
    }

    /// Points from 0 to 100, as basis points.
    pub(crate) fn points(&mut self, points: &Spanned<i64>) -> u16 {
        match u16::try_from(*points.get_ref()) {
            Ok(good @ 0..=100) => good * 100,
            _ => {
                self.wrong(points.span(), format!("{} is not between 0 and 100", points.get_ref()), None);
                0
            }
        }
    }

    /// A whole number of something within limits.
    pub(crate) fn whole(&mut self, number: &Spanned<i64>, from: i64, to: i64, of: &str) -> i64 {
        let written = *number.get_ref();
        if !(from..=to).contains(&written) {
            self.wrong(number.span(), format!("{written} is not between {from} and {to} {of}"), None);
        }
        written.clamp(from, to)
    }

    /// An IANA time zone.
    pub(crate) fn zone(&mut self, zone: &Spanned<String>) -> Option<TimeZone> {
        let found = TimeZone::get(zone.get_ref());
        let names = ["Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "Asia/Tokyo", "UTC"];
        found
            .map_err(|_| {
                let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
                let city = |known: &&str| known.rsplit('/').next() == Some(zone.get_ref());
                let known = || known.iter().map(String::as_str);
                let help = match known().find(city).or_else(|| nearest(zone.get_ref(), known())) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("an IANA name such as {}", names.join(", ")),
                };
                self.wrong(zone.span(), format!("`{}` is not a time zone", zone.get_ref()), help);
            })
            .ok()
    }

    /// A length of time in whole hours or days of 24 hours: `24h`, `7d`.
    pub(crate) fn duration(&mut self, text: &Spanned<String>) -> SignedDuration {
        let written = text.get_ref();
        let hours = match (written.strip_suffix('h'), written.strip_suffix('d')) {
            (Some(hours), _) => digits(hours),
            (_, Some(days)) => digits(days).map(|days| days * 24),
            (None, None) => None,
        };
        // Ten years; more is a slip.
        if let Some(hours @ 0..=87_600) = hours {
            return SignedDuration::from_hours(hours);
        }
        let help = "hours or days, such as `24h` or `7d`; at most ten years".to_owned();
        self.wrong(text.span(), format!("`{written}` is not a length of time"), help);
        SignedDuration::ZERO
    }

    /// A condition; its problems point into the text.
    pub(crate) fn condition(&mut self, text: &Spanned<String>) -> Option<Condition> {
        let faults = match Condition::checked(text.get_ref()) {
            Ok(condition) => return Some(condition),
            Err(faults) => faults,
        };
        // Where the TOML string has no escapes, the condition stands in it as it is.
        let inside = self.text.get(text.span()).and_then(|raw| raw.find(text.get_ref().as_str()));
        for fault in faults {
            let span = match inside {
                Some(offset) => {
                    let start = text.span().start + offset;
                    start + fault.span.start..start + fault.span.end
                }
                None => text.span(),
            };
            self.wrong(span, fault.message, fault.help);
        }
        None
    }
}

/// An https address, or http on this machine.
pub(crate) fn is_web_address(url: &str) -> bool {
    let host_of = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    let is_host = |host: &str| !host.is_empty() && !host.contains(['@', ' ']);
    if let Some(rest) = url.strip_prefix("https://") {
        return is_host(&host_of(rest));
    }
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let host = host_of(rest);
    let name =
        host.strip_prefix('[').and_then(|v6| v6.split(']').next()).or(host.split(':').next()).unwrap_or_default();
    is_host(&host)
        && (name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()))
}

/// Few digits, so that no later multiplication overflows.
fn digits(text: &str) -> Option<i64> {
    let good = (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if good { text.parse().ok() } else { None }
}

/// The parser's message in the words of the files, and the nearest key where a key is wrong.
fn explain(message: &str) -> (String, Option<String>) {
    let message = message.lines().next().unwrap_or_default();
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field") || message.starts_with("unknown variant") {
        let name = quoted.next().unwrap_or_default();
        let help = suggestion(name, quoted);
        let what = if message.starts_with("unknown field") { "a key here" } else { "possible here" };
        return (format!("`{name}` is not {what}"), Some(help));
    }
    let variant =
        message.strip_prefix("unexpected keys in table: ").and_then(|rest| rest.split_once(", available keys: "));
    if let Some((names, valid)) = variant {
        let name = names.split(", ").next().unwrap_or(names);
        return (format!("`{name}` is not a key here"), Some(suggestion(name, valid.split(", "))));
    }
    let message = message
        .replace("missing field", "missing key")
        .replace("expected a sequence", "expected a list")
        .replace("expected a map", "expected a table")
        .replace("expected a boolean", "expected true or false")
        .replace("expected i64", "expected a whole number")
        .replace("expected a TOML datetime", "expected an instant such as 2026-12-01T00:00:00Z")
        .replace("wanted exactly 1 element, more than 1 element", "only one of the possible keys can be given here")
        .replace("type: sequence", "type: list")
        .replace("type: map", "type: table")
        .replace("floating point", "fraction");
    (message, None)
}

/// `did you mean …?`, or everything that is valid.
pub(crate) fn suggestion<'n>(name: &str, valid: impl Iterator<Item = &'n str>) -> String {
    let valid: Vec<&str> = valid.collect();
    match nearest(name, valid.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if valid.is_empty() => "there is none yet".to_owned(),
        None => format!("valid: {}", valid.join(", ")),
    }
}

/// The valid name with the fewest edits, when those are few.
pub(crate) fn nearest<'n>(name: &str, valid: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let allowed = ((name.chars().count() + 1) / 3).max(1);
    let measured = valid.map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate));
    measured.min_by_key(|(edits, _)| *edits).filter(|(edits, _)| *edits <= allowed).map(|(_, candidate)| candidate)
}

/// How many insertions, removals, replacements and swaps of neighbours lead from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(from != to);
            let mut edits = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *from == b[j - 1] && a[i - 1] == *to {
                edits = edits.min(rows[i - 1][j - 1] + 1);
            }
            row.push(edits);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_a_few_edits_away() {
        let valid = || ["band", "days_to_renewal", "arr"].into_iter();
        assert_eq!(nearest("bnad", valid()), Some("band"));
        assert_eq!(nearest("day_to_renewals", valid()), Some("days_to_renewal"));
        assert_eq!(nearest("ARR", valid()), Some("arr"));
        assert_eq!(nearest("lifecycle", valid()), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }

    #[track_caller]
    fn check_duration(text: &str, hours: Option<i64>) {
        let mut reader = Reader::new("f", "");
        let found = reader.duration(&Spanned::new(0..0, text.into()));
        assert_eq!(reader.problems.is_empty(), hours.is_some(), "{text}");
        assert_eq!(found, SignedDuration::from_hours(hours.unwrap_or(0)), "{text}");
    }

    #[test]
    fn a_length_of_time_is_in_hours_or_days() {
        check_duration("24h", Some(24));
        check_duration("7d", Some(168));
        check_duration("0h", Some(0));
        for bad in ["", "h", "7", "7 d", "-1d", "1.5h", "1w", "99999d", "9999999999h", "PT1H"] {
            check_duration(bad, None);
        }
    }
}
