//! Every mistake in a file is told with its place and the nearest valid name.

use crate::common::{In, TOOLS, shipped, with};
use config::load;

#[test]
fn keys_and_values_of_a_connection() {
    let file = In("connections.toml");
    let currency = "`dollars` is not a currency; expected three letters such as EUR";
    file.check(["currency =", "curency ="], "curency", "`curency` is not a key here", "did you mean `currency`?");
    let help = "add one, such as `currency = \"EUR\"`: `arr` can come without a currency of its own";
    file.check(["currency = \"USD\"", ""], "hubspot", "connection `hubspot` has no `currency`", help);
    file.check(["\"USD\"", "\"dollars\""], "\"dollars\"", currency, "");
    file.check(["tool = \"hubspot-workflow\"", ""], "[connection.hubspot]", "missing key `tool`", "");
    file.check(["\"hubspot-workflow\"", "7"], "7", "invalid type: integer `7`, expected a string", "");
    let workflow = ["-workflow\"", "-workflw\""];
    let help = "did you mean `hubspot-workflow`?";
    file.check(workflow, "\"hubspot-workflw\"", "`hubspot-workflw` is not a tool", help);
    file.check(["# enabled = false", "enabled = 1"], "1", "invalid type: integer `1`, expected true or false", "");
    let help = "scheme and host without a path, such as https://hooks.ourco.example";
    for url in ["ftp://a.example", "https://a.example/hooks", "http://a.example", "a.example", "https://"] {
        let mistake = format!("public_url = \"{url}\" #");
        let message = format!("`{url}` is not the address of a host");
        file.check(["# public_url = ", &mistake], &format!("\"{url}\""), &message, help);
    }
    let day = "`2026-12-01` is not an instant; expected RFC 3339 such as 2026-11-21T09:00:00Z";
    file.check(["# live_from = 2026-12-01T00:00:00Z", "live_from = 2026-12-01"], "2026-12-01", day, "");
    let soon = "invalid type: string \"soon\", expected an instant such as 2026-12-01T00:00:00Z";
    file.check(["# live_from = 2026-12-01T00:00:00Z", "live_from = \"soon\""], "\"soon\"", soon, "");
    let apart = "a whole number of days from 1 to 92";
    let help = "the longest that it is silent when all is well, a weekend included, such as 3";
    for days in ["0", "-1", "93"] {
        file.check(["# expected_every = 3", &format!("expected_every = {days}")], days, apart, help);
    }
    let bytes = "a body is between 1 and 4194304 bytes";
    file.check(["# max_body_bytes = 1048576", "max_body_bytes = 0"], "0", bytes, "");
    file.check(["# max_body_bytes = 1048576", "max_body_bytes = 9000000"], "9000000", bytes, "");
}

#[test]
fn apis_and_what_their_ids_name() {
    let file = In("connections.toml");
    let zendesk = |url: &'static str| ["# api_url = \"https://ourco.zendesk.com\"", url];
    let help = "https, or http on this machine, such as https://ourco.zendesk.example";
    for url in ["http://ourco.zendesk.example", "ourco.zendesk.example", "https://a.example/?q=1"] {
        let written = format!("api_url = \"{url}\"");
        let message = format!("`{url}` is not the address of an API");
        file.check(["# api_url = \"https://ourco.zendesk.com\"", &written], &format!("\"{url}\""), &message, help);
    }
    for good in ["api_url = \"https://a.example/v1/\"", "api_url = \"http://127.0.0.1:9000\""] {
        let [old, new] = zendesk(good);
        assert!(load(&with("connections.toml", old, new), TOOLS).is_ok(), "{good}");
    }
    let message = "`typeform` says everything itself: no API of it is called";
    let mistake = ["tool = \"typeform\"", "tool = \"typeform\"\napi_url = \"https://a.example\""];
    file.check(mistake, "\"https://a.example\"", message, "leave `api_url` out");
    let accounts = ["# accounts = \"hubspot:company\"", "accounts = \"hubspot:compny\" #"];
    let message = "`hubspot:compny` is not a type of account";
    file.check(accounts, "\"hubspot:compny\"", message, "did you mean `hubspot:company`?");
    let complete = ["# complete = [\"renews_on\"", "complete = [\"renew_on\""];
    let message = "`renew_on` is not a field of `hubspot-workflow`";
    file.check(complete, "\"renew_on\"", message, "did you mean `renews_on`?");
    let complete = ["tool = \"typeform\"", "tool = \"typeform\"\ncomplete = [\"arr\"]"];
    file.check(complete, "\"arr\"", "`arr` is not a field of `typeform`", "valid: nps, comment");
}

