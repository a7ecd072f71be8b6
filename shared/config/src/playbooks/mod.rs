//! `playbooks/*.toml`: what starts a run, what is done, and what ends it.

mod offset;
mod read;
mod tables;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use model::{ActionKind, Band, PlaybookName, TaskPriority, Urgency};

pub use offset::Offset;
pub(crate) use read::{Templates, read};

use crate::{Condition, Runway, Scalar};

/// What to do about a change.
#[derive(Debug, Clone)]
pub struct Playbook {
    /// The file's name without `.toml`.
    pub name: PlaybookName,
    /// What people call it.
    pub title: String,
    /// Why it exists, in a sentence or two.
    pub why: String,
    /// What it wants to have reached in the end; shown, never computed.
    pub goal: Option<String>,
    /// Higher goes first where only one may lead.
    pub priority: u32,
    /// The kind of intervention: an account is in one playbook of a family at a time. [`Playbook::RISK`] is told as risk.
    pub family: Option<String>,
    /// Its episodes stay as they are: none opens, none ends, no step is asked for.
    pub paused: bool,
    /// The change that starts it.
    pub trigger: Trigger,
    /// It starts only where this holds.
    pub when: Option<Condition>,
    /// It starts only in one of these tiers; in all where none is named.
    pub tiers: Vec<String>,
    /// It starts only in one of these segments; in all where none is named.
    pub segments: Vec<String>,
    /// It starts only in one of these lifecycle stages; in all where none is named.
    pub stages: Vec<String>,
    /// No more episodes of an account than so many.
    pub max_per_window: Option<Window>,
    /// An episode is solved once this holds; `None`: it ends with its last step.
    pub recover: Option<Condition>,
    /// and has held for this long.
    pub recover_after: SignedDuration,
    /// An episode ends unsolved once this holds.
    pub exit: Option<Condition>,
    /// No new episode within this time after the close of the last.
    pub cooldown: SignedDuration,
    /// What is done, in order; at least one, except on the way to a renewal, which has its own.
    pub steps: Vec<Step>,
    /// Its tests.
    pub examples: Vec<Example>,
}

impl Playbook {
    /// The family whose episodes mean that an account is at risk.
    pub const RISK: &'static str = "risk";

    /// Its episodes mean that the account is at risk.
    pub fn is_about_risk(&self) -> bool {
        self.family.as_deref() == Some(Self::RISK)
    }

    /// It leads the way to renewals, and ends as they do.
    pub fn is_renewal(&self) -> bool {
        matches!(self.trigger, Trigger::Renewal(_))
    }

    /// The steps that make tasks in the CRM.
    pub fn tasks(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.action.kind() == ActionKind::CrmTask)
    }

    /// The steps that start the thread in Slack, or go on in it.
    pub fn messages(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.action.kind() == ActionKind::SlackAlert)
    }

    /// It starts when an account turns red.
    pub fn starts_at_red(&self) -> bool {
        matches!(&self.trigger, Trigger::BandChanged { to } if to.contains(&Band::Red))
    }

    /// All that it ever does is a line in somebody's digest.
    pub fn is_for_the_digest(&self) -> bool {
        !self.steps.is_empty()
            && self.steps.len() == self.messages().filter(|step| step.urgency == Some(Urgency::Digest)).count()
    }

    /// The conditions that start or end its episodes.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.starts_when().into_iter().chain(self.ends_when())
    }

    /// The condition that starts its episodes when it becomes true.
    pub fn starts_when(&self) -> Option<&Condition> {
        match &self.trigger {
            Trigger::Becomes { condition } => Some(condition),
            Trigger::BandChanged { .. }
            | Trigger::Answered { .. }
            | Trigger::BecameCustomer { .. }
            | Trigger::Renewal(_) => None,
        }
    }

    /// The conditions that end its episodes. They decide nothing while none is open.
    pub fn ends_when(&self) -> impl Iterator<Item = &Condition> {
        self.recover.iter().chain(&self.exit)
    }
}

