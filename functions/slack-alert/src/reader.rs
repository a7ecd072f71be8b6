//! Whose a message is: an email address becomes a Slack id, or somebody who stands in, or the team's channel.

use actions::slack::{Named, PostError, Slack};
use config::Person;
use jiff::SignedDuration;
use model::{Addressed, Moment, Recipient};
use rules::desk::team_channel;
use store::SlackUser;

use crate::send::Setback;
use crate::{NotNow, SlackAlert};

/// How many people Slack is asked about for one message: each call may take 10 s of the function's time.
const MOST_ASKED: usize = 2;
/// Slack that refuses an id which it gave within this time will give the same one again.
const JUST_LEARNED: SignedDuration = SignedDuration::from_hours(1);

/// Whom a message goes to.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    /// As they are addressed now.
    pub to: Recipient,
    /// The address that the person was found by; `None` where no question was needed.
    asked: Option<Recipient>,
    /// What an operator should know about how they were found.
    pub note: Option<String>,
}

/// One who may get it.
struct Candidate {
    email: String,
    /// Their Slack id where `team.toml` has it.
    slack: Option<String>,
    /// Why they, where they are not whom it is meant for.
    reason: Option<String>,
}

impl SlackAlert {
    /// The reader as far as that is known without asking Slack: 1 call where they are named by an address.
    pub(crate) async fn reader_of(&self, to: &Recipient, now: Moment) -> Result<Reader, NotNow> {
        let as_it_is = Reader { to: to.clone(), asked: None, note: None };
        if to.addressed() != Addressed::Email {
            return Ok(as_it_is);
        }
        let by_address = Reader { asked: Some(to.clone()), ..as_it_is };
        Ok(match self.store.reader(&to.address).await?.filter(|reader| reader.holds(now)) {
            Some(store::Reader { user: SlackUser::Member(address), .. }) => {
                Reader { to: Recipient { address, ..to.clone() }, ..by_address }
            }
            Some(_) | None => by_address,
        })
    }

    /// The reader whom Slack knows: asks it where that is not known. An address that it does not know, or may not tell us
    /// of, stops no message: it goes to whoever stands in, else to the team's channel.
    pub(crate) async fn found(
        &self,
        reader: Reader,
        slack: &Slack,
        now: Moment,
    ) -> Result<Result<Reader, Setback>, NotNow> {
        if reader.to.addressed() != Addressed::Email || slack.has_one_channel() {
            return Ok(Ok(reader));
        }
        let mut because = String::new();
        for candidate in self.candidates(&reader.to) {
            let id = match &candidate.slack {
                Some(id) => Ok(id.clone()),
                None => match self.slack_id(&candidate.email, slack, now).await? {
                    Ok(found) => found,
                    Err(setback) => return Ok(Err(setback)),
                },
            };
            match id {
                Ok(address) => {
                    let reason = candidate.reason.as_ref().map(|reason| format!("{reason}, because {because}"));
                    let to = Recipient { address, ..reader.to.clone() };
                    let to = Recipient { reason: reason.clone().unwrap_or(to.reason), ..to };
                    return Ok(Ok(Reader { to, note: reason, ..reader }));
                }
                Err(why) if because.is_empty() => because = why,
                Err(_) => {}
            }
        }
        let to = team_channel(&self.config.team, &because);
        let note = Some(to.reason.clone());
        Ok(Ok(Reader { to: Recipient { email: reader.to.email.clone(), ..to }, note, ..reader }))
    }

    /// Whom it is meant for, then whoever stands in for them for good.
    fn candidates(&self, to: &Recipient) -> Vec<Candidate> {
        let team = &self.config.team;
        let stands_in = |person: &&Person| team.find(person.cover.as_deref()?);
        let chain = std::iter::successors(team.find(&to.address).and_then(|person| stands_in(&person)), stands_in);
        let others = chain.take(team.people.len()).map(|person| Candidate {
            email: person.email.clone(),
            slack: person.slack.clone(),
            reason: Some(format!("{}, who stands in", person.name)),
        });
        let first = Candidate { email: to.address.clone(), slack: None, reason: None };
        std::iter::once(first).chain(others).take(MOST_ASKED).collect()
    }

    /// A person's Slack id, or why there is none: 1 call, 3 where Slack has to be asked.
    async fn slack_id(
        &self,
        email: &str,
        slack: &Slack,
        now: Moment,
    ) -> Result<Result<Result<String, String>, Setback>, NotNow> {
        if let Some(held) = self.store.reader(email).await?.filter(|held| held.holds(now)) {
            return Ok(Ok(id_of(held.user, email)));
        }
        let user = match slack.look_up(email).await {
            Ok(Some(Named::Member(id))) => SlackUser::Member(id),
            Ok(Some(Named::Unknown) | None) => SlackUser::Unknown,
            Ok(Some(Named::Deactivated)) => SlackUser::Deactivated,
            Err(PostError::Retry { reason, after_s }) => return Ok(Err(Setback { reason, after_s })),
            Err(PostError::Unsure { reason }) => return Ok(Err(Setback { reason, after_s: None })),
            Err(PostError::NoSuchReader { reason } | PostError::Refused { reason }) => return Ok(Ok(Err(reason))),
        };
        self.store.put_reader(email, &store::Reader { user: user.clone(), learned_at: now }).await?;
        Ok(Ok(id_of(user, email)))
    }

    /// Slack took no message for an id that it gave for an address: notes that, where asking again may give another.
    pub(crate) async fn doubts(&self, reader: &Reader) -> Result<bool, NotNow> {
        let Some(asked) = reader.asked.as_ref().filter(|_| reader.to.addressed() == Addressed::Member) else {
            return Ok(false);
        };
        let now = self.clock.now();
        let Some(held) = self.store.reader(&asked.address).await? else { return Ok(false) };
        let is_theirs = held.user == SlackUser::Member(reader.to.address.clone());
        if !is_theirs || now < held.learned_at.plus(JUST_LEARNED) {
            return Ok(false);
        }
        self.store.put_reader(&asked.address, &store::Reader { user: SlackUser::Doubted, learned_at: now }).await?;
        Ok(true)
    }
}

fn id_of(user: SlackUser, email: &str) -> Result<String, String> {
    match user {
        SlackUser::Member(id) => Ok(id),
        SlackUser::Unknown => Err(format!("Slack knows nobody with the address {email}")),
        SlackUser::Deactivated => Err(format!("{email} is deactivated in Slack")),
        SlackUser::Doubted => Err(format!("Slack takes no messages for {email}")),
    }
}