#[test]
fn renewals() {
    let file = In("connections.toml");
    let table = |lines: &str| format!("[connection.hubspot.renewals]\n{lines}\n[watch]");
    let check = |lines: &str, marked: &str, message: &str, help: &str| {
        file.check(["[watch]", &table(lines)], marked, message, help);
    };
    let ids = "the vendor's own ids; in HubSpot: Settings, Objects, Deals, Pipelines, `</>`";
    check("pipelines = []\nwon = [\"w\"]\nlost = [\"l\"]", "[]", "`pipelines` names nothing", ids);
    check("pipelines = [\"p\"]\nwon = []\nlost = [\"l\"]", "[]", "`won` names nothing", ids);
    check("pipelines = [\"p\"]\nwon = [\"w\"]\nlost = []", "[]", "`lost` names nothing", ids);
    check("pipelines = [\" \"]\nwon = [\"w\"]\nlost = [\"l\"]", "\" \"", "cannot be blank", "");
    check("pipelines = [\"p\"]\nwon = [\"w\"]", "[connection.hubspot.renewals]", "missing key `lost`", "");
    let both = "stage `both` is won as well as lost";
    check("pipelines = [\"p\"]\nwon = [\"w\", \"both\"]\nlost = [\"l\",'both']", "'both'", both, "");
    let good = "pipelines = [\"p\"]\nwon = [\"w\"]\nlost = [\"l\"]";
    let none = format!("[connection.zendesk.renewals]\n{good}\n[watch]");
    let message = "`zendesk` has no deals, so none of them can be a renewal";
    file.check(["[watch]", &none], "[connection.zendesk.renewals]", message, "leave the table out");
    let believe = |list: &'static str| ["believe = [\"company\", \"deals\"]", list];
    let message = "`deal` is not a source of renewals";
    file.check(believe("believe = [\"deal\"]"), "\"deal\"", message, "did you mean `deals`?");
    file.check(believe("believe = [\"deals\", 'deals']"), "'deals'", "`deals` stands here twice", "");
    file.check(believe("beleive = []"), "beleive", "`beleive` is not a key here", "did you mean `believe`?");
}

#[test]
fn names_of_connections() {
    let file = In("connections.toml");
    let rest = "tool = \"stripe\"\ncurrency = \"USD\"\n[watch]";
    let named = |name: &str| format!("[connection.{name}]\n{rest}");
    file.check(["[watch]", &named("hubspot")], "hubspot", "duplicate key", "");
    let message = "`Stripe` is not a name; expected lower-case letters, digits and dashes, such as `hubspot-app`";
    file.check(["[watch]", &named("Stripe")], "Stripe", message, "");
    let message = "`operator` is the name of what operators state";
    file.check(["[watch]", &named("operator")], "operator", message, "choose another, such as the name of the tool");
}

#[test]
fn mappings() {
    let file = In("connections.toml");
    let object = "`compny` is not an object of `hubspot-workflow`";
    file.check(["map.company]", "map.compny]"], "compny", object, "did you mean `company`?");
    let field = "`renew_on` is not a field of `company`";
    file.check(["renews_on =", "renew_on ="], "renew_on", field, "did you mean `renews_on`?");
    let help = "valid: name, pipeline, stage, amount, closes_on";
    file.check(["closes_on =", "renews_on ="], "renews_on", "`renews_on` is not a field of `deal`", help);
    file.check(["\"renewal_date\"", "\" \""], "\" \"", "cannot be blank", "");
    file.check(["\"renewal_date\"", "[\"a\"]"], "[\"a\"]", "invalid type: list, expected a string", "");
    file.check(["map.contact]", "map.company]"], "company", "duplicate key", "");
}

