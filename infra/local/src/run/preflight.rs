//! `barometer preflight`: would a deployment on AWS work? Asked before anything is made.

mod account;
#[cfg(test)]
mod tests;

use config::{Config, Connection};
use model::{Family, Moment};
use runtime::aws::AwsSettings;
use runtime::env::Environment;
use runtime::seam::Seam;
use runtime::secrets::Secrets;

use super::{Surroundings, check};
use crate::api::{CheckRow, CheckState, DoctorReport};
use crate::cli::PreflightArgs;
use crate::failure::Failure;
use crate::show;

/// Bytes a secret has at least, as in the file of secrets.
const SHORTEST_SECRET: usize = 16;

/// Carries the command out; needs no host.
pub(super) async fn preflight(here: &Surroundings, args: &PreflightArgs) -> Result<(), miette::Report> {
    let (config, _) = check::passed(here)?;
    let mut environment = Environment::default();
    let aws = AwsSettings::from_env(&mut environment);
    let checks = match environment.finish() {
        Err(missing) => {
            let mend = "`aws configure` or `aws sso login`, and `make deploy`, which takes what the AWS CLI would; or export them";
            vec![to_mend("aws", "environment", missing.to_string(), mend)]
        }
        Ok(()) => {
            let seam = Seam::network().map_err(|error| Failure::Refused {
                message: format!("no network: {error}"),
                help: Some("see whether this machine has certificates (Debian: ca-certificates)".to_owned()),
            })?;
            look(&seam, &aws, &config, args, here.now).await
        }
    };
    let to_mend = checks.iter().filter(|row| row.state == CheckState::Mend).count();
    let to_mend = u32::try_from(to_mend).unwrap_or(u32::MAX);
    let report = DoctorReport { as_of: here.now, checks, to_mend };
    here.answer(&report, |report| show::doctor(report, here.style))?;
    match to_mend {
        0 => Ok(()),
        findings => Err(Failure::NotReady { findings }.into()),
    }
}

/// Every check, in the order in which they are best mended.
async fn look(seam: &Seam, aws: &AwsSettings, config: &Config, args: &PreflightArgs, now: Moment) -> Vec<CheckRow> {
    if !is_a_region(&aws.region) {
        let says = format!("`{}` is not the name of a region", aws.region);
        return vec![to_mend("aws", "region", says, "export AWS_REGION, such as eu-central-1 or us-east-1")];
    }
    let mut checks = vec![ok("aws", "region", aws.region.clone())];
    checks.push(account::concurrency(seam, aws, args.reserved_concurrency, now).await);
    // Nothing else is worth asking of a region, or with a key, that does not answer.
    if checks.iter().any(|row| row.state == CheckState::Mend && row.check == account::ANSWER) {
        return checks;
    }
    checks.extend(account::mail(seam, aws, config.mail.as_ref(), &args.sender, now).await);
    for family in Family::WEBHOOKS {
        checks.extend(secrets(seam, aws, config, family, args, now).await);
    }
    for destination in ["slack", "hubspot"] {
        checks.extend(moved(seam, aws, destination, args, now).await);
    }
    checks
}

/// Such as `eu-central-1` or `us-gov-west-1`; whether there is one of that name shows when it is asked.
fn is_a_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let [country, middle @ .., number] = parts.as_slice() else { return false };
    let letters = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    letters(country) && !middle.is_empty() && middle.iter().all(letters) && number.parse::<u8>().is_ok()
}

/// What the requests of a family's connections are checked with.
async fn secrets(
    seam: &Seam,
    aws: &AwsSettings,
    config: &Config,
    family: Family,
    args: &PreflightArgs,
    now: Moment,
) -> Vec<CheckRow> {
    let ours = |connection: &&Connection| connection.enabled && connection.family == family;
    let connections: Vec<&Connection> = config.connections.iter().filter(ours).collect();
    if connections.is_empty() {
        return vec![];
    }
    let path = format!("/{}/{family}", args.name);
    let held = match Secrets::in_ssm(seam, aws, &path).get(now).await {
        Ok(held) => held,
        Err(error) => {
            let mend = format!("allow ssm:GetParametersByPath on parameter{path} to whoever deploys");
            return vec![to_mend(&format!("secrets {path}"), account::ANSWER, error.to_string(), &mend)];
        }
    };
    let mut rows = Vec::new();
    for connection in connections {
        let (about, name) = (format!("connection {}", connection.name), format!("{}/secret", connection.name));
        let put =
            format!("aws ssm put-parameter --region {} --type SecureString --name {path}/{name} --value …", aws.region);
        rows.push(match held.get(&name).map(|secret| secret.reveal().len()) {
            None => to_mend(&about, "secret", format!("there is no parameter {path}/{name}"), &put),
            Some(bytes) if bytes < SHORTEST_SECRET => {
                let says =
                    format!("{path}/{name} has {bytes} bytes, which could be guessed; {SHORTEST_SECRET} are the least");
                to_mend(&about, "secret", says, &format!("{put} --overwrite, and the same at the tool"))
            }
            Some(_) => ok(&about, "secret", format!("{path}/{name} is there")),
        });
    }
    rows
}

/// What messages are sent with, where it still stands only in the place that earlier versions read.
async fn moved(seam: &Seam, aws: &AwsSettings, destination: &str, args: &PreflightArgs, now: Moment) -> Vec<CheckRow> {
    let (old, new) = (format!("/{}/{destination}", args.name), format!("/{}/destinations/{destination}", args.name));
    let (before, after) = (Secrets::in_ssm(seam, aws, &old), Secrets::in_ssm(seam, aws, &new));
    // Whoever may not read there deployed no earlier version.
    let (Ok(before), Ok(after)) = (before.get(now).await, after.get(now).await) else { return vec![] };
    let left = ["token", "webhook"].into_iter().filter(|name| before.contains_key(*name) && !after.contains_key(*name));
    left.map(|name| {
        let says = format!("{old}/{name} is not read any more, and there is no parameter {new}/{name}");
        let put =
            format!("aws ssm put-parameter --region {} --type SecureString --name {new}/{name} --value …", aws.region);
        let mend = format!(
            "{put}; after the deployment, aws ssm delete-parameter --region {} --name {old}/{name}",
            aws.region
        );
        to_mend(&format!("destination {destination}"), "secret", says, &mend)
    })
    .collect()
}

fn ok(about: &str, check: &str, says: String) -> CheckRow {
    CheckRow { about: about.to_owned(), check: check.to_owned(), state: CheckState::Ok, says, mend: None }
}

fn to_mend(about: &str, check: &str, says: String, mend: &str) -> CheckRow {
    CheckRow { state: CheckState::Mend, mend: Some(mend.to_owned()), ..ok(about, check, says) }
}
