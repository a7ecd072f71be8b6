//! The calls, and their answers sorted by what to do next. Every one of them can be made again without harm.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{Method, Response};
use model::ActionId;
use runtime::seam::{Call, Seam, Target};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::company;
use super::task::{self, ACTION_ID, OWNER};
use crate::form;
use crate::slack::text::shown;
use crate::vendor::ApiToken;

const HUBSPOT: &str = "https://api.hubapi.com";
/// How long HubSpot is left alone when the calls of a day are used up and it does not say until when.
const DAY_IS_USED_UP: u64 = 3_600;
/// The code of an error that names a property which is not there.
const MISSING_PROPERTY: &str = "PROPERTY_DOESNT_EXIST";
/// What HubSpot asks to wait before a locked record is tried again.
const LOCKED: u64 = 2;

/// What became of a task or company that was to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// It is as it should be.
    Done {
        /// HubSpot's id of it.
        id: String,
    },
    /// Somebody deleted it, or it was never made.
    Gone,
}

/// Why something is not as it should be, by what to do next. Reasons hold no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// HubSpot asks for fewer calls, of all of us: nobody calls it before `after_s` seconds have passed.
    #[error("HubSpot asks for fewer calls")]
    SlowDown {
        /// How long, where it said so.
        after_s: Option<u64>,
    },
    /// Not now; the same call may well succeed later.
    #[error("{reason}")]
    Retry {
        /// Why.
        reason: String,
    },
    /// HubSpot does not know the token.
    #[error("HubSpot refuses the token (401): store the access token of a private app that exists")]
    Unauthorized,
    /// The person it is for cannot own a task there; without them it can be made.
    #[error("{reason}")]
    NoSuchOwner {
        /// What HubSpot says.
        reason: String,
    },
    /// It stays refused until somebody changes something.
    #[error("{reason}")]
    Refused {
        /// Why, and what to do about it.
        reason: String,
    },
}

/// HubSpot's CRM API.
#[derive(Debug, Clone)]
pub struct HubSpot {
    seam: Seam,
    url: String,
    token: ApiToken,
}

/// What a call is for, which says the scope that it needs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    ReadOwners,
    WriteTask,
    WriteCompany,
    /// It reads or makes what a portal has, for which it needs this.
    SetUp(&'static str),
}

impl Purpose {
    fn scope(self) -> &'static str {
        match self {
            Self::ReadOwners => "crm.objects.owners.read",
            // Tasks have no scope of their own.
            Self::WriteTask => "crm.objects.contacts.write",
            Self::WriteCompany => "crm.objects.companies.write",
            Self::SetUp(scope) => scope,
        }
    }
}

#[derive(Deserialize)]
struct Owners {
    results: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

/// The answer to a batch: what is there, and of 207 what is not.
#[derive(Deserialize)]
struct Batch {
    #[serde(default)]
    results: Vec<Named>,
    #[serde(default)]
    errors: Vec<Problem>,
}

/// An error as HubSpot writes them; every part can be missing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    message: String,
    category: String,
    code: String,
    #[serde(rename = "policyName")]
    policy: String,
    context: Map<String, Value>,
    errors: Vec<Problem>,
}

impl HubSpot {
    /// HubSpot behind `seam`; `base_url` replaces `https://api.hubapi.com`.
    pub fn new(seam: Seam, base_url: Option<String>, token: ApiToken) -> Self {
        let url = base_url.unwrap_or_else(|| HUBSPOT.to_owned());
        Self { seam, url: url.trim_end_matches('/').to_owned(), token }
    }

