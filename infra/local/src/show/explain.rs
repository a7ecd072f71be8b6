//! One account on one screen: what it scores, measure by measure, and where each value stands in what a vendor sent.

use model::{Band, MeasureState};

use super::{Style, UNKNOWN, children, instant, points, safe};
use crate::api::{
    CapRow, ClaimRow, EpisodePhase, EpisodeRow, EvidenceRow, Explanation, HistoryRow, MemberRow, PointRow,
};

/// How many earlier scores and closed episodes are shown.
const RECENT: usize = 5;
/// How many members are shown.
const MEMBERS: usize = 8;

/// The whole explanation.
pub fn explain(it: &Explanation, style: Style) -> String {
    let mut lines = headline(it, style);
    lines.push(String::new());
    if let Some(rolled) = &it.roll_up {
        lines.extend(children::children(rolled, style));
        lines.push(String::new());
    }
    lines.extend(measures(it, style));
    lines.push(String::new());
    lines.extend(what_follows(it, style));
    lines.push(String::new());
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

fn headline(it: &Explanation, style: Style) -> Vec<String> {
    let score = it.score.map_or_else(|| "no score".to_owned(), |score| format!("{score} of 100"));
    let band = style.band(it.band, it.band.as_str());
    let mut first = vec![style.bold(&safe(&it.name)), score, band];
    if let Some(rolled) = it.roll_up.as_ref().filter(|rolled| rolled.score.is_some()) {
        let own = rolled.own_score.map_or_else(|| UNKNOWN.to_owned(), |score| score.to_string());
        first.push(format!("its own facts say {own} {}", style.band(rolled.own_band, rolled.own_band.as_str())));
    }
    if it.machine_band != it.band {
        first.push(format!("the score alone says {}", style.band(it.machine_band, it.machine_band.as_str())));
    }
    if it.provisional {
        first.push("provisional: too little is known to call it green".to_owned());
    }
    first.extend(trend(it));
    let mut second = Vec::new();
    second.extend(it.arr.map(|arr| format!("{arr} a year")));
    let notice = it.notice_by.map(|day| format!(", notice by {day}")).unwrap_or_default();
    second.extend(it.renews_on.map(|day| format!("renews on {day}{notice}")));
    if let Some(held) = &it.contract {
        let arr = held.arr.map(|arr| format!(", {arr} a year")).unwrap_or_default();
        let renews = held.renews_on.map(|day| format!(", renews on {day}")).unwrap_or_default();
        second.push(format!("contract with {}{arr}{renews}", safe(&held.name)));
    }
    second.push(match &it.owner {
        Some(owner) => format!("owner {} ({})", safe(&owner.name), safe(&owner.reason)),
        None => "no owner known".to_owned(),
    });
    if let Some(set) = &it.overridden {
        let by = set.by.as_deref().map(|by| format!(" by {}", safe(by))).unwrap_or_default();
        let why = set.why.as_deref().map(|why| format!(": {}", safe(why))).unwrap_or_default();
        let until = set.until.map(|day| format!(", until {day}")).unwrap_or_default();
        second.push(format!("set to {} by hand{by}{until}{why}", set.band));
    }
    second.extend(it.incident.as_ref().map(|it| {
        format!("an incident of ours until {}: {} (tickets start nothing about risk)", it.until, safe(&it.why))
    }));
    second.extend(it.sentiment.as_ref().map(|said| format!("CSM says {} ({})", safe(&said.word), said.said_on)));
    let third = [
        format!("{} since {}", it.band, instant(it.band_since)),
        format!("confidence {} %", it.confidence),
        format!("as of {}", instant(it.as_of)),
        it.account.to_string(),
    ];
    vec![first.join(" · "), second.join(" · "), style.faint(&third.join(" · "))]
}

/// How the score moved since the last one that differs.
fn trend(it: &Explanation) -> Option<String> {
    let now = it.score?;
    let earlier = it.history.iter().rev().find(|row| row.score.is_some() && row.score != Some(now));
    let Some(row) = earlier else {
        return (!it.history.is_empty()).then(|| "steady".to_owned());
    };
    let then = row.score?;
    let day = &row.as_of.to_string()[..10];
    Some(if now < then {
        format!("down {} from {then} ({day})", then - now)
    } else {
        format!("up {} from {then} ({day})", now - then)
    })
}

/// Widths of what stands before the origin of a value.
struct Widths {
    measure: usize,
    value: usize,
}

fn measures(it: &Explanation, style: Style) -> Vec<String> {
    let width = |heading: &str, cells: &mut dyn Iterator<Item = usize>| cells.fold(heading.len(), usize::max);
    let widths = Widths {
        measure: width("measure", &mut it.points.iter().map(|row| row.label.chars().count())),
        value: width("value", &mut it.points.iter().map(|row| value(row).chars().count())),
    };
    let heading = format!(
        "{:>6} / {:<8}  {:<measure$}  {:<value$}  where it comes from",
        "gained",
        "possible",
        "measure",
        "value",
        measure = widths.measure,
        value = widths.value
    );
    let mut lines = vec![style.bold(&heading)];
    for row in &it.points {
        lines.extend(measure(it, row, &widths, style));
    }
    lines.extend(it.caps.iter().flat_map(|row| cap(it, row, &widths, style)));
    lines.extend(total(it, style));
    lines
}

/// What a cap took, below the measures it cuts off.
fn cap(it: &Explanation, row: &CapRow, widths: &Widths, style: Style) -> Vec<String> {
    let took = format!("-{}", points(row.points.unsigned_abs()));
    let front = format!("{took:>6}   {:<8}  {:<measure$}  ", "", safe(&row.label), measure = widths.measure);
    let because: Vec<String> =
        row.because.iter().map(|(what, value)| format!("{}: {}", safe(what), safe(value))).collect();
    let indent = " ".repeat(front.chars().count());
    let mut lines =
        vec![format!("{front}at most {}: {}", style.band(row.at_most, row.at_most.as_str()), because.join(", "))];
    let evidence = row.evidence.iter().flat_map(|evidence| stands(it, evidence));
    lines.extend(evidence.map(|line| format!("{indent}{}", style.faint(&line))));
    lines
}

fn measure(it: &Explanation, row: &PointRow, widths: &Widths, style: Style) -> Vec<String> {
    let takes_part = row.points.is_some();
    let share = if takes_part {
        format!("{:>6} / {:<8}", points(row.gained.into()), points(u32::from(row.gained) + u32::from(row.missed)))
    } else {
        format!("{UNKNOWN:>6} / {UNKNOWN:<8}")
    };
    let front = format!(
        "{share}  {:<measure$}  {:<value$}  ",
        safe(&row.label),
        value(row),
        measure = widths.measure,
        value = widths.value
    );
    let indent = " ".repeat(front.chars().count());
    let origin = origin(it, row);
    let change = row.change.filter(|change| *change != 0).map(|change| {
        let sign = if change < 0 { "-" } else { "+" };
        format!("{sign}{} points since the last time", points(change.unsigned_abs()))
    });
    let mut lines = vec![front + &origin[0]];
    lines.extend(origin[1..].iter().map(|line| format!("{indent}{}", style.faint(line))));
    lines.extend(change.map(|change| format!("{indent}{change}")));
    lines
}

fn value(row: &PointRow) -> String {
    row.value.as_deref().map_or_else(|| "not known".to_owned(), safe)
}

/// Where the value stands, or why there is none.
fn origin(it: &Explanation, row: &PointRow) -> Vec<String> {
    let mut lines = Vec::new();
    // One answer is there and does not speak for the account, say.
    let unknown = if row.evidence.is_some() { "too little is stated" } else { "nobody stated a value" };
    match row.state {
        MeasureState::Counted => {}
        MeasureState::Skipped => lines.push(format!("left out: {unknown} for this account")),
        MeasureState::Neutral => lines.push(format!("{unknown}: half the points are assumed")),
        MeasureState::Worst => lines.push(format!("{unknown}: no points are assumed")),
        MeasureState::NotWired => lines.push("not wired: no connection tells it".to_owned()),
        MeasureState::Held => lines.push(match row.held_until {
            Some(day) => format!("no value any more: the last one counts until {day}"),
            None => "no value any more: the last one counts for now".to_owned(),
        }),
        MeasureState::Stale => lines.push(match row.stale_since {
            Some(day) => format!("its source is silent since {day}: what it said until then still counts"),
            None => "its source is silent: what it said until then still counts".to_owned(),
        }),
    }
    if let Some(pending) = row.pending {
        let (seen, of) = (pending.seen, pending.of);
        let shown = points(pending.points.into());
        lines.push(format!("{shown} points were seen {seen} of {of} times; until then the former ones count"));
    }
    lines.extend(row.case.as_ref().map(|case| format!("points for accounts with {}", safe(case))));
    match &row.evidence {
        Some(evidence) => lines.extend(stands(it, evidence)),
        None if lines.is_empty() => lines.push("computed from no single fact".to_owned()),
        None => {}
    }
    lines
}

fn stands(it: &Explanation, evidence: &EvidenceRow) -> [String; 2] {
    // Most facts stand about the account itself; others say where.
    let elsewhere = if evidence.subject == it.account { String::new() } else { format!(" · of {}", evidence.subject) };
    [
        format!("{} = {}", safe(&evidence.path), safe(&evidence.raw)),
        format!("{} · stated {}{elsewhere}", evidence.delivery, instant(evidence.occurred_at)),
    ]
}

/// The sums, beside the score they make up.
fn total(it: &Explanation, style: Style) -> Vec<String> {
    let (gained, missed) = (it.gained_total, it.missed_total);
    let sum = format!("{:>6} / {:<8}", points(gained), points(gained + missed));
    let rule = format!("{:─>6}─┼─{:─<8}", "", "");
    let own = match &it.roll_up {
        Some(rolled) => rolled.own_score.map(model::Score::shown),
        None => it.score,
    };
    match own {
        Some(score) => vec![
            style.faint(&rule),
            style.bold(&format!(
                "{sum}  score {score}: missed {} + score {} = {}",
                points(missed),
                points(gained),
                points(gained + missed)
            )),
        ],
        None => {
            vec![style.faint(&rule), format!("{sum}  no score: only {} % of what is wired is known", it.confidence)]
        }
    }
}

fn what_follows(it: &Explanation, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    let left_out: Vec<&PointRow> = it.points.iter().filter(|row| row.points.is_none()).collect();
    if !left_out.is_empty() {
        let labels: Vec<String> = left_out.iter().map(|row| safe(&row.label)).collect();
        lines.push(format!("missing      {}", labels.join(", ")));
    }
    for said in &it.also_said {
        let of = if said.subject == it.account { String::new() } else { format!(" of {}", said.subject) };
        lines.push(format!(
            "also said    {}{of}: {} says {} ({}); shown is the word of {}",
            safe(&said.field),
            said.connection,
            safe(&said.value),
            instant(said.occurred_at),
            said.shown
        ));
    }
    lines.extend(it.counts_for.iter().map(|parent| format!("counts for   {parent}, which it names as its parent")));
    lines.extend(members(it, style));
    let (closed, open): (Vec<&EpisodeRow>, Vec<&EpisodeRow>) =
        it.episodes.iter().partition(|episode| episode.state == EpisodePhase::Closed);
    if open.is_empty() {
        lines.push("playbooks    none is open".to_owned());
    }
    for episode in open {
        let recovering = episode.since.map(|since| format!(", recovering since {}", instant(since)));
        let since = format!("{} open since {}", episode.playbook, instant(episode.opened_at));
        lines.push(format!("playbooks    {since}{}", recovering.unwrap_or_default()));
        lines.push(format!("             {}", safe(&episode.why)));
        if let (Some(by), Some(at)) = (&episode.claimed_by, episode.claimed_at) {
            lines.push(format!("             {} takes care of it since {}", safe(by), instant(at)));
        }
        if let Some(until) = episode.snoozed_until {
            lines.push(format!("             snoozed until {}", instant(until)));
        }
    }
    for episode in closed.iter().take(RECENT) {
        let when = episode.since.map(instant).unwrap_or_default();
        let why = episode.closed_because.as_deref().unwrap_or("over");
        lines.push(style.faint(&format!("             {} closed {when}: {}", episode.playbook, safe(why))));
    }
    if !it.history.is_empty() {
        lines.push(format!("scores       {}", scores(it, style)));
    }
    lines.push(match it.next_due_at {
        Some(due) => format!("next look    {} without news, at once with any", instant(due)),
        None => "next look    with the next news".to_owned(),
    });
    let because = if it.model_because.is_empty() { String::new() } else { format!(" · {}", safe(&it.model_because)) };
    lines.push(style.faint(&format!("model        {}{because}", it.model)));
    if !it.outdated.is_empty() {
        let what = it.outdated.iter().map(|what| safe(what)).collect::<Vec<_>>().join(" and ");
        lines.push(format!("             not the newest: {what} changed since; run `barometer rescore`"));
    }
    lines
}

/// What belongs to the account besides itself, the nearest first, each with what says so.
fn members(it: &Explanation, style: Style) -> Vec<String> {
    // Addresses and domains are only the way by which others belong here.
    let is_shown = |row: &&MemberRow| row.subject != it.account && (row.facts > 0 || row.subject.is_company());
    let others: Vec<_> = it.members.iter().filter(is_shown).collect();
    let mut lines = Vec::new();
    for (number, row) in others.iter().take(MEMBERS).enumerate() {
        let by: Vec<String> = row.by.iter().map(|claim| by(it, claim)).collect();
        let gone = if row.gone { " · deleted at its source" } else { "" };
        let front = if number == 0 { "members" } else { "" };
        lines.push(format!("{front:<13}{} · {}{gone}", row.subject, by.join(", ")));
    }
    if others.len() > MEMBERS {
        let more = others.len() - MEMBERS;
        lines.push(style.faint(&format!("             and {more} more: barometer explain ACCOUNT --json")));
    }
    lines
}

fn by(it: &Explanation, claim: &ClaimRow) -> String {
    let target = if claim.target == it.account { String::new() } else { format!(" → {}", claim.target) };
    match &claim.connection {
        Some(connection) => format!("{} at {connection}{target}", safe(&claim.what)),
        None => format!("by its address{target}"),
    }
}

/// The last scores, oldest first, up to the one of now.
fn scores(it: &Explanation, style: Style) -> String {
    let shown = |score: Option<u16>, band: Band| match score {
        Some(score) => style.band(band, &score.to_string()),
        None => style.band(band, UNKNOWN),
    };
    // The history may end with the score of now.
    let is_now = |row: &HistoryRow| (row.score, row.band) == (it.score, it.band);
    let earlier = it.history.len() - usize::from(it.history.last().is_some_and(is_now));
    let earlier = &it.history[earlier.saturating_sub(RECENT)..earlier];
    let earlier =
        earlier.iter().map(|row| format!("{} ({})", shown(row.score, row.band), &row.as_of.to_string()[..10]));
    earlier.chain([format!("{} now", shown(it.score, it.band))]).collect::<Vec<_>>().join(" → ")
}