#[test]
fn watch_and_authority() {
    let file = In("connections.toml");
    file.check(["[watch]", "[wach]"], "wach", "`wach` is not a key here", "did you mean `watch`?");
    let message = "`has_activ_subscription` is not a known name";
    let help = "did you mean `has_active_subscription`?";
    file.check(["has_active_sub", "has_activ_sub"], "has_activ_subscription", message, help);
    file.check(["== 'customer'", "= 'customer'"], "=", "`=` is not an operator", "`==` compares");
    let help = "it is the result for a watched account; use what the sources say";
    file.check(["\"is_test\"", "\"score < 4\""], "\"score < 4\"", "`score` cannot decide what is watched", help);
    let help = "such as `ourco.example`, without `@` and `www.`";
    file.check(["[\"ourco", "[\"me@ourco"], "\"me@ourco.example\"", "`me@ourco.example` is not a domain", help);
    let mistake = ["# renews_on = [\"hubspot\", \"stripe\"]", "renew_on = [\"hubspot\"]"];
    file.check(mistake, "renew_on", "`renew_on` is not a field", "did you mean `renews_on`?");
    let mistake = ["# renews_on = [\"hubspot\", \"stripe\"]", "renews_on = [\"hubspt\"]"];
    file.check(mistake, "\"hubspt\"", "`hubspt` is not a connection", "did you mean `hubspot`?");
}

#[test]
fn the_model() {
    let file = In("health.toml");
    let message = "invalid type: string \"20\", expected a whole number";
    file.check(["coverage = 20", "coverage = \"20\""], "\"20\"", message, "");
    file.check(["coverage = 20", "coverage = 101"], "101", "101 is not between 0 and 100", "");
    let berlin = "did you mean `Europe/Berlin`?";
    file.check(["Europe/Berlin", "Europe/Berln"], "\"Europe/Berln\"", "`Europe/Berln` is not a time zone", berlin);
    file.check(["Europe/Berlin", "Berlin"], "\"Berlin\"", "`Berlin` is not a time zone", berlin);
    let order = "yellow_from ≤ leave_red_at < green_from ≤ enter_green_at";
    file.check(["red_at = 45", "red_at = 39"], "39", "`leave_red_at` must be at or above yellow_from", order);
    file.check(["green_from = 70", "green_from = 45"], "45", "`green_from` must be above leave_red_at", order);
    file.check(["green_at = 74", "green_at = 69"], "69", "`enter_green_at` must be at or above green_from", order);
    file.check(["yellow_from = 40", "yellow_from = 0"], "0", "`yellow_from` must be above 0", order);
    file.check(
        ["leave_red_at", "leave_redat"],
        "leave_redat",
        "`leave_redat` is not a key here",
        "did you mean `leave_red_at`?",
    );
    let profile = In("health/crm-and-tickets.toml");
    let weight = "a weight is a whole number from 1 to 1000";
    profile.check(["weight = 40", "weight = 0"], "0", weight, "leave out what should not count");
    profile.check(["weight = 40", "weight = 4.5"], "4.5", "invalid type: fraction `4.5`, expected a whole number", "");
    let extra = "[[dimension]]\nname = \"commercial\"\nlabel = \"x\"\nweight = 1\n[[measure]]";
    profile.check(["[[measure]]", extra], "\"commercial\"", "there are two dimensions `commercial`", "");
    let extra = extra.replace("\"commercial\"", "\"usage\"");
    profile.check(["[[measure]]", &extra], "\"usage\"", "no measure belongs to the dimension `usage`", "");
    file.check(["[bands]", "[bands"], "", "unclosed table, expected `]`", "");
}

