//! Which question of a form is which: by its kind, its words and what was answered; with the reason, and how sure.

use serde::Serialize;
use serde_json::Value;

use super::propose::Confidence;

/// A form, and its latest answers.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub id: String,
    pub title: String,
    /// The questions, as Typeform defines them; those of a group stand after it.
    pub fields: Vec<Value>,
    hidden: Vec<String>,
    pub answers: Vec<Value>,
}

/// A question or hidden field that should feed a field.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Role {
    /// The field's name in the mapping.
    pub field: &'static str,
    /// The question's reference or the hidden field's name, or a scale; `None` where none fits.
    pub name: Option<String>,
    pub sure: Option<Confidence>,
    pub why: String,
}

impl Role {
    /// What is written to the mapping without somebody looking.
    pub fn sure(&self) -> Option<(&str, &str)> {
        self.sure.filter(|sure| *sure > Confidence::Low)?;
        Some((self.field, self.name.as_deref()?))
    }

    fn found(field: &'static str, name: &str, sure: Confidence, why: String) -> Self {
        Self { field, name: Some(name.to_owned()), sure: Some(sure), why }
    }

    fn none(field: &'static str, why: &str) -> Self {
        Self { field, name: None, sure: None, why: why.to_owned() }
    }
}

/// An id of a form, which may stand in an address.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

impl Form {
    /// What saved answers of the API tell of a form; `None` where they tell of none.
    pub fn of(saved: &[Value]) -> Option<Self> {
        let mut form = Self::default();
        for answer in saved {
            if let Some(fields) = answer["fields"].as_array() {
                form.id = answer["id"].as_str().unwrap_or_default().to_owned();
                form.title = answer["title"].as_str().unwrap_or_default().to_owned();
                fields.iter().for_each(|field| flat(field, &mut form.fields));
                let hidden = answer["hidden"].as_array().into_iter().flatten();
                form.hidden.extend(hidden.filter_map(|name| name.as_str().map(str::to_owned)));
            }
            form.answers.extend(answer["items"].as_array().into_iter().flatten().cloned());
        }
        (!form.fields.is_empty()).then_some(form)
    }

    /// What was filled into a hidden field, of those who had something there.
    fn hidden_values(&self, name: &str) -> Vec<&str> {
        let all = self.answers.iter().filter_map(|answer| answer["hidden"][name].as_str());
        all.filter(|value| !value.is_empty() && *value != "xxxxx").collect()
    }
}

fn flat(field: &Value, all: &mut Vec<Value>) {
    all.push(field.clone());
    field["properties"]["fields"].as_array().into_iter().flatten().for_each(|inner| flat(inner, all));
}

/// A proposal for each field that an answer can feed, in a fixed order.
pub(super) fn roles(form: &Form) -> Vec<Role> {
    let nps = nps(form);
    let mut all = vec![];
    let taken = nps.name.clone();
    all.push(nps);
    let scored = [
        ("csat", "csat_scale", "satisfaction", &["satisf", "happy with"][..]),
        ("ces", "ces_scale", "effort", &["easy", "effort", "difficult"]),
    ];
    for (field, scale_field, what, words) in scored {
        let asked = form.fields.iter().filter(|question| has_scale(question) && name_of(question) != taken);
        let found = asked.filter_map(|question| Some((question, name_of(question)?, word_of(question, words)?))).next();
        let Some((question, name, word)) = found else {
            all.push(Role::none(field, &format!("no question with a scale speaks of {what}")));
            continue;
        };
        let why = format!("it has a scale and says `{word}`: {}", title(question));
        all.push(Role::found(field, &name, Confidence::Medium, why));
        all.push(match scale(question) {
            Some(scale) => Role::found(scale_field, &scale, Confidence::High, "as the form tells its ends".to_owned()),
            None => Role::none(scale_field, "the form does not tell its ends: write them yourself, such as \"1..5\""),
        });
    }
    all.push(comment(form));
    all.push(account(form));
    all.push(email(form));
    all
}