    /// The id of the owner with this email address; `None` where HubSpot knows none, or only one who left.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn owner(&self, email: &str) -> Result<Option<String>, WriteError> {
        let path = format!("/crm/v3/owners?email={}&limit=1&archived=false", form::value(email));
        let response = self.call(Method::GET, "owners", &path, None).await?;
        if response.status() != 200 {
            return Err(judge(&response, Purpose::ReadOwners));
        }
        let owners: Owners = serde_json::from_slice(response.body()).map_err(|_| strange(&response))?;
        Ok(owners.results.into_iter().next().map(|owner| owner.id))
    }

    /// Makes the task with these properties, or makes the one that is there as they say; its id.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn upsert(&self, properties: &Map<String, Value>, owner_id: Option<&str>) -> Result<String, WriteError> {
        let body = task::upsert(properties, owner_id);
        let response = self.call(Method::POST, "upsert task", task::UPSERT, Some(&body)).await?;
        if !matches!(response.status().as_u16(), 200 | 201 | 207) {
            return Err(judge(&response, Purpose::WriteTask));
        }
        let batch: Batch = serde_json::from_slice(response.body()).map_err(|_| strange(&response))?;
        match (batch.results.into_iter().next(), batch.errors.first()) {
            (Some(made), _) => Ok(made.id),
            (None, Some(problem)) => Err(refusal(207, problem, Purpose::WriteTask)),
            (None, None) => Err(strange(&response)),
        }
    }

    /// Puts a task on a company.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn associate(&self, task: &str, company: &str) -> Result<(), WriteError> {
        let response = self.call(Method::PUT, "associate task", &task::association(task, company), None).await?;
        match response.status().as_u16() {
            200 | 201 | 204 => Ok(()),
            404 => {
                let reason = format!("task {task} is made, but HubSpot has no company {company} to put it on (404)");
                Err(WriteError::Refused { reason })
            }
            _ => Err(judge(&response, Purpose::WriteTask)),
        }
    }

    /// The task that `made_by` made belongs to this owner, or to nobody.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn hand_over(&self, made_by: &ActionId, owner_id: Option<&str>) -> Result<Changed, WriteError> {
        self.change(made_by, &task::handed_over(owner_id)).await
    }

    /// The task that `made_by` made is done.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn complete(&self, made_by: &ActionId) -> Result<Changed, WriteError> {
        self.change(made_by, &task::completed()).await
    }

    async fn change(&self, made_by: &ActionId, properties: &Map<String, Value>) -> Result<Changed, WriteError> {
        let body = task::change(properties);
        let response = self.call(Method::PATCH, "update task", &task::by_action(made_by), Some(&body)).await?;
        match response.status().as_u16() {
            200 => {
                let task: Named = serde_json::from_slice(response.body()).map_err(|_| strange(&response))?;
                Ok(Changed::Done { id: task.id })
            }
            404 => Ok(Changed::Gone),
            _ => Err(judge(&response, Purpose::WriteTask)),
        }
    }

    /// The company shows these values of ours.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn write(&self, company: &str, properties: &Map<String, Value>) -> Result<Changed, WriteError> {
        let (path, body) = (company::company(company), task::change(properties));
        let response = self.call(Method::PATCH, "update company", &path, Some(&body)).await?;
        match response.status().as_u16() {
            200 => {
                let company: Named = serde_json::from_slice(response.body()).map_err(|_| strange(&response))?;
                Ok(Changed::Done { id: company.id })
            }
            404 => Ok(Changed::Gone),
            _ => Err(judge(&response, Purpose::WriteCompany)),
        }
    }

    /// The token itself, for the question what it is allowed.
    pub(super) fn token_text(&self) -> String {
        self.token.text()
    }

    /// Makes one call and never a second; a redirection is not followed, so that the token goes nowhere else.
    pub(super) async fn call(
        &self,
        method: Method,
        operation: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response<Bytes>, WriteError> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header(AUTHORIZATION, self.token.header())
            .header(USER_AGENT, "barometer");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(body.map(|body| Bytes::from(body.to_string())).unwrap_or_default())
            .map_err(|_| refused("its address cannot be called: check `base_url` of HubSpot"))?;
        let call = Call { target: Target::HubSpot, operation: operation.to_owned(), request };
        // Whatever became of a call without an answer: the next one finds it done, or does it.
        self.seam.call(call).await.map_err(|error| retry(error.to_string()))
    }
}

fn retry(reason: impl Into<String>) -> WriteError {
    WriteError::Retry { reason: reason.into() }
}

fn refused(reason: impl Into<String>) -> WriteError {
    WriteError::Refused { reason: reason.into() }
}

/// Something between us and HubSpot answers in its place.
pub(super) fn strange(response: &Response<Bytes>) -> WriteError {
    let status = response.status();
    refused(format!("answered {status}, which is not one of HubSpot's answers: check `base_url` and proxies"))
}

pub(super) fn judge(response: &Response<Bytes>, purpose: Purpose) -> WriteError {
    let status = response.status().as_u16();
    let after_s = || response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let problem: Problem = serde_json::from_slice(response.body()).unwrap_or_default();
    match status {
        401 => WriteError::Unauthorized,
        423 => WriteError::SlowDown { after_s: after_s().or(Some(LOCKED)) },
        429 if problem.policy == "DAILY" => WriteError::SlowDown { after_s: after_s().or(Some(DAY_IS_USED_UP)) },
        429 | 477 => WriteError::SlowDown { after_s: after_s() },
        408 | 425 | 500.. => retry(format!("HubSpot answered {status}")),
        _ => refusal(status, &problem, purpose),
    }
}

/// What to do about an answer that stays the same however often it is asked for.
fn refusal(status: u16, problem: &Problem, purpose: Purpose) -> WriteError {
    let said = shown(&problem.message, 300).map(|text| format!(": {text}")).unwrap_or_default();
    let all = || std::iter::once(problem).chain(&problem.errors);
    if status == 403 || problem.category == "MISSING_SCOPES" {
        let named = all().flat_map(|problem| scopes(&problem.context)).filter(|scope| *scope != purpose.scope());
        let named: Vec<_> = named.collect();
        let also = if named.is_empty() { String::new() } else { format!(" (HubSpot names {})", named.join(", ")) };
        return refused(format!("HubSpot refuses (403): give the private app the scope {}{also}", purpose.scope()));
    }
    let is_missing = |problem: &Problem| {
        problem.code == MISSING_PROPERTY
            || problem.message.contains(MISSING_PROPERTY)
            || problem.message.contains("does not exist")
    };
    if matches!(purpose, Purpose::WriteCompany) && all().any(is_missing) {
        let todo = "a property of ours is missing, which `barometer setup hubspot --yes` makes (then `barometer golive \
                    --playbook write-back` writes what was refused)";
        return refused(format!("HubSpot refuses ({status}): {todo}{said}"));
    }
    if all().any(|problem| problem.message.contains(OWNER)) {
        return WriteError::NoSuchOwner { reason: format!("HubSpot does not take the owner ({status}){said}") };
    }
    if all().any(|problem| problem.message.contains(ACTION_ID)) {
        let todo = format!("make the property {ACTION_ID} of tasks, which `barometer setup hubspot --yes` does");
        return refused(format!("HubSpot refuses ({status}): {todo}{said}"));
    }
    match status {
        300..=399 => refused(format!("HubSpot answered {status}: `base_url` is not the address of its API")),
        _ => refused(format!("HubSpot refuses ({status}){said}")),
    }
}

/// The scopes that an error names, under any of the names it has for them.
fn scopes(context: &Map<String, Value>) -> Vec<&str> {
    let lists = ["requiredGranularScopes", "requiredScopes", "missingScopes"];
    lists.into_iter().filter_map(|name| context.get(name)?.as_array()).flatten().filter_map(Value::as_str).collect()
}