#[test]
fn measures() {
    let file = In("health/crm-and-tickets.toml");
    let mistake = ["dimension = \"sentiment\"", "dimension = \"sentimnt\""];
    file.check(mistake, "\"sentimnt\"", "`sentimnt` is not a dimension", "did you mean `sentiment`?");
    let message = "there are two measures `csm_sentiment`";
    file.check(["name = \"two_way_contact\"", "name = \"csm_sentiment\""], "\"csm_sentiment\"", message, "");
    let value = |value: &'static str| ["value = \"csm_sentiment\"", value];
    let message = "`csm_sentimet` is not a known name";
    file.check(value("value = \"csm_sentimet\""), "\"csm_sentimet\"", message, "did you mean `csm_sentiment`?");
    file.check(value("value = \"score\""), "\"score\"", "`score` is a result and cannot be measured", "");
    let message = "`is_test` is true or false; its points are words: `yes` and `no`";
    file.check(value("value = \"is_test\""), "points", message, "");
    file.check(value("value = \"arr\""), "points", "`arr` is a whole number; its points are steps, linear or band", "");
    file.check(["\"days_to_renewal\"", "\"tier\""], "points", "`tier` is text; its points are words", "");
    let mistake = ["points.steps", "missing = \"skp\"\npoints.steps"];
    file.check(mistake, "\"skp\"", "`skp` is not possible here", "did you mean `skip`?");
}

#[test]
fn points() {
    let file = In("health/crm-and-tickets.toml");
    let help = "write the values in ascending order, each once";
    file.check(["[45, 60]", "[14, 60]"], "14", "14 does not come after 14", help);
    file.check(["[45, 60]", "[45, 600]"], "600", "600 is not between 0 and 100", "");
    file.check(["green = 100", "green = -1"], "-1", "-1 is not between 0 and 100", "");
    let pair = "expected a value and its points, such as `[45, 60]`";
    file.check(["[45, 60]", "[45]"], "[45]", pair, "");
    file.check(["[45, 60]", "[45, 60, 7]"], "[45, 60, 7]", pair, "");
    file.check(["[[14, 100], [45, 60], [90, 0]]", "[]"], "points", "no points are given", "");
    file.check(["points.linear", "points.linea"], "linea", "`linea` is not possible here", "did you mean `linear`?");
    let message = "only one of the possible keys can be given here";
    file.check(["points.words", "points.steps = []\npoints.words"], "points", message, "");
}

#[test]
fn playbooks() {
    let file = In("playbooks/risk-mitigation.toml");
    file.check(["[\"red\"]", "[\"reed\"]"], "\"reed\"", "`reed` is not possible here", "did you mean `red`?");
    let help = "valid: green, yellow, red, unknown";
    file.check(["[\"red\"]", "[\"amber\"]"], "\"amber\"", "`amber` is not possible here", help);
    file.check(["[\"red\"]", "[]"], "trigger", "`to` names no band, so it would never start", "");
    let help = "did you mean `band_changed`?";
    file.check(["band_changed", "band_change"], "band_change", "`band_change` is not possible here", help);
    file.check(["recover = ", "recovr = "], "recovr", "`recovr` is not a key here", "did you mean `recover`?");
    file.check(["band != 'red'", "band != red"], "red", "`red` is not a known name", "text goes in quotes: 'red'");
    let help = "hours or days, such as `24h` or `7d`; at most ten years";
    file.check(["\"7d\"", "\"7 days\""], "\"7 days\"", "`7 days` is not a length of time", help);
    file.check(["priority = 80", "priority = -1"], "-1", "a priority is a whole number from 0 to 1000", "");
    let message = "this is text; `>=` takes a whole number";
    file.check(["# when = \"arr >= 10000\"", "when = \"arr >= '10000'\""], "'10000'", message, "");
    let mistake = ["\"band != 'red'\"", "\"\"\"\n  band != 'red' &&\n  bnad == 'x'\"\"\""];
    file.check(mistake, "bnad", "`bnad` is not a known name", "did you mean `band`?");
}

