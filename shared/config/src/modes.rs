//! `modes.toml`: the most that each playbook may reach at each destination. The mode of the moment is set by
//! `barometer golive` and never goes beyond it.

use std::collections::BTreeMap;

use model::{Mode, PlaybookName};
use serde::Deserialize;
use toml::Spanned;

use crate::mail::is_address;
use crate::reading::{Reader, Table};
use crate::team::channel;

/// Where messages can go.
pub(crate) const DESTINATIONS: [&str; 3] = ["slack", "hubspot", "email"];
/// Where messages can go to one channel of ours instead,
const WITH_CHANNELS: &str = "slack";
/// and where to one address.
pub(crate) const WITH_ADDRESSES: &str = "email";

/// What asks for the score on records in the CRM, in the place of a playbook.
const WRITE_BACK: &str = "write-back";
/// Where there are such records.
const WITH_RECORDS: &str = "hubspot";

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

    /// What asks for the score on records in the CRM, under the name by which its mode is switched like a playbook's.
    pub fn write_back() -> PlaybookName {
        PlaybookName::from_stored(WRITE_BACK)
    }

    /// Whether scores are to stand on records in the CRM, how far that may go aside.
    pub fn writes_back(&self) -> bool {
        self.most.contains_key(&(Self::write_back(), WITH_RECORDS.to_owned()))
    }

    /// Where all messages to `destination` go while a playbook is redirected: a channel such as `#barometer-test`, or an
    /// address.
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
        let place = match destination.get_ref().as_str() {
            WITH_CHANNELS => channel(reader, target),
            WITH_ADDRESSES => address(reader, target),
            _ => {
                not_redirected(reader, destination, destination.span());
                continue;
            }
        };
        modes.redirect.insert(destination.get_ref().clone(), place);
    }
    for (playbook, destinations) in &file.most {
        let is_write_back = playbook.get_ref() == WRITE_BACK;
        if !is_write_back && !playbooks.contains(&playbook.get_ref().as_str()) {
            reader.unknown(playbook, "a playbook", playbooks.iter().copied());
        }
        for (destination, mode) in destinations {
            if !is_destination(reader, destination) {
                continue;
            }
            if is_write_back && destination.get_ref() != WITH_RECORDS {
                let message = format!("nothing is written back to `{}`", destination.get_ref());
                reader.wrong(destination.span(), message, format!("scores can stand on records of `{WITH_RECORDS}`"));
                continue;
            }
            let can_redirect = [WITH_CHANNELS, WITH_ADDRESSES].contains(&destination.get_ref().as_str());
            if *mode.get_ref() == Mode::Redirect && !can_redirect {
                not_redirected(reader, destination, mode.span());
            } else if *mode.get_ref() == Mode::Redirect && !modes.redirect.contains_key(destination.get_ref()) {
                let place = if destination.get_ref() == WITH_ADDRESSES { "…@…" } else { "#…" };
                let help = format!("add `{} = \"{place}\"` under `[redirect]`", destination.get_ref());
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

fn address(reader: &mut Reader<'_>, written: &Spanned<String>) -> String {
    let text = reader.words(written);
    if !is_address(&text) {
        let help = "one address of ours, such as `barometer-test@ourco.example`".to_owned();
        reader.wrong(written.span(), format!("`{text}` is not an email address"), help);
    }
    text
}

fn is_destination(reader: &mut Reader<'_>, name: &Spanned<String>) -> bool {
    let known = DESTINATIONS.contains(&name.get_ref().as_str());
    if !known {
        reader.unknown(name, "a destination", DESTINATIONS.into_iter());
    }
    known
}
