//! The configuration of the book's company: its own tools and people, with the health model and the playbooks that ship.

use config::Files;
use model::{Family, Tool};

/// The tools of the book that have no connector: their news comes as normalised statements.
pub const TOOLS: [Tool; 2] = [
    Tool {
        name: "book-usage",
        title: "The product's own usage",
        family: Family::Usage,
        creates_accounts: false,
        accounts: None,
        objects: &[],
        api: None,
    },
    Tool {
        name: "book-billing",
        title: "Billing",
        family: Family::Billing,
        creates_accounts: false,
        accounts: None,
        objects: &[],
        api: None,
    },
];

const CONNECTIONS: &str = include_str!("../config/connections.toml");
const PEOPLE: &str = include_str!("../config/people.toml");
/// Where the people of `team.toml` begin; what stands before holds for all of them.
const PERSON: &str = "[[person]]";

/// Which of its tools the company has connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wired {
    /// CRM, help desk, surveys, the product's usage and billing.
    Everything,
    /// CRM, help desk and surveys.
    CrmAndTickets,
}

/// What is not connected with [`Wired::CrmAndTickets`], as it begins in `connections.toml`.
const BEYOND: [&str; 2] = ["[connection.product]", "[connection.billing]"];

/// The files of a configuration with the book's connections and people in place of its own. Load them with the tools
/// that have a connector and [`TOOLS`].
pub fn files(mut shipped: Files, wired: Wired) -> Files {
    let is_wired = |section: &&str| match wired {
        Wired::Everything => true,
        Wired::CrmAndTickets => !BEYOND.iter().any(|head| section.starts_with(head)),
    };
    let connections: Vec<&str> = CONNECTIONS.split("\n\n").filter(is_wired).collect();
    shipped.0.insert("connections.toml".to_owned(), connections.join("\n\n"));
    let team = shipped.0.entry("team.toml".to_owned()).or_default();
    let common = team.split(PERSON).next().unwrap_or_default();
    *team = format!("{common}{PEOPLE}");
    shipped
}