#[test]
fn steps_and_examples() {
    let file = In("playbooks/risk-mitigation.toml");
    let help = "did you mean `slack_alert`?";
    file.check(["slack_alert =", "slack_alrt ="], "slack_alrt", "`slack_alrt` is not a key here", help);
    let help = "add `slack_alert = { next_step = \"…\" }`, `crm_task = { title = \"…\" }` or `email_nudge = { to = \"sponsor\", template = \"…\" }`";
    file.check(["slack_alert =", "# slack_alert ="], "\"alert\"", "step `alert` does nothing", help);
    file.check(["next_step", "next_stp"], "next_stp", "`next_stp` is not a key here", "did you mean `next_step`?");
    let twice = "slack_alert = { next_step = \"x\" }\n[[step]]\nname = \"alert\"\nslack_alert =";
    file.check(["slack_alert =", twice], "\"alert\"", "there are two steps `alert`", "");
    let help = "did you mean `csm_sentiment`?";
    file.check(["{ csm_sentiment", "{ csm_sentimen"], "csm_sentimen", "`csm_sentimen` is not a known name", help);
    file.check(["sentiment = \"yellow\"", "sentiment = 7"], "7", "`csm_sentiment` is text", "");
    let message = "invalid type: string \"yes\", expected true or false";
    file.check(["opens = true", "opens = \"yes\""], "\"yes\"", message, "");
}

#[test]
fn tasks() {
    let file = In("playbooks/risk-mitigation.toml");
    let message = "step `recovery-plan` makes a task that is never due";
    file.check(["due = \"5bd\"\ncrm", "crm"], "\"recovery-plan\"", message, "add `due = \"2bd\"`");
    let mistake = ["due = \"5bd\"\ncrm", "due = \"5bd\"\nurgency = \"now\"\ncrm"];
    let message = "step `recovery-plan` makes a task, which interrupts nobody";
    file.check(mistake, "\"recovery-plan\"", message, "leave `urgency` out; a task has a `priority`");
    let both = ["due = \"5bd\"\ncrm", "due = \"5bd\"\nslack_alert = { next_step = \"x\" }\ncrm"];
    file.check(both, "\"recovery-plan\"", "step `recovery-plan` does more than one thing", "make a step of each");
    let first = ["slack_alert = {", "crm_task = { title = \"x\" }\n# ="];
    let help = "put a step with `slack_alert` before it: its message starts the thread";
    file.check(first, "\"alert\"", "`alert` comes before the first message", help);
    let priority = ["crm_task = {", "crm_task = { priority = \"urgent\","];
    file.check(priority, "\"urgent\"", "`urgent` is not possible here", "valid: low, medium, high");
    file.check(
        ["crm_task = { title", "crm_task = { tittle"],
        "tittle",
        "`tittle` is not a key here",
        "did you mean `title`?",
    );
}

#[test]
fn triggers_and_guards() {
    let file = In("playbooks/detractor-follow-up.toml");
    let answer = "an answer is a whole number from 0 to 10";
    file.check(["nps_at_most = 6", "nps_at_most = 11"], "11", answer, "");
    file.check(["nps_at_most", "nps_most"], "nps_most", "`nps_most` is not a key here", "did you mean `nps_at_most`?");
    // What the number is for stands between the two.
    let shipped = &shipped().0["playbooks/detractor-follow-up.toml"];
    let from = shipped.find("[trigger.answered]").unwrap();
    let answered = &shipped[from..from + shipped[from..].find("\n\n").unwrap()];
    let becomes = [answered, "[trigger.becomes]\ncondition = \"score < 'x'\""];
    file.check(becomes, "'x'", "this is text; `<` takes a whole number", "");
    let file = In("playbooks/onboarding-kickoff.toml");
    let days = "a number of days is a whole number from 0 to 365";
    file.check(["within_days = 30", "within_days = -1"], "-1", days, "");
    file.check(["first_sight_days = 7", "first_sight_days = 400"], "400", days, "");
    let file = In("playbooks/risk-mitigation.toml");
    let message = "it names nothing, so it would never start";
    file.check(["# tiers = [\"enterprise\"]", "tiers = []"], "[]", message, "leave it out for all");
    let window = "a number of episodes is a whole number from 1 to 1000";
    file.check(["count = 3", "count = 0"], "0", window, "");
    let message = "missing key `days`";
    file.check(["count = 3, days = 90", "count = 3"], "{ count = 3 }", message, "");
}

