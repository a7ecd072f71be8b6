//! `[pool]` of `team.toml`: who takes the accounts that nobody looks after.

use model::Field;
use serde::Deserialize;
use toml::Spanned;

use crate::Condition;
use crate::reading::Reader;

/// Those who take one kind of account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolGroup {
    /// What we call them, such as `german`.
    pub name: String,
    /// The accounts that are theirs.
    pub when: Condition,
    /// By email address.
    pub members: Vec<String>,
}

impl PoolGroup {
    /// What `when` can read: what somebody said of the company, and no day moves. Who looks after an account must not change
    /// by itself.
    pub const READS: [(&'static str, Field); 6] = [
        ("tier", Field::Tier),
        ("segment", Field::Segment),
        ("region", Field::Region),
        ("language", Field::Language),
        ("lifecycle_stage", Field::LifecycleStage),
        ("domain", Field::Domain),
    ];
}

/// The hours a week of a member of whom none are stated, where they are of another: a full week.
pub(super) const FULL_WEEK: u16 = 40;
/// The most hours that can be stated: no week has more that anybody works.
const MOST_HOURS: i64 = 80;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct PoolTable {
    #[serde(default)]
    pub members: Vec<Spanned<String>>,
    #[serde(default)]
    pub group: Vec<GroupTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct GroupTable {
    name: Spanned<String>,
    when: Spanned<String>,
    pub members: Spanned<Vec<Spanned<String>>>,
}

impl PoolTable {
    /// Everybody who is named in it.
    pub fn named(&self) -> impl Iterator<Item = &Spanned<String>> {
        self.members.iter().chain(self.group.iter().flat_map(|group| group.members.get_ref()))
    }

    /// The groups, in the order of the file. What is wrong with their members is found elsewhere.
    pub fn groups(&self, reader: &mut Reader<'_>) -> Vec<PoolGroup> {
        self.group.iter().filter_map(|table| group(reader, table)).collect()
    }
}

fn group(reader: &mut Reader<'_>, table: &GroupTable) -> Option<PoolGroup> {
    let name = reader.words(&table.name);
    if table.members.get_ref().is_empty() {
        reader.wrong(table.members.span(), "a group without members would take accounts to nobody", None);
    }
    let when = reader.condition(&table.when)?;
    let reads = PoolGroup::READS.map(|(name, _)| name);
    for name in when.names().iter().filter(|name| !reads.contains(*name)) {
        let help = format!("it can read {}", reads.map(|name| format!("`{name}`")).join(", "));
        reader.wrong(
            table.when.span(),
            format!("`{name}` can change by itself, and with it who looks after an account"),
            help,
        );
    }
    let members = table.members.get_ref().iter().map(|member| member.get_ref().clone()).collect();
    Some(PoolGroup { name, when, members })
}

/// Hours a week that somebody has for accounts of the pool.
pub(super) fn hours(reader: &mut Reader<'_>, written: &Spanned<i64>) -> u16 {
    u16::try_from(reader.whole(written, 0, MOST_HOURS, "hours a week")).unwrap_or(FULL_WEEK)
}
