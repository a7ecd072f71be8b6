//! The shipped configuration, and the tools it is checked against.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use config::Files;
use model::{Family, Field, MappedObject, Tool};

pub const TOOLS: &[Tool] = &[
    Tool {
        name: "hubspot-workflow",
        title: "HubSpot workflow webhook",
        family: Family::Crm,
        creates_accounts: true,
        objects: &[
            MappedObject {
                name: "company",
                fields: &[
                    Field::Name,
                    Field::Domain,
                    Field::LifecycleStage,
                    Field::Tier,
                    Field::Segment,
                    Field::Csm,
                    Field::RecordOwner,
                    Field::CustomerSince,
                    Field::IsTest,
                    Field::Arr,
                    Field::RenewsOn,
                    Field::NoticeDays,
                    Field::AutoRenew,
                    Field::Sentiment,
                    Field::LastTwoWayAt,
                ],
            },
            MappedObject { name: "contact", fields: &[Field::Name, Field::Email, Field::Role] },
            MappedObject {
                name: "deal",
                fields: &[Field::Name, Field::Pipeline, Field::Stage, Field::Amount, Field::ClosesOn],
            },
        ],
    },
    Tool {
        name: "stripe",
        title: "Stripe",
        family: Family::Billing,
        creates_accounts: false,
        objects: &[MappedObject { name: "subscription", fields: &[Field::RenewsOn, Field::Status] }],
    },
];

/// The files of `infra/config`, with unix line ends.
pub fn shipped() -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/config");
    let mut files = Files::default();
    collect(&root, &root, &mut files);
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Files) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            files.0.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// The shipped configuration with `old` replaced in one file, which must contain it.
pub fn with(file: &str, old: &str, new: &str) -> Files {
    let mut files = shipped();
    let text = files.0.get_mut(file).unwrap();
    assert!(text.contains(old), "{file} does not contain {old}");
    *text = text.replacen(old, new, 1);
    files
}