#[test]
fn when_steps_come_and_for_whom() {
    let file = In("playbooks/risk-mitigation.toml");
    let message = "`3 days` is no time to count; expected `8bh` (business hours), `2bd` (business days) or `3d`";
    file.check(["after = \"3bd\"", "after = \"3 days\""], "\"3 days\"", message, "");
    let help = "did you mean `manager`?";
    file.check(["\"manager\"", "\"manger\""], "\"manger\"", "`manger` is not possible here", help);
    let mistake = ["next_step = \"Decide", "template = \"stp\", next_step = \"Decide"];
    file.check(mistake, "\"stp\"", "`stp` is not a template in templates/slack", "did you mean `step`?");
    let help = "no step begins with resolved, update, hand-off, answered";
    let message = "`update` is the name of another message";
    file.check(["name = \"plan\"", "name = \"update\""], "\"update\"", message, help);
    file.check(
        ["asks = [\"alert\"]", "asks = [\"alrt\"]"],
        "\"alrt\"",
        "`alrt` is not a step",
        "did you mean `alert`?",
    );
}

#[test]
fn who_stands_in_for_whom() {
    let file = In("team.toml");
    let manager = ["manager = \"priya.nair@ourco.example\"", "manager = \"priya.nar@ourco.example\""];
    let message = "`priya.nar@ourco.example` is not the email address of anybody here";
    file.check(manager, "\"priya.nar@ourco.example\"", message, "did you mean `priya.nair@ourco.example`?");
    let own = ["manager = \"priya.nair@ourco.example\"", "manager = \"ines.almeida@ourco.example\""];
    file.check(own, "\"ines.almeida@ourco.example\"", "this is the same person", "");
    let away = |to: &str| format!("away = [{{ from = \"2026-12-21\", to = \"{to}\" }}] #");
    let help = "year, month and day, such as `\"2026-12-25\"`";
    file.check(["# away", &away("soon")], "\"soon\"", "`soon` is not a day", help);
    file.check(
        ["# away", &away("2026-12-01")],
        "\"2026-12-01\"",
        "2026-12-01 is before 2026-12-21",
        "first and last day",
    );
    let message = "`6pm` are no quiet hours; expected two different times such as `18:00-08:00`";
    file.check(["quiet = \"18:00-08:00\"", "quiet = \"6pm\""], "\"6pm\"", message, "");
    let zones = ["# holidays_in.\"America/New_York\"", "holidays_in.\"America/Nowhere\""];
    let files = with("team.toml", zones[0], zones[1]);
    assert!(load(&files, TOOLS).unwrap_err().to_string().contains("`America/Nowhere` is not a time zone"));
}

#[test]
fn team() {
    let file = In("team.toml");
    let tom = "tom.brandt@ourco.example";
    file.check([tom, "tom.brandt"], "\"tom.brandt\"", "`tom.brandt` is not an email address", "");
    let message = "`Ines.Almeida@ourco.example` is already Ines Almeida";
    file.check([tom, "Ines.Almeida@ourco.example"], "\"Ines.Almeida@ourco.example\"", message, "");
    file.check(["410002", "410001"], "\"410001\"", "`410001` is already Ines Almeida", "");
    file.check(["\"410002\"", "410002"], "410002", "invalid type: integer `410002`, expected a string", "");
    let help = "in Slack: their profile, ⋮, Copy member ID; such as `U024BE7LH`";
    file.check(["U0TOMB0002", "@tom"], "\"@tom\"", "`@tom` is not a Slack member id", help);
    let help = "such as `#customer-success`, or the channel's id";
    file.check(["\"#customer", "\"customer"], "\"customer-success\"", "`customer-success` is not a channel", help);
    let help = "year, month and day, such as `\"2026-12-25\"`";
    file.check(["2027-01-01", "01.01.2027"], "\"01.01.2027\"", "`01.01.2027` is not a day", help);
    file.check(["\"2027-01-01\"", "\"2026-12-25\""], "\"2026-12-25\"", "2026-12-25 is named twice", "");
}

