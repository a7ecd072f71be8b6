//! `barometer setup slack`: the app to make, what its token may, and who of the team is found.

use actions::slack::{Named, PostError, Slack, SlackToken};
use clap::Args;
use config::Person;
use runtime::seam::Seam;
use serde::Serialize;

use super::ground::{Change, Ground};
use super::patch;
use crate::api::{CheckRow, route};
use crate::failure::Failure;
use crate::host::doctor::checks::Checks;
use crate::host::doctor::slack::app;
use crate::run::Surroundings;
use crate::show::{self, Style};

/// The connection's name, which stands in the address that Slack calls.
const NAME: &str = "slack";

/// `barometer setup slack`
#[derive(Debug, Args)]
pub struct SlackArgs {
    /// Scheme and host by which Slack reaches this host [default: the `public_url` in connections.toml]
    #[arg(long, value_name = "URL")]
    pub address: Option<String>,
    /// Write [connection.slack] to connections.toml
    #[arg(long)]
    pub yes: bool,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Found {
    /// The app, to paste.
    manifest: String,
    /// It holds the address of this host, and no placeholder.
    has_address: bool,
    checks: Vec<CheckRow>,
    change: Change,
    /// What is left to do by hand, in order.
    left: Vec<String>,
}

pub(super) async fn setup(here: &Surroundings, args: &SlackArgs) -> Result<(), miette::Report> {
    let ground = Ground::open(here, args.yes)?;
    let own = ground.config.connections.iter().find(|known| known.tool == NAME);
    let known = || own.into_iter().chain(&ground.config.connections).find_map(|known| known.public_url.clone());
    let address = args.address.clone().or_else(known);
    let name = own.map_or(NAME, |own| own.name.as_str());
    let mut checks = Checks::default();
    checks.about("the app");
    if let Some(slack) = client(&ground, &mut checks)? {
        let finds = app(&slack, &ground.config.team.slack_channel, &mut checks).await;
        checks.about("the people of team.toml");
        for person in ground.config.team.people.iter().filter(|person| person.active) {
            if !finds {
                checks.unknown(&person.name, "not looked up: see above", None);
            } else if !look_up(&slack, person, &mut checks).await {
                break;
            }
        }
    }
    let change = ground.write(&patch::connected(&ground.connections, name, NAME))?;
    let has_secret = ground.secrets.connections.keys().any(|known| known.as_str() == name);
    let found = Found {
        manifest: manifest(address.as_deref(), name)?,
        has_address: address.is_some(),
        left: left(&ground, name, has_secret),
        checks: checks.rows,
        change,
    };
    here.answer(&found, |found| text(found, here.style))?;
    Ok(())
}

fn client(ground: &Ground, checks: &mut Checks) -> Result<Option<Slack>, Failure> {
    let held = ground.secrets.destinations.get(NAME);
    let Some(token) = held.and_then(|held| held.token.as_deref()) else {
        checks.unknown("token", "not asked: no token under [destinations.slack] in the file of secrets", None);
        return Ok(None);
    };
    let token = match SlackToken::new(token) {
        Ok(token) => token,
        Err(problem) => {
            checks.mend("token", problem.to_string(), "paste it again");
            return Ok(None);
        }
    };
    let seam = Seam::network().map_err(Failure::NoCertificates)?;
    Ok(Some(Slack::new(seam, held.and_then(|held| held.base_url.clone()), token)))
}

/// Whom the address of one of us names; false where Slack takes no more questions.
async fn look_up(slack: &Slack, person: &Person, checks: &mut Checks) -> bool {
    let (name, email) = (person.name.as_str(), person.email.as_str());
    let mend = "correct the address in team.toml, or give `slack` there (their profile in Slack → ⋮ → Copy member ID)";
    match slack.look_up(email).await {
        Ok(Some(Named::Member(id))) => match person.slack.as_deref() {
            Some(written) if written != id => {
                let says = format!("{email} is {id} in Slack, and team.toml says {written}");
                checks.mend(name, says, format!("write slack = \"{id}\" in team.toml, or leave that line out"));
            }
            Some(_) | None => checks.ok(name, format!("{email} is {id}")),
        },
        Ok(Some(Named::Unknown)) if person.slack.is_some() => {
            checks.ok(name, format!("nobody in the workspace has {email}; the `slack` id in team.toml counts"));
        }
        Ok(Some(Named::Unknown)) => checks.mend(name, format!("nobody in the workspace has {email}"), mend),
        Ok(Some(Named::Deactivated)) => {
            checks.mend(name, format!("{email} left the workspace"), "say active = false in team.toml, and who covers");
        }
        Ok(None) => {}
        Err(PostError::Retry { reason, .. }) => {
            checks.unknown(name, format!("not known: {reason}"), Some("run it again in a minute".to_owned()));
            return false;
        }
        Err(error) => {
            checks.mend(name, error.to_string(), mend);
            return false;
        }
    }
    true
}

/// What no command can do.
fn left(ground: &Ground, name: &str, has_secret: bool) -> Vec<String> {
    let mut left = Vec::new();
    if ground.secrets.destinations.get(NAME).is_none_or(|held| held.token.is_none()) {
        let channel = &ground.config.team.slack_channel;
        left.extend([
            "api.slack.com/apps → Create New App → From a manifest → your workspace → paste the manifest → Create"
                .to_owned(),
            "Install App → Install to Workspace; store the Bot User OAuth Token (xoxb-…) as token under \
             [destinations.slack] in the file of secrets"
                .to_owned(),
            format!("in {channel}: /invite @Barometer"),
        ]);
    }
    if !has_secret {
        left.push(format!(
            "Basic Information → App Credentials → Signing Secret: store it as secret under [connections.{name}] in the \
             file of secrets"
        ));
    }
    left
}

/// The app as Slack takes it.
fn manifest(address: Option<&str>, name: &str) -> Result<String, miette::Report> {
    let name = name.parse().map_err(|error| miette::miette!("{error}"))?;
    let address = address.unwrap_or("https://<your address>").trim_end_matches('/');
    let hook = route::hook(model::Family::Slack, &name);
    Ok(format!(
        "\
display_information:
  name: Barometer
  description: Watches the health of customer accounts
features:
  bot_user:
    display_name: Barometer
    always_online: true
  app_home:
    messages_tab_enabled: true
    messages_tab_read_only_enabled: true
oauth_config:
  scopes:
    bot:
      - chat:write
      - users:read
      - users:read.email
      - channels:read
      - groups:read
settings:
  interactivity:
    is_enabled: true
    request_url: {address}{hook}
  org_deploy_enabled: false
  socket_mode_enabled: false
"
    ))
}

fn text(found: &Found, style: Style) -> String {
    let mut text = format!("{}\n\n{}\n", style.bold("The app's manifest"), found.manifest);
    if !found.has_address {
        text.push_str(
            "Nobody says by which address Slack reaches this host: give --address https://…, or public_url in \
             connections.toml.\n\n",
        );
    }
    text.push_str(&show::checks(&found.checks, style));
    text.push_str(&found.change.show());
    if !found.left.is_empty() {
        text.push_str(&format!("\n{}\n", style.bold("What is left to do")));
        for (at, step) in (1..).zip(&found.left) {
            text.push_str(&format!("  {at}. {step}\n"));
        }
    }
    if !found.change.written {
        text.push_str("\nNothing was changed; --yes writes [connection.slack], from which on alerts have buttons.\n");
    }
    text
}
