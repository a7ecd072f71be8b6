//! The stack as it stands, and whether its name can be had.
//!
//! Followed: "Stack status codes" (CloudFormation User Guide) and "DescribeEventBus" (EventBridge API reference), from general
//! knowledge of 2026-11.

use runtime::aws::AwsSettings;
use runtime::seam::Seam;

use super::{ok, to_mend};
use crate::api::{CheckRow, CheckState};
use crate::aws::{self, Standing};
use crate::cli::PreflightArgs;

const ABOUT: &str = "stack";
const CHECK: &str = "deployed";

/// Whether it can be made or changed, and the calls that it keeps for each receiver; 0 where that is not known.
pub(super) async fn stack(seam: &Seam, aws: &AwsSettings, args: &PreflightArgs) -> (CheckRow, i64) {
    match aws::standing(seam, aws, &args.stack).await {
        Ok(Some(standing)) => (takes_a_change(&standing, aws, &args.stack), standing.reserved),
        Ok(None) => (is_free(seam, aws, args).await, 0),
        Err(failure) => (not_known(format!("whether there is a stack `{}` is not known: {failure}", args.stack)), 0),
    }
}

fn takes_a_change(standing: &Standing, aws: &AwsSettings, name: &str) -> CheckRow {
    let Standing { status, .. } = standing;
    let command = |what: &str| format!("aws cloudformation {what} --region {} --stack-name {name}", aws.region);
    match status.as_str() {
        // Left by a first deployment that failed; nothing was in it.
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "DELETE_FAILED" => {
            let says = format!("{name} was never whole, or is half gone ({status}), and takes no change");
            to_mend(ABOUT, CHECK, says, &command("delete-stack"))
        }
        "UPDATE_ROLLBACK_FAILED" => {
            let says = format!("{name} is between two versions ({status}), and takes no change");
            to_mend(ABOUT, CHECK, says, &command("continue-update-rollback"))
        }
        // A change that was looked at and not made hinders no other.
        "REVIEW_IN_PROGRESS" => ok(ABOUT, CHECK, format!("{name} is to be made ({status})")),
        changing if changing.ends_with("_IN_PROGRESS") => {
            let says = format!("{name} is being changed ({status})");
            to_mend(ABOUT, CHECK, says, &format!("wait until that has ended: {}", command("describe-stacks")))
        }
        _ => ok(ABOUT, CHECK, format!("{name} ({status})")),
    }
}

/// The bus bears the template's Name, of which there is one in a region.
async fn is_free(seam: &Seam, aws: &AwsSettings, args: &PreflightArgs) -> CheckRow {
    let PreflightArgs { name, stack, .. } = args;
    match aws::has_bus(seam, aws, name).await {
        Ok(false) => ok(ABOUT, CHECK, format!("there is no `{stack}` yet, and no bus `{name}`")),
        Ok(true) => {
            let says = format!("there is no `{stack}`, and a bus `{name}` of another stack");
            to_mend(ABOUT, CHECK, says, "deploy with another NAME, or with the STACK that the bus belongs to")
        }
        Err(failure) => not_known(format!("there is no `{stack}`; whether a bus `{name}` is, is not known: {failure}")),
    }
}

fn not_known(says: String) -> CheckRow {
    CheckRow { state: CheckState::NotAsked, ..ok(ABOUT, CHECK, says) }
}