#[test]
fn alerts() {
    let file = In("team.toml");
    file.check(
        ["per_week = 8", "per_weak = 8"],
        "per_weak",
        "`per_weak` is not a key here",
        "did you mean `per_week`?",
    );
    file.check(["per_week = 8", "per_week = 101"], "101", "101 is not between 0 and 100", "");
    file.check(["merged_after = 3", "merged_after = 0"], "0", "0 is not between 1 and 100", "");
    file.check(["surge_accounts = 10", "surge_accounts = 1"], "1", "1 is not between 2 and 200", "");
    file.check(["100000", "-1"], "-1", "revenue is not negative", "whole units, such as `100000`");
    for bad in ["9:00", "9am", "25:00"] {
        let message = format!("`{bad}` is not a time of day");
        let quoted = format!("\"{bad}\"");
        file.check(["digest_at = \"09:00\"", &format!("digest_at = {quoted}")], &quoted, &message, "such as `09:00`");
    }
    let help = "minutes or hours, such as `15m` or `1h`; at most two hours";
    file.check(["\"15m\"", "\"15\""], "\"15\"", "`15` is not a short length of time", help);
    let help = "at most `surge_within`; what is older is no part of the burst";
    file.check(["\"2m\"", "\"16m\""], "\"16m\"", "a first message waits longer than a burst lasts", help);
}

#[test]
fn renewal_playbooks() {
    let file = In("playbooks/renewal-runway.toml");
    let days = "a checkpoint is 1 to 730 days before the deadline";
    file.check(["days = 60", "days = 0"], "0", days, "");
    file.check(["days = 60", "days = 90"], "90", "there are two checkpoints at 90 days", "");
    let none = "there is no checkpoint at 91 days";
    file.check(["compound_risk = 90", "compound_risk = 91"], "91", none, "");
    let help = "hours and minutes, such as `09:00`";
    file.check(["\"09:00\"", "\"9am\""], "\"9am\"", "`9am` is not a time of day", help);
    let help = "hours or days, such as `24h` or `7d`; at most ten years";
    file.check(["\"180d\"", "\"half a year\""], "\"half a year\"", "`half a year` is not a length of time", help);
    file.check(["past_due =", "past_du ="], "past_du", "`past_du` is not a key here", "did you mean `past_due`?");
    let help = "its steps are its checkpoints, and it ends with the renewal";
    let message = "a playbook for renewals has no `cooldown`";
    file.check(["priority = 60", "cooldown = \"7d\""], "\"7d\"", message, help);
    let message = "`121` is not a step";
    file.check(["asks = [\"120\"]", "asks = [\"121\"]"], "\"121\"", message, "did you mean `120`?");
}

#[test]
fn one_playbook_is_for_renewals() {
    let mut files = shipped();
    let again = files.0["playbooks/renewal-runway.toml"].clone();
    files.0.insert("playbooks/second-runway.toml".into(), again);
    let problems = load(&files, TOOLS).unwrap_err();
    let told: Vec<_> = problems.0.iter().map(|p| (p.file.as_str(), p.message.as_str())).collect();
    assert_eq!(told, [("playbooks/second-runway.toml", "another playbook is for renewals already")]);
}

#[test]
fn modes() {
    let file = In("modes.toml");
    file.check(["\"live\"", "\"liv\""], "\"liv\"", "`liv` is not possible here", "did you mean `live`?");
    file.check(["slack = \"live", "slak = \"live"], "slak", "`slak` is not a destination", "did you mean `slack`?");
    let help = "did you mean `risk-mitigation`?";
    file.check(["most.risk-mit", "most.rsk-mit"], "rsk-mitigation", "`rsk-mitigation` is not a playbook", help);
    let table = "\n[redirect]\nslack = \"#barometer-test\"\nemail = \"barometer-test@ourco.example\"";
    let mistake = [&format!("\"live\"\n\n# Where messages go in redirect.{table}"), "\"redirect\""];
    file.check(mistake, "\"redirect\"", "there is nowhere to redirect to", "add `slack = \"#…\"` under `[redirect]`");
    let (message, help) = ("nothing is redirected to `hubspot`", "it can `observe` or be `live`");
    let mode = ["slack = \"live\"", "slack = \"live\"\nhubspot = \"redirect\""];
    file.check(mode, "\"redirect\"", message, help);
    file.check(["[redirect]", "[redirect]\nhubspot = \"#tasks\""], "hubspot", message, help);
}

