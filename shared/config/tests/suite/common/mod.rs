//! The shipped configuration, and the tools it is checked against.

#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a test stops at the first surprise, and each test file uses a part of it"
)]

use std::path::Path;

use config::{Files, load};
use model::{Api, Family, Field, MappedObject, Tool};

const COMPANY: MappedObject = MappedObject {
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
        Field::Seats,
        Field::StartsOn,
        Field::RenewsOn,
        Field::NoticeDays,
        Field::AutoRenew,
        Field::Sentiment,
        Field::LastTwoWayAt,
        Field::Parent,
    ],
};
const CONTACT: MappedObject =
    MappedObject { name: "contact", fields: &[Field::Name, Field::Email, Field::Role, Field::OptedOut] };
const DEAL: MappedObject = MappedObject {
    name: "deal",
    fields: &[Field::Name, Field::Pipeline, Field::Stage, Field::Amount, Field::ClosesOn],
};
const TICKET: MappedObject = MappedObject {
    name: "ticket",
    fields: &[Field::Status, Field::Priority, Field::TicketType, Field::OpenedAt, Field::SolvedAt],
};

const fn api(url: Option<&'static str>, without_token: &'static str) -> Option<Api> {
    Some(Api { url, per_ten_seconds: 50, without_token: Some(without_token) })
}

pub const TOOLS: &[Tool] = &[
    Tool {
        name: "hubspot-workflow",
        title: "HubSpot workflow webhook",
        family: Family::Crm,
        creates_accounts: true,
        accounts: Some("hubspot:company"),
        objects: &[COMPANY, CONTACT, DEAL],
        api: None,
    },
    Tool {
        name: "hubspot-app",
        title: "HubSpot app webhooks",
        family: Family::Crm,
        creates_accounts: true,
        accounts: Some("hubspot:company"),
        objects: &[COMPANY, CONTACT, DEAL, TICKET],
        api: api(Some("https://api.hubapi.com"), "a new company has no name until a property of it changes"),
    },
    Tool {
        name: "zendesk",
        title: "Zendesk",
        family: Family::Ticketing,
        creates_accounts: false,
        accounts: None,
        objects: &[MappedObject { name: "organization", fields: &[Field::Name, Field::Tier, Field::Segment] }],
        api: api(None, "domains of organisations stay unknown"),
    },
    Tool {
        name: "typeform",
        title: "Typeform",
        family: Family::Survey,
        creates_accounts: false,
        accounts: None,
        objects: &[MappedObject { name: "response", fields: &[Field::Nps, Field::Comment] }],
        api: None,
    },
    Tool {
        name: "stripe",
        title: "Stripe",
        family: Family::Billing,
        creates_accounts: false,
        accounts: None,
        objects: &[MappedObject { name: "subscription", fields: &[Field::RenewsOn, Field::Status] }],
        api: None,
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

/// A file of the configuration.
pub struct In(pub &'static str);

impl In {
    /// One mistake: `old` becomes `new` in the file, and the one problem is about `marked`, with this message and help.
    #[track_caller]
    pub fn check(&self, [old, new]: [&str; 2], marked: &str, message: &str, help: &str) {
        let file = self.0;
        let files = with(file, old, new);
        let Err(problems) = load(&files, TOOLS) else { panic!("{new} is accepted") };
        let [problem] = problems.0.as_slice() else { panic!("expected one problem:\n{problems}") };
        let text = &files.0[file];
        let told = (problem.message.as_str(), problem.help.as_deref().unwrap_or_default());
        assert_eq!((problem.file.as_str(), told), (file, (message, help)), "\n{problems}");
        assert_eq!(&text[problem.span.clone()], marked, "\n{problems}");
        let before = &text[..problem.span.start];
        let in_line = before.rsplit('\n').next().unwrap_or_default();
        assert_eq!(problem.line, before.matches('\n').count() + 1, "\n{problems}");
        assert_eq!(problem.column, in_line.chars().count() + 1, "\n{problems}");
        let place = format!("{file}:{}:{}: {message}\n", problem.line, problem.column);
        assert!(problems.to_string().starts_with(&place), "\n{problems}");
    }
}
