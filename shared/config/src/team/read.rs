//! Reads and checks `team.toml`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use super::pool::{self, PoolTable};
use super::{Away, Person, Team};
use crate::desk::{self, AlertsTable};
use crate::reading::{Reader, Table};
use crate::{Calendar, QuietHours};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct File {
    zone: Spanned<String>,
    slack_channel: Spanned<String>,
    #[serde(default)]
    quiet: Option<Spanned<String>>,
    #[serde(default)]
    manager: Option<Spanned<String>>,
    #[serde(default)]
    calendar: CalendarTable,
    #[serde(default)]
    alerts: AlertsTable,
    #[serde(default)]
    pool: PoolTable,
    #[serde(default)]
    person: Vec<PersonTable>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct CalendarTable {
    #[serde(default)]
    holidays: Vec<Spanned<String>>,
    #[serde(default)]
    holidays_in: Table<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct PersonTable {
    name: Spanned<String>,
    email: Spanned<String>,
    #[serde(default)]
    crm_owner_id: Option<Spanned<String>>,
    #[serde(default)]
    slack: Option<Spanned<String>>,
    #[serde(default)]
    zone: Option<Spanned<String>>,
    #[serde(default)]
    quiet: Option<Spanned<String>>,
    #[serde(default)]
    manager: Option<Spanned<String>>,
    #[serde(default)]
    active: Option<bool>,
    #[serde(default)]
    cover: Option<Spanned<String>>,
    #[serde(default)]
    pool_hours: Option<Spanned<i64>>,
    #[serde(default)]
    away: Vec<Spanned<AwayTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct AwayTable {
    from: Spanned<String>,
    to: Spanned<String>,
    #[serde(default)]
    cover: Option<Spanned<String>>,
}

pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Team> {
    let file: File = reader.parse()?;
    let zone = reader.zone(&file.zone);
    let slack_channel = channel(reader, &file.slack_channel);
    let holidays = days(reader, &file.calendar.holidays);
    let holidays_in = holidays_in(reader, &file.calendar.holidays_in);
    let quiet = file.quiet.as_ref().and_then(|quiet| reader.text::<QuietHours>(quiet));
    let alerts = desk::alerts(reader, &file.alerts);
    let zone = zone?;
    let calendar = Calendar { zone: zone.clone(), holidays };
    let (people, pool, groups) = (Vec::new(), Vec::new(), file.pool.groups(reader));
    let manager = file.manager.as_ref().map(|manager| manager.get_ref().clone());
    let mut team = Team { zone, calendar, holidays_in, alerts, quiet, people, pool, groups, slack_channel, manager };
    for table in &file.person {
        let person = person(reader, table);
        let ids = [Some(&table.email), table.crm_owner_id.as_ref()];
        for id in ids.into_iter().flatten() {
            if let Some(other) = team.find(id.get_ref()) {
                let message = format!("`{}` is already {}", id.get_ref(), other.name);
                reader.wrong(id.span(), message, None);
            }
        }
        team.people.push(person);
    }
    let named = file.person.iter().flat_map(|person| {
        let stand_ins = person.away.iter().filter_map(|away| away.get_ref().cover.as_ref());
        stand_ins.chain(&person.cover).chain(&person.manager).map(move |other| (Some(person), other))
    });
    let of_team = file.pool.named().chain(&file.manager);
    for (person, other) in named.chain(of_team.map(|member| (None, member))) {
        // Everybody is known by now; who refers to themselves would wait for nobody.
        let emails = || team.people.iter().map(|person| person.email.as_str());
        if !emails().any(|email| email.eq_ignore_ascii_case(other.get_ref())) {
            reader.unknown(other, "the email address of anybody here", emails());
        } else if person.is_some_and(|person| person.email.get_ref().eq_ignore_ascii_case(other.get_ref())) {
            reader.wrong(other.span(), "this is the same person", None);
        }
    }
    team.pool = file.pool.members.iter().map(|member| member.get_ref().clone()).collect();
    Some(team)
}

fn person(reader: &mut Reader<'_>, table: &PersonTable) -> Person {
    let email = reader.words(&table.email);
    let parts = email.split_once('@');
    if !parts.is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !email.contains(' ')) {
        reader.wrong(table.email.span(), format!("`{email}` is not an email address"), None);
    }
    let slack = table.slack.as_ref().map(|slack| slack_id(reader, slack));
    let away = table.away.iter().filter_map(|away| absence(reader, away)).collect();
    Person {
        name: reader.words(&table.name),
        email,
        crm_owner_id: table.crm_owner_id.as_ref().map(|id| reader.words(id)),
        slack,
        zone: table.zone.as_ref().and_then(|zone| reader.zone(zone)),
        quiet: table.quiet.as_ref().and_then(|quiet| reader.text(quiet)),
        manager: table.manager.as_ref().map(|manager| manager.get_ref().clone()),
        active: table.active.unwrap_or(true),
        away,
        cover: table.cover.as_ref().map(|cover| cover.get_ref().clone()),
        pool_hours: table.pool_hours.as_ref().map(|hours| pool::hours(reader, hours)),
    }
}

fn slack_id(reader: &mut Reader<'_>, slack: &Spanned<String>) -> String {
    let id = reader.words(slack);
    let good =
        id.len() > 1 && id.starts_with(['U', 'W']) && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if !good {
        let help = "in Slack: their profile, ⋮, Copy member ID; such as `U024BE7LH`".to_owned();
        reader.wrong(slack.span(), format!("`{id}` is not a Slack member id"), help);
    }
    id
}

fn absence(reader: &mut Reader<'_>, table: &Spanned<AwayTable>) -> Option<Away> {
    let written = table.get_ref();
    let (from, to) = (day(reader, &written.from), day(reader, &written.to));
    let (from, to) = from.zip(to)?;
    if to < from {
        reader.wrong(written.to.span(), format!("{to} is before {from}"), "first and last day".to_owned());
    }
    Some(Away { from, to, cover: written.cover.as_ref().map(|cover| cover.get_ref().clone()) })
}

fn holidays_in(reader: &mut Reader<'_>, table: &Table<Vec<Spanned<String>>>) -> BTreeMap<String, BTreeSet<Date>> {
    let mut zones = BTreeMap::new();
    for (zone, holidays) in table {
        let name = reader.zone(zone).and_then(|zone| zone.iana_name().map(str::to_owned));
        let holidays = days(reader, holidays);
        zones.extend(name.map(|name| (name, holidays)));
    }
    zones
}

fn days(reader: &mut Reader<'_>, list: &[Spanned<String>]) -> BTreeSet<Date> {
    let mut days = BTreeSet::new();
    for text in list {
        if let Some(day) = day(reader, text)
            && !days.insert(day)
        {
            reader.wrong(text.span(), format!("{day} is named twice"), None);
        }
    }
    days
}

fn day(reader: &mut Reader<'_>, text: &Spanned<String>) -> Option<Date> {
    let day = text.get_ref().parse::<Date>().ok();
    if day.is_none() {
        let help = "year, month and day, such as `\"2026-12-25\"`".to_owned();
        reader.wrong(text.span(), format!("`{}` is not a day", text.get_ref()), help);
    }
    day
}

/// A channel's name with `#`, or its id.
pub(crate) fn channel(reader: &mut Reader<'_>, channel: &Spanned<String>) -> String {
    let text = reader.words(channel);
    let named = text.strip_prefix('#').is_some_and(|name| !name.is_empty() && !name.contains([' ', '#', '@']));
    let id = text.len() > 8
        && text.starts_with(['C', 'G'])
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if !named && !id && !text.is_empty() {
        let help = "such as `#customer-success`, or the channel's id".to_owned();
        reader.wrong(channel.span(), format!("`{text}` is not a channel"), help);
    }
    text
}
