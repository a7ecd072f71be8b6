//! An account of several members: whose word counts, what else is said, and what counts as news.

use crate::common::{self, Account, OPENED, changed, days, kinds, on, subscription, usd, word};
use model::{AlsoSaid, Band, FactKey, Field, SubjectId};

/// A company that was merged into the account.
fn loser() -> SubjectId {
    SubjectId::vendor("hubspot", "company", "2")
}

fn org() -> SubjectId {
    SubjectId::vendor("zendesk", "org", "5")
}

fn card(account: &Account) -> model::AccountCard {
    account.last.assessment.clone().unwrap().card
}

#[test]
fn a_merged_company_shows_through_only_where_the_survivor_is_silent() {
    let mut account = Account::healthy();
    account.tell(("hubspot", &loser(), 1), 5, FactKey::Profile, Field::Name, word("Acme Old"));
    account.tell(("hubspot", &loser(), 1), 5, FactKey::Profile, Field::Csm, word("kim@us.example"));
    account.tell(("hubspot", &loser(), 1), 5, subscription(), Field::RenewsOn, on(20));
    account.delete(&loser());
    account.decide();
    let card = card(&account);
    assert_eq!(card.name, "Acme");
    assert_eq!(card.owner.unwrap().name, "kim@us.example");
    assert_eq!(card.renews_on, Some("2027-09-19".parse().unwrap()), "300 days, not 20");
}

#[test]
fn the_revenue_of_a_merged_company_is_the_same_revenue() {
    let mut account = Account::healthy();
    account.state(0, Field::Arr, subscription(), usd(40_000));
    account.tell(("hubspot", &loser(), 1), 0, subscription(), Field::Arr, usd(30_000));
    account.decide();
    assert_eq!(card(&account).arr.unwrap().major(), 40_000);
}

#[test]
fn what_others_say_instead_stands_beside_what_counts() {
    let mut account = Account::healthy();
    account.tell(("hubspot", &loser(), 1), 5, FactKey::Sentiment, Field::Sentiment, word("red"));
    account.tell(("hubspot-two", &common::company(), 0), 6, FactKey::Sentiment, Field::Sentiment, word("green"));
    account.decide();
    let also = account.also_said("csm_sentiment");
    // Who says the same is not named.
    let [AlsoSaid { connection, subject, field, value, path, raw, occurred_at }] = also.as_slice() else {
        panic!("{also:?}")
    };
    assert_eq!((connection.as_str(), subject, field.as_str()), ("hubspot", &loser(), "sentiment"));
    assert_eq!((value.as_str(), path.as_str(), raw.as_str(), *occurred_at), ("red", "$", "red", days(5)));
    assert_eq!(account.also_said("two_way_contact"), []);
    for n in 0..20 {
        let other = SubjectId::vendor("hubspot", "company", &format!("9{n}"));
        account.tell(("hubspot", &other, 1), 5, FactKey::Sentiment, Field::Sentiment, word("red"));
    }
    account.decide();
    assert_eq!(account.also_said("csm_sentiment").len(), AlsoSaid::MOST);
}

#[test]
fn a_company_below_opens_no_account_above() {
    let mut account = Account::healthy();
    for placed in &mut account.facts {
        placed.steps = 1;
    }
    assert_eq!(account.decide().assessment, None);
}

#[test]
fn a_link_is_news_with_its_own_cause() {
    let mut account = Account::with("yellow", 0, 300);
    account.decide();
    account.tell(("zendesk", &org(), 1), -3, FactKey::Sentiment, Field::Sentiment, word("red"));
    account.tell(("zendesk", &org(), 1), -3, FactKey::Touchpoint, Field::LastTwoWayAt, model::Value::Moment(days(-99)));
    // What the company says itself is gone, so what was said of the organisation counts as soon as it belongs here.
    account
        .facts
        .retain(|placed| placed.steps == 1 || !matches!(placed.fact.key, FactKey::Sentiment | FactKey::Touchpoint));
    account.link(2, 1, &org());
    let decision = account.decide().clone();
    assert_eq!(kinds(&decision), OPENED);
    let assessment = decision.assessment.unwrap();
    assert_eq!((assessment.band, assessment.as_of), (Band::Red, days(2)));
    let link = account.linked.clone().unwrap();
    assert_eq!(decision.events[0].cause.delivery, Some(link.stamp.delivery.clone()));
    assert_eq!(decision.events[0].occurred_at, days(1));
    let episode = &account.episodes[0];
    assert_eq!((&episode.key.home, &episode.key.cause), (&org(), &link.stamp), "the newest of what contributed");
}

#[test]
fn what_a_delivery_states_tells_the_news_better_than_what_it_links() {
    let mut account = Account::healthy();
    account.decide();
    account.link(1, 1, &org());
    account.turns_red(1);
    let cause = &account.last.events[0].cause;
    assert_eq!(cause.path.as_deref(), Some("$"));
    assert_ne!(cause.delivery, Some(account.linked.unwrap().stamp.delivery));
}

#[test]
fn a_link_from_before_its_connection_went_live_opens_nothing() {
    let table = "[connection.hubspot]";
    let late =
        changed("connections.toml", |text| text.replace(table, &format!("{table}\nlive_from = 2026-12-01T00:00:00Z")));
    let mut account = Account::healthy();
    account.decide_with(&late);
    account.tell(("hubspot", &common::company(), 0), 1, FactKey::Sentiment, Field::Sentiment, word("red"));
    account.spoke(1, -99);
    account.link(2, 2, &org());
    assert_eq!(kinds(account.decide_with(&late)), ["account.band_changed"]);
}
