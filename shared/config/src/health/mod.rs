//! `health.toml`, what all accounts have in common, and `health/*.toml`, what is measured and what it is worth.

mod caps;
mod measures;
mod points;
mod profile;

use std::ops::Range;

use jiff::tz::TimeZone;
use model::{Bands, Family, RollUpMode, VersionName, stable_hash};
use serde::Deserialize;
use toml::Spanned;

pub use caps::CapRule;
pub use measures::{After, Case, Every, Measure, Missing};
pub use points::Points;
pub(crate) use profile::ProfileFile;
pub use profile::{Dimension, Headline, Profile};

use crate::reading::{Reader, suggestion};
use crate::scalar::RESULTS;
use crate::{Condition, Config, QuietPeriod, Scalars, Verdict};

/// How health is computed.
#[derive(Debug, Clone)]
pub struct HealthModel {
    /// Its name, and the hash of all its files.
    pub version: VersionName,
    /// The zone whose calendar days count.
    pub zone: TimeZone,
    /// The borders between bands.
    pub bands: Bands,
    /// Below this share of wired weight the band is unknown, in basis points.
    pub min_coverage: u16,
    /// Days of every year on which usage is not judged.
    pub quiet_periods: Vec<QuietPeriod>,
    /// What it takes to be called green.
    pub green: GreenNeeds,
    /// After so many days of the machine saying green and people red, or the other way round, somebody should ask why.
    pub apart_days: i64,
    /// What is too little to judge an account by.
    pub least: Least,
    /// How the children of an account count for it; `None` leaves every account to its own facts.
    pub roll_up: Option<RollUpMode>,
    /// What is measured, per kind of account: the first that fits counts, and the last fits all.
    pub profiles: Vec<Profile>,
}

/// What must be known of an account before it is called green.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GreenNeeds {
    /// So many dimensions with a value,
    pub dimensions: usize,
    /// and usage, the CSM's word, or contact in both directions within this many days.
    pub contact_within_days: i64,
}

/// What is too little to judge an account by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Least {
    /// So many people who answered speak for an account, whoever they are; one who decides or backs us does alone.
    pub respondents: usize,
    /// Changes of fewer active users than these, on the mean, are chance.
    pub active_users: i64,
}

