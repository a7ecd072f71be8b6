//! `barometer preflight`: would a deployment on AWS work? Asked before anything is made.

mod account;
mod secrets;
mod stack;
#[cfg(test)]
mod tests;

use config::Config;
use model::{Family, Moment};
use runtime::aws::AwsSettings;
use runtime::env::Environment;
use runtime::seam::Seam;

use super::{Surroundings, check};
use crate::api::{CheckRow, CheckState, DoctorReport};
use crate::cli::PreflightArgs;
use crate::failure::Failure;
use crate::show;
use crate::template::parameter;

/// How the regions begin whose services have addresses that do not end in `amazonaws.com`, the only ones that are built in: in
/// China, the European sovereign cloud, and those of American and European agencies ("AWS partitions", General Reference, from
/// general knowledge of 2026-11).
const ELSEWHERE: [&str; 4] = ["cn-", "eusc-", "us-iso", "eu-iso"];

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
    let mut checks = parameters(args);
    checks.push(region(&aws.region));
    // Nobody is to be asked in a region, or below a name, that cannot be.
    if checks.iter().any(|row| row.state == CheckState::Mend) {
        return checks;
    }
    let limit = match account::limit(seam, aws, now).await {
        Ok(limit) => limit,
        // Nothing else is worth asking of a region, or with a key, that does not answer.
        Err(unanswered) => return [checks, vec![unanswered]].concat(),
    };
    let (stack, held) = stack::stack(seam, aws, args).await;
    checks.extend([stack, account::concurrency(&limit, args.reserved_concurrency, held)]);
    checks.extend(account::mail(seam, aws, config.mail.as_ref(), &args.sender, now).await);
    for family in Family::WEBHOOKS {
        checks.extend(secrets::of_family(seam, aws, config, family, args, now).await);
    }
    checks.extend(secrets::fetching(seam, aws, config, args, now).await);
    for (destination, names) in secrets::DESTINATIONS {
        checks.extend(secrets::sending(seam, aws, destination, names, args, now).await);
    }
    checks
}

/// What the template would not take; CloudFormation says so only after everything is built and packed.
fn parameters(args: &PreflightArgs) -> Vec<CheckRow> {
    let reserved = args.reserved_concurrency.to_string();
    let given = [
        ("sender", "SenderAddress", &args.sender, "deploy with SENDER=success@ourco.example, the address alone"),
        ("name", "Name", &args.name, "deploy with another NAME, such as barometer"),
        (
            "concurrency",
            "ReservedConcurrency",
            &reserved,
            "deploy with another RESERVED, or without, which reserves none",
        ),
    ];
    let refused = given.into_iter().filter_map(|(check, parameter, value, mend)| {
        let expected = parameter::refusal(parameter, value)?;
        Some(to_mend("parameters", check, format!("`{value}` will not do: {expected}"), mend))
    });
    refused.collect()
}

/// Whether a region may be deployed to, by its name alone.
fn region(name: &str) -> CheckRow {
    let row = |says: String| to_mend("aws", "region", says, "export AWS_REGION, such as eu-central-1 or us-east-1");
    if !is_a_region(name) {
        return row(format!("`{name}` is not the name of a region"));
    }
    if ELSEWHERE.iter().any(|begins| name.starts_with(begins)) {
        return row(format!("the addresses of `{name}` do not end in amazonaws.com, and no others are built in"));
    }
    ok("aws", "region", name.to_owned())
}

/// Such as `eu-central-1` or `us-gov-west-1`; whether there is one of that name shows when it is asked.
fn is_a_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let [country, middle @ .., number] = parts.as_slice() else { return false };
    let letters = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    letters(country) && !middle.is_empty() && middle.iter().all(letters) && number.parse::<u8>().is_ok()
}

fn ok(about: &str, check: &str, says: String) -> CheckRow {
    CheckRow { about: about.to_owned(), check: check.to_owned(), state: CheckState::Ok, says, mend: None }
}

fn to_mend(about: &str, check: &str, says: String, mend: &str) -> CheckRow {
    CheckRow { state: CheckState::Mend, mend: Some(mend.to_owned()), ..ok(about, check, says) }
}
