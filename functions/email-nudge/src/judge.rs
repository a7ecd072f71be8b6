//! Looks again at what may have changed since a mail was asked for.

use std::collections::BTreeSet;

use actions::ses::Ses;
use model::{ActionRequest, Audience, Email, Fact, Field, Mode, Moment, SubjectId, Value};
use store::{ActionContext, ActionStatus, Node, StoreError, Stored};

use crate::{Asked, EmailNudge, NotNow, Verdict};

/// What speaks against mail to an address, whoever says it, and in which words.
const AGAINST: [(Field, &str); 4] = [
    (Field::MailComplained, "they called our mail spam"),
    (Field::MailUnsubscribed, "they unsubscribed"),
    (Field::OptedOut, "the CRM says that they want no mail"),
    (Field::MailBounced, "mail to the address comes back for good; correct it in the CRM"),
];

impl EmailNudge {
    /// How far the mail may go.
    pub(crate) fn mode(&self, request: &ActionRequest, context: &ActionContext) -> Mode {
        let most = self.config.modes.most(&request.playbook, request.kind.destination());
        context.control.mode.unwrap_or(Mode::Observe).min(most)
    }

    /// Why nobody may be written to, as it stands now; `None` where nothing speaks against it. 1 call, none for one of us.
    pub(crate) async fn against(&self, request: &ActionRequest, email: &Email) -> Result<Option<String>, StoreError> {
        match email.audience {
            Audience::Colleague => return Ok(None),
            Audience::Customer => {}
        }
        let role = email.role.as_deref().unwrap_or("reader");
        let Some(contact) = &email.contact else {
            let todo = "give the contact that role in the CRM, and see `role` in connections.toml";
            return Ok(Some(format!("no contact of the account is its {role}: {todo}")));
        };
        let address = &request.to.address;
        if !address.is_ascii() {
            return Ok(Some("the address has letters that SES does not take".to_owned()));
        }
        let named = SubjectId::email(address);
        let subjects: BTreeSet<SubjectId> = [Some(contact.clone()), named].into_iter().flatten().collect();
        let nodes = self.store.nodes(&subjects).await?;
        if let Some(reason) = nodes.values().find_map(|node| speaks_against(&node.value)) {
            return Ok(Some(reason.to_owned()));
        }
        Ok(nodes
            .get(contact)
            .filter(|node| !has_address(node, address))
            .map(|_| "the contact is gone, or has another address by now".to_owned()))
    }

    /// Whether the mail is still to be sent.
    pub(crate) async fn judge(
        &self,
        asked: Asked<'_>,
        context: &ActionContext,
        against: Option<String>,
        mode: Mode,
        now: Moment,
    ) -> Result<Verdict, NotNow> {
        let end = |status, mode, reason: &str| Ok(Verdict::End { status, mode, reason: reason.to_owned() });
        let Some(episode) = context.episode.as_ref().filter(|episode| episode.run == asked.request.run) else {
            return end(ActionStatus::Obsolete, None, "the episode has moved on");
        };
        if !episode.is_open() {
            return end(ActionStatus::Obsolete, None, "the episode was over before the mail went out");
        }
        if let Some(reason) = against {
            return end(ActionStatus::Suppressed, Some(mode), &reason);
        }
        if mode == Mode::Observe {
            return end(ActionStatus::Observed, Some(mode), "observe mode: nothing is sent; see `barometer golive`");
        }
        if context.control.paused_at.is_some() {
            return end(ActionStatus::Held, Some(mode), "sending is paused; this mail is not sent later");
        }
        if mode == Mode::Redirect && self.config.modes.redirect(asked.request.kind.destination()).is_none() {
            return end(ActionStatus::Observed, Some(mode), "modes.toml names no address for redirected mail");
        }
        let secrets = self.secrets.get(now).await?;
        let text = |name: &str| secrets.get(name).map(|secret| secret.reveal());
        let (Some(region), Some(id), Some(key)) =
            (text("region"), text("access_key_id"), secrets.get("secret_access_key"))
        else {
            return end(ActionStatus::Observed, Some(mode), "there is no key for SES among the secrets");
        };
        let base_url = text("base_url").map(str::to_owned);
        let ses = Ses::new(self.seam.clone(), base_url, region, (id, key.reveal()), text("session_token"));
        Ok(Verdict::Send { mode, ses, key: key.clone() })
    }
}

/// Somebody said so, of a contact or of an address.
fn speaks_against(node: &Node) -> Option<&'static str> {
    if node.up.erased.is_some() {
        return Some("they were forgotten on request");
    }
    let says = |field: &Field| {
        let registers = node.fact.iter().flat_map(|fact: &Fact| fact.registers.values());
        registers.filter_map(|said| said.get(field)).any(|said| said.value == Value::Flag(true))
    };
    AGAINST.iter().find(|(field, _)| says(field)).map(|(_, words)| *words)
}

/// The contact is there and still has the address.
fn has_address(node: &Stored<Node>, address: &str) -> bool {
    let said = node.value.fact.iter().flat_map(|fact| fact.registers.values());
    let is_it = |value: &Value| matches!(value, Value::Text(text) if text.trim().eq_ignore_ascii_case(address));
    !node.value.up.is_gone() && said.filter_map(|said| said.get(&Field::Email)).any(|said| is_it(&said.value))
}
