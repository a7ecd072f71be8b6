//! What a decision reacts to: the statement received last, the link received last, what a child told last, or a due moment.

use config::Config;
use model::{
    Assessment, CauseChain, Child, ConnectionName, FactKey, Moment, Placed, Register, Said, Stamp, SubjectId, Value,
};

use crate::decide::Input;

/// The news a decision reacts to.
#[derive(Debug, Clone)]
pub(crate) struct News {
    pub occurred_at: Moment,
    pub as_of: Moment,
    pub chain: CauseChain,
    /// Names the news in ids: the moment of receipt and the delivery, or the due moment.
    pub id: String,
    /// Nobody said anything: a stored due moment has come.
    pub by_time: bool,
    /// It is not from before its connection went live, as an import is.
    pub is_live: bool,
    /// Nothing happened: an operator asked to look at the account by a changed configuration.
    pub is_rescore: bool,
    /// Nothing happened: it was loaded of a time that is over.
    pub is_loaded: bool,
}

impl News {
    /// `None` while nothing was ever said.
    ///
    /// An assessment never holds for an earlier moment than the one before it: a member that leaves takes what it said
    /// along, and a link can be folded in after a statement that was received later.
    pub fn of(input: Input<'_>, config: &Config) -> Option<Self> {
        let is_rescore = |(placed, _): &(&Placed, &Register)| placed.fact.key == FactKey::Rescore;
        let last = newest(registers(input).filter(|told| !is_rescore(told)));
        let rescore = newest(registers(input).filter(is_rescore)).map(|(_, register)| register);
        let since = input.previous.map(|before| before.as_of);
        // What is loaded beside a live word is not the news.
        let is_new = |(_, register): &(&Placed, &Register)| {
            !register.stamp.delivery.is_history() && since.is_none_or(|since| register.received_at > since)
        };
        let loaded = last.filter(|(_, register)| register.stamp.delivery.is_history());
        let live = loaded.and_then(|_| newest(registers(input).filter(|told| !is_rescore(told)).filter(is_new)));
        let said = live.or(last);
        let since = since.max(live.and(last).map(|(_, register)| register.received_at));
        let children = input.children.iter().map(|told| &told.child);
        let child = children.max_by(|a, b| (a.received_at, &a.stamp).cmp(&(b.received_at, &b.stamp)));
        let others = said.map(|(_, register)| register.received_at).max(input.linked.map(|link| link.received_at));
        let received = others.max(child.map(|child| child.received_at));
        if let Some((register, previous)) = rescore.zip(input.previous)
            && register.received_at >= previous.as_of
            && received.is_none_or(|received| received <= looked_at(previous, register))
        {
            return Some(Self::rescored(register, previous, config));
        }
        // What the account itself is told by the same delivery tells better what it is about.
        if let Some(child) = child.filter(|child| others.is_none_or(|others| others < child.received_at)) {
            return Some(Self::child(child, since, config));
        }
        // A statement and a link of the same delivery are one piece of news, which the statement tells better.
        match (said, input.linked) {
            (None, None) => None,
            (Some(told), link) if link.is_none_or(|link| link.received_at <= told.1.received_at) => {
                Some(Self::said(input, told, since, config))
            }
            (_, Some(link)) => Some(Self::linked(link, since, config)),
            (Some(told), None) => Some(Self::said(input, told, since, config)),
        }
    }

    /// An operator asked for a look by today's configuration, and nobody said anything since the look before. What was due
    /// before they asked and had not come yet comes as if they had not: it is no matter of the configuration.
    fn rescored(register: &Register, previous: &Assessment, config: &Config) -> Self {
        let overdue = previous.next_due_at.filter(|due| *due <= register.received_at);
        if let Some(due_at) = overdue.filter(|_| previous.as_of < register.received_at) {
            return Self::due(due_at, due_at, due_at, Some(previous.as_of));
        }
        let path = Some(register.path.clone());
        let asked = Self::by(&register.stamp, register.received_at, path, Some(previous.as_of), config);
        Self { is_rescore: true, is_live: false, ..asked }
    }

    /// A subject was linked, unlinked, deleted or restored.
    pub fn linked(link: &Said, since: Option<Moment>, config: &Config) -> Self {
        Self::by(&link.stamp, link.received_at, None, since, config)
    }

    fn said(
        input: Input<'_>,
        (placed, register): (&Placed, &Register),
        since: Option<Moment>,
        config: &Config,
    ) -> Self {
        match register.value {
            Value::Moment(due_at) if placed.fact.key == FactKey::Tick => {
                Self::due(due_at, register.stamp.occurred_at, register.received_at, since)
            }
            _ => {
                let path = Some(register.path.clone());
                let told = Self::by(&register.stamp, register.received_at, path, since, config);
                let is_first = is_first_word(input.facts, &placed.fact.subject, register);
                Self { is_live: told.is_live && !is_first, ..told }
            }
        }
    }

