//! An operator's word on where something belongs.

use model::{OperatorStatement, SubjectId, Target};

use super::forest::Forest;
use super::{HostError, Operator};
use crate::api::{LinkReport, LinkRequest, LinkTo};

/// How many names an answer lists.
const SHOWN: usize = 10;

impl Operator {
    /// Says where a subject belongs, or takes that back; what follows from it is computed like any other news.
    ///
    /// # Errors
    /// When a name means nothing or several things, or the tables do not answer.
    pub async fn link(&self, request: &LinkRequest) -> Result<LinkReport, HostError> {
        let before = self.forest(as_subject(&request.subject)).await?;
        let subject = subject_of(&before, &request.subject)?;
        let mut warnings = Vec::new();
        if !before.has_heard_of(&subject) {
            warnings.push(format!("nobody has spoken of {subject} yet: the link counts once somebody does"));
        }
        let target = match &request.to {
            LinkTo::Alone => Some(Target::Alone),
            LinkTo::Undo => None,
            LinkTo::Account(text) => {
                let target = target_of(&before, text)?;
                if target == subject {
                    return Err(HostError::NotFound {
                        message: format!("{subject} cannot belong to itself"),
                        help: "name another account, or --alone".to_owned(),
                    });
                }
                if !before.belongs(&target).is_account {
                    warnings.push(format!("{target} is, and belongs to, no account itself: link it as well"));
                }
                Some(Target::Subject(target))
            }
        };
        let to = match &target {
            Some(Target::Subject(target)) => Some(target.clone()),
            Some(Target::Alone) | None => None,
        };
        let decided = target.is_some();
        let below = before.all_below(&subject);
        let delivery = self.state_as_operator(&OperatorStatement::Link { subject: subject.clone(), target }).await?;
        let now = self.forest([subject.clone()]).await?;
        let moved = below.iter().filter(|other| **other != subject && before.root(other) != now.root(other)).count();
        Ok(LinkReport {
            before: before.belongs(&subject),
            now: now.belongs(&subject),
            moved: u32::try_from(moved).unwrap_or(u32::MAX),
            subject,
            to,
            decided,
            delivery,
            warnings,
        })
    }
}

/// A text that names a subject by itself: an id, an email address, a web domain.
pub(super) fn as_subject(text: &str) -> Option<SubjectId> {
    let text = text.trim();
    let named = SubjectId::from_stored(text);
    let plain = !text.chars().any(|c| c.is_control() || matches!(c, '#' | '~'));
    if plain && named.parts().is_some_and(|(tool, kind, id)| ![tool, kind, id].contains(&"") && !tool.contains(' ')) {
        return Some(named);
    }
    let text = text.strip_prefix("email:").or_else(|| text.strip_prefix("domain:")).unwrap_or(text);
    if text.contains('@') { SubjectId::email(text) } else { SubjectId::domain(text).filter(|_| !text.contains(' ')) }
}

/// What is linked. Ids, addresses and domains are taken as they are; other texts are names of accounts.
fn subject_of(forest: &Forest, text: &str) -> Result<SubjectId, HostError> {
    match as_subject(text) {
        Some(subject) if forest.has_heard_of(&subject) || is_of_a_known_tool(&subject) => Ok(subject),
        Some(subject) => Err(HostError::NotFound {
            message: format!("no tool gives ids such as `{subject}`"),
            help: format!(
                "ids begin with {}; `barometer unmatched` lists what has no account",
                tools().collect::<Vec<_>>().join(", ")
            ),
        }),
        None => named(forest, text),
    }
}

/// Where it is linked to: an account by name or id, or anything that somebody has spoken of.
fn target_of(forest: &Forest, text: &str) -> Result<SubjectId, HostError> {
    match as_subject(text) {
        Some(subject) if forest.has_heard_of(&subject) => {
            // A domain or a person stands for the account that has it.
            let account = forest.account(&subject).filter(|_| subject.parts().is_none());
            Ok(account.unwrap_or(subject))
        }
        // Companies are often called by their domain.
        Some(subject) => named(forest, text).map_err(|_| HostError::NotFound {
            message: format!("nobody has spoken of {subject}"),
            help: format!("name an account: {}", some(forest, forest.accounts())),
        }),
        None => named(forest, text),
    }
}

/// The one account of this name, or whose name begins so, in any case.
fn named(forest: &Forest, text: &str) -> Result<SubjectId, HostError> {
    let wanted = text.trim().to_lowercase();
    let name = |account: &SubjectId| forest.name(account).unwrap_or_default().to_lowercase();
    let matches: [&dyn Fn(&SubjectId) -> bool; 2] = [&|a| name(a) == wanted, &|a| name(a).starts_with(&wanted)];
    for is_meant in matches {
        let found: Vec<_> = forest.accounts().filter(|account| is_meant(account)).collect();
        match found.as_slice() {
            [] => {}
            [one] => return Ok((*one).clone()),
            several => {
                return Err(HostError::NotFound {
                    message: format!("`{text}` names more than one account"),
                    help: format!("say which: {}", some(forest, several.iter().copied())),
                });
            }
        }
    }
    let help = if forest.accounts().next().is_none() {
        "no account is known yet; `barometer simulate book` sends some".to_owned()
    } else {
        format!("there are {}", some(forest, forest.accounts()))
    };
    Err(HostError::NotFound { message: format!("no account is called `{text}`"), help })
}

/// The first of these accounts, with their ids.
fn some<'a>(forest: &Forest, accounts: impl Iterator<Item = &'a SubjectId>) -> String {
    let mut all: Vec<_> = accounts.map(|account| format!("{} ({account})", forest.called(account))).collect();
    all.sort();
    let more = all.len() > SHOWN;
    all.truncate(SHOWN);
    format!("{}{}", all.join(", "), if more { ", …" } else { "" })
}

/// What the ids of each tool begin with.
fn tools() -> impl Iterator<Item = &'static str> {
    let mut tools: Vec<_> =
        connectors::tools().iter().map(|tool| tool.name.split('-').next().unwrap_or_default()).collect();
    tools.sort_unstable();
    tools.dedup();
    tools.into_iter()
}

/// Addresses and domains are of everybody.
fn is_of_a_known_tool(subject: &SubjectId) -> bool {
    subject.parts().is_none_or(|(tool, _, _)| tools().any(|known| known == tool))
}
