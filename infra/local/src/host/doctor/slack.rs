//! Slack as a destination: the token, what it is allowed, and whether the app is in the team's channel.

use actions::slack::{PostError, Slack, SlackToken};

use super::Look;
use super::checks::Checks;
use super::place::Given;

/// Without which nothing is sent.
const SENDS: &str = "chat:write";
/// Without which people are not found by their address.
const FINDS: [&str; 2] = ["users:read", "users:read.email"];
/// Without which nobody can tell whether the app is in the channel.
const LISTS: [&str; 2] = ["channels:read", "groups:read"];
/// How many pages of channels are read: two thousand channels.
const PAGES: u32 = 10;
const PAGE: &str = "shared/connectors/src/slack/README.md";

impl Look<'_> {
    pub(super) async fn slack(&self, checks: &mut Checks) {
        let held = self.secrets.destinations.get("slack");
        let Some(token) = held.and_then(|held| held.token.as_deref()) else {
            if held.is_some_and(|held| held.webhook.is_some()) {
                let says = "an incoming webhook: everything goes to its one channel; asking it would post";
                return checks.unknown("token", says, None);
            }
            let how = format!(
                "alerts stay in the outbox; `barometer setup slack` shows the app to make; give its bot token (xoxb-…): {}",
                self.place.give(Given::Destination("slack"))
            );
            return checks.unknown("token", "not asked: no token", Some(how));
        };
        if let Err(not_asked) = self.may_ask() {
            return checks.not_asked("token", not_asked);
        }
        let token = match SlackToken::new(token) {
            Ok(token) => token,
            Err(problem) => {
                return checks.mend("token", problem.to_string(), self.place.again(Given::Destination("slack")));
            }
        };
        let slack = Slack::new(self.seam.clone(), held.and_then(|held| held.base_url.clone()), token);
        app(&slack, self.operator.config.team.slack_channel.as_str(), checks).await;
    }
}

/// The app itself: whose it is, what it is allowed, and whether it is in the channel. True when people can be looked up.
pub(crate) async fn app(slack: &Slack, channel: &str, checks: &mut Checks) -> bool {
    let installed = match slack.installed().await {
        Ok(Some(installed)) => installed,
        Ok(None) => return false,
        Err(error) => {
            unanswered("token", error, checks);
            return false;
        }
    };
    checks.ok("token", format!("the app is installed in {} as @{}", installed.team, installed.bot));
    let Some(scopes) = installed.scopes else {
        checks.unknown("scopes", "not known: Slack did not say", None);
        return true;
    };
    let lacks = |wanted: &[&str]| {
        let missing: Vec<&str> = wanted.iter().copied().filter(|scope| !scopes.contains(*scope)).collect();
        missing.join(", ")
    };
    let add = |missing: &str| {
        format!("api.slack.com/apps → the app → OAuth & Permissions → Bot Token Scopes: add {missing}, then Reinstall")
    };
    match (lacks(&[SENDS]), lacks(&FINDS)) {
        (missing, _) if !missing.is_empty() => {
            checks.mend("scopes", format!("it may not send: {missing} is missing"), add(&missing));
        }
        (_, missing) if !missing.is_empty() => {
            let says = format!("people are not found by their address: {missing} is missing");
            checks.mend("scopes", says, add(&missing));
        }
        _ => checks.ok("scopes", "it may send, and find people by their address"),
    }
    let finds = lacks(&FINDS).is_empty();
    let missing = lacks(&LISTS);
    if !missing.is_empty() {
        let how =
            format!("type /invite @{} in {channel}; with the scopes {missing} it can be looked at", installed.bot);
        checks.unknown("channel", format!("not known whether it is in {channel}"), Some(how));
        return finds;
    }
    match slack.channels(PAGES).await {
        Ok(all) => {
            let name = channel.trim_start_matches('#');
            let is_in = all.unwrap_or_default().iter().any(|known| known.name == name || known.id == channel);
            if is_in {
                checks.ok("channel", format!("it is in {channel}"));
            } else {
                let mend = format!("type /invite @{} in {channel}, or name another in team.toml", installed.bot);
                checks.mend("channel", format!("it is not in {channel}, where alerts go"), mend);
            }
        }
        Err(error) => unanswered("channel", error, checks),
    }
    finds
}

fn unanswered(check: &str, error: PostError, checks: &mut Checks) {
    match error {
        PostError::Retry { after_s: Some(_), .. } => checks.busy(check, "Slack"),
        PostError::Retry { reason, after_s: None } => checks.unreached(check, "Slack", &reason),
        PostError::Unsure { reason } | PostError::NoSuchReader { reason } | PostError::Refused { reason } => {
            checks.mend(
                check,
                reason,
                format!("the bot token stands under OAuth & Permissions of the app; see {PAGE}"),
            );
        }
    }
}
