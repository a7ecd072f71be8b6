//! What conditions cost: they are compiled when they are loaded, and asked ahead of time only where time can change them.

use crate::common::small::{cap, model, three};
use crate::common::{Account, conditions, files, shipped};
use config::{Config, Effort, SCALARS, ScalarKind};

#[test]
fn each_condition_is_compiled_once_when_the_configuration_is_loaded() {
    let (effort, config) = Effort::of(|| config::load(&files(), &connectors::tools()).unwrap());
    assert_eq!(effort.compiled, conditions(&config).len() as u64);
}

#[test]
fn deciding_a_thousand_accounts_compiles_nothing() {
    let config = shipped();
    let (effort, ()) = Effort::of(|| {
        for n in 0..1_000 {
            let sentiment = ["green", "yellow", "red"][n % 3];
            let mut account = Account::with(sentiment, 7 * (n as i64 % 13), 11 * (n as i64 % 17));
            account.decide_with(config);
        }
    });
    assert_eq!(effort.compiled, 0);
    assert!(effort.asked >= 1_000, "{effort:?}");
}

/// How often conditions are asked in one look at an account that time changes, with one more cap.
fn asked(when: &str) -> u64 {
    let config: Config = model(&(three("", "", "") + &cap("more", when, "yellow")));
    let mut account = Account::with("green", 5, 300);
    account.decide_with(&config);
    account.feels(1, "yellow");
    let (effort, due) = Effort::of(|| account.decide_with(&config).assessment.as_ref().unwrap().next_due_at);
    assert!(due.is_some(), "it is looked ahead");
    effort.asked
}

#[test]
fn only_conditions_that_read_the_clock_are_asked_ahead_of_time() {
    let never = asked("false");
    for info in SCALARS.iter().filter(|info| !info.fields.is_empty() || info.feed != config::Feed::Mapped) {
        let name = info.name;
        // Calculated, so that no threshold spares a question; and never another answer.
        let when = match info.kind {
            ScalarKind::Int => format!("{name} * 2 > 1000000000"),
            ScalarKind::Text => format!("{name} == '{name}'"),
            ScalarKind::Flag => format!("{name} && !{name}"),
        };
        if !info.clock_derived {
            assert_eq!(asked(&when), never, "{when}");
        }
    }
    for clock in ["days_to_renewal", "days_since_two_way_contact"] {
        assert!(asked(&format!("{clock} * 2 > 1000000000")) > never, "{clock}");
    }
}

#[test]
fn a_condition_is_asked_again_only_where_its_value_passes_a_number_that_it_names() {
    let never = asked("false");
    assert_eq!(asked("days_to_renewal < -1000"), never);
    assert!(asked("days_to_renewal - 1 < -1000") >= never + 7);
}
