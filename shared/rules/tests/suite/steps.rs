//! When the steps of an episode come, whom they are for, and how much they matter.

use crate::common::{self, Account, at, changed, days, on, requests, shipped, steps, subscription, usd, word};
use config::Config;
use model::{ActionRequest, AlertKind, FactKey, Field, Moment, Urgency};

/// Red on day 1, owned by Ines; the first message, and all later steps with their moments.
fn red(config: &Config) -> (Account, Vec<(Moment, String)>) {
    let mut account = owned(config);
    turns_red(&mut account, config, 1);
    let asked = account.run(config, days(40));
    (account, asked)
}

fn owned(config: &Config) -> Account {
    let mut account = Account::healthy();
    account.state(0, Field::Csm, FactKey::Profile, word("410001"));
    account.decide_with(config);
    account
}

fn turns_red(account: &mut Account, config: &Config, day: i64) -> ActionRequest {
    account.feels(day, "red");
    account.spoke(day, day - 100);
    (*requests(account.decide_with(config)).first().unwrap()).clone()
}

/// The team with lines for Ines.
fn team(lines: &str) -> Config {
    changed("team.toml", |text| text.replacen("manager = ", &format!("{lines}\nmanager = "), 1))
}

#[test]
fn steps_come_at_nine_where_their_reader_works() {
    let (_, asked) = red(shipped());
    // Three and ten business days after Tuesday, 24 November.
    assert_eq!(asked[0], (at("2026-11-27T08:00:00Z"), "plan".to_owned()));
    assert_eq!(asked[1], (at("2026-12-08T08:00:00Z"), "escalate".to_owned()));
    let (_, asked) = red(&team("zone = \"America/New_York\""));
    assert_eq!(asked[0], (at("2026-11-27T14:00:00Z"), "plan".to_owned()));
    let holiday = changed("team.toml", |text| {
        let own = "holidays_in.\"America/New_York\" = [\"2026-11-26\"]\n\n# Who takes";
        text.replace("# Who takes", own).replacen("manager = ", "zone = \"America/New_York\"\nmanager = ", 1)
    });
    let (_, asked) = red(&holiday);
    assert_eq!(asked[0], (at("2026-11-30T14:00:00Z"), "plan".to_owned()), "Thanksgiving is no working day there");
}

#[test]
fn nine_is_nine_after_the_clocks_have_changed() {
    // From Wednesday, 24 March 2027: three business days later the clocks in Berlin have gone forward.
    let mut account = owned(shipped());
    turns_red(&mut account, shipped(), 121);
    let asked = account.run(shipped(), days(130));
    assert_eq!(asked[0], (at("2027-03-29T07:00:00Z"), "plan".to_owned()));
}

#[test]
fn a_step_is_asked_for_once_however_often_and_late_it_is_looked_at() {
    let mut account = owned(shipped());
    turns_red(&mut account, shipped(), 1);
    // Nobody looked for weeks.
    account.tick(days(20));
    assert_eq!(steps(account.decide()), ["plan", "escalate"]);
    for day in 21..30 {
        account.feels(day, "red");
        assert_eq!(steps(account.decide()), Vec::<&str>::new());
    }
}

#[test]
fn what_a_closed_episode_would_have_asked_for_is_not_asked_for() {
    let mut account = owned(shipped());
    turns_red(&mut account, shipped(), 1);
    account.turns_green(2);
    let asked = account.run(shipped(), days(40));
    assert_eq!(asked, [(days(3), "resolved".to_owned())]);
}

#[test]
fn what_seems_solved_is_not_worked_on_until_it_turns_out_not_to_be() {
    let mut account = owned(shipped());
    turns_red(&mut account, shipped(), 1);
    account.turns_green(3);
    // When the second step would come.
    account.tick(at("2026-11-27T08:00:00Z"));
    assert_eq!(steps(account.decide()), Vec::<&str>::new());
    let now = at("2026-11-27T08:30:00Z");
    let whole = ("hubspot", &common::company(), 0);
    account.tell_at(whole, now, FactKey::Sentiment, Field::Sentiment, word("red"));
    account.tell_at(whole, now, FactKey::Touchpoint, Field::LastTwoWayAt, model::Value::Moment(days(-99)));
    assert_eq!(steps(account.decide()), ["plan"]);
}

#[test]
fn a_pause_holds_and_skips_nothing() {
    let mut account = owned(shipped());
    turns_red(&mut account, shipped(), 1);
    let paused = changed("playbooks/risk-mitigation.toml", |text| text.replace("# paused = true", "paused = true"));
    account.feels(2, "red");
    account.decide_with(&paused);
    assert_eq!(account.run(&paused, days(12)), []);
    assert!(account.episodes[0].is_open());
    let asked = account.run(shipped(), days(40));
    assert_eq!(asked.iter().map(|(_, step)| step.as_str()).collect::<Vec<_>>(), ["plan", "escalate"]);
    assert_eq!(asked[0].0, at("2026-12-06T08:00:00Z"), "the next morning");
}

