use super::*;

fn scalars(values: &[(&'static str, Scalar)]) -> Scalars {
    values.iter().cloned().collect()
}

fn text(value: &str) -> Scalar {
    Scalar::Text(value.into())
}

#[track_caller]
fn check(condition: &str, values: &[(&'static str, Scalar)], expected: Verdict) {
    let condition = Condition::compile(condition).unwrap();
    assert_eq!(condition.holds(&scalars(values)), expected, "{condition} with {values:?}");
}

#[track_caller]
fn check_refused(condition: &str, column: usize, message: &str, help: Option<&str>) {
    let problems = Condition::compile(condition).unwrap_err();
    let found = &problems.0[0];
    assert_eq!((found.message.as_str(), found.column, found.help.as_deref()), (message, column, help), "{problems}");
}

#[test]
fn names_are_compared_with_values_of_their_kind() {
    check("band == 'red'", &[("band", text("red"))], Verdict::Holds);
    check("band != \"red\"", &[("band", text("red"))], Verdict::Fails);
    check(
        "arr >= 10000 && !is_test",
        &[("arr", Scalar::Int(10_000)), ("is_test", Scalar::Flag(false))],
        Verdict::Holds,
    );
    check("days_to_renewal < -1 + 3 * 2", &[("days_to_renewal", Scalar::Int(5))], Verdict::Fails);
    check(
        "score < previous_score - 10",
        &[("score", Scalar::Int(40)), ("previous_score", Scalar::Int(51))],
        Verdict::Holds,
    );
    check("domain.endsWith('.example')", &[("domain", text("acme.example"))], Verdict::Holds);
    check("arr / 1000 % 7 == 2", &[("arr", Scalar::Int(9_500))], Verdict::Holds);
    check("true", &[], Verdict::Holds);
}

#[test]
fn what_is_not_known_is_neither_true_nor_false() {
    check("band == 'red'", &[], Verdict::Unknown(vec!["band"]));
    check("band != 'red'", &[], Verdict::Unknown(vec!["band"]));
    check("!is_test", &[], Verdict::Unknown(vec!["is_test"]));
    check("arr > 5 && score < 40", &[("arr", Scalar::Int(9))], Verdict::Unknown(vec!["score"]));
    check("tier == segment", &[], Verdict::Unknown(vec!["tier", "segment"]));
}

#[test]
fn a_known_side_decides_in_either_order() {
    let red = [("band", text("red"))];
    check("band == 'red' || arr > 5", &red, Verdict::Holds);
    check("arr > 5 || band == 'red'", &red, Verdict::Holds);
    check("band == 'green' && arr > 5", &red, Verdict::Fails);
    check("arr > 5 && band == 'green'", &red, Verdict::Fails);
    check("arr > 5 || band == 'green'", &red, Verdict::Unknown(vec!["arr"]));
    check("arr > 5 && band == 'red'", &red, Verdict::Unknown(vec!["arr"]));
    check("(arr > 5 && tier == 'gold') || band == 'red'", &red, Verdict::Holds);
}

#[test]
fn has_asks_whether_a_value_is_known() {
    check("has(arr)", &[], Verdict::Fails);
    check("has(arr)", &[("arr", Scalar::Int(0))], Verdict::Holds);
    check("!has(arr) || arr > 5", &[], Verdict::Holds);
    check("has(arr) && arr > 5", &[], Verdict::Fails);
    check("has(arr) ? arr > 5 : true", &[], Verdict::Holds);
    assert_eq!(Condition::compile("has(arr) && arr > 5 && has(tier)").unwrap().names(), ["arr", "tier"]);
}

#[test]
fn a_calculation_beyond_64_bits_decides_nothing() {
    check("arr * 1000 > 5", &[("arr", Scalar::Int(i64::MAX))], Verdict::Unknown(vec![]));
}

#[test]
fn an_undeclared_name_is_refused_with_the_nearest() {
    check_refused("bnad == 'red'", 1, "`bnad` is not a known name", Some("did you mean `band`?"));
    check_refused(
        "band == 'red' && day_to_renewal < 90",
        18,
        "`day_to_renewal` is not a known name",
        Some("did you mean `days_to_renewal`?"),
    );
    check_refused("has(ar)", 5, "`ar` is not a known name", Some("did you mean `arr`?"));
    check_refused("band == red", 9, "`red` is not a known name", Some("text goes in quotes: 'red'"));
    check_refused("gold != tier", 1, "`gold` is not a known name", Some("text goes in quotes: 'gold'"));
}

#[test]
fn all_faults_of_a_condition_are_told() {
    let problems = Condition::compile("bnad == 'red' || teir == 'gold' || arr == 'x'").unwrap_err();
    let columns: Vec<_> = problems.0.iter().map(|problem| problem.column).collect();
    assert_eq!(columns, [1, 18, 40], "{problems}");
}

#[test]
fn operands_must_fit() {
    check_refused("arr == 'many'", 5, "a whole number is compared with text", None);
    check_refused("band > 'green'", 1, "this is text; `>` takes a whole number", None);
    check_refused("arr && is_test", 1, "this is a whole number; `&&` takes true or false", None);
    check_refused("is_test || arr == 'x'", 16, "a whole number is compared with text", None);
    check_refused("arr", 1, "a condition gives true or false, this gives a whole number", None);
    check_refused("arr > 1.5", 7, "only plain whole numbers are supported", None);
    check_refused("arr / score > 1", 5, "the divisor must be a number other than 0", None);
    check_refused("has(arr) ? 1 : 'x'", 10, "one side of `:` is a whole number, the other text", None);
}

#[test]
fn what_is_not_plain_is_refused() {
    let each = Some("compare with each value: `tier == 'gold' || tier == 'silver'`");
    check_refused("tier in ['gold', 'silver']", 6, "lists are not supported", each);
    check_refused("{'a': 1} == {'a': 1}", 1, "maps are not supported", None);
    check_refused(
        "[1].all(x, x > 0)",
        8,
        "`all` is not a known function",
        Some("valid: has, startsWith, endsWith, contains"),
    );
    check_refused("tier.startWith('g')", 15, "`startWith` is not a known function", Some("did you mean `startsWith`?"));
    check_refused(
        "band.color == 'red'",
        5,
        "`.color` is not supported: names have no parts",
        Some("text goes in quotes"),
    );
    check_refused("arr == null", 8, "`null` is not a value", Some("`has(name)` asks whether a value is known"));
    check_refused("", 1, "a condition cannot be empty", None);
}

#[test]
fn broken_syntax_is_pointed_at() {
    let cannot = "a condition cannot go on like this";
    let words = Some("`&&` is and, `||` is or, `!` is not");
    check_refused("band = 'red'", 6, "`=` is not an operator", Some("`==` compares"));
    check_refused("band == 'red", 9, "this text has no closing quote", None);
    check_refused("(band == 'red'", 15, "a `)` is missing", None);
    check_refused("band ==", 8, "the condition ends too early", None);
    check_refused("&& band", 1, cannot, Some("`&&` is and, `||` is or"));
    check_refused("band == 'red' and is_test", 15, cannot, words);
    check_refused("'ä' == §", 8, cannot, None);
}

#[test]
fn whatever_is_written_is_answered() {
    use proptest::prelude::*;
    let piece = prop::sample::select(vec![
        "band",
        "arr",
        "is_test",
        "'red'",
        "5",
        "==",
        "&&",
        "||",
        "!",
        "(",
        ")",
        "-",
        "/",
        "%",
        "?",
        ":",
        ".",
        "has(arr)",
        "[",
        "]",
        "{",
        "}",
        ",",
        "in",
        "null",
        "1.5",
        "9223372036854775808",
        "'",
        "\"",
        "\\",
        "§",
        "\n",
        "=",
        "contains(",
    ]);
    proptest!(|(pieces in prop::collection::vec(piece, 0..8), spaced in any::<bool>())| {
        let text = pieces.join(if spaced { " " } else { "" });
        match Condition::compile(&text) {
            Ok(condition) => { condition.holds(&Scalars::new()); }
            Err(problems) => prop_assert!(!problems.0.is_empty() && !problems.to_string().is_empty()),
        }
    });
}

#[test]
fn compiled_conditions_can_be_shared() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Condition>();
}

#[test]
fn no_condition_is_too_deep_for_a_thread() {
    let too_deep = "the condition is nested too deeply";
    let long = "a condition has at most 1000 bytes";
    type Shape = fn(usize) -> String;
    let shapes: [(&str, Shape, &str); 6] = [
        ("brackets", |n| format!("{}true{}", "(".repeat(n), ")".repeat(n)), too_deep),
        ("open brackets", |n| "has(".repeat(n), too_deep),
        ("additions", |n| format!("1{} > 5", "+1".repeat(n)), too_deep),
        ("equations", |n| format!("true{}", "==true".repeat(n)), too_deep),
        ("choices", |n| format!("{}true", "true?true:".repeat(n)), too_deep),
        ("parts", |n| format!("a{}", ".a".repeat(20 * n)), long),
    ];
    for (name, shape, message) in shapes {
        let problems = Condition::compile(&shape(90)).unwrap_err();
        assert_eq!(problems.0[0].message, message, "{name}");
    }
    for deep in
        ["(".repeat(8) + "true" + &")".repeat(8), "true".to_owned() + &" && true".repeat(80), "!".repeat(401) + "false"]
    {
        check(&deep, &[], Verdict::Holds);
    }
    check("name == '((((((((((((((((((((('", &[], Verdict::Unknown(vec!["name"]));
}
