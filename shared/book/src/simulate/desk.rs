//! Between "a message is asked for" and its reader stand the desks that ship: who was told how much, what waits for a
//! better hour or the digest, and what many accounts have in common. They are asked in the order of the simulated moments,
//! as the queue and the clock ask them.

use std::collections::{BTreeMap, BTreeSet};

use config::Config;
use jiff::SignedDuration;
use model::{
    ActionId, ActionRequest, AlertKind, Desk, Mode, Moment, Notice, PlaybookName, Recipient, SubjectId, Surge, Urgency,
};
use rules::desk::{self, DeskRules, Seen, Thread};

use super::world::Account;

/// How a message reaches its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Placement {
    /// Not yet: it waits for an hour at which they may be disturbed, or for others that it is weighed against.
    Waiting,
    /// By itself, interrupting them.
    Immediate,
    /// In the thread of an earlier one; it interrupts nobody.
    Reply,
    /// In a daily digest.
    Digest,
    /// Not by itself: an earlier message, or its line in a digest, says the same.
    Merged,
    /// Not at all: it was over before anybody read it.
    Over,
}

/// What became of a message at a moment.
#[derive(Debug)]
pub(super) enum News {
    /// It found its place; a line of a digest has still to be read.
    Placed(ActionId, Placement),
    /// Its reader read it.
    Read(ActionId),
    /// A reader got a digest.
    Digest(Recipient),
    /// The channel was told of many accounts at once.
    Burst(PlaybookName),
}

/// The desks of everybody who is told something, and what waits on the way to them.
#[derive(Debug)]
pub(super) struct Desks<'a> {
    config: &'a Config,
    desks: BTreeMap<String, Desk>,
    surges: BTreeMap<PlaybookName, Surge>,
    /// Messages that are offered again, by when.
    waiting: BTreeMap<(Moment, ActionId), ActionRequest>,
    /// When a desk is looked at for its digest, by address.
    digests: BTreeMap<String, Moment>,
    placed: BTreeMap<ActionId, Placement>,
}

/// The clock runs once in it, and a reply looks again so long after the message that it follows.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

impl<'a> Desks<'a> {
    pub fn new(config: &'a Config) -> Self {
        let (desks, surges, digests) = Default::default();
        Self { config, desks, surges, waiting: BTreeMap::new(), digests, placed: BTreeMap::new() }
    }

    /// The next moment at which something waits to be looked at.
    pub fn next(&self) -> Option<Moment> {
        let message = self.waiting.first_key_value().map(|((at, _), _)| *at);
        message.into_iter().chain(self.digests.values().copied()).min()
    }

