//! Every value that a fixture's statements and links name is changed once in the vendor's body: what is said of it changes,
//! and nothing else.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::bodies::{TELLING, Telling};
use common::mapping;
use common::mutation::each_value_feeds_its_own;
use connectors::{ALL, Connector};
use model::{Field, LinkSays};

#[test]
fn a_changed_value_changes_what_is_said_of_it_and_nothing_else() {
    let mut values: BTreeMap<&str, usize> = BTreeMap::new();
    for Telling { connector, name, request, .. } in &*TELLING {
        let mapping = mapping(*connector);
        *values.entry(connector.tool().name).or_default() +=
            each_value_feeds_its_own(*connector, name, request, &mapping);
    }
    assert_eq!(values.len(), ALL.len(), "{values:?}");
}

/// Otherwise the test above would not see a field at all. Tools of one vendor read the same fields in the same way.
#[test]
fn every_field_that_can_be_mapped_is_stated_by_a_fixture() {
    let vendor = |connector: &dyn Connector| connector.tool().name.split('-').next().unwrap_or_default();
    let mut stated: BTreeMap<&str, BTreeSet<Field>> = BTreeMap::new();
    for Telling { connector, out, .. } in &*TELLING {
        let fields = out.signals.iter().flat_map(|signal| &signal.statements).map(|statement| statement.field);
        // An address may only say whose something is.
        let linked = out.links.iter().any(|link| matches!(&link.says, LinkSays::Own { field, .. } if field == "email"));
        stated.entry(vendor(*connector)).or_default().extend(fields.chain(linked.then_some(Field::Email)));
    }
    for connector in ALL {
        for field in connector.tool().objects.iter().flat_map(|object| object.fields) {
            assert!(stated[vendor(*connector)].contains(field), "{} never states {field}", connector.tool().name);
        }
    }
}
