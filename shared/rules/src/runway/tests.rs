//! Whatever happens to a contract, and whenever it is looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use config::{Calendar, Checkpoint, Config, Files, Runway};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _};
use model::{
    Band, ConnectionName, DeliveryId, Episode, EpisodeKey, EpisodeState, Fact, FactKey, Field, Moment, Placed,
    RunwayMark, RunwayState, Source, Stamp, Statement, SubjectId, Value, View,
};
use proptest::prelude::*;

use super::{Before, Look, Outcome, Say, look};
use crate::renewals::Renewals;
use crate::when::When;

/// Something that is said, so many hours after the start.
type Event = (i64, Change);

#[derive(Debug, Clone)]
enum Change {
    /// A contract ends so many days after the start.
    Ends(&'static str, i64),
    Cleared(&'static str),
    Cancelled(&'static str),
    Notice(&'static str, i64),
    RenewsByItself(&'static str, bool),
    /// Somebody in another zone looks after the account.
    Owner(&'static str),
    /// Several risks come together, or do no more.
    Risks(bool),
}

/// For so long it is looked at.
const HOURS: i64 = 24 * 130;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn start() -> Moment {
    "2027-02-01T00:00:00Z".parse().unwrap()
}

fn after(hours: i64) -> Moment {
    start().plus(SignedDuration::from_hours(hours))
}

fn runway() -> Runway {
    let checkpoint = |days| Checkpoint { days, healthy: String::new(), at_risk: String::new() };
    Runway {
        checkpoints: [60, 40, 20].map(checkpoint).into(),
        at: jiff::civil::time(9, 0, 0, 0),
        min_term_days: 180,
        compound_risk: Some(40),
        compound_within_days: 180,
        renewed_from_days: 270,
        repeat_after_days: 30,
        locked_in: String::new(),
        past_due: String::new(),
    }
}

/// The configuration that ships: who is believed.
fn config() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| {
        let mut files = BTreeMap::new();
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/config"), "", &mut files);
        config::load(&Files(files), &connectors::tools()).unwrap()
    })
}

fn read(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// When an account is looked at, besides at news of it.
enum Looks {
    WhenDue,
    Hourly,
    /// At these hours, in order, whatever is missed.
    At(Vec<i64>),
}

struct World {
    runway: Runway,
    facts: Vec<Placed>,
    zone: TimeZone,
    risks: bool,
    episodes: Vec<Episode>,
    before: Option<(Moment, BTreeMap<String, RunwayMark>)>,
    next_due_at: Option<Moment>,
    said: Vec<Said>,
}

/// When, of which terms, which step, and as which message.
type Said = (Moment, BTreeSet<String>, Option<String>, String);

impl World {
    fn new() -> Self {
        Self {
            runway: runway(),
            facts: vec![],
            zone: TimeZone::UTC,
            risks: false,
            episodes: vec![],
            before: None,
            next_due_at: None,
            said: vec![],
        }
    }

    fn hear(&mut self, at: Moment, change: &Change) {
        let on = |days: i64| Value::Date(start().date_in(&TimeZone::UTC).saturating_add(days.days()));
        let (id, field, value) = match change {
            Change::Ends(id, days) => (id, Field::RenewsOn, on(*days)),
            Change::Cleared(id) => (id, Field::RenewsOn, Value::Cleared),
            Change::Cancelled(id) => (id, Field::Status, Value::Text("canceled".into())),
            Change::Notice(id, days) => (id, Field::NoticeDays, Value::Int(*days)),
            Change::RenewsByItself(id, flag) => (id, Field::AutoRenew, Value::Flag(*flag)),
            Change::Owner(zone) => return self.zone = TimeZone::get(zone).unwrap(),
            Change::Risks(risks) => return self.risks = *risks,
        };
        let key = FactKey::Subscription((*id).to_owned());
        let place = self.facts.iter().position(|placed| placed.fact.key == key).unwrap_or_else(|| {
            let fact = Fact::empty(SubjectId::vendor("hubspot", "company", "1"), key);
            self.facts.push(Placed { steps: 0, gone: false, fact });
            self.facts.len() - 1
        });
        let connection: ConnectionName = "hubspot".parse().unwrap();
        let delivery = DeliveryId::new(&connection, &at.to_string());
        let source = Source { connection: &connection, delivery: &delivery, received_at: at, index: 0 };
        let (path, raw) = (String::new(), String::new());
        let statement = Statement { field, value, occurred_at: at, sequence: None, path, raw };
        self.facts[place].fact.apply(source, &[statement]);
    }

    /// Looks now, and then until something else is said.
    fn pass(&mut self, mut now: Moment, until: Moment, looks: &Looks) {
        let facts = std::mem::take(&mut self.facts);
        let renewals = Renewals::new(View::new(&facts, config()), config(), &|_, _| None);
        while now < until {
            self.look(&renewals, now);
            now = match looks {
                Looks::WhenDue => self.next_due_at.unwrap_or(until),
                Looks::Hourly => full_hour(now).plus(HOUR),
                Looks::At(hours) => hours.iter().map(|hours| after(*hours)).find(|at| *at > now).unwrap_or(until),
            };
        }
        self.facts = facts;
    }

    fn look(&mut self, renewals: &Renewals<'_>, at: Moment) {
        let episodes = std::mem::take(&mut self.episodes);
        let held: Vec<&Episode> = episodes.iter().collect();
        let calendar = Calendar { zone: self.zone.clone(), holidays: BTreeSet::new() };
        let before = self.before.take();
        let as_of = before.as_ref().map(|(as_of, _)| *as_of);
        let outcome = look(&Look {
            now: When::at(at, &TimeZone::UTC),
            zone: &TimeZone::UTC,
            runway: &self.runway,
            calendar: &calendar,
            renewals,
            before: before.as_ref().map(|(as_of, marks)| Before {
                as_of: *as_of,
                marks,
                same_playbooks: true,
                same_model: true,
            }),
            episodes: &held,
            compound_risk: self.risks,
            is_news: &|term| as_of.is_some_and(|as_of| term.due.register.received_at > as_of),
            may_open: true,
            is_asked_for: false,
            is_closed: &|_| false,
        });
        self.episodes = self.apply(at, &episodes, &outcome);
        self.before = Some((at, outcome.marks));
        self.next_due_at = outcome.next_due_at;
    }

    /// The episodes after a look.
    fn apply(&mut self, at: Moment, held: &[Episode], outcome: &Outcome<'_>) -> Vec<Episode> {
        let mut next = held.to_vec();
        for turn in &outcome.turns {
            assert!(turn.closes.is_none() || turn.say.is_none(), "nothing is said of what is over");
            for (place, episode) in turn.episodes.iter().enumerate() {
                assert!(episode.is_open(), "what is over goes on");
                let episode = next.iter_mut().find(|other| other.key == episode.key).unwrap();
                if let Some(why) = turn.closes {
                    episode.state = EpisodeState::Closed { at, why };
                } else {
                    let own = episode.runway.take().filter(|_| place > 0).map(|state| state.sent);
                    let sent = own.unwrap_or_else(|| turn.state.sent.clone());
                    episode.runway = Some(RunwayState { sent, ..turn.state.clone() });
                }
            }
            if turn.episodes.is_empty() {
                let stamp = turn.group.as_ref().unwrap().lead().due.register.stamp.clone();
                next.push(opened(at, format!("{}~{}", turn.state.term, turn.state.due_on), stamp, next.len(), turn));
            }
            let (step, name) = match &turn.say {
                Some(Say::Step { step, on, .. }) => (Some(step.name()), format!("{}~{on}", step.name())),
                Some(Say::StillPastDue { on }) => (None, format!("digest~{on}")),
                Some(Say::Moved) => (None, format!("moved to {}", turn.state.due_on)),
                None => continue,
            };
            let terms = turn.group.as_ref().unwrap().ids();
            self.said.push((at, terms, step, name));
        }
        next
    }

    /// Hears it all.
    fn live(events: &[Event], looks: &Looks) -> Self {
        let mut world = Self::new();
        // What is said is said at half past, so that no hour is both before and after it.
        let half_past = |hours: i64| after(hours).plus(SignedDuration::from_mins(30));
        let heard_at = events.iter().map(|(hours, _)| half_past(*hours));
        let untils = heard_at.clone().chain([after(HOURS)]);
        for ((from, until), event) in
            [start()].into_iter().chain(heard_at).zip(untils).zip([None].into_iter().chain(events.iter().map(Some)))
        {
            if let Some((_, change)) = event {
                world.hear(from, change);
            }
            world.pass(from, until, looks);
        }
        world
    }
}

fn full_hour(at: Moment) -> Moment {
    at.plus(-SignedDuration::from_millis(at.as_millis().rem_euclid(3_600_000)))
}

fn opened(at: Moment, key: String, cause: Stamp, place: usize, turn: &super::Turn<'_>) -> Episode {
    let home = SubjectId::vendor("hubspot", "company", &place.to_string());
    Episode {
        key: EpisodeKey { home, playbook: "renewal-runway".parse().unwrap(), key, cause },
        run: 1,
        state: EpisodeState::Open { recovering_since: None },
        opened_at: at,
        root_action: None,
        alerted_at: None,
        why: String::new(),
        band: Band::Green,
        score: None,
        reasons: vec![],
        asked: BTreeSet::new(),
        asked_at: None,
        done: Default::default(),
        owner: None,
        handed_over: None,
        told: BTreeMap::new(),
        told_caps: BTreeSet::new(),
        updated_on: None,
        runway: Some(turn.state.clone()),
        handled: model::Handled::default(),
    }
}

/// Two contracts whose ends lie in reach, change often, and mostly by little.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let id = || prop_oneof![2 => Just("a"), 1 => Just("b")];
    let change = prop_oneof![
        6 => (id(), 30..140_i64).prop_map(|(id, days)| Change::Ends(id, days)),
        1 => (id(), 380..520_i64).prop_map(|(id, days)| Change::Ends(id, days)),
        1 => id().prop_map(Change::Cleared),
        1 => id().prop_map(Change::Cancelled),
        1 => (id(), prop_oneof![Just(0), Just(14), Just(30)]).prop_map(|(id, days)| Change::Notice(id, days)),
        1 => (id(), any::<bool>()).prop_map(|(id, flag)| Change::RenewsByItself(id, flag)),
        1 => prop_oneof![Just("Pacific/Auckland"), Just("America/New_York"), Just("Europe/Berlin")].prop_map(Change::Owner),
        1 => any::<bool>().prop_map(Change::Risks),
    ];
    prop::collection::vec((0..HOURS, change), 1..9).prop_map(|mut events| {
        events.sort_by_key(|(hours, _)| *hours);
        events.dedup_by_key(|(hours, _)| *hours);
        events
    })
}

impl World {
    /// A step that was said of a contract within thirty days before.
    fn twice(&self) -> Option<String> {
        let steps = || self.said.iter().filter(|(_, _, step, _)| step.is_some());
        let twice = |(at, terms, step, _): &Said| {
            let is_same = |(earlier, other, same, _): &&Said| {
                same == step && !terms.is_disjoint(other) && (HOUR..=HOUR * 24 * 30).contains(&at.since(*earlier))
            };
            steps().find(is_same).map(|(earlier, ..)| format!("{step:?} at {earlier} and at {at}"))
        };
        steps().find_map(twice)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn it_is_the_same_whether_looked_at_hourly_or_when_due(events in events()) {
        let names = |looks| {
            let said = World::live(&events, &looks).said;
            said.into_iter().map(|(at, terms, _, name)| (at, terms, name)).collect::<Vec<_>>()
        };
        prop_assert_eq!(names(Looks::WhenDue), names(Looks::Hourly));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn no_step_comes_twice_in_thirty_days_whenever_it_is_looked_at(
        events in events(),
        looks in prop::collection::btree_set(0..HOURS, 0..40),
    ) {
        prop_assert_eq!(World::live(&events, &Looks::WhenDue).twice(), None);
        prop_assert_eq!(World::live(&events, &Looks::At(looks.into_iter().collect())).twice(), None);
    }
}
