//! The host itself: that it runs, and what its clock says beside those of others.

use std::net::SocketAddr;

use super::checks::Checks;
use super::dates::Dated;
use crate::api::{CheckRow, CheckState, ClockMode, ClockNow, DoctorRequest};
use crate::show;

/// The most that our clock may be off: signatures are good for five minutes, of which the way here takes some.
const MOST_OFF_MS: u128 = 60_000;

/// That it runs, and with a file of secrets that can be read.
pub(super) fn running(request: &DoctorRequest, address: SocketAddr, no_secrets: Option<&str>, checks: &mut Checks) {
    if request.was_running {
        checks.ok("running", format!("at http://{address}"));
    } else {
        let says = "no host was running (one was started for this look): nobody answers the tools' webhooks";
        checks.mend("running", says, "start it with `barometer up`, and keep it running");
    }
    if let Some(reason) = no_secrets {
        checks.mend("secrets", reason, "mend that file, or name another with --secrets");
    }
}

/// Whether signatures can be judged by our clock.
pub(super) fn clock(ours: ClockNow, dates: &[Dated], offline: bool) -> CheckRow {
    let row = |state, says: String, mend: Option<&str>| CheckRow {
        about: "host".to_owned(),
        check: "clock".to_owned(),
        state,
        says,
        mend: mend.map(str::to_owned),
    };
    if ours.mode == ClockMode::Frozen {
        let says = format!(
            "it stands at {} until it is moved: what real tools sign now is refused as too old or too new",
            show::instant(ours.now)
        );
        let mend = "a folder whose clock was set is for trying things out: give real tools one of their own, \
                    `barometer up --data DIR` without --clock";
        return row(CheckState::Mend, says, Some(mend));
    }
    let off = |dated: &Dated| dated.ours.since(dated.theirs).as_millis();
    let Some(worst) = dates.iter().max_by_key(|dated| off(dated).unsigned_abs()) else {
        let why = if offline { "not asked: --offline" } else { "not known: nobody answered who tells the time" };
        return row(CheckState::NotAsked, why.to_owned(), None);
    };
    let (ms, host) = (off(worst), &worst.host);
    // Whole seconds are all that the other side says.
    let apart = duration(ms.unsigned_abs() / 1_000);
    if ms.unsigned_abs() <= MOST_OFF_MS {
        return row(CheckState::Ok, format!("{apart} from that of {host} at most"), None);
    }
    let side = if ms > 0 { "ahead of" } else { "behind" };
    let says = format!("it is {apart} {side} that of {host}: signatures are good for five minutes only");
    let mend = "let this machine's clock be set by the network (on Linux: timedatectl set-ntp true); if `barometer clock` \
                moved this folder's clock, use another folder for real tools";
    row(CheckState::Mend, says, Some(mend))
}

/// `45 s`, `3 min`, `5 h`, `12 days`.
fn duration(seconds: u128) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> ClockNow {
        ClockNow { now: "2026-11-22T09:00:00Z".parse().unwrap(), mode: ClockMode::Running }
    }

    fn dated(host: &str, theirs: &str) -> Dated {
        Dated { host: host.to_owned(), theirs: theirs.parse().unwrap(), ours: running().now }
    }

    #[track_caller]
    fn check(theirs: &str, state: CheckState, says: &str) {
        let row = clock(running(), &[dated("a.example", "2026-11-22T09:00:01Z"), dated("b.example", theirs)], false);
        assert_eq!((row.state, row.says.contains(says)), (state, true), "{row:?}");
    }

    #[test]
    fn a_clock_that_is_off_by_more_than_a_minute_is_mended() {
        check("2026-11-22T09:00:00Z", CheckState::Ok, "1 s from that of a.example");
        check("2026-11-22T09:01:00Z", CheckState::Ok, "60 s from that of b.example");
        check("2026-11-22T09:01:01Z", CheckState::Mend, "61 s behind that of b.example");
        check("2026-11-22T08:55:00Z", CheckState::Mend, "5 min ahead of that of b.example");
        check("2025-11-22T09:00:00Z", CheckState::Mend, "365 days ahead");
    }

    #[test]
    fn a_clock_that_stands_is_mended_and_one_that_nobody_compares_is_not_known() {
        let standing = ClockNow { mode: ClockMode::Frozen, ..running() };
        assert_eq!(clock(standing, &[], true).state, CheckState::Mend);
        assert_eq!(clock(running(), &[], true).says, "not asked: --offline");
        assert_eq!(clock(running(), &[], false).state, CheckState::NotAsked);
    }
}