/// What holds where `health.toml` says nothing.
impl Default for Least {
    fn default() -> Self {
        Self { respondents: 3, active_users: 5 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct File {
    name: Spanned<String>,
    zone: Spanned<String>,
    min_coverage: Spanned<i64>,
    apart_days: Spanned<i64>,
    #[serde(default)]
    quiet_periods: Vec<Spanned<String>>,
    #[serde(default)]
    preset: Option<Spanned<String>>,
    #[serde(default)]
    roll_up: Option<Spanned<RollUpMode>>,
    bands: Spanned<BandsTable>,
    green: GreenTable,
    #[serde(default)]
    least: LeastTable,
    profile: Spanned<Vec<Spanned<ProfileTable>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct BandsTable {
    yellow_from: Spanned<i64>,
    green_from: Spanned<i64>,
    leave_red_at: Spanned<i64>,
    enter_green_at: Spanned<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct GreenTable {
    dimensions: Spanned<i64>,
    contact_within_days: Spanned<i64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct LeastTable {
    #[serde(default)]
    respondents: Option<Spanned<i64>>,
    #[serde(default)]
    active_users: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct ProfileTable {
    #[serde(rename = "use")]
    name: Spanned<String>,
    #[serde(default)]
    needs: Vec<Spanned<String>>,
    #[serde(default)]
    when: Option<Spanned<String>>,
    #[serde(default)]
    preset: Option<Spanned<String>>,
}

/// Reads `health.toml`, with the files of `health/` by name: `None` where one has problems of its own. Beside the model,
/// where its `roll_up` stands.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    files: &[(&str, Option<ProfileFile>)],
) -> Option<(HealthModel, Option<Range<usize>>)> {
    let file: File = reader.parse()?;
    let zone = reader.zone(&file.zone);
    let name = reader.words(&file.name);
    let min_coverage = reader.points(&file.min_coverage);
    let apart_days = reader.whole(&file.apart_days, 1, 365, "days");
    let quiet_periods = file.quiet_periods.iter().filter_map(|period| reader.text(period)).collect();
    let bands = bands(reader, &file.bands);
    let green = GreenNeeds {
        dimensions: usize::try_from(reader.whole(&file.green.dimensions, 1, 10, "dimensions")).unwrap_or(1),
        contact_within_days: reader.whole(&file.green.contact_within_days, 1, 365, "days"),
    };
    let least = least(reader, &file.least);
    let tables = file.profile.get_ref();
    let profiles = tables.iter().map(|table| profile(reader, table.get_ref(), file.preset.as_ref(), files));
    let profiles: Vec<Option<Profile>> = profiles.collect();
    match tables.last() {
        Some(last) => {
            let last = last.get_ref();
            if last.when.is_some() || !last.needs.is_empty() {
                let help = "leave out its `when` and `needs`, or add another one after it".to_owned();
                reader.wrong(last.name.span(), "the last profile must fit every account", help);
            }
        }
        None => reader.wrong(file.profile.span(), "no profile is used", None),
    }
    let profiles: Option<Vec<Profile>> = profiles.into_iter().collect();
    let profiles = profiles.filter(|profiles| !profiles.is_empty())?;
    let hashes: Vec<&str> = profiles.iter().map(|profile| profile.version.hash.as_str()).collect();
    let version = VersionName { name, hash: stable_hash(&hashes)[..12].to_owned() };
    let zone = zone?;
    let place = file.roll_up.as_ref().map(Spanned::span);
    let roll_up = file.roll_up.map(Spanned::into_inner);
    Some((
        HealthModel { version, zone, bands, min_coverage, quiet_periods, green, apart_days, least, roll_up, profiles },
        place,
    ))
}

fn profile(
    reader: &mut Reader<'_>,
    table: &ProfileTable,
    preset_of_all: Option<&Spanned<String>>,
    files: &[(&str, Option<ProfileFile>)],
) -> Option<Profile> {
    let mut needs = Vec::new();
    for name in &table.needs {
        let known = Family::WEBHOOKS.iter().copied().find(|family| family.as_str() == name.get_ref());
        if known.is_none() {
            reader.unknown(name, "a family of tools", Family::WEBHOOKS.iter().map(|family| family.as_str()));
        }
        needs.extend(known);
    }
    let when = table.when.as_ref().map(|text| facts_only(reader, text));
    let Some((_, file)) = files.iter().find(|(stem, _)| stem == table.name.get_ref()) else {
        let help = suggestion(table.name.get_ref(), files.iter().map(|(stem, _)| *stem));
        reader.wrong(table.name.span(), format!("there is no file `health/{}.toml`", table.name.get_ref()), help);
        return None;
    };
    let file = file.as_ref()?;
    let when = match when {
        Some(when) => Some(when?),
        None => None,
    };
    let hash = stable_hash(&[reader.text, file.text()])[..12].to_owned();
    let version = VersionName { name: table.name.get_ref().clone(), hash };
    file.profile(reader, table.preset.as_ref().or(preset_of_all), version, when, needs)
}

fn least(reader: &mut Reader<'_>, table: &LeastTable) -> Least {
    let usual = Least::default();
    let respondents = table.respondents.as_ref().map(|written| reader.whole(written, 1, 100, "people"));
    let active_users = table.active_users.as_ref().map(|written| reader.whole(written, 1, 1_000, "users"));
    Least {
        respondents: respondents.and_then(|count| usize::try_from(count).ok()).unwrap_or(usual.respondents),
        active_users: active_users.unwrap_or(usual.active_users),
    }
}

/// A condition that decides what an assessment is made of, and so cannot read what comes of it.
fn facts_only(reader: &mut Reader<'_>, text: &Spanned<String>) -> Option<Condition> {
    let condition = reader.condition(text)?;
    for name in condition.names().iter().filter(|name| RESULTS.contains(name)) {
        let help = "use what the sources say".to_owned();
        reader.wrong(text.span(), format!("`{name}` is a result and cannot decide how it is computed"), help);
    }
    Some(condition)
}

fn bands(reader: &mut Reader<'_>, table: &Spanned<BandsTable>) -> Bands {
    let written = table.get_ref();
    let bands = Bands {
        yellow_from: reader.points(&written.yellow_from),
        green_from: reader.points(&written.green_from),
        leave_red_at: reader.points(&written.leave_red_at),
        enter_green_at: reader.points(&written.enter_green_at),
    };
    // Each border is at or above the one before it; a red account that recovers must still meet yellow before green.
    let order = [
        (0, bands.yellow_from, "yellow_from", "0", &written.yellow_from),
        (bands.yellow_from, bands.leave_red_at, "leave_red_at", "yellow_from", &written.leave_red_at),
        (bands.leave_red_at, bands.green_from, "green_from", "leave_red_at", &written.green_from),
        (bands.green_from, bands.enter_green_at, "enter_green_at", "green_from", &written.enter_green_at),
    ];
    for (lower, upper, name, below, place) in order {
        let strictly = matches!(name, "yellow_from" | "green_from");
        if upper < lower || (strictly && upper == lower) {
            let relation = if strictly { "above" } else { "at or above" };
            let help = "yellow_from ≤ leave_red_at < green_from ≤ enter_green_at".to_owned();
            reader.wrong(place.span(), format!("`{name}` must be {relation} {below}"), help);
        }
    }
    bands
}

impl Config {
    /// The place of the profile that counts for an account with these values, and why this one.
    pub fn profile_for(&self, scalars: &Scalars) -> (usize, String) {
        let mut passed = Vec::new();
        for (at, profile) in self.model.profiles.iter().enumerate() {
            let lacking = profile.needs.iter().find(|family| !self.has(**family));
            let unmet = match (lacking, &profile.when) {
                (Some(family), _) => Some(format!("needs a connection for {family}")),
                (None, Some(when)) if when.holds(scalars) != Verdict::Holds => Some(format!("is for {when}")),
                (None, _) => None,
            };
            match unmet {
                Some(unmet) => passed.push(format!("{} {unmet}", profile.version.name)),
                None => {
                    let fits = match &profile.when {
                        Some(when) => format!("{} is for {when}", profile.version.name),
                        None => format!("{} is for every account", profile.version.name),
                    };
                    passed.push(fits);
                    return (at, passed.join("; "));
                }
            }
        }
        // The last one fits every account, so this is never reached with a configuration that was checked.
        (self.model.profiles.len().saturating_sub(1), passed.join("; "))
    }

    /// An enabled connection is of that family.
    pub fn has(&self, family: Family) -> bool {
        self.connections.iter().any(|connection| connection.enabled && connection.family == family)
    }
}
