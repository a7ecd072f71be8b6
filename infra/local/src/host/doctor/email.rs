//! Mail: the key for SES, whether its account may write to anybody, and whether what `email.toml` names is there.

use actions::ses::{MailAccount, MailError, Ses};
use config::{Mail, ToCustomers};

use super::Look;
use super::checks::Checks;
use super::place::Place;

/// What who asks of a stack is to be allowed; the function that mails has a role of its own.
const ALLOW: &str = "allow ses:GetAccount, GetEmailIdentity, GetConfigurationSet and GetContactList to whoever asks";
const PAGE: &str = "infra/README.md, \"Before anything is mailed\"";

impl Look<'_> {
    pub(super) async fn email(&self, checks: &mut Checks) {
        let Some(mail) = &self.operator.config.mail else {
            return checks.unknown("sender", "there is no email.toml: no mail is written", None);
        };
        let held = self.secrets.destinations.get("email");
        let Some(key) = held.and_then(|held| held.aws.as_ref()) else {
            let how = format!("mail stays in the outbox; {PAGE} says which key goes under [destinations.email]");
            return checks.unknown("key", "not asked: no key of AWS", Some(how));
        };
        if let Err(not_asked) = self.may_ask() {
            return checks.not_asked("key", not_asked);
        }
        let base_url = held.and_then(|held| held.base_url.clone());
        let named = (key.access_key_id.as_str(), key.secret_access_key.as_str());
        let ses = Ses::new(self.seam.clone(), base_url, &key.region, named, key.session_token.as_deref());
        let now = self.operator.clock.now();
        match ses.account(now).await {
            Ok(account) => {
                checks.ok("key", format!("SES in {} knows it", key.region));
                stands(&account, &key.region, checks);
            }
            Err(error) => return unanswered("key", error, self.place, checks),
        }
        self.sender(&ses, mail, &key.region, checks).await;
        if let Some(set) = &mail.configuration_set {
            let how = "SES console, Configuration sets, Create set, then Event destinations, Amazon EventBridge; or leave \
                       `configuration_set` out of email.toml";
            let found = ses.has_configuration_set(set, now).await;
            self.there(("configuration", set), found, how, checks);
        }
        if let (ToCustomers::Send, Some(list)) = (mail.to_customers, &mail.contact_list) {
            let how = format!("aws sesv2 create-contact-list --contact-list-name {} …: see email.toml", list.name);
            let found = ses.has_contact_list(&list.name, now).await;
            self.there(("list", &list.name), found, &how, checks);
        }
    }

    /// Whether the sender's domain, or else its address, is verified.
    async fn sender(&self, ses: &Ses, mail: &Mail, region: &str, checks: &mut Checks) {
        let from = mail.from.as_str();
        let address = from.rsplit_once('<').map_or(from, |(_, rest)| rest.trim_end_matches('>')).trim();
        let domain = address.rsplit_once('@').map_or(address, |(_, domain)| domain);
        for identity in [domain, address] {
            match ses.is_verified(identity, self.operator.clock.now()).await {
                Ok(Some(true)) => return checks.ok("sender", format!("{identity} is verified")),
                Ok(Some(false) | None) => {}
                Err(error) => return unanswered("sender", error, self.place, checks),
            }
        }
        let mend = format!(
            "SES console in {region} → Identities → Create identity → Domain, and publish the records that stand there; or \
             name another in `from` of email.toml"
        );
        checks.mend("sender", format!("{domain} is not verified, so nothing can come from {address}"), mend);
    }

    /// Something that `email.toml` names.
    fn there(&self, (check, name): (&str, &str), found: Result<bool, MailError>, how: &str, checks: &mut Checks) {
        match found {
            Ok(true) => checks.ok(check, format!("{name} is there")),
            Ok(false) => checks.mend(check, format!("there is no {name}"), how),
            Err(error) => unanswered(check, error, self.place, checks),
        }
    }
}

/// Whether mail goes out, and to whom.
fn stands(account: &MailAccount, region: &str, checks: &mut Checks) {
    if !account.sending_enabled {
        let mend = format!("aws sesv2 put-account-sending-attributes --sending-enabled --region {region}");
        return checks.mend("account", "sending is switched off", mend);
    }
    if let Some(standing) = account.enforcement_status.as_deref().filter(|standing| *standing != "HEALTHY") {
        let mend = "read AWS's mail about it, mend what it names, and answer in the Support Center";
        return checks.mend("account", format!("AWS reviews its mail ({standing})"), mend);
    }
    if account.production_access_enabled {
        checks.ok("account", "it may write to anybody");
    } else {
        let says = "it is in the sandbox: only verified addresses get mail, and 200 of them a day";
        let mend = format!("SES console in {region} → Account dashboard → Request production access");
        checks.mend("account", says, mend);
    }
}

fn unanswered(check: &str, error: MailError, place: &Place, checks: &mut Checks) {
    match error {
        MailError::Retry { after_s: Some(_), .. } => checks.busy(check, "SES"),
        MailError::Retry { reason, after_s: None } | MailError::Unsure { reason } => {
            checks.unreached(check, "SES", &reason);
        }
        MailError::Unauthorized { reason } => match place {
            Place::Here => checks.mend(check, reason, format!("see {PAGE}")),
            Place::Aws(_) => {
                let says = "not known: SES does not answer the key of the environment";
                checks.unknown(check, says, Some(ALLOW.to_owned()));
            }
        },
        MailError::Refused { reason } => {
            let how = match place {
                Place::Here => format!("{PAGE}, says what a key may do"),
                Place::Aws(_) => ALLOW.to_owned(),
            };
            checks.unknown(check, reason, Some(how));
        }
    }
}