    /// Looks at one of those that are due. Messages come before digests, so that what is placed at the digest's hour is in
    /// it.
    pub fn look(&mut self, now: Moment, accounts: &BTreeMap<SubjectId, Account>) -> Vec<News> {
        if let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= now) {
            let request = first.remove();
            return self.offer(request, now, accounts);
        }
        let due = self.digests.iter().find(|(_, at)| **at <= now).map(|(address, _)| address.clone());
        due.map_or_else(Vec::new, |address| self.digest(&address, now, accounts))
    }

    /// A message is asked for.
    pub fn ask(&mut self, request: &ActionRequest, now: Moment, accounts: &BTreeMap<SubjectId, Account>) -> Vec<News> {
        // Whoever asks a second time is answered by what became of the first.
        if self.placed.contains_key(&request.id) {
            return vec![];
        }
        self.offer(request.clone(), now, accounts)
    }

    fn offer(&mut self, request: ActionRequest, now: Moment, accounts: &BTreeMap<SubjectId, Account>) -> Vec<News> {
        let Some(thread) = self.thread(&request, accounts) else {
            if let Some(desk) = self.desks.get_mut(&request.to.address) {
                *desk = desk::withdraw(desk, &request.id);
            }
            return self.place(request.id, Placement::Over);
        };
        let thread = match thread {
            Ok(thread) => thread,
            Err(root) => return self.wait(request, root.max(now).plus(MINUTE), vec![]),
        };
        let rules = DeskRules::of(&request.to, &self.config.team);
        let address = request.to.address.clone();
        let mut news = vec![];
        let mut offered = request.clone();
        let is_known = self.desks.get(&address).is_some_and(|desk| desk.knows(&request.id));
        if thread == Thread::Starts && !is_known {
            match self.turn(&request, now) {
                Seen::Wait(until) => return self.wait(request, until, news),
                Seen::Single => {}
                Seen::Joined { notice, .. } => {
                    news.extend(notice.map(|_| News::Burst(request.playbook.clone())));
                    offered.urgency = Urgency::Digest;
                }
            }
        }
        let desk = self.desks.entry(address.clone()).or_insert_with(|| Desk::new(request.to.clone(), Mode::Live));
        let (placement, next) = desk::offer(desk, &offered, &thread, now, &rules);
        *desk = next;
        self.watch(&address, now);
        let starts = thread == Thread::Starts || request.reply_to.is_none();
        let placed = match placement {
            model::Placement::NotBefore(until) => return self.wait(request, until, news),
            model::Placement::SendNow if starts => Placement::Immediate,
            model::Placement::SendNow | model::Placement::InThreadOf(_) => Placement::Reply,
            model::Placement::InDigest(_) => Placement::Digest,
            model::Placement::MergedInto(_) => Placement::Merged,
        };
        news.extend(self.place(request.id, placed));
        news
    }

    /// The thread it belongs to; the moment until which that is not known; `None` where nobody needs it any more.
    fn thread(
        &self,
        request: &ActionRequest,
        accounts: &BTreeMap<SubjectId, Account>,
    ) -> Option<Result<Thread, Moment>> {
        let needs_open = match request.alert.kind {
            AlertKind::Opened | AlertKind::Step | AlertKind::Update | AlertKind::HandOff => true,
            AlertKind::Answered | AlertKind::Resolved => false,
        };
        let run = run_of(accounts, &request.alert.account, &request.episode)?;
        if run.0 != request.run || (needs_open && !run.1) {
            return None;
        }
        let Some(root) = &request.reply_to else { return Some(Ok(Thread::Starts)) };
        let first = self.config.playbook(&request.playbook).and_then(|playbook| playbook.steps.first());
        match self.placed.get(root)? {
            Placement::Immediate | Placement::Reply => Some(Ok(Thread::Sent)),
            Placement::Digest | Placement::Merged => Some(Ok(Thread::InDigest(root.clone()))),
            Placement::Over => first.is_some_and(|first| first.name == request.step).then_some(Ok(Thread::Starts)),
            Placement::Waiting => {
                let waits = self.waiting.keys().find(|(_, id)| id == root);
                Some(Err(waits.map_or(Moment::EARLIEST, |(at, _)| *at)))
            }
        }
    }

    /// Whether a first message is one of a burst.
    fn turn(&mut self, request: &ActionRequest, now: Moment) -> Seen {
        let playbook = self.config.playbook(&request.playbook);
        if !playbook.is_some_and(|playbook| desk::can_surge(request, playbook)) {
            return Seen::Single;
        }
        let team = &self.config.team;
        let to = desk::team_channel(team, "many accounts turned at once");
        let name = &request.playbook;
        let surge = self.surges.entry(name.clone()).or_insert_with(|| Surge::new(name.clone(), Mode::Live));
        let (seen, next) = desk::see(surge, request, &to, now, &team.alerts);
        *surge = next;
        seen
    }

    /// Empties a desk for the day.
    fn digest(&mut self, address: &str, now: Moment, accounts: &BTreeMap<SubjectId, Account>) -> Vec<News> {
        let Some(desk) = self.desks.get_mut(address) else { return vec![] };
        let rules = DeskRules::of(&desk.to, &self.config.team);
        let is_open = |line: &model::DeskLine| {
            run_of(accounts, &line.account, &line.episode).is_some_and(|(run, is_open)| run == line.run && is_open)
        };
        let open: BTreeSet<ActionId> =
            desk.waits.iter().filter(|(_, waiting)| is_open(&waiting.line)).map(|(id, _)| id.clone()).collect();
        let mut news = vec![];
        if let Some(digested) = desk::digest(desk, now, &rules, &open) {
            news.extend(digested.notice.map(|Notice { to, .. }| News::Digest(to)));
            news.extend(digested.told.into_iter().map(News::Read));
            news.extend(digested.obsolete.into_iter().map(|id| News::Placed(id, Placement::Over)));
            *desk = digested.desk;
        }
        self.watch(address, now.plus(MINUTE));
        news
    }

    /// Notes when to look at a desk again.
    fn watch(&mut self, address: &str, now: Moment) {
        let desk = self.desks.get(address);
        let due = desk.and_then(|desk| desk::due_at(desk, now, &DeskRules::of(&desk.to, &self.config.team)));
        match due {
            Some(due) => self.digests.insert(address.to_owned(), due),
            None => self.digests.remove(address),
        };
    }

    fn wait(&mut self, request: ActionRequest, until: Moment, news: Vec<News>) -> Vec<News> {
        self.placed.insert(request.id.clone(), Placement::Waiting);
        self.waiting.insert((until, request.id.clone()), request);
        news
    }

    fn place(&mut self, id: ActionId, placement: Placement) -> Vec<News> {
        self.placed.insert(id.clone(), placement);
        let is_read = matches!(placement, Placement::Immediate | Placement::Reply);
        let read = is_read.then(|| News::Read(id.clone()));
        [News::Placed(id, placement)].into_iter().chain(read).collect()
    }
}

/// Which run an episode is in, and whether that is open.
fn run_of(accounts: &BTreeMap<SubjectId, Account>, account: &SubjectId, episode: &str) -> Option<(u32, bool)> {
    let episodes = &accounts.get(account)?.episodes;
    let found = episodes.iter().find(|one| one.key.row() == episode)?;
    Some((found.run, found.is_open()))
}
