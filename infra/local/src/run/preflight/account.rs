//! What the account has in a region: room for the functions, and mail.
//!
//! Followed: "GetAccountSettings" (AWS Lambda API reference) and "Understanding Lambda function scaling", from general
//! knowledge of 2026-11.

use actions::ses::Ses;
use bytes::Bytes;
use config::Mail;
use model::{Family, Moment};
use runtime::aws::AwsSettings;
use runtime::logging::chain;
use runtime::seam::{Call, Seam, Target};
use runtime::signing::Signer;
use serde::Deserialize;

use super::{ok, to_mend};
use crate::api::{CheckRow, CheckState};

const ABOUT: &str = "aws";
/// The check that a service answers at all.
pub(super) const ANSWER: &str = "answer";
/// Lambda lets nobody reserve so much that fewer than this are left for functions without a reservation.
const LEFT_FOR_OTHERS: i64 = 100;
/// With fewer calls at a time a batch of deliveries makes functions wait for each other: new accounts begin with 10.
const FEW: i64 = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Settings {
    account_limit: Limit,
}

/// Calls that may run at a time.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Limit {
    concurrent_executions: i64,
    unreserved_concurrent_executions: i64,
}

/// Whether what each receiver is to have reserved can be had; -1 reserves none. Each has `held` of a stack that is there.
pub(super) fn concurrency(limit: &Limit, reserved: i64, held: i64) -> CheckRow {
    let quotas = "Service Quotas console, AWS Lambda, Concurrent executions, Request increase";
    let receivers = i64::try_from(Family::WEBHOOKS.len()).unwrap_or(i64::MAX);
    let (all, free) = (limit.concurrent_executions, limit.unreserved_concurrent_executions);
    // What the stack holds from an earlier deployment is not free, and still its own.
    let (wanted, held) = (reserved.saturating_mul(receivers), held.saturating_mul(receivers));
    if reserved > 0 && wanted > free.saturating_add(held) - LEFT_FOR_OTHERS {
        let says = format!(
            "{reserved} reserved for each of {receivers} receivers are {wanted}; of {all} calls at a time {free} are free \
             and {held} this stack's already, and {LEFT_FOR_OTHERS} must stay free"
        );
        return to_mend(ABOUT, "concurrency", says, &format!("reserve fewer or none (-1); or {quotas}"));
    }
    let mut row = ok(ABOUT, "concurrency", format!("{all} calls at a time, {free} of them free"));
    if all < FEW {
        row.says.push_str(", which is little: functions will wait for each other");
        row.mend = Some(quotas.to_owned());
    }
    row
}

/// How many calls may run at a time, or what is wrong.
pub(super) async fn limit(seam: &Seam, aws: &AwsSettings, now: Moment) -> Result<Limit, CheckRow> {
    told(seam, aws, now).await.map_err(|(says, mend)| to_mend(ABOUT, ANSWER, says, &mend))
}

/// The limit, or what is wrong and what mends it.
async fn told(seam: &Seam, aws: &AwsSettings, now: Moment) -> Result<Limit, (String, String)> {
    let region = &aws.region;
    let base = aws.endpoint.clone().unwrap_or_else(|| format!("https://lambda.{region}.amazonaws.com"));
    let odd =
        |what: String| (format!("Lambda in {region}: {what}"), "see whether a proxy answers in its place".to_owned());
    let request = http::Request::get(format!("{base}/2016-08-19/account-settings/")).body(Bytes::new());
    let mut request = request.map_err(|error| odd(error.to_string()))?;
    Signer::new("lambda", region, aws.credentials.clone()).sign(&mut request, now).map_err(odd)?;
    let call = Call { target: Target::Lambda, operation: "GetAccountSettings".to_owned(), request };
    let answer = seam.call(call).await.map_err(|error| {
        let mend = "see whether there is such a region, and whether this machine reaches it; `export AWS_REGION=…`";
        (format!("Lambda in {region} does not answer: {}", chain(&error)), mend.to_owned())
    })?;
    let status = answer.status();
    if status.as_u16() == 403 {
        let mend = "renew the credentials (`aws sso login`), enable the region (Account page, AWS Regions), or allow \
                    lambda:GetAccountSettings to whoever deploys";
        return Err((format!("Lambda in {region} refuses the key: {status}"), mend.to_owned()));
    }
    if !status.is_success() {
        return Err(odd(format!("answered {status}")));
    }
    let settings: Settings = serde_json::from_slice(answer.body()).map_err(|error| odd(error.to_string()))?;
    Ok(settings.account_limit)
}

/// Whether SES is there, and lets the sender send. Without `email.toml` no mail is written and nobody asks.
pub(super) async fn mail(
    seam: &Seam,
    aws: &AwsSettings,
    mail: Option<&Mail>,
    sender: &str,
    now: Moment,
) -> Vec<CheckRow> {
    const ABOUT: &str = "mail";
    let Some(mail) = mail else {
        let says = "there is no email.toml, so no mail is written".to_owned();
        return vec![CheckRow { state: CheckState::NotAsked, ..ok(ABOUT, "sender", says) }];
    };
    let mut rows = Vec::new();
    let from = address(&mail.from);
    // The role's permission compares letter by letter.
    if from != sender {
        let says = format!("mail comes from {from} (`from` in email.toml), and the stack would allow {sender} only");
        rows.push(to_mend(
            ABOUT,
            "sender",
            says,
            &format!("deploy with SENDER={from}, or change `from` in email.toml"),
        ));
    }
    let (region, key) = (&aws.region, &aws.credentials);
    let pair = (key.access_key_id(), key.secret_access_key());
    let ses = Ses::new(seam.clone(), aws.endpoint.clone(), region, pair, key.session_token());
    let account = match ses.account(now).await {
        Ok(account) => account,
        Err(error) => {
            let mend = "deploy to a region that has SES, or take email.toml away; where it has, allow ses:GetAccount and \
                        ses:GetEmailIdentity to whoever deploys";
            rows.push(to_mend(ABOUT, "ses", format!("SES in {region}: {error}"), mend));
            return rows;
        }
    };
    rows.push(if !account.sending_enabled {
        let mend = format!("aws sesv2 put-account-sending-attributes --sending-enabled --region {region}");
        to_mend(ABOUT, "ses", format!("sending is paused in {region}"), &mend)
    } else if account.production_access_enabled {
        ok(ABOUT, "ses", format!("sends in {region}"))
    } else {
        let says = format!("in the sandbox in {region}: it writes to verified addresses only");
        let mend = "SES console, Account dashboard, Request production access".to_owned();
        CheckRow { mend: Some(mend), ..ok(ABOUT, "ses", says) }
    });
    let domain = from.rsplit('@').next().unwrap_or_default();
    let mut verified = false;
    for identity in [domain, from] {
        match ses.is_verified(identity, now).await {
            Ok(is) => verified |= is == Some(true),
            Err(error) => {
                let mend = "allow ses:GetEmailIdentity to whoever deploys";
                rows.push(to_mend(ABOUT, "sender", format!("SES in {region}: {error}"), mend));
                return rows;
            }
        }
    }
    rows.push(if verified {
        ok(ABOUT, "sender", format!("{from} is verified"))
    } else {
        let mend = "SES console, Identities, Create identity, Domain; publish the three CNAME records that stand there";
        to_mend(ABOUT, "sender", format!("neither {domain} nor {from} is verified in {region}"), mend)
    });
    rows
}

/// The address in `Name <address>`.
fn address(from: &str) -> &str {
    from.rsplit_once('<').map_or(from, |(_, rest)| rest.trim_end_matches('>')).trim()
}
