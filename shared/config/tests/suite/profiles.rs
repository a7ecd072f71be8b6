//! Which profile counts, what one can say, and what is wrong in one.

use crate::common::{In, TOOLS, shipped, with};
use config::{After, Every, Files, Headline, Missing, Points, Scalar, Scalars, load};
use model::Band;

const PROFILE: &str = "health/crm-and-tickets.toml";
const LAST: &str = "[[profile]]\nuse = \"crm-and-tickets\"";

/// The shipped files with lines after the CSM's measure.
fn measure_with(lines: &str) -> Files {
    with(PROFILE, "value = \"csm_sentiment\"", &format!("value = \"csm_sentiment\"\n{lines}"))
}

/// The shipped files with a profile before the last.
fn before_the_last(profile: &str) -> Files {
    with("health.toml", LAST, &format!("[[profile]]\nuse = \"crm-and-tickets\"\n{profile}\n{LAST}"))
}

fn scalars(tier: &str) -> Scalars {
    [("tier", Scalar::Text(tier.into()))].into()
}

#[test]
fn the_first_profile_that_fits_counts_and_says_why() {
    let config = load(&before_the_last("when = \"tier == 'gold'\""), TOOLS).unwrap_or_else(|p| panic!("{p}"));
    let first = config.model.profiles.len() - 2;
    let (at, because) = config.profile_for(&scalars("gold"));
    assert_eq!(at, first);
    assert!(because.ends_with("crm-and-tickets is for tier == 'gold'"), "{because}");
    let (at, because) = config.profile_for(&scalars("silver"));
    assert_eq!(at, first + 1);
    let expected = "crm-and-tickets is for tier == 'gold'; crm-and-tickets is for every account";
    assert!(because.ends_with(expected), "{because}");
    assert_eq!(config.profile_for(&Scalars::new()).0, first + 1, "what is not known does not fit");
}

#[test]
fn a_profile_is_passed_over_while_nothing_is_connected_that_it_needs() {
    let files = before_the_last("needs = [\"billing\"]");
    let config = load(&files, TOOLS).unwrap();
    let (at, because) = config.profile_for(&Scalars::new());
    assert_eq!(at, config.model.profiles.len() - 1);
    assert!(because.contains("crm-and-tickets needs a connection for billing; "), "{because}");
    let mut files = files;
    let text = files.0.get_mut("connections.toml").unwrap();
    *text = text.replacen("[watch]", "[connection.billing]\ntool = \"stripe\"\ncurrency = \"USD\"\n\n[watch]", 1);
    let config = load(&files, TOOLS).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(config.profile_for(&Scalars::new()).0, config.model.profiles.len() - 2);
}

#[test]
fn a_preset_stands_in_for_the_weights() {
    let weights = |config: &config::Config| -> Vec<u32> {
        config.model.profiles.last().unwrap().dimensions.iter().map(|dimension| dimension.weight).collect()
    };
    let mut files = with("health.toml", "# preset = \"growing\"", "preset = \"rescue\"");
    let rescue = load(&files, TOOLS).unwrap_or_else(|p| panic!("{p}"));
    assert_ne!(weights(&rescue), weights(&load(&shipped(), TOOLS).unwrap()));
    assert_eq!(rescue.model.profiles.last().unwrap().headline, Some(Headline::Nps));
    let text = files.0.get_mut("health.toml").unwrap();
    text.push_str("preset = \"scaling\"\n");
    let scaling = load(&files, TOOLS).unwrap();
    assert_ne!(weights(&scaling), weights(&rescue), "a profile's own preset goes first");
    assert_eq!(scaling.model.profiles.last().unwrap().headline, Some(Headline::DollarChurn));
}

#[test]
fn a_measure_says_what_it_is_worth_for_whom_and_what_happens_without_a_value() {
    let lines = "missing.hold = 30\nafter = { evaluations = 2, every = \"week\" }";
    let mut files = measure_with(lines);
    let text = files.0.get_mut(PROFILE).unwrap();
    let words = "points.words = { green = 100, yellow = 50, red = 0 }";
    let case = "[[measure.case]]\nwhen = \"customer_age_days < 90\"\npoints.words = { red = 20 }";
    *text = text.replacen(words, &format!("{words}\n{case}"), 1);
    text.push_str(
        "\n[[cap]]\nname = \"late\"\nlabel = \"Late\"\nwhen = \"days_to_renewal < -30\"\nat_most = \"red\"\n",
    );
    let config = load(&files, TOOLS).unwrap_or_else(|p| panic!("{p}"));
    let profile = config.model.profiles.last().unwrap();
    let measure = profile.measures.iter().find(|measure| measure.name == "csm_sentiment").unwrap();
    assert_eq!(measure.missing, Missing::Hold(30));
    assert_eq!(measure.after, Some(After { evaluations: 2, every: Every::Week }));
    assert_eq!(measure.cases[0].when.source(), "customer_age_days < 90");
    assert_eq!(measure.cases[0].points, Points::Words([("red".to_owned(), 2_000)].into()));
    let cap = profile.caps.last().unwrap();
    assert_eq!((cap.name.as_str(), cap.at_most), ("late", Band::Red));
}