    fn due(due_at: Moment, occurred_at: Moment, received_at: Moment, since: Option<Moment>) -> Self {
        Self {
            occurred_at,
            as_of: since.map_or(received_at, |since| since.max(received_at)),
            chain: CauseChain { due_at: Some(due_at), ..CauseChain::default() },
            id: format!("due~{due_at}"),
            by_time: true,
            is_live: true,
            is_rescore: false,
            is_loaded: false,
        }
    }

    /// What moved a child moves its parent: the same statement, or the same due moment.
    fn child(child: &Child, since: Option<Moment>, config: &Config) -> Self {
        let told = match child.due_at {
            Some(due_at) => Self::due(due_at, child.stamp.occurred_at, child.received_at, since),
            None => {
                let because = child.because.as_ref().filter(|it| it.delivery.as_ref() == Some(&child.stamp.delivery));
                let path = because.and_then(|because| because.path.clone());
                Self::by(&child.stamp, child.received_at, path, since, config)
            }
        };
        Self { is_live: told.is_live && child.is_news, ..told }
    }

    fn by(stamp: &Stamp, received_at: Moment, path: Option<String>, since: Option<Moment>, config: &Config) -> Self {
        let by = config.connections.iter().find(|connection| connection.name.as_str() == stamp.delivery.connection());
        let live_from = by.and_then(|connection| connection.live_from);
        let is_loaded = stamp.delivery.is_history();
        Self {
            occurred_at: stamp.occurred_at,
            as_of: since.map_or(received_at, |since| since.max(received_at)),
            chain: CauseChain { delivery: Some(stamp.delivery.clone()), path, due_at: None },
            // All that one delivery says is one piece of news, whichever part of it is seen first.
            id: format!("{received_at}~{}", stamp.delivery),
            by_time: false,
            is_rescore: false,
            is_live: !is_loaded && live_from.is_none_or(|from| stamp.occurred_at >= from),
            is_loaded,
        }
    }

    /// Nothing happened: what is open goes on as it is, and nothing starts.
    pub fn is_quiet(&self) -> bool {
        self.is_rescore || self.is_loaded
    }
}

/// Whether a statement was news when its source made it: it had gone live, and nothing that was loaded speaks of later
/// times of the same subject.
pub(crate) fn is_live(facts: &[Placed], config: &Config, by: &ConnectionName, of: &SubjectId, said: &Register) -> bool {
    let live_from = config.connection(by).and_then(|connection| connection.live_from);
    let Stamp { occurred_at, delivery, .. } = &said.stamp;
    !delivery.is_history()
        && live_from.is_none_or(|from| *occurred_at >= from)
        && loaded_until(facts, of).is_none_or(|until| *occurred_at >= until)
}

/// The time of the newest loaded statement about a subject.
fn loaded_until(facts: &[Placed], subject: &SubjectId) -> Option<Moment> {
    let loaded = of_subject(facts, subject).filter(|register| register.stamp.delivery.is_history());
    loaded.map(|register| register.stamp.occurred_at).max()
}

/// The delivery of a statement also tells what was true already when the subject was loaded: it is the first that is heard
/// of all that was not loaded, and no more a piece of news than a first sight is.
fn is_first_word(facts: &[Placed], subject: &SubjectId, said: &Register) -> bool {
    let Some(until) = loaded_until(facts, subject) else { return false };
    let beside = |register: &&Register| register.stamp.delivery == said.stamp.delivery;
    of_subject(facts, subject).filter(beside).any(|register| register.stamp.occurred_at < until)
}

fn of_subject<'a>(facts: &'a [Placed], subject: &SubjectId) -> impl Iterator<Item = &'a Register> {
    let theirs = facts.iter().filter(move |placed| placed.fact.subject == *subject);
    theirs.flat_map(|placed| placed.fact.all_registers().map(|(_, _, register)| register))
}

fn registers<'a>(input: Input<'a>) -> impl Iterator<Item = (&'a Placed, &'a Register)> {
    input.facts.iter().flat_map(|placed| placed.fact.all_registers().map(move |(_, _, register)| (placed, register)))
}

/// The statement received last.
fn newest<'a>(told: impl Iterator<Item = (&'a Placed, &'a Register)>) -> Option<(&'a Placed, &'a Register)> {
    told.max_by(|(_, a), (_, b)| (a.received_at, &a.stamp).cmp(&(b.received_at, &b.stamp)))
}

/// When the account was last looked at before a rescore: what was received later has not been judged yet. A rescore that is
/// computed again begins where it began the first time.
fn looked_at(previous: &Assessment, rescore: &Register) -> Moment {
    let first = previous.before.as_ref().filter(|_| previous.as_of == rescore.received_at);
    first.map_or(previous.as_of, |before| before.as_of)
}
