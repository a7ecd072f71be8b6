//! What was said of an account.

use super::safe;
use crate::api::SayReport;

/// One line: who said what of whom.
pub fn said(report: &SayReport) -> String {
    format!("{} ({}): {}\n", safe(&report.name), report.account, safe(&report.said))
}
