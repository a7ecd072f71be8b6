//! `barometer setup typeform`: which question is which, what names the account, and the form's webhook.

use std::collections::BTreeMap;
use std::path::PathBuf;

use actions::vendor::{Api, GetError};
use clap::Args;
use config::Connection;
use model::{Field, Mapping};
use serde::Serialize;
use serde_json::{Value, json};

use super::form::{self, Form, Role};
use super::ground::{self, Change, Ground, Preview};
use super::{SetupFailure, delivery, patch};
use crate::host::doctor::checks::read;
use crate::host::doctor::hook;
use crate::run::Surroundings;
use crate::show::{Align, Style, Table, safe};

const TOOL: &str = "typeform";
/// What mappings call an answer.
const OBJECT: &str = "response";
/// How the webhook is named at Typeform, so that it is made once.
const TAG: &str = "barometer";
/// How many answers are shown with what they would be taken for.
const SHOWN: usize = 5;

/// `barometer setup typeform`
#[derive(Debug, Args)]
pub struct TypeformArgs {
    /// The form, by the id in its address [default: the only one there is]
    #[arg(long, value_name = "ID")]
    pub form: Option<String>,
    /// Saved answers of the API as JSON (a form, its responses, or a list of both) instead of Typeform itself
    #[arg(long, value_name = "FILE")]
    pub sample: Option<PathBuf>,
    /// This connection's mapping [default: the first of Typeform]
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Write the mapping, and make the webhook in Typeform
    #[arg(long)]
    pub yes: bool,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Found {
    form: String,
    title: String,
    roles: Vec<Role>,
    answers: Vec<Preview>,
    change: Change,
    /// What became of the webhook, or what to do.
    webhook: String,
}

/// The forms there are, where none was chosen.
#[derive(Debug, Serialize)]
struct Forms {
    forms: Vec<(String, String)>,
}

pub(super) async fn setup(here: &Surroundings, args: &TypeformArgs) -> Result<(), miette::Report> {
    let ground = Ground::open(here, args.yes)?;
    let connection = ground.connection(TOOL, args.connection.as_deref())?;
    let api = ground.api(connection)?;
    let saved = match (&args.sample, &api) {
        (Some(path), _) => ground::sample(path)?,
        (None, Err((why, help))) => return Err(SetupFailure::NoWay { why: why.clone(), help: help.clone() }.into()),
        (None, Ok(api)) => match chosen(api, args.form.as_deref()).await.map_err(refused)? {
            Ok(saved) => saved,
            Err(forms) => return Ok(here.answer(&forms, |forms| list(forms, here.style))?),
        },
    };
    let form = Form::of(&saved).ok_or_else(|| SetupFailure::OddSample {
        path: args.sample.clone().unwrap_or_default(),
        what: "expected a form: an answer of `GET /forms/{id}`, best together with one of `GET /forms/{id}/responses`"
            .to_owned(),
    })?;
    let roles = form::roles(&form);
    let pairs: Vec<(&str, &str)> = roles.iter().filter_map(Role::sure).collect();
    let next = patch::mapped(&ground.connections, connection.name.as_str(), OBJECT, &pairs);
    let change = ground.write(&next.map_err(SetupFailure::Unpatchable)?)?;
    let found = Found {
        answers: previews(&form, connection, &pairs, here),
        webhook: webhook(&ground, connection, api.ok().as_ref(), &form.id, args.yes).await,
        form: form.id,
        title: form.title,
        roles,
        change,
    };
    here.answer(&found, |found| text(found, here.style))?;
    Ok(())
}

/// The form and its latest answers, or the forms to choose from.
async fn chosen(api: &Api, form: Option<&str>) -> Result<Result<Vec<Value>, Forms>, GetError> {
    let told = read(api, "/forms?page_size=200").await?;
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let forms: Vec<_> =
        told["items"].as_array().into_iter().flatten().map(|one| (word(&one["id"]), word(&one["title"]))).collect();
    let id = match (form, &forms[..]) {
        (Some(id), _) => id.to_owned(),
        (None, [(id, _)]) => id.clone(),
        (None, _) => return Ok(Err(Forms { forms })),
    };
    if !form::is_id(&id) {
        return Ok(Err(Forms { forms }));
    }
    let definition = read(api, &format!("/forms/{id}")).await?;
    Ok(Ok(vec![definition, read(api, &format!("/forms/{id}/responses?page_size=25&completed=true")).await?]))
}

fn refused(error: GetError) -> SetupFailure {
    SetupFailure::Vendor { vendor: "Typeform", reason: error.to_string() }
}

/// The first answers as the connector reads them with the proposed mapping.
fn previews(form: &Form, connection: &Connection, pairs: &[(&str, &str)], here: &Surroundings) -> Vec<Preview> {
    let fields = pairs.iter().filter_map(|(field, name)| Some((field.parse::<Field>().ok()?, (*name).to_owned())));
    let mapping =
        Mapping { objects: BTreeMap::from([(OBJECT.to_owned(), fields.collect())]), ..connection.mapping.clone() };
    let Some(connector) = connectors::by_name(TOOL) else { return vec![] };
    let read = |(at, answer): (usize, &Value)| {
        let name = answer["submitted_at"].as_str().map(|at| format!("answered {at}"));
        let body = json!({ "event_id": format!("sample-{at}"), "event_type": "form_response", "form_response": {
            "form_id": form.id, "token": answer["token"], "landed_at": answer["landed_at"],
            "submitted_at": answer["submitted_at"], "hidden": answer["hidden"],
            "definition": { "id": form.id, "fields": form.fields }, "answers": answer["answers"],
        } });
        let read = connector.normalize(&delivery(body.to_string(), here.now), &mapping);
        Preview::of(&name.unwrap_or_else(|| format!("answer {}", at + 1)), &read)
    };
    form.answers.iter().take(SHOWN).enumerate().map(read).collect()
}

/// Makes the form's webhook, or says what is missing for it.
async fn webhook(ground: &Ground, connection: &Connection, api: Option<&Api>, form: &str, yes: bool) -> String {
    let name = &connection.name;
    let Some(address) = hook(connection) else {
        return format!(
            "not made: nobody says at which address Typeform reaches us; add public_url = \"https://…\" under \
             [connection.{name}] in connections.toml and run this again"
        );
    };
    let Some(held) = ground.secrets.connections.get(name) else {
        return format!(
            "not made: add [connections.{name}] with secret = \"…\" to the file of secrets and run this again"
        );
    };
    let by_hand = format!(
        "Typeform: the form → Connect → Webhooks → Add a webhook: {address}; Edit → Secret: the one under \
         [connections.{name}] in the file of secrets; then switch it on"
    );
    let Some(api) = api else { return format!("not made, for there is no token. By hand: {by_hand}") };
    if !yes {
        return format!("with --yes, answers of the form are sent to {address}, signed with the connection's secret");
    }
    if !form::is_id(form) {
        return format!("not made: the form has no id. By hand: {by_hand}");
    }
    let body = json!({ "url": address, "enabled": true, "secret": held.secret, "verify_ssl": true });
    match api.put(&format!("/forms/{form}/webhooks/{TAG}"), &body).await {
        Ok(_) => format!("made, and switched on: answers of the form are sent to {address}"),
        Err(error) => format!("not made: {error}. It takes the scope webhooks:write. By hand: {by_hand}"),
    }
}

fn list(forms: &Forms, style: Style) -> String {
    let mut table = Table::new([("form", Align::Left), ("title", Align::Left)]);
    for (id, title) in &forms.forms {
        table.row([id.clone(), title.clone()]);
    }
    format!("{}\nChoose one of them: barometer setup typeform --form ID\n", table.show(style))
}

fn text(found: &Found, style: Style) -> String {
    let mut text = format!("{}\n", style.bold(&format!("Form {}: {}", safe(&found.form), safe(&found.title))));
    let mut table =
        Table::new([("field", Align::Left), ("question", Align::Left), ("sure", Align::Left), ("why", Align::Left)]);
    for role in &found.roles {
        let (name, sure) = (role.name.as_deref().unwrap_or("–"), role.sure.map_or("–", |sure| sure.as_str()));
        table.row([role.field.to_owned(), name.to_owned(), sure.to_owned(), role.why.clone()]);
    }
    text.push_str(&table.show(style));
    text.extend(found.answers.iter().map(Preview::show));
    if found.answers.is_empty() {
        text.push_str("\nNobody has answered yet, so nothing can be shown of it.\n");
    }
    text.push_str(&found.change.show());
    text.push_str(&format!("\n{}\n{}\n", style.bold("The form's webhook"), safe(&found.webhook)));
    if !found.change.written {
        text.push_str("\nNothing was changed; --yes writes the mapping and makes the webhook.\n");
    }
    text
}
