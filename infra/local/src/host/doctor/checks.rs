//! The rows of a look, and what an answer of a vendor means for them.

use actions::vendor::{Api, GetError, Told};
use serde_json::Value;

use super::NotAsked;
use crate::api::{CheckRow, CheckState};

/// Rows about one thing after another.
#[derive(Default)]
pub(crate) struct Checks {
    about: String,
    pub rows: Vec<CheckRow>,
}

impl Checks {
    /// What follows is about this.
    pub fn about(&mut self, about: impl Into<String>) {
        self.about = about.into();
    }

    pub fn push(&mut self, row: CheckRow) {
        self.rows.push(row);
    }

    pub fn ok(&mut self, check: &str, says: impl Into<String>) {
        self.row(check, CheckState::Ok, says.into(), None);
    }

    pub fn mend(&mut self, check: &str, says: impl Into<String>, mend: impl Into<String>) {
        self.row(check, CheckState::Mend, says.into(), Some(mend.into()));
    }

    pub fn unknown(&mut self, check: &str, says: impl Into<String>, how: Option<String>) {
        self.row(check, CheckState::NotAsked, says.into(), how);
    }

    pub(super) fn not_asked(&mut self, check: &str, not_asked: NotAsked) {
        self.unknown(check, not_asked.why, not_asked.how);
    }

    /// What a vendor's API did not tell; `scope` is what its token must be allowed for it.
    pub fn unanswered(&mut self, check: &str, vendor: &str, error: GetError, scope: &str) {
        match error {
            GetError::Unauthorized => self.mend(
                check,
                format!("{vendor} does not know the token (401)"),
                "make a new one there, and store that in the place of this one",
            ),
            GetError::Refused { reason } => self.mend(check, reason, format!("the token must be allowed {scope}")),
            GetError::SlowDown { .. } => self.busy(check, vendor),
            GetError::Retry { reason } => self.unreached(check, vendor, &reason),
        }
    }

    pub fn busy(&mut self, check: &str, vendor: &str) {
        let again = "run `barometer doctor` again in a minute".to_owned();
        self.unknown(check, format!("not known: {vendor} asks for fewer calls"), Some(again));
    }

    pub fn unreached(&mut self, check: &str, vendor: &str, reason: &str) {
        let says = format!("{vendor} was not reached: {reason}");
        self.mend(check, says, "see whether this machine reaches it, and whether its address is right");
    }

    fn row(&mut self, check: &str, state: CheckState, says: String, mend: Option<String>) {
        self.rows.push(CheckRow { about: self.about.clone(), check: check.to_owned(), state, says, mend });
    }
}

/// What is at a path, as JSON.
pub(crate) async fn read(api: &Api, path: &str) -> Result<Value, GetError> {
    match api.read(path, None).await? {
        Told::Object(body) => serde_json::from_slice(&body).map_err(|_| GetError::Refused {
            reason: "the answer is no JSON; check `api_url`, and what is between here and the vendor".to_owned(),
        }),
        Told::Gone { status, .. } => {
            Err(GetError::Refused { reason: format!("nothing is there ({status}); check `api_url`") })
        }
    }
}
