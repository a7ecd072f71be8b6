//! What every connector in `ALL` makes of bodies that are odd: unknown parts, other dresses of the same, missing parts,
//! nonsense, and what is left of a person who was erased.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::collections::BTreeSet;

use common::bodies::{TELLING, Telling, at, is_fed_by, is_silent, remove, said, tree, walk, with_tree, without_raw};
use common::signing::cases;
use common::{Recorded, accepted};
use connectors::{ALL, Connector};
use model::{Moment, Normalized, Value as Held, ValueKind};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

const STUB: &str = r#"{"erased":true}"#;

/// An instant in every form that a vendor may write.
type Forms = fn(Moment) -> Vec<Value>;

/// What a connector's vendor may write in more than one way, and what an event that nobody knows looks like.
struct Dialect {
    /// Members that hold ids, which come as numbers and as text.
    ids: &'static [&'static str],
    /// Members that hold instants, and their forms.
    instants: (&'static [&'static str], Forms),
    /// Instants that date all that a body says: without them nothing in it can be put in order.
    dating: &'static [&'static str],
    unknown_event: &'static str,
}

fn dialect(connector: &dyn Connector) -> Dialect {
    let iso = |at: Moment| {
        let utc = at.to_string();
        let short = utc.replace(".000Z", "Z");
        let offset = at.plus(jiff::SignedDuration::from_hours(2)).to_string().replace('Z', "+02:00");
        vec![json!(utc), json!(short), json!(offset)]
    };
    let milliseconds = |at: Moment| vec![json!(at.as_millis()), json!(at.as_millis().to_string())];
    match connector.tool().name {
        "hubspot-app" => Dialect {
            ids: &["objectId", "fromObjectId", "toObjectId", "primaryObjectId", "newObjectId", "mergedObjectIds"],
            instants: (&["occurredAt"], milliseconds),
            dating: &["occurredAt"],
            unknown_event: r#"[{"subscriptionType":"zz.new","objectId":1,"occurredAt":1795161600000}]"#,
        },
        "hubspot-workflow" => Dialect {
            ids: &["objectId", "vid", "canonical-vid", "company-id"],
            instants: (&["timestamp"], milliseconds),
            dating: &[],
            unknown_event: r#"{"objectType":"ZZ_NEW","objectId":1,"properties":{}}"#,
        },
        "slack" => Dialect {
            ids: &[],
            instants: (&[], iso),
            dating: &["action_ts"],
            unknown_event: r#"{"type":"zz_new","user":{"id":"U0INES0001"}}"#,
        },
        "typeform" => Dialect {
            ids: &[],
            instants: (&["submitted_at", "landed_at"], iso),
            dating: &["submitted_at"],
            unknown_event: r#"{"event_id":"e","event_type":"zz_new","form_response":{"token":"t"}}"#,
        },
        "zendesk" => Dialect {
            ids: &["id", "organization_id", "requester_id"],
            instants: (&["time", "created_at", "updated_at"], iso),
            dating: &["time", "updated_at"],
            unknown_event: r#"{"type":"zen:event-type:article.zz_new","id":"e","time":"2026-11-20T08:30:00Z","detail":{"id":"1"},"event":{}}"#,
        },
        other => panic!("say here what `{other}` may write in several ways"),
    }
}

#[test]
fn an_event_that_nobody_knows_is_kept_and_named_and_says_nothing() {
    for (connector, request) in cases() {
        let out = request.resigned(connector, dialect(connector).unknown_event.as_bytes()).normalize(connector);
        assert!(is_silent(&out), "{}: {out:?}", connector.tool().name);
        assert_eq!(out.quarantined.len() + out.warnings.len(), 1, "{}: {out:?}", connector.tool().name);
    }
}

/// The places in a body where a member could be added: after every brace that opens an object. What is left of an erased
/// person is no object of a vendor's.
fn openings(body: &str) -> Vec<usize> {
    let (mut found, mut in_text, mut escaped) = (Vec::new(), false, false);
    for (at, byte) in body.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' if !in_text && !body[at..].starts_with(STUB) => found.push(at + 1),
            _ => {}
        }
    }
    found
}

/// The body with `member` added at every one of these places.
fn with_members(body: &str, places: &BTreeSet<usize>, member: &str) -> String {
    let mut out = String::with_capacity(body.len() + places.len() * (member.len() + 1));
    let mut from = 0;
    for &place in places {
        out.push_str(&body[from..place]);
        out.push_str(member);
        if !body[place..].trim_start().starts_with('}') {
            out.push(',');
        }
        from = place;
    }
    out + &body[from..]
}

