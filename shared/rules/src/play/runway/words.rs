//! What is said on the way through a renewal.

use std::fmt::Write as _;

use config::Runway;
use jiff::civil::Date;
use model::Closing;

use crate::alert::Dates;
use crate::renewals::{Group, RunOut, days_between};
use crate::runway::{Say, Step, Turn};

/// What a message is made of.
pub(super) struct Words<'a> {
    pub runway: &'a Runway,
    pub turn: &'a Turn<'a>,
    pub group: &'a Group<'a>,
    pub today: Date,
    pub at_risk: bool,
}

impl Words<'_> {
    /// The days that the first line counts to: once it is too late for notice, the end of the term.
    pub fn dates(&self, say: &Say) -> Dates {
        let (due, deadline) = (self.group.due_on(), self.group.deadline());
        let is_before = match say {
            Say::Step { step: Step::Checkpoint(_), .. } | Say::Moved => true,
            Say::Step { step: Step::LockedIn | Step::PastDue, .. } | Say::StillPastDue { .. } => false,
        };
        let end = if self.group.lead().runs_out.is_some() { "run-out" } else { "renewal" };
        let counted = if is_before && deadline != due { (deadline, "notice deadline") } else { (due, end) };
        Dates { renews_on: due, deadline: counted }
    }

    /// The one next step.
    pub fn next_step(&self, say: &Say) -> String {
        let step = match say {
            Say::Step { step, .. } => *step,
            Say::StillPastDue { .. } => Step::PastDue,
            Say::Moved => return String::new(),
        };
        proposed(self.runway, step, self.at_risk).to_owned()
    }

    /// How it stands.
    pub fn text(&self, say: &Say) -> String {
        let mut text = String::new();
        if let Some(from) = self.turn.moved_from {
            let end = if self.group.lead().runs_out.is_some() { "day it runs out" } else { "end of the contract" };
            let _ = write!(text, "The {end} moved from {from} to {}. ", self.turn.state.due_on);
        }
        match say {
            Say::Step { step: Step::Checkpoint(_), skipped, is_pulled, .. } => {
                if *is_pulled {
                    text.push_str("Several risks come together near the renewal, so this step comes early. ");
                }
                if !skipped.is_empty() {
                    let days: Vec<_> = skipped.iter().map(u16::to_string).collect();
                    let _ = write!(text, "It stands in for the step at {} days. ", days.join(" and "));
                }
                text.push_str(&self.terms());
            }
            Say::Step { step: Step::LockedIn, .. } => {
                let (due, deadline) = (self.group.due_on(), self.group.deadline());
                let _ = if deadline < due {
                    write!(
                        text,
                        "The last day for giving notice, {deadline}, has passed without notice: the contract goes on after {due}."
                    )
                } else {
                    write!(text, "The contract ended on {due} and renews by itself.")
                };
            }
            Say::Step { step: Step::PastDue, .. } | Say::StillPastDue { .. } => {
                let due = self.group.due_on();
                let days = days_between(due, self.today);
                let past = if days == 1 { "a day".to_owned() } else { format!("{days} days") };
                let _ = if self.group.lead().runs_out.is_some() {
                    write!(text, "What was paid in advance ran out on {due}, {past} ago, and no more was paid.")
                } else {
                    write!(text, "The contract ended on {due}, {past} ago, and nobody has said how the renewal ended.")
                };
            }
            Say::Moved => text.push_str(&self.terms()),
        }
        text.trim_end().to_owned()
    }

    /// Both dates, and what is not known.
    fn terms(&self) -> String {
        let (due, deadline) = (self.group.due_on(), self.group.deadline());
        let mut text = if let Some((out, stated)) = self.group.lead().runs_out {
            let contract = stated.map_or_else(String::new, |day| format!("; the contract ends on {day}"));
            let RunOut { left, per_day, as_of, .. } = out;
            format!(
                "{left} prepaid units are left after {as_of}; at about {per_day} a day, the mean of four weeks, they run out on {due}{contract}"
            )
        } else if deadline < due {
            format!("Last day for giving notice: {deadline}; the contract ends on {due}")
        } else {
            format!("The contract ends on {due}")
        };
        let all = |flag: bool| self.group.terms().all(|term| term.auto_renew == Some(flag) && term.runs_out.is_none());
        if all(true) {
            text.push_str(" and renews by itself");
        } else if all(false) {
            text.push_str(" and does not renew by itself");
        }
        text.push('.');
        let others = self.group.terms().count() - 1;
        if others > 0 {
            let _ = write!(text, " {} contracts end within a week of it.", others + 1);
        }
        if self.group.lacks_notice() {
            text.push_str(" The notice period is not known, so the days count to the end of the contract: look it up and record it.");
        }
        text
    }
}

/// What a step proposes.
pub(super) fn proposed(runway: &Runway, step: Step, at_risk: bool) -> &str {
    match step {
        Step::Checkpoint(days) => runway
            .checkpoint(days)
            .map_or("", |checkpoint| if at_risk { &checkpoint.at_risk } else { &checkpoint.healthy }),
        Step::LockedIn => &runway.locked_in,
        Step::PastDue => &runway.past_due,
    }
}

/// Why an episode opens, in one sentence.
pub(super) fn why(group: &Group<'_>) -> String {
    let (due, deadline) = (group.due_on(), group.deadline());
    if group.lead().runs_out.is_some() {
        format!("What was paid in advance runs out on {due}")
    } else if deadline < due {
        format!("The contract ends on {due}; notice can be given until {deadline}")
    } else {
        format!("The contract ends on {due}")
    }
}

/// The last message of a thread.
pub(super) struct Ended {
    pub text: String,
    /// Empty where nothing is left to do.
    pub next_step: &'static str,
}

impl Ended {
    /// `None` where nobody needs to know.
    pub fn new(turn: &Turn<'_>, why: Closing, was_due: Date) -> Option<Self> {
        let until = turn.group.as_ref().map(Group::due_on);
        let (text, next_step) = match why {
            Closing::Renewed => (
                match until {
                    Some(until) => format!("Renewed: the contract that ended on {was_due} now runs until {until}."),
                    None => format!("Renewed: the renewal of {was_due} was won."),
                },
                "Thank everybody who made it happen, and agree on the goals of the new term.",
            ),
            Closing::Lost => (
                format!("The contract that ends on {was_due} was cancelled or lost; no more renewal steps."),
                "Write down the reason while it is fresh, and see them off well.",
            ),
            Closing::Cleared => (
                format!("No source names the end of the contract any more; it was {was_due}. No more renewal steps."),
                "If that is a slip, put the date back: the steps go on where they were.",
            ),
            Closing::Moved => {
                let to = until.map_or_else(String::new, |until| format!(" to {until}"));
                (
                    format!(
                        "The end of the contract moved from {was_due}{to}; the renewal steps begin anew before it."
                    ),
                    "",
                )
            }
            Closing::Lapsed => (
                format!("The contract ended on {was_due} and its renewal was never decided; no more reminders."),
                "Record how it ended, won or lost.",
            ),
            Closing::ByHand => (
                format!("Closed by hand: no more steps for the renewal of {was_due}. Those of the next term come."),
                "",
            ),
            Closing::Recovered | Closing::Unwatched | Closing::Exited | Closing::Completed | Closing::Dismissed => {
                return None;
            }
        };
        Some(Self { text, next_step })
    }
}
