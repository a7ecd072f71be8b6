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

/// The files of a configuration with the book's connections and people in place of its own. Load them with the tools
/// that have a connector and [`TOOLS`].
pub fn files(mut shipped: Files) -> Files {
    shipped.0.insert("connections.toml".to_owned(), CONNECTIONS.to_owned());
    let team = shipped.0.entry("team.toml".to_owned()).or_default();
    let common = team.split(PERSON).next().unwrap_or_default();
    *team = format!("{common}{PEOPLE}");
    shipped
}