#[test]
fn parts_that_nobody_knows_change_nothing_though_they_are_everywhere() {
    for Telling { connector, name, request, .. } in &*TELLING {
        let body = String::from_utf8(request.body.clone()).unwrap();
        let places = openings(&body).into_iter().collect();
        let changed = with_members(&body, &places, r#""zz_new":{"a":[null,1e400,{"erased":true}]}"#);
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(&changed).is_ok(), "{name}: {changed}");
        let changed = Recorded { body: changed.into_bytes(), ..request.clone() };
        assert_eq!(changed.normalize(*connector), request.normalize(*connector), "{name}");
    }
}

#[test]
fn an_id_is_the_same_as_a_number_and_as_text() {
    let mut swapped = BTreeSet::new();
    for Telling { connector, name, request, .. } in &*TELLING {
        let (before, ids) = (tree(request), dialect(*connector).ids);
        let mut after = before.clone();
        walk(&mut after, "", &mut |key, value| {
            if !ids.contains(&key) {
                return;
            }
            let other = match &*value {
                Value::Number(number) => number.as_u64().map(|number| json!(number.to_string())),
                Value::String(text) => text.parse::<u64>().ok().map(|number| json!(number)),
                _ => None,
            };
            *value = other.unwrap_or_else(|| value.take());
        });
        if after != before {
            swapped.insert(connector.tool().name);
            let outcome = |tree: &Value| without_raw(&with_tree(request, tree).normalize(*connector));
            assert_eq!(outcome(&after), outcome(&before), "{name}");
        }
    }
    let expected = ALL.iter().filter(|connector| !dialect(**connector).ids.is_empty());
    assert_eq!(swapped, expected.map(|connector| connector.tool().name).collect());
}

#[test]
fn ids_have_64_bits() {
    let mut tried = BTreeSet::new();
    for Telling { connector, name, request, .. } in &*TELLING {
        let body = String::from_utf8(request.body.clone()).unwrap();
        let out = request.normalize(*connector);
        let subjects =
            out.signals.iter().map(|signal| &signal.subject).chain(out.links.iter().map(|link| &link.subject));
        let Some(id) = subjects
            .filter_map(|subject| subject.parts())
            .map(|(_, _, id)| id.to_owned())
            .find(|id| id.len() > 4 && id.bytes().all(|b| b.is_ascii_digit()))
        else {
            continue;
        };
        tried.insert(connector.tool().name);
        // One more than a float can hold, and the most there are.
        for large in ["9007199254740993", "18446744073709551615"] {
            let changed = Recorded { body: body.replace(&id, large).into_bytes(), ..request.clone() };
            let expected = serde_json::to_string(&out).unwrap().replace(&id, large);
            if changed.fetched.is_none() {
                assert_eq!(serde_json::to_string(&changed.normalize(*connector)).unwrap(), expected, "{name} {id}");
            }
        }
    }
    let expected = ALL.iter().filter(|connector| !dialect(**connector).ids.is_empty());
    assert_eq!(tried, expected.map(|connector| connector.tool().name).collect());
}

#[test]
fn an_instant_is_the_same_in_every_form_that_the_vendor_writes() {
    for Telling { connector, name, request, .. } in &*TELLING {
        let (keys, forms) = dialect(*connector).instants;
        let read = |value: &Value| match value {
            Value::Number(number) => number.as_i64().and_then(Moment::from_millis),
            Value::String(text) => text.parse().ok().or_else(|| Moment::from_millis(text.parse().ok()?)),
            _ => None,
        };
        // To the millisecond: what is finer is an order of its own, and not in every form.
        let written = |form: usize| {
            let mut tree = tree(request);
            walk(&mut tree, "", &mut |key, value| {
                if let Some(at) = read(value).filter(|_| keys.contains(&key)) {
                    *value = forms(at).swap_remove(form);
                }
            });
            let mut out = without_raw(&with_tree(request, &tree).normalize(*connector));
            // Versions are the vendor's text.
            out.fetches.iter_mut().for_each(|fetch| fetch.version.clear());
            out
        };
        let forms = forms(Moment::EARLIEST).len();
        for form in 1..forms {
            assert_eq!(written(form), written(0), "{name} in form {form}");
        }
    }
}

#[test]
fn null_empties_or_is_odd_and_nothing_else_changes() {
    let mut cleared = BTreeSet::new();
    for Telling { connector, name, request, out } in &*TELLING {
        let tree = tree(request);
        let before = said(out);
        for path in values(*connector, out) {
            let mut changed = tree.clone();
            *at(&mut changed, &path).unwrap() = Value::Null;
            let out = with_tree(request, &changed).normalize(*connector);
            let after = said(&out);
            let empties = out.signals.iter().flat_map(|signal| &signal.statements);
            if empties.clone().any(|s| s.path.starts_with(&path) && s.value == Held::Cleared) {
                cleared.insert(connector.tool().name);
            }
            assert!(empties.filter(|s| s.path == path).all(|s| s.value == Held::Cleared), "{name} {path}");
            for (about, (place, says)) in before.iter().filter(|(about, (place, _))| !is_fed_by(about, place, &path)) {
                assert_eq!(after.get(about), Some(&(place.clone(), says.clone())), "{name} {path}: {about}");
            }
        }
    }
    // Where nothing is mapped, nothing is emptied.
    let mapped = ALL.iter().filter(|connector| !connector.tool().objects.is_empty()).count();
    assert_eq!(cleared.len(), mapped, "{cleared:?}");
}

