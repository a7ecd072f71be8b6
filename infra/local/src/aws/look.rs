//! What `barometer doctor` asks of a deployed stack beyond what it asks of a host: how it was deployed, which alarms are on,
//! what was given up, and whether what was posted to it was read.
//!
//! Followed: "DescribeAlarms" (Amazon CloudWatch API reference), "ListEventSourceMappings" (AWS Lambda API reference) and
//! "FilterLogEvents" (Amazon CloudWatch Logs API reference), from general knowledge of 2026-11.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use config::Config;
use config::secrets::{AwsKey, ConnectionSecrets, SecretsFile};
use http::header::CONTENT_TYPE;
use jiff::SignedDuration;
use model::{DeliveryId, Family, Mode, Moment};
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Aws, Operation, Unanswered};
use super::resources::{Description, Resources};
use super::{below, operated, reached, xml};
use crate::api::{ConnectionRow, DoctorReport, DoctorRequest, RedriveLook, RedriveQuery, SelfTest};
use crate::failure::Failure;
use crate::host::doctor::checks::Checks;
use crate::host::doctor::place::{Deployment, Place};
use crate::host::{HostError, Operator};
use crate::show::{count, instant};

const ALARMS: Operation = Operation { service: "monitoring", name: "DescribeAlarms" };
/// The version of CloudWatch's API that is spoken.
const ALARMS_VERSION: &str = "2010-08-01";
const MAPPINGS: Operation = Operation { service: "lambda", name: "ListEventSourceMappings" };
const LOGS: Operation = Operation { service: "logs", name: "FilterLogEvents" };
/// A log shows what a function says some seconds after it said it, so it is looked at so often, so far apart: half a minute
/// in all.
const LOOKS: u32 = 15;
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A deployed stack that is looked at.
pub(crate) struct Deployed {
    aws: Aws,
    resources: Resources,
    status: String,
    place: Place,
    secrets: SecretsFile,
    operator: Operator,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Mappings {
    #[serde(default)]
    event_source_mappings: Vec<Mapping>,
    next_marker: Option<String>,
}

#[derive(Deserialize)]
struct Mapping {
    #[serde(rename = "UUID")]
    uuid: String,
    #[serde(rename = "State")]
    state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Logged {
    #[serde(default)]
    events: Vec<LogEvent>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct LogEvent {
    message: String,
}

/// The stack called `stack`, which runs with this configuration. Region and key are those of the environment.
pub(crate) async fn deployed(stack: &str, config: Config) -> Result<Deployed, miette::Report> {
    Deployed::of(reached()?, stack, config).await
}

impl Deployed {
    pub(super) async fn of(aws: Aws, stack: &str, config: Config) -> Result<Self, miette::Report> {
        let resources = Resources::of(&aws, stack).await?;
        let description = Description::of(&aws, stack).await?;
        let name = resources.physical("Bus")?;
        let secrets = held(&aws, &name, &config).await?;
        let hooks = Family::WEBHOOKS.into_iter();
        let hooks = hooks.filter_map(|family| Some((family, description.hooks(family)?.to_owned()))).collect();
        let region = aws.settings.region.clone();
        let place = Place::Aws(Deployment { stack: stack.to_owned(), name, region, hooks });
        let operator = operated(&aws, resources.clone(), config, secrets.clone())?;
        Ok(Self { status: description.status, aws, resources, place, secrets, operator })
    }

    /// The connections that take deliveries, each with the stack's own address for it.
    pub(crate) fn connections(&self) -> Vec<(ConnectionRow, String)> {
        let Place::Aws(Deployment { hooks, .. }) = &self.place else { return vec![] };
        let has_secret = |name| self.secrets.connections.get(name).is_some_and(|held| !held.secret.is_empty());
        let taking = self.operator.config().connections.iter().filter(|it| it.enabled && has_secret(&it.name));
        taking.filter_map(|it| Some((ConnectionRow::of(it, true), hooks.get(&it.family)?.clone()))).collect()
    }

    /// What deliveries are signed with.
    pub(crate) fn secrets(&self) -> &SecretsFile {
        &self.secrets
    }

    /// The time by which they are.
    pub(crate) fn now(&self) -> Moment {
        self.aws.clock.now()
    }

    /// Waits until what was kept of these is read, within bounds, and notes it.
    pub(crate) async fn note_read(&self, tests: &mut [SelfTest], since: Moment) -> Result<(), HostError> {
        let mut kept = BTreeSet::new();
        for test in tests.iter().filter(|test| test.status == Some(200) && test.through.is_none()) {
            if self.operator.store().delivery(&test.delivery).await?.is_some() {
                kept.insert(test.delivery.clone());
            }
        }
        if kept.is_empty() {
            return Ok(());
        }
        let read = self.read_of(&kept, since).await;
        for test in tests.iter_mut().filter(|test| kept.contains(&test.delivery)) {
            match &read {
                Ok(read) => test.is_read = read.contains(&test.delivery),
                Err(why) => test.unseen = Some(told(why)),
            }
        }
        Ok(())
    }

    /// Which of these deliveries `normalize` says in its log that it has read: they leave no other trace.
    async fn read_of(&self, kept: &BTreeSet<DeliveryId>, since: Moment) -> Result<BTreeSet<DeliveryId>, Failure> {
        let mut read = BTreeSet::new();
        for _ in 0..LOOKS {
            read = self.logged(kept, since).await?;
            if read.len() == kept.len() {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(read)
    }

    async fn logged(&self, kept: &BTreeSet<DeliveryId>, since: Moment) -> Result<BTreeSet<DeliveryId>, Failure> {
        let group = self.resources.physical("NormalizeLogs")?;
        // Clocks may differ by that much.
        let from = since.plus(SignedDuration::from_mins(-5));
        let mark = kept.first().and_then(|id| id.as_str().split_once(':')).map_or("self-test", |(_, mark)| mark);
        let mut asked = json!({
            "logGroupName": group, "startTime": from.as_millis(), "filterPattern": format!("\"{mark}\""),
        });
        let mut read = BTreeSet::new();
        loop {
            let page =
                self.logs(&asked).await.map_err(|it| self.aws.failure(LOGS, &format!("log-group:{group}"), it))?;
            let says =
                |id: &DeliveryId| page.events.iter().any(|it| it.message.contains(&format!("`{id}` normalised")));
            read.extend(kept.iter().filter(|id| says(id)).cloned());
            let Some(next) = page.next_token else { return Ok(read) };
            asked["nextToken"] = Value::String(next);
        }
    }

    async fn logs(&self, asked: &Value) -> Result<Logged, Unanswered> {
        let request = http::Request::post(format!("{}/", self.aws.base(LOGS.service)))
            .header(CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", format!("Logs_20140328.{}", LOGS.name))
            .body(Bytes::from(asked.to_string()));
        let request = request.map_err(|error| Unanswered::Silent(error.to_string()))?;
        let answer = self.aws.call(LOGS, &request).await?;
        serde_json::from_slice(answer.body()).map_err(|error| Unanswered::Silent(error.to_string()))
    }

    /// Looks at all of it. Nothing is changed.
    pub(crate) async fn look(&self, request: &DoctorRequest) -> Result<DoctorReport, HostError> {
        let mut checks = Checks::default();
        checks.about("stack");
        self.deployment(&mut checks);
        self.alarms(&mut checks).await;
        self.readers(&mut checks).await;
        self.given_up(&mut checks).await?;
        self.sending(&mut checks).await?;
        let (rest, _) = self.operator.looked_at(request, &self.place, &self.secrets).await?;
        checks.rows.extend(rest);
        Ok(self.operator.report(checks.rows))
    }

    fn named(&self) -> (&str, &str) {
        match &self.place {
            Place::Aws(Deployment { stack, region, .. }) => (stack, region),
            Place::Here => ("", ""),
        }
    }

    /// Whether what was deployed last is what runs.
    fn deployment(&self, checks: &mut Checks) {
        let ((stack, region), status) = (self.named(), &self.status);
        if status.contains("FAILED") || status.contains("ROLLBACK") {
            let mend = format!(
                "`aws cloudformation describe-stack-events --region {region} --stack-name {stack}` says why; mend that and \
                 deploy again"
            );
            return checks.mend("deployed", format!("the last deployment did not go through ({status})"), mend);
        }
        checks.ok("deployed", format!("{stack} in {region} ({status})"));
    }

    /// The stack's alarms that are on.
    async fn alarms(&self, checks: &mut Checks) {
        const CHECK: &str = "alarms";
        let (stack, region) = self.named();
        let prefix = format!("{stack}-");
        let (mut on, mut next) = (Vec::new(), None::<String>);
        loop {
            let mut asked = vec![("StateValue", "ALARM"), ("AlarmNamePrefix", prefix.as_str())];
            asked.extend(next.as_deref().map(|next| ("NextToken", next)));
            let page = match self.aws.query(ALARMS, ALARMS_VERSION, &asked).await {
                Ok(page) => page,
                Err(unanswered) => return unasked(CHECK, &self.aws.failure(ALARMS, "*", unanswered), checks),
            };
            let names = xml::elements(&page, "AlarmName").into_iter().map(xml::unescaped);
            // Another stack's name may begin like this one's.
            on.extend(names.filter_map(|name| self.resources.logical(&name)));
            next = xml::text(&page, "NextToken");
            if next.is_none() {
                break;
            }
        }
        if on.is_empty() {
            return checks.ok(CHECK, "none is on");
        }
        let mend = format!(
            "`aws cloudwatch describe-alarms --region {region} --state-value ALARM --alarm-name-prefix {prefix}` says what \
             each looks at and since when"
        );
        checks.mend(CHECK, format!("on: {}", on.join(", ")), mend);
    }

    /// Whether functions read their streams and queues.
    async fn readers(&self, checks: &mut Checks) {
        const CHECK: &str = "readers";
        let all = match self.mappings().await {
            Ok(all) => all,
            Err(failure) => return unasked(CHECK, &failure, checks),
        };
        // The account may have others.
        let ours: Vec<_> = all.iter().filter_map(|it| Some((self.resources.logical(&it.uuid)?, it))).collect();
        let is_off = |it: &Mapping| it.state.starts_with("Disabl");
        let off: Vec<_> = ours.iter().filter(|(_, it)| is_off(it)).collect();
        if let Some((_, first)) = off.first() {
            let names: Vec<&str> = off.iter().map(|(name, _)| name.as_str()).collect();
            let (_, region) = self.named();
            let mend = format!(
                "aws lambda update-event-source-mapping --region {region} --uuid {} --enabled{}",
                first.uuid,
                if off.len() > 1 { ", and so on for each" } else { "" }
            );
            return checks.mend(CHECK, format!("switched off: {}", names.join(", ")), mend);
        }
        let all = count(ours.len() as u64, "stream or queue is", "streams and queues are");
        checks.ok(CHECK, format!("{all} read by functions"));
    }

    async fn mappings(&self) -> Result<Vec<Mapping>, Failure> {
        let (mut all, mut next) = (Vec::new(), None::<String>);
        loop {
            let silent = |error: &dyn ToString| self.aws.failure(MAPPINGS, "*", Unanswered::Silent(error.to_string()));
            let url = format!("{}/2015-03-31/event-source-mappings/", self.aws.base(MAPPINGS.service));
            let url = match &next {
                None => url,
                Some(next) => reqwest::Url::parse_with_params(&url, [("Marker", next)])
                    .map_err(|error| silent(&error))?
                    .to_string(),
            };
            let request = http::Request::get(url).body(Bytes::new()).map_err(|error| silent(&error))?;
            let page = self.aws.call(MAPPINGS, &request).await;
            let page = page.map_err(|it| self.aws.failure(MAPPINGS, "*", it))?;
            let page: Mappings = serde_json::from_slice(page.body()).map_err(|error| silent(&error))?;
            all.extend(page.event_source_mappings);
            next = page.next_marker;
            if next.is_none() {
                return Ok(all);
            }
        }
    }

    /// What failed to the end, and waits for somebody.
    async fn given_up(&self, checks: &mut Checks) -> Result<(), HostError> {
        const CHECK: &str = "given up";
        let look = match self.operator.redrive_look(&RedriveQuery { since: None }).await {
            Ok(look) => look,
            Err(HostError::Aws(failure)) => {
                unasked(CHECK, &failure, checks);
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        let RedriveLook { letters, failures, overdue, deliveries: _ } = look;
        let mut left: Vec<String> = letters
            .iter()
            .map(|it| format!("{} in {}", count(it.letters.into(), "letter", "letters"), it.queue))
            .collect();
        let mut batches: BTreeMap<&str, u64> = BTreeMap::new();
        failures.iter().for_each(|it| *batches.entry(&it.function).or_default() += 1);
        left.extend(batches.iter().map(|(of, n)| format!("{} of {of}", count(*n, "failed batch", "failed batches"))));
        if !overdue.is_empty() {
            let accounts = count(overdue.len() as u64, "account", "accounts");
            left.push(format!("{accounts} whose moment passed without a look"));
        }
        if left.is_empty() {
            checks.ok(CHECK, "nothing");
        } else {
            let mend = "see what the logs say of it and mend that; then `barometer redrive --aws` does it again";
            checks.mend(CHECK, left.join(", "), mend);
        }
        Ok(())
    }

    /// Whether anything is sent.
    async fn sending(&self, checks: &mut Checks) -> Result<(), HostError> {
        const CHECK: &str = "sending";
        let (paused_at, modes) = self.operator.store().switches().await?;
        let live = modes.iter().filter(|(_, _, mode)| *mode == Mode::Live).count();
        match paused_at {
            Some(at) => {
                let mend = "`barometer resume --aws` lets it go on, where nobody holds it for a reason";
                checks.mend(CHECK, format!("paused since {}: nothing is sent", instant(at)), mend);
            }
            None if live == 0 => {
                let how = "`barometer golive --aws --dry-run` shows what would be sent first";
                checks.unknown(CHECK, "everything observes", Some(how.to_owned()));
            }
            None => {
                let live = count(live as u64, "switch is", "switches are");
                checks.ok(CHECK, format!("{live} live; modes.toml is the ceiling"));
            }
        }
        Ok(())
    }
}

/// Something that AWS does not tell, which is no finding.
fn unasked(check: &str, failure: &Failure, checks: &mut Checks) {
    let how = miette::Diagnostic::help(failure).map(|help| help.to_string());
    checks.unknown(check, format!("not known: {failure}"), how);
}

/// Why, and what to do about it.
fn told(failure: &Failure) -> String {
    match miette::Diagnostic::help(failure) {
        Some(help) => format!("{failure}: {help}"),
        None => failure.to_string(),
    }
}

/// What the stack's functions check requests with and call others with.
async fn held(aws: &Aws, name: &str, config: &Config) -> Result<SecretsFile, Failure> {
    let mut file = super::secrets(aws, name).await?;
    let tokens = below(aws, &format!("/{name}/fetch")).await?;
    let enabled = || config.connections.iter().filter(|connection| connection.enabled);
    let families: BTreeSet<Family> = enabled().map(|connection| connection.family).collect();
    for family in families {
        let held = below(aws, &format!("/{name}/{family}")).await?;
        for connection in enabled().filter(|connection| connection.family == family) {
            let named = |what: &str| held.get(&format!("{}/{what}", connection.name));
            let (secret, previous) = (named("secret"), named("previous"));
            let token = tokens.get(&format!("{}/token", connection.name));
            if secret.is_none() && token.is_none() {
                continue;
            }
            let text = |held: &runtime::secrets::Secret| held.reveal().to_owned();
            let secrets = ConnectionSecrets {
                secret: secret.map(text).unwrap_or_default(),
                previous: previous.map(text),
                token: token.map(text),
            };
            file.connections.insert(connection.name.clone(), secrets);
        }
    }
    // SES is asked with the key of who asks; mail itself is signed with the role of the function that sends it.
    let (settings, key) = (&aws.settings, &aws.settings.credentials);
    let email = file.destinations.entry("email".to_owned()).or_default();
    email.base_url.clone_from(&settings.endpoint);
    email.aws = Some(AwsKey {
        region: settings.region.clone(),
        access_key_id: key.access_key_id().to_owned(),
        secret_access_key: key.secret_access_key().to_owned(),
        session_token: key.session_token().map(str::to_owned),
    });
    Ok(file)
}

#[cfg(test)]
#[path = "look_tests.rs"]
mod tests;
