//! What a reader can answer to an alert: buttons and menus, which carry ids and nothing else.
//!
//! Followed: "Block Kit" on docs.slack.dev and the limits of @slack/types 3.2.0: 25 elements, 75 characters on a button and in
//! an option, 150 in an option's value, 255 in the names of blocks and elements.

use model::{ActionRequest, AlertAnswer};
use serde::Serialize;

use super::layout::Block;

/// One button or menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Element {
    /// Clicked.
    Button {
        /// Its name in what Slack sends.
        action_id: &'static str,
        /// What stands on it.
        text: Plain,
    },
    /// Opened, and something chosen.
    StaticSelect {
        /// Its name in what Slack sends.
        action_id: &'static str,
        /// What stands on it before anything is chosen.
        placeholder: Plain,
        /// What can be chosen.
        options: Vec<Choice>,
    },
}

/// Text without markup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plain {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'static str,
}

/// One entry of a menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    text: Plain,
    value: &'static str,
}

fn plain(text: &'static str) -> Plain {
    Plain { kind: "plain_text", text }
}

fn menu(answer: AlertAnswer, placeholder: &'static str, options: &[(&'static str, &'static str)]) -> Element {
    let choice = |(value, text): &(&'static str, &'static str)| Choice { text: plain(text), value };
    Element::StaticSelect {
        action_id: answer.element(),
        placeholder: plain(placeholder),
        options: options.iter().map(choice).collect(),
    }
}

fn element(answer: AlertAnswer) -> Element {
    let button = |text| Element::Button { action_id: answer.element(), text: plain(text) };
    match answer {
        AlertAnswer::Claim => button("I take care of it"),
        AlertAnswer::Snooze => {
            menu(answer, "Snooze…", &[("1", "for 1 day"), ("7", "for 7 days"), ("30", "for 30 days")])
        }
        AlertAnswer::Dismiss => menu(
            answer,
            "Dismiss…",
            &[
                ("known", "Known already"),
                ("no_risk", "No risk"),
                ("wrong_data", "The data is wrong"),
                ("other", "Something else"),
            ],
        ),
        AlertAnswer::Task => button("Create a task"),
    }
}

/// The block under the message for `request`; `None` where nothing is offered, or its ids are longer than Slack takes.
pub fn buttons(request: &ActionRequest, offered: &[AlertAnswer]) -> Option<Block> {
    let block_id = AlertAnswer::block(&request.home, &request.id).filter(|_| !offered.is_empty())?;
    Some(Block::Actions { block_id, elements: offered.iter().copied().map(element).collect() })
}