#[test]
fn files_that_are_missing_or_misnamed() {
    let mut files = shipped();
    let team = files.0.remove("team.toml").unwrap();
    files.0.insert("teams.toml".into(), team);
    files.0.insert("playbooks/Risk.toml".into(), files.0["playbooks/risk-mitigation.toml"].clone());
    files.0.insert("README.md".into(), "notes".into());
    let problems = load(&files, TOOLS).unwrap_err();
    let told: Vec<_> =
        problems.0.iter().map(|p| (p.file.as_str(), p.message.as_str(), p.line, p.help.as_deref())).collect();
    let name =
        "the file's name: `Risk` is not a name; expected lower-case letters, digits and dashes, such as `hubspot-app`";
    let expected = [
        ("playbooks/Risk.toml", name, 1, Some("rename the file")),
        ("team.toml", "the file is missing", 1, Some("every configuration has one")),
        ("teams.toml", "nothing reads this file", 1, Some("did you mean `team.toml`?")),
    ];
    assert_eq!(told, expected, "{problems}");
}

#[test]
fn everything_wrong_is_told_at_once_and_a_parse_error_is_one_per_file() {
    let mut files = with("health.toml", "Europe/Berlin", "Europe/Berln");
    let mut change = |file: &str, old: &str, new: &str| {
        let text = files.0.get_mut(file).unwrap();
        *text = text.replace(old, new);
    };
    change("health/crm-and-tickets.toml", "weight = 1", "weight = 0");
    change("team.toml", "zone =", "zon =");
    change("team.toml", "ines.almeida@", "ines");
    change("playbooks/risk-mitigation.toml", "!= 'red'", "!= 7");
    change("modes.toml", "slack", "slak");
    let problems = load(&files, TOOLS).unwrap_err();
    let places: Vec<_> = problems.0.iter().map(|problem| (problem.file.as_str(), problem.line)).collect();
    let expected: Vec<_> = [
        ("health.toml", "Berln"),
        ("health/crm-and-tickets.toml", "weight = 0"),
        ("modes.toml", "slak"),
        ("playbooks/risk-mitigation.toml", "!= 7"),
        ("team.toml", "zon ="),
    ]
    .into_iter()
    .flat_map(|(file, mistake)| lines_with(&files, file, mistake).into_iter().map(move |line| (file, line)))
    .collect();
    assert_eq!(expected.len(), 14);
    assert_eq!(places, expected, "{problems}");
}

/// The numbers of the lines that hold `text` outside a comment.
fn lines_with(files: &config::Files, file: &str, text: &str) -> Vec<usize> {
    let lines = files.0[file].lines().enumerate();
    lines
        .filter(|(_, line)| line.split('#').next().is_some_and(|code| code.contains(text)))
        .map(|(at, _)| at + 1)
        .collect()
}

#[test]
fn a_problem_shows_the_line_and_marks_the_place() {
    let files = with("health.toml", "zone = \"Europe/Berlin\"   #", "zone = \"Europe/Berln\" # ä");
    let shown = load(&files, TOOLS).unwrap_err().to_string();
    let line = lines_with(&files, "health.toml", "Berln")[0];
    assert!(line < 10, "the margin is as wide as the number");
    let expected = "health.toml:8:8: `Europe/Berln` is not a time zone
  |
8 | zone = \"Europe/Berln\" # ä days begin at 00:00 here
  |        ^^^^^^^^^^^^^^
  = help: did you mean `Europe/Berlin`?"
        .replace("8:8", &format!("{line}:8"))
        .replace("8 |", &format!("{line} |"));
    assert_eq!(shown, expected);
}
