//! Whether an account is at risk, for playbooks that go another way then.

use config::Playbook;
use model::{Band, Episode};

use super::Plays;

/// Red, or somebody works on a risk already.
pub(crate) fn is_at_risk(plays: &Plays<'_>) -> bool {
    let about_risk = |e: &Episode| plays.config.playbook(&e.key.playbook).is_some_and(Playbook::is_about_risk);
    plays.assessment.band == Band::Red || plays.input.episodes.iter().any(|e| e.is_open() && about_risk(e))
}

/// Red with a second reason: nobody there backs us, or something urgent is broken. Near a renewal they count together.
pub(crate) fn compound_risk(plays: &Plays<'_>) -> bool {
    let no_sponsor = plays.flag("has_sponsor") == Some(false);
    let urgent = plays.int("open_urgent_tickets").is_some_and(|open| open > 0);
    plays.assessment.band == Band::Red && (no_sponsor || urgent)
}