fn nps(form: &Form) -> Role {
    let of_kind =
        |kind: &str| form.fields.iter().find(|question| question["type"] == kind && name_of(question).is_some());
    if let Some((question, name)) = of_kind("nps").and_then(|question| Some((question, name_of(question)?))) {
        return Role::found("nps", &name, Confidence::High, format!("its type is NPS: {}", title(question)));
    }
    let recommends = |question: &&Value| has_scale(question) && word_of(question, &["recommend"]).is_some();
    let found = form.fields.iter().filter(recommends).find_map(|question| Some((question, name_of(question)?)));
    if let Some((question, name)) = found {
        let is_nps = scale(question).as_deref() == Some("0..10");
        let (sure, how) = if is_nps { (Confidence::High, "is") } else { (Confidence::Low, "is not") };
        let why = format!("it asks who would recommend, and its scale {how} 0..10: {}", title(question));
        return Role::found("nps", &name, sure, why);
    }
    Role::none("nps", "no question is of the type NPS or speaks of recommending")
}

fn comment(form: &Form) -> Role {
    let texts = || form.fields.iter().filter(|question| question["type"] == "long_text" && name_of(question).is_some());
    let asks =
        texts().find(|question| word_of(question, &["why", "reason", "tell us", "improve", "feedback"]).is_some());
    match (asks.or_else(|| texts().next()), asks, texts().count()) {
        (Some(question), Some(_), _) | (Some(question), None, 1) => {
            let name = name_of(question).unwrap_or_default();
            Role::found("comment", &name, Confidence::Medium, format!("a long text: {}", title(question)))
        }
        (Some(question), None, _) => {
            let name = name_of(question).unwrap_or_default();
            Role::found("comment", &name, Confidence::Low, format!("one of several long texts: {}", title(question)))
        }
        (None, ..) => Role::none("comment", "no question takes a long text"),
    }
}

fn account(form: &Form) -> Role {
    let words = ["account", "company", "customer", "hubspot", "crm", "org"];
    let found = form.hidden.iter().find(|name| words.iter().any(|word| name.to_lowercase().contains(word)));
    let Some(name) = found else {
        return Role::none(
            "account_id",
            "no hidden field names an account: add account_id (Logic → Hidden fields), and fill it in the link you send",
        );
    };
    let values = form.hidden_values(name);
    let all = form.answers.len();
    let is_id = |value: &&&str| value.bytes().all(|b| b.is_ascii_digit()) || value.contains(':') || value.contains('.');
    let fitting = values.iter().filter(is_id).count();
    let why =
        format!("a hidden field; filled in {} of {all} answers, {fitting} of them as an id or a domain", values.len());
    match (all, fitting * 2 >= values.len() && fitting > 0) {
        (0, _) | (_, true) => Role::found("account_id", name, Confidence::Medium, why),
        (_, false) => Role::found("account_id", name, Confidence::Low, why),
    }
}

fn email(form: &Form) -> Role {
    if let Some(name) = form.hidden.iter().find(|name| name.to_lowercase().contains("mail")) {
        let values = form.hidden_values(name);
        let fitting = values.iter().filter(|value| value.contains('@')).count();
        let why = format!(
            "a hidden field; filled in {} of {} answers, {fitting} of them with an address",
            values.len(),
            form.answers.len()
        );
        let sure = if fitting == values.len() { Confidence::Medium } else { Confidence::Low };
        return Role::found("email", name, sure, why);
    }
    let asked = form.fields.iter().find(|question| question["type"] == "email");
    match asked.and_then(|question| Some((question, name_of(question)?))) {
        Some((question, name)) => {
            let why = format!("a question, so it may be a friend's address: {}", title(question));
            Role::found("email", &name, Confidence::Low, why)
        }
        None => Role::none("email", "no hidden field holds an address: add email, and fill it in the link you send"),
    }
}

/// The question's reference, else its id. What cannot stand between quotes is no name.
fn name_of(question: &Value) -> Option<String> {
    let name = question["ref"].as_str().filter(|name| !name.is_empty()).or(question["id"].as_str())?;
    let is_plain = !name.is_empty() && !name.contains(['"', '\\']) && !name.contains(char::is_control);
    is_plain.then(|| name.to_owned())
}