#[test]
fn later_steps_reply_to_the_first_and_an_escalation_goes_to_the_manager() {
    let mut account = owned(shipped());
    let first = turns_red(&mut account, shipped(), 1);
    assert_eq!((first.reply_to.as_ref(), first.alert.kind), (None, AlertKind::Opened));
    assert_eq!(
        (first.to.address.as_str(), first.to.email.as_deref()),
        ("U0INES0001", Some("ines.almeida@ourco.example"))
    );
    account.tick(days(20));
    let decision = account.decide().clone();
    let [plan, escalate] = requests(&decision).try_into().unwrap();
    assert_eq!((plan.reply_to.as_ref(), plan.alert.kind), (Some(&first.id), AlertKind::Step));
    assert_eq!(escalate.to.email.as_deref(), Some("priya.nair@ourco.example"));
    assert_eq!((plan.exempt, escalate.exempt, escalate.urgency), (false, true, Urgency::Now));
    // She has no Slack id: Slack is asked for it.
    assert_eq!(escalate.to.address, "priya.nair@ourco.example");
}

#[test]
fn a_message_says_what_decides_when_it_goes_out() {
    let mut account = owned(shipped());
    account.state(0, Field::Arr, subscription(), usd(100_000));
    account.state(0, Field::NoticeDays, subscription(), model::Value::Int(60));
    account.decide();
    let request = turns_red(&mut account, shipped(), 1);
    assert!(request.exempt);
    assert_eq!(request.weigh.arr.map(|arr| arr.major()), Some(100_000));
    assert_eq!(request.weigh.days_left, Some(239), "300 days less the notice, a day later");
    assert_eq!((request.to.zone.as_deref(), request.to.quiet.as_deref()), (Some("Europe/Berlin"), Some("18:00-08:00")));
    assert_eq!(request.not_before, None, "ten in the morning");
    let alert = &request.alert;
    assert_eq!(alert.threshold.as_deref(), Some("red below 40, until 45"));
    assert_eq!(alert.baseline.as_deref(), Some("100 on average in the last 90 days"));
    assert_eq!(alert.due.as_deref(), Some("Thu 26 Nov 2026, 09:00 (Europe/Berlin)"));
    // Where Ines works it is the middle of the night, and a day off after that.
    let far = team("zone = \"Pacific/Auckland\"\nquiet = \"17:00-09:00\"");
    let mut account = owned(&far);
    let request = turns_red(&mut account, &far, 1);
    assert_eq!(request.not_before, Some(at("2026-11-24T20:00:00Z")));
    assert!(!request.exempt, "nothing is known of its revenue");
}

#[test]
fn a_yellow_account_waits_for_the_digest() {
    let config = changed("playbooks/risk-mitigation.toml", |text| text.replace("to = [\"red\"]", "to = [\"yellow\"]"));
    let mut account = owned(&config);
    account.feels(1, "yellow");
    account.spoke(1, -50);
    let request = requests(account.decide_with(&config))[0].clone();
    assert_eq!(
        (request.urgency, request.alert.threshold.as_deref()),
        (Urgency::Digest, Some("yellow below 70, until 74"))
    );
}

#[test]
fn who_is_away_is_stood_in_for_and_the_message_says_so() {
    let to = |config: &Config| {
        let mut account = owned(config);
        let to = turns_red(&mut account, config, 1).to;
        (to.address, to.reason)
    };
    let tom = |lines: &str| to(&team(lines));
    let told = |address: &str, reason: &str| (address.to_owned(), reason.to_owned());
    let cover = "cover = \"tom.brandt@ourco.example\"";
    let stands_in = told("U0TOMB0002", "Tom Brandt, who stands in for Ines Almeida until 2026-11-30");
    assert_eq!(tom(&format!("away = [{{ from = \"2026-11-24\", to = \"2026-11-30\", {cover} }}]")), stands_in);
    let here = told("U0INES0001", "Ines Almeida, the CRM's CSM property");
    assert_eq!(tom(&format!("away = [{{ from = \"2026-11-25\", to = \"2026-11-30\", {cover} }}]")), here);
    let nobody = "the team's channel, because Ines Almeida is away and nobody stands in";
    let away = "away = [{ from = \"2026-11-24\", to = \"2026-11-30\" }]";
    assert_eq!(tom(away), told("#customer-success", nobody));
    let left = told("U0TOMB0002", "Tom Brandt, in place of Ines Almeida, who left");
    assert_eq!(tom(&format!("active = false\n{cover}")), left);
    // Who stand in for each other are both away.
    let ring = changed("team.toml", |text| {
        let away = |cover: &str| {
            format!("away = [{{ from = \"2026-11-24\", to = \"2026-11-30\", cover = \"{cover}\" }}]\nmanager = ")
        };
        let first = text.replacen("manager = ", &away("tom.brandt@ourco.example"), 1);
        let at = first.rfind("manager = ").unwrap();
        format!("{}{}{}", &first[..at], away("ines.almeida@ourco.example"), &first[at + 10..])
    });
    assert_eq!(to(&ring), told("#customer-success", nobody));
}