#[test]
fn what_is_absent_says_nothing() {
    for Telling { connector, name, request, out } in &*TELLING {
        let tree = tree(request);
        let before = said(out);
        for path in values(*connector, out).into_iter().filter(|path| !path.ends_with(']')) {
            let mut changed = tree.clone();
            remove(&mut changed, &path);
            let out = with_tree(request, &changed).normalize(*connector);
            let after = said(&out);
            assert!(after.values().all(|(place, _)| *place != path), "{name} {path}");
            for (about, (place, says)) in before.iter().filter(|(about, (place, _))| !is_fed_by(about, place, &path)) {
                assert_eq!(after.get(about), Some(&(place.clone(), says.clone())), "{name} {path}: {about}");
            }
        }
    }
}

/// The places of mapped values: where a statement stands that has bytes of its own.
fn values(connector: &dyn Connector, out: &Normalized) -> BTreeSet<String> {
    let dates_all =
        |path: &String| dialect(connector).dating.iter().any(|key| path.ends_with(&format!(".{key}")) || path == key);
    let statements = out.signals.iter().flat_map(|signal| &signal.statements);
    let paths = statements.filter(|s| !s.raw.is_empty()).map(|s| s.path.clone());
    paths.filter(|path| !dates_all(path)).collect()
}

#[test]
fn sixty_digits_are_an_amount_and_no_count() {
    let digits = format!("12000.00{}", "4".repeat(58));
    let (mut amounts, mut counts) = (0, 0);
    for Telling { connector, name, request, out } in &*TELLING {
        let tree = tree(request);
        for statement in out.signals.iter().flat_map(|signal| &signal.statements) {
            let (path, field) = (&statement.path, statement.field);
            let mut changed = tree.clone();
            let Some(value) = at(&mut changed, path).filter(|value| !value.is_null()) else { continue };
            *value = json!(digits);
            let out = with_tree(request, &changed).normalize(*connector);
            let after = out.signals.iter().flat_map(|signal| &signal.statements);
            let after = after.filter(|s| s.field == field && s.path == *path).map(|s| &s.value).next();
            match (field.kind(), after) {
                (ValueKind::Money, Some(Held::Money(money))) => {
                    assert!(money.to_string().ends_with(" 12,000"), "{name}: {money}");
                    amounts += 1;
                }
                (ValueKind::Int, None) => {
                    assert!(out.quarantined.iter().any(|item| item.path == *path), "{name} {path}");
                    counts += 1;
                }
                (ValueKind::Money | ValueKind::Int, other) => panic!("{name} {path}: {other:?}"),
                _ => {}
            }
        }
    }
    assert!(amounts > 2 && counts > 2, "{amounts} {counts}");
}

#[test]
fn what_is_left_of_an_erased_body_says_nothing_at_all() {
    for connector in ALL.iter().copied() {
        for (name, request) in accepted(connector) {
            for body in [STUB, " { \"erased\" : true }\n"] {
                let erased = Recorded { body: body.as_bytes().to_vec(), ..request.clone() };
                assert_eq!(erased.normalize(connector), Normalized::default(), "{name}");
            }
        }
    }
    for Telling { connector, name, request, .. } in &*TELLING {
        let erased = Recorded { body: STUB.as_bytes().to_vec(), ..request.clone() };
        if request.fetched.as_ref().is_none_or(|fetched| fetched.status == 200) {
            assert_eq!(erased.normalize(*connector), Normalized::default(), "{name}");
        }
    }
}