fn title(question: &Value) -> String {
    let title = question["title"].as_str().unwrap_or_default();
    let short: String = title.chars().take(60).collect();
    if short.len() < title.len() { format!("{short}…") } else { short }
}

fn word_of<'a>(question: &Value, words: &[&'a str]) -> Option<&'a str> {
    let text =
        format!("{} {}", question["ref"].as_str().unwrap_or_default(), question["title"].as_str()?).to_lowercase();
    words.iter().copied().find(|word| text.contains(word))
}

fn has_scale(question: &Value) -> bool {
    matches!(question["type"].as_str(), Some("opinion_scale" | "rating"))
}

/// Lowest and highest answer; a rating begins with one.
fn scale(question: &Value) -> Option<String> {
    let steps = question["properties"]["steps"].as_i64().filter(|steps| (2..=11).contains(steps))?;
    let from_one = question["type"] == "rating" || question["properties"]["start_at_one"] == true;
    Some(if from_one { format!("1..{steps}") } else { format!("0..{}", steps - 1) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form(fields: Value, hidden: Value, answers: Value) -> Form {
        let definition = json!({ "id": "f", "title": "Pulse", "fields": fields, "hidden": hidden });
        Form::of(&[definition, json!({ "items": answers })]).unwrap()
    }

    #[track_caller]
    fn check(form: &Form, field: &str, expected: Option<(&str, Confidence)>) {
        let roles = roles(form);
        let role = roles.iter().find(|role| role.field == field).unwrap_or_else(|| panic!("{roles:?}"));
        assert_eq!(role.name.as_deref().zip(role.sure), expected, "{role:?}");
    }

    #[test]
    fn a_question_is_known_by_its_kind_its_words_and_its_scale() {
        let scale = |name: &str, title: &str, steps: i64, one: bool| {
            json!({ "id": name, "ref": name, "type": "opinion_scale", "title": title,
                "properties": { "steps": steps, "start_at_one": one } })
        };
        let asked = form(
            json!([
                scale("r", "How likely are you to recommend us?", 11, false),
                { "id": "g", "type": "group", "title": "Support", "properties": { "fields": [
                    scale("s", "How satisfied are you?", 5, true), scale("e", "How easy was it?", 7, true)] } },
                { "id": "w", "ref": "why", "type": "long_text", "title": "Why?" },
            ]),
            json!([]),
            json!([]),
        );
        check(&asked, "nps", Some(("r", Confidence::High)));
        check(&asked, "csat", Some(("s", Confidence::Medium)));
        check(&asked, "csat_scale", Some(("1..5", Confidence::High)));
        check(&asked, "ces", Some(("e", Confidence::Medium)));
        check(&asked, "ces_scale", Some(("1..7", Confidence::High)));
        check(&asked, "comment", Some(("why", Confidence::Medium)));
        check(&asked, "account_id", None);

        let short = form(json!([scale("r", "Would you recommend us?", 5, true)]), json!([]), json!([]));
        check(&short, "nps", Some(("r", Confidence::Low)));
    }

    #[test]
    fn a_hidden_field_counts_by_what_was_filled_in() {
        let question =
            json!([{ "id": "n", "type": "nps", "title": "n" }, { "id": "m", "type": "email", "title": "Yours?" }]);
        let hidden = json!(["company", "email"]);
        let answers = |company: &str| json!([{ "hidden": { "company": company, "email": "ann@acme.example" } }]);
        check(
            &form(question.clone(), hidden.clone(), answers("4410027")),
            "account_id",
            Some(("company", Confidence::Medium)),
        );
        check(
            &form(question.clone(), hidden.clone(), answers("Acme Inc")),
            "account_id",
            Some(("company", Confidence::Low)),
        );
        check(&form(question.clone(), hidden, answers("7")), "email", Some(("email", Confidence::Medium)));
        check(&form(question, json!([]), json!([])), "email", Some(("m", Confidence::Low)));
    }

    #[test]
    fn a_reference_that_would_break_the_file_is_none() {
        let asked = form(json!([{ "ref": "a\"\nx = \"", "type": "nps", "title": "n" }]), json!([]), json!([]));
        check(&asked, "nps", None);
        assert!(Form::of(&[json!({ "items": [] })]).is_none());
    }
}