#[test]
fn an_account_without_an_owner_goes_to_the_pool_always_to_the_same_member() {
    let pooled = |members: &str| {
        changed("team.toml", |text| {
            text.replace(
                "# [pool]\n# members = [\"priya.nair@ourco.example\"]",
                &format!("[pool]\nmembers = [{members}]"),
            )
        })
    };
    let owner = |config: &Config| {
        let mut account = Account::healthy();
        account.decide_with(config);
        let owner = account.last.assessment.clone().unwrap().card.owner;
        owner.map(|owner| (owner.email.unwrap(), owner.reason))
    };
    assert_eq!(owner(shipped()), None);
    let (tom, ines) = ("\"tom.brandt@ourco.example\"", "\"ines.almeida@ourco.example\"");
    let because = "the pool, because nobody looks after the account";
    assert_eq!(owner(&pooled(tom)), Some((tom.trim_matches('"').to_owned(), because.to_owned())));
    let both = owner(&pooled(&format!("{tom}, {ines}")));
    assert_eq!(both, owner(&pooled(&format!("{ines}, {tom}"))), "the order of the list does not matter");
    // Of everybody's accounts, only those of who left the pool move.
    assert!(both == owner(&pooled(tom)) || both == owner(&pooled(ines)));
}

#[test]
fn accounts_of_one_kind_go_to_those_who_know_it() {
    let grouped = |when: &str| {
        changed("team.toml", |text| {
            let pool = format!(
                "[pool]\nmembers = [\"priya.nair@ourco.example\"]\n\n[[pool.group]]\nname = \"german\"\n\
                 when = \"{when}\"\nmembers = [\"tom.brandt@ourco.example\"]\n"
            );
            let text = text.replace("# [pool]\n# members = [\"priya.nair@ourco.example\"]\n", &pool);
            text.replacen("crm_owner_id = \"410002\"", "crm_owner_id = \"410002\"\npool_hours = 10", 1)
        })
    };
    let kinds = [
        ("segment == 'dach'", Field::Segment, "dach", "nordics"),
        ("region == 'DE'", Field::Region, "DE", "SE"),
        ("language == 'de'", Field::Language, "de", "sv"),
    ];
    for (when, field, theirs, another) in kinds {
        let config = grouped(when);
        let owner = |said: Option<&str>| {
            let mut account = Account::healthy();
            if let Some(said) = said {
                account.state(0, field, FactKey::Profile, word(said));
            }
            account.decide_with(&config);
            let owner = account.last.assessment.unwrap().card.owner.unwrap();
            (owner.name, owner.reason)
        };
        let because = "because nobody looks after the account";
        let german = format!("the pool `german` ({when}), {because}; 10 of its 10 hours a week");
        assert_eq!(owner(Some(theirs)), ("Tom Brandt".to_owned(), german));
        for other in [Some(another), None] {
            assert_eq!(owner(other), ("Priya Nair".to_owned(), format!("the pool, {because}")));
        }
    }
}

#[test]
fn a_new_owner_gets_one_message_in_the_thread() {
    let mut account = owned(shipped());
    let first = turns_red(&mut account, shipped(), 1);
    account.state(2, Field::Csm, FactKey::Profile, word("tom.brandt@ourco.example"));
    let decision = account.decide().clone();
    let [hand_off] = requests(&decision).try_into().unwrap();
    assert_eq!((hand_off.alert.kind, hand_off.reply_to.as_ref()), (AlertKind::HandOff, Some(&first.id)));
    assert_eq!(hand_off.to.email.as_deref(), Some("tom.brandt@ourco.example"));
    assert_eq!(hand_off.alert.owner_before.as_deref(), Some("Ines Almeida"));
    assert!(!hand_off.alert.next_step.is_empty());
    // The same person under another name, and the same again, is no change.
    account.state(3, Field::Csm, FactKey::Profile, word("410002"));
    assert_eq!(steps(account.decide()), Vec::<&str>::new());
    account.state(4, Field::Csm, FactKey::Profile, word("410001"));
    let decision = account.decide().clone();
    assert_eq!(steps(&decision).len(), 2, "with the step of that day");
    // What comes later is for the new owner.
    let ines = Some("ines.almeida@ourco.example");
    assert!(requests(&decision).iter().all(|request| request.to.email.as_deref() == ines));
    let back = requests(&decision)[0].id.clone();
    account.state(5, Field::Csm, FactKey::Profile, word("410002"));
    let again = requests(account.decide())[0].id.clone();
    assert!(back != again && again != hand_off.id, "each change is told once");
}

#[test]
fn an_absence_hands_nothing_off() {
    let mut account = owned(shipped());
    turns_red(&mut account, shipped(), 1);
    let away = team("away = [{ from = \"2026-11-25\", to = \"2026-11-30\", cover = \"tom.brandt@ourco.example\" }]");
    account.state(2, Field::Name, FactKey::Profile, word("Acme Ltd"));
    account.state(2, Field::RenewsOn, subscription(), on(299));
    assert_eq!(steps(account.decide_with(&away)), Vec::<&str>::new());
}
