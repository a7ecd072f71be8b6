//! `modes.toml`: the most that each playbook may reach at each destination. The mode of the moment is set by
//! `barometer golive` and never goes beyond it.

use std::collections::BTreeMap;

use model::{Mode, PlaybookName};
use serde::Deserialize;
use toml::Spanned;

use crate::reading::{Reader, Table};
use crate::team::channel;

/// Where messages can go.
pub(crate) const DESTINATIONS: [&str; 2] = ["slack", "hubspot"];
/// The one of them where messages can go to one place of ours instead.
const WITH_CHANNELS: &str = "slack";

/// How far messages may go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Modes {
    most: BTreeMap<(PlaybookName, String), Mode>,
    redirect: BTreeMap<String, String>,
}

impl Modes {
    /// The most that `playbook` may reach at `destination`, such as `slack`; what the file does not name observes.
    pub fn most(&self, playbook: &PlaybookName, destination: &str) -> Mode {
        self.most.get(&(playbook.clone(), destination.to_owned())).copied().unwrap_or(Mode::Observe)
    }

    /// Where all messages to `destination` go while a playbook is redirected, such as `#barometer-test`.
    pub fn redirect(&self, destination: &str) -> Option<&str> {
        self.redirect.get(destination).map(String::as_str)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct File {
    #[serde(default)]
    most: Table<Table<Spanned<Mode>>>,
    #[serde(default)]
    redirect: Table<Spanned<String>>,
}

/// Checked against the names of the playbooks in the folder.
pub(crate) fn read(reader: &mut Reader<'_>, playbooks: &[&str]) -> Option<Modes> {
    let file: File = reader.parse()?;
    let mut modes = Modes::default();
    for (destination, target) in &file.redirect {
        if !is_destination(reader, destination) {
            continue;
        }
        if destination.get_ref() != WITH_CHANNELS {
            not_redirected(reader, destination, destination.span());
            continue;
        }
        modes.redirect.insert(destination.get_ref().clone(), channel(reader, target));
    }
    for (playbook, destinations) in &file.most {
        if !playbooks.contains(&playbook.get_ref().as_str()) {
            reader.unknown(playbook, "a playbook", playbooks.iter().copied());
        }
        for (destination, mode) in destinations {
            if !is_destination(reader, destination) {
                continue;
            }
            if *mode.get_ref() == Mode::Redirect && destination.get_ref() != WITH_CHANNELS {
                not_redirected(reader, destination, mode.span());
            } else if *mode.get_ref() == Mode::Redirect && !modes.redirect.contains_key(destination.get_ref()) {
                let help =
                    format!("add `{destination} = \"#…\"` under `[redirect]`", destination = destination.get_ref());
                reader.wrong(mode.span(), "there is nowhere to redirect to", help);
            }
            let playbook = PlaybookName::from_stored(playbook.get_ref().as_str());
            modes.most.insert((playbook, destination.get_ref().clone()), *mode.get_ref());
        }
    }
    Some(modes)
}

/// A test record among real ones helps nobody.
fn not_redirected(reader: &mut Reader<'_>, destination: &Spanned<String>, place: std::ops::Range<usize>) {
    let message = format!("nothing is redirected to `{}`", destination.get_ref());
    reader.wrong(place, message, "it can `observe` or be `live`".to_owned());
}

fn is_destination(reader: &mut Reader<'_>, name: &Spanned<String>) -> bool {
    let known = DESTINATIONS.contains(&name.get_ref().as_str());
    if !known {
        reader.unknown(name, "a destination", DESTINATIONS.into_iter());
    }
    known
}