#[test]
fn what_is_left_of_an_erased_element_says_nothing_and_the_others_what_they_said() {
    let mut elements = 0;
    for Telling { connector, name, request, .. } in &*TELLING {
        let Value::Array(items) = tree(request) else { continue };
        let stub: Value = serde_json::from_str(STUB).unwrap();
        for index in 0..items.len() {
            let mut changed = items.clone();
            changed[index] = stub.clone();
            let after = with_tree(request, &Value::Array(changed)).normalize(*connector);
            let before = with_tree(request, &Value::Array(items.clone())).normalize(*connector);
            let of_it = |path: &String| path.starts_with(&format!("$[{index}]"));
            let mut expected = said(&before);
            expected.retain(|_, (place, _)| !of_it(place));
            assert_eq!(said(&after), expected, "{name} without element {index}");
            let odd = |out: &Normalized| out.quarantined.iter().map(|item| item.path.clone()).collect::<Vec<_>>();
            let expected: Vec<_> = odd(&before).into_iter().filter(|path| !of_it(path)).collect();
            assert_eq!(odd(&after), expected, "{name} without element {index}");
            assert!(!after.fetches.iter().any(|fetch| of_it(&fetch.path)), "{name} without element {index}");
            assert!(!after.warnings.iter().any(|warning| of_it(&warning.path)), "{name} without element {index}");
            elements += 1;
        }
        let all = vec![stub; items.len()];
        assert_eq!(with_tree(request, &Value::Array(all)).normalize(*connector), Normalized::default(), "{name}");
    }
    let arrays = ALL.iter().any(|connector| connector.tool().name == "hubspot-app");
    assert_eq!(elements > 3, arrays);
}

/// Any tree, made of the words that a vendor's bodies are made of.
fn any_tree(words: Vec<String>) -> impl Strategy<Value = Value> {
    let word = select(words);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(vec![1_795_161_600_000_i64, 1_795_161_600, 0, 5, 10, 11]).prop_map(Value::from),
        word.clone().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 8, move |inner| {
        let member = (word.clone(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::from),
            prop::collection::vec(member, 0..8).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Every key and text of the fixtures.
fn words() -> Vec<String> {
    let mut words: BTreeSet<String> = ["$", "", "erased"].map(str::to_owned).into();
    for Telling { request, .. } in &*TELLING {
        walk(&mut tree(request), "", &mut |key, value| {
            words.insert(key.to_owned());
            words.extend(value.as_str().map(str::to_owned));
        });
    }
    words.into_iter().collect()
}

/// The number of values in a tree, and the one with this number replaced.
fn replace(tree: &mut Value, which: usize, by: &Value) -> usize {
    let mut count = 0;
    walk(tree, "", &mut |_, value| {
        if count == which {
            *value = by.clone();
        }
        count += 1;
    });
    count
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_part_that_nobody_knows_changes_nothing_wherever_it_stands(
        which in any::<Index>(),
        places in prop::collection::vec(any::<Index>(), 1..4),
        name in "zz_[a-z0-9._-]{1,8}",
        value in select(vec!["null", "1e400", "\"text\"", "[]", "{\"id\":1,\"value\":[{}]}", "-0.0", "\"\\ud800\""]),
    ) {
        let Telling { connector, name: label, request, out } = which.get(&TELLING);
        let body = String::from_utf8(request.body.clone()).unwrap();
        let openings = openings(&body);
        let places = places.iter().map(|place| openings[place.index(openings.len())]).collect();
        let changed = with_members(&body, &places, &format!("\"{name}\":{value}"));
        let changed = Recorded { body: changed.into_bytes(), ..request.clone() };
        prop_assert_eq!(&changed.normalize(*connector), out, "{}", label);
    }

    #[test]
    fn no_bytes_make_normalize_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for (connector, request) in cases() {
            let out = Recorded { body: body.clone(), ..request }.normalize(connector);
            prop_assert!(is_silent(&out) && out.quarantined.len() == 1);
        }
    }

    #[test]
    fn no_damage_to_a_real_body_makes_normalize_panic(
        which in any::<Index>(),
        damage in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        cut in any::<Index>(),
    ) {
        let Telling { connector, request, .. } = which.get(&TELLING);
        let (connector, mut request) = (*connector, request.clone());
        for (at, byte) in &damage {
            let at = at.index(request.body.len());
            request.body[at] = *byte;
        }
        // Damage to the name of the only property says nothing that anybody asks for; everything else is told.
        request.normalize(connector);
        request.body.truncate(cut.index(request.body.trim_ascii_end().len()));
        if request.fetched.as_ref().is_none_or(|fetched| fetched.status == 200) {
            prop_assert_eq!(request.normalize(connector).quarantined.len(), 1);
        }
    }
}

#[test]
fn no_tree_makes_normalize_panic() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(192));
    runner
        .run(&(any_tree(words()), any::<Index>(), any::<Index>()), |(by, which, place)| {
            for connector in ALL {
                let body = by.to_string().into_bytes();
                let (_, request) = &accepted(*connector)[0];
                drop(Recorded { body, ..request.clone() }.normalize(*connector));
            }
            // The same as a part of a real body.
            let Telling { connector, request, .. } = which.get(&TELLING);
            let mut changed = tree(request);
            let count = replace(&mut changed.clone(), usize::MAX, &by);
            replace(&mut changed, place.index(count), &by);
            drop(with_tree(request, &changed).normalize(*connector));
            Ok(())
        })
        .unwrap();
}
