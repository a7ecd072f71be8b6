//! What an operator says of an account becomes a statement in the journal.

use jiff::civil::Date;
use model::{Assessment, Band, Episode, OperatorStatement, PlaybookName};

use super::error::refused;
use super::{HostError, Operator};
use crate::api::{SayReport, SayRequest, Saying};

/// Longest text of a note or a reason, in characters: it must be read, not studied.
const MOST_TEXT: usize = 2_000;
/// Longest name of whoever says so, in characters.
const MOST_NAME: usize = 100;

impl Operator {
    /// Journals what an operator says of an account. What follows from it is computed like any other news.
    ///
    /// # Errors
    /// When there is no such account, what is said makes no sense of it, or the tables do not answer.
    pub async fn say(&self, request: &SayRequest) -> Result<SayReport, HostError> {
        let by = words("who says so", &request.by, MOST_NAME)?;
        let account = self.find(&request.account).await?;
        let statement = self.statement(&account, by.clone(), &request.what).await?;
        let said = normalize::said(&statement).map(|(_, _, text)| text).unwrap_or_default();
        let delivery = self.state_as_operator(&statement).await?;
        Ok(SayReport { account: account.account, name: account.card.name, by, said, delivery })
    }

    async fn statement(&self, account: &Assessment, by: String, what: &Saying) -> Result<OperatorStatement, HostError> {
        let (by, id) = (Some(by), account.account.clone());
        Ok(match what {
            Saying::PlayStart { playbook } => {
                self.playbook(playbook)?;
                if let Some(open) = self.running(account).await?.into_iter().find(|e| e.key.playbook == *playbook) {
                    let message =
                        format!("{playbook} runs for {} already, since {}", account.card.name, open.opened_at);
                    return Err(refused(message, "`barometer explain` shows it; `barometer play close` ends it"));
                }
                OperatorStatement::OpenPlay { playbook: playbook.clone(), account: id, by }
            }
            Saying::PlayClose { playbook, reason } => {
                self.playbook(playbook)?;
                let running = self.running(account).await?;
                if !running.iter().any(|episode| episode.key.playbook == *playbook) {
                    let all: Vec<_> = running.iter().map(|episode| episode.key.playbook.to_string()).collect();
                    let help = if all.is_empty() {
                        "nothing runs for it".to_owned()
                    } else {
                        format!("there is {}", all.join(", "))
                    };
                    return Err(refused(format!("{playbook} does not run for {}", account.card.name), &help));
                }
                let why = reason.as_ref().map(|why| words("the reason", why, MOST_TEXT)).transpose()?;
                OperatorStatement::ClosePlay { playbook: playbook.clone(), account: id, why, by }
            }
            Saying::Note { text } => {
                OperatorStatement::Note { account: id, text: words("the note", text, MOST_TEXT)?, by }
            }
            Saying::Sentiment { band } => OperatorStatement::Sentiment { account: id, band: told(*band)?, by },
            Saying::Override { band, until, reason } => {
                self.not_over(*until)?;
                let (band, why) = (Some(told(*band)?), Some(words("the reason", reason, MOST_TEXT)?));
                OperatorStatement::Override { account: id, band, until: Some(*until), why, by }
            }
            Saying::OverrideClear => {
                if account.overridden.is_none() {
                    let message = format!("no band is set by hand for {}", account.card.name);
                    return Err(refused(message, "`barometer override set` sets one"));
                }
                OperatorStatement::Override { account: id, band: None, until: None, why: None, by }
            }
            Saying::Incident { until, reason } => {
                self.not_over(*until)?;
                let why = Some(words("the reason", reason, MOST_TEXT)?);
                OperatorStatement::Incident { account: id, until: Some(*until), why, by }
            }
            Saying::IncidentClear => OperatorStatement::Incident { account: id, until: None, why: None, by },
        })
    }

    /// A last day that is still to come, or today.
    fn not_over(&self, until: Date) -> Result<(), HostError> {
        let today = self.clock().now().date_in(&self.config().model.zone);
        if until >= today {
            return Ok(());
        }
        let help = format!("name the last day on which it is to count, {today} or later");
        Err(refused(format!("{until} is over"), &help))
    }

    fn playbook(&self, name: &PlaybookName) -> Result<&config::Playbook, HostError> {
        let all: Vec<_> = self.config().playbooks.iter().map(|playbook| playbook.name.to_string()).collect();
        let unknown = || refused(format!("there is no playbook `{name}`"), &format!("there is {}", all.join(", ")));
        self.config().playbook(name).ok_or_else(unknown)
    }

    /// What runs for an account.
    async fn running(&self, account: &Assessment) -> Result<Vec<Episode>, HostError> {
        let members = self.forest([]).await?.members(&account.account);
        let mut episodes = self.store().episodes().await?;
        episodes.retain(|episode| episode.is_open() && members.contains_key(&episode.key.home));
        Ok(episodes)
    }
}

/// A band that a person can give.
fn told(band: Band) -> Result<Band, HostError> {
    match band {
        Band::Red | Band::Yellow | Band::Green => Ok(band),
        Band::Unknown => Err(refused("nobody can say that it is unknown".to_owned(), "say red, yellow or green")),
    }
}

/// A text on one line.
fn words(what: &str, text: &str, most: usize) -> Result<String, HostError> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.chars().count() {
        0 => Err(refused(format!("{what} is empty"), "say it in some words")),
        length if length > most => {
            Err(refused(format!("{what} has {length} characters"), &format!("expected {most} at most")))
        }
        _ => Ok(text),
    }
}