/// The change that starts a playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// The effective band became one of these.
    BandChanged {
        /// At least one.
        to: Vec<Band>,
    },
    /// A condition holds that did not hold at the look before.
    Becomes {
        /// What is not known counts as no.
        condition: Condition,
    },
    /// Somebody answered a survey; one episode for each answer.
    Answered {
        /// With this, from 0 to 10, or less.
        nps_at_most: i64,
    },
    /// The company became a customer; once for each account.
    BecameCustomer {
        /// No later than so many days ago.
        within_days: i64,
        /// At the first look at an account no later than so many days ago: a sale is what makes us look for the first
        /// time, and what was sold earlier than that is told by an import.
        first_sight_days: i64,
    },
    /// A contract comes near its end: one episode for each renewal, with steps of its own.
    Renewal(Runway),
}

/// At most so many in so many days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many.
    pub count: u32,
    /// In so many days of 24 hours.
    pub days: u32,
}

/// One thing that a playbook does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name, unique in the playbook; part of the action's id.
    pub name: String,
    /// When, counted from the opening; `None`: at once.
    pub after: Option<Offset>,
    /// Whom it is for.
    pub owner: Role,
    /// Whether it may interrupt them; `None` where the account's band says so.
    pub urgency: Option<Urgency>,
    /// By when it should be done, counted from when it is asked for.
    pub due: Option<Offset>,
    /// What is done.
    pub action: StepAction,
}

/// Somebody by what they are to an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Who looks after the account.
    #[default]
    Csm,
    /// Whom that person reports to. What goes there is an escalation.
    Manager,
    /// Who owns the CRM's record, often sales.
    Ae,
}

/// Whom a mail is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailTo {
    /// Whoever looks after the account.
    Owner,
    /// The contact whose role is sponsor or champion.
    Sponsor,
    /// The contact whose role is decision maker.
    DecisionMaker,
    /// The contact whose role is administrator.
    Admin,
}

impl MailTo {
    /// The part in words, as messages say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Sponsor => "sponsor",
            Self::DecisionMaker => "decision maker",
            Self::Admin => "admin",
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepAction {
    /// A message to our team.
    SlackAlert {
        /// The one next step that the message proposes.
        next_step: String,
        /// What else it says.
        text: Option<String>,
        /// The template below `templates/slack/`, without `.j2`; `None` for the one of the message's kind.
        template: Option<String>,
    },
    /// A task in the CRM, for whoever the step is for. It is marked as done when the episode is solved.
    CrmTask {
        /// What is to be done, in one line.
        title: String,
        /// What else it says.
        text: Option<String>,
        /// How pressing it is; `None` where the account's band says so.
        priority: Option<TaskPriority>,
    },
    /// A mail.
    EmailNudge {
        /// Whom it is for.
        to: MailTo,
        /// The template below `templates/email/`, without `.txt.j2` and `.html.j2`.
        template: String,
        /// What else the mail says.
        text: Option<String>,
    },
}

impl StepAction {
    /// The kind of action it asks for.
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::SlackAlert { .. } => ActionKind::SlackAlert,
            Self::CrmTask { .. } => ActionKind::CrmTask,
            Self::EmailNudge { .. } => ActionKind::EmailNudge,
        }
    }

    /// What it proposes that one of us does next; `None` for a mail, which does it.
    pub fn proposes(&self) -> Option<&str> {
        match self {
            Self::SlackAlert { next_step, .. } => Some(next_step),
            Self::CrmTask { title, .. } => Some(title),
            Self::EmailNudge { .. } => None,
        }
    }
}

/// A test that a playbook carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// What was known of the account before.
    pub before: BTreeMap<String, Scalar>,
    /// What is known now.
    pub after: BTreeMap<String, Scalar>,
    /// What must come of it.
    pub expect: Expect,
}

/// What an example expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// The band now; `None` when the example does not say.
    pub band: Option<Band>,
    /// An episode opens.
    pub opens: bool,
    /// The steps that are asked for at once; `None` when the example does not say.
    pub asks: Option<Vec<String>>,
}