#[test]
fn a_dimension_says_how_much_of_it_must_be_known_and_how_often_changes_must_be_seen() {
    let lines = "name = \"sentiment\"\nmin_coverage = 50\nafter = { evaluations = 3, every = \"day\" }";
    let config = load(&with(PROFILE, "name = \"sentiment\"", lines), TOOLS).unwrap_or_else(|p| panic!("{p}"));
    let profile = config.model.profiles.last().unwrap();
    let at = profile.dimensions.iter().position(|dimension| dimension.name == "sentiment").unwrap();
    assert_eq!(profile.dimensions[at].min_coverage, 5_000);
    let after = Some(After { evaluations: 3, every: Every::Day });
    let of = |dimension: bool| profile.measures.iter().filter(move |measure| (measure.dimension == at) == dimension);
    assert!(of(true).all(|measure| measure.after == after));
    assert!(of(false).all(|measure| measure.after.is_none()));
}

#[test]
fn mistakes_in_the_choice_of_profiles() {
    let file = In("health.toml");
    let check = |lines: &str, marked: &str, message: &str, help: &str| {
        file.check([LAST, &format!("[[profile]]\n{lines}\n{LAST}")], marked, message, help);
    };
    let message = "there is no file `health/crm-and-ticket.toml`";
    check("use = \"crm-and-ticket\"", "\"crm-and-ticket\"", message, "did you mean `crm-and-tickets`?");
    let lines = "use = \"crm-and-tickets\"\n";
    let message = "`usge` is not a family of tools";
    check(&format!("{lines}needs = [\"usge\"]"), "\"usge\"", message, "did you mean `usage`?");
    let message = "`band` is a result and cannot decide how it is computed";
    let help = "use what the sources say";
    check(&format!("{lines}when = \"band == 'red'\""), "\"band == 'red'\"", message, help);
    let message = "`growin` is not a preset of health/crm-and-tickets.toml";
    check(&format!("{lines}preset = \"growin\""), "\"growin\"", message, "did you mean `growing`?");
    let help = "leave out its `when` and `needs`, or add another one after it";
    let mistake = [LAST, &format!("{LAST}\nneeds = [\"crm\"]")];
    file.check(mistake, "\"crm-and-tickets\"", "the last profile must fit every account", help);
    file.check(["apart_days = 14", "apart_days = 0"], "0", "0 is not between 1 and 365 days", "");
    file.check(["dimensions = 2", "dimensions = 0"], "0", "0 is not between 1 and 10 dimensions", "");
    file.check(
        ["[green]\n", "[green]\nx = 1\n"],
        "x",
        "`x` is not a key here",
        "valid: dimensions, contact_within_days",
    );
}

#[test]
fn mistakes_in_a_profile() {
    let file = In(PROFILE);
    let value = "value = \"csm_sentiment\"";
    let check = |lines: &str, marked: &str, message: &str, help: &str| {
        file.check([value, &format!("{value}\n{lines}")], marked, message, help);
    };
    check("missing.hold = 0", "0", "0 is not between 1 and 365 days", "");
    check("missing.hld = 1", "hld", "`hld` is not possible here", "did you mean `hold`?");
    let after = "after = { evaluations = 1, every = \"week\" }";
    check(after, "1", "1 is not between 2 and 8 evaluations", "");
    let help = "valid: day, week";
    check("after = { evaluations = 2, every = \"month\" }", "\"month\"", "`month` is not possible here", help);
    let points = ["points.linear = [[14, 100], [45, 60], [90, 0]]", "points.band = "];
    let band = |band: &str| format!("{}{band}", points[1]);
    let good = band("{ full = [1, 6], edge = [0, 12], outside = 30 }");
    assert!(load(&with(PROFILE, points[0], &good), TOOLS).is_ok());
    let inside = band("{ full = [1, 6], edge = [1, 12], outside = 30 }");
    let message = "`edge` must lie outside of `full` on both sides";
    file.check([points[0], &inside], "[1, 12]", message, "such as `[0, 7]`");
    let message = "expected the lowest and the highest value, such as `[1, 6]`";
    file.check([points[0], &band("{ full = [6, 1], edge = [0, 12], outside = 30 }")], "[6, 1]", message, "");
    let cap = |lines: &str| format!("[[cap]]\nname = \"c\"\nlabel = \"C\"\n{lines}\n\n[[measure]]");
    let green = cap("when = \"is_test\"\nat_most = \"green\"");
    file.check(["[[measure]]", &green], "\"green\"", "`green` is not possible here", "valid: yellow, red");
    let score = cap("when = \"score > 3\"\nat_most = \"red\"");
    let message = "`score` is a result and cannot decide how it is computed";
    file.check(["[[measure]]", &score], "\"score > 3\"", message, "use what the sources say");
    let preset = "[preset.mine]\nheadline = \"nps\"\nweights = { sentimnt = 1 }\n\n[[measure]]";
    file.check(["[[measure]]", preset], "sentimnt", "`sentimnt` is not a dimension", "did you mean `sentiment`?");
}
