//! What to do about a refusal: the class it is in, and the words that name the click which mends it.
//!
//! Sources: the errors of `chat.postMessage` and `users.lookupByEmail`, the common errors of all methods, and "Sending
//! messages using incoming webhooks" on docs.slack.dev, from general knowledge of 2026-11.

use super::call::{PostError, refused, retry};

/// A code as Slack writes them; what is between us and Slack can write anything.
pub(super) fn plain(code: &str) -> String {
    let is_part = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.' | ',');
    let code: String = code.chars().filter(is_part).take(64).collect();
    if code.is_empty() { "no reason".to_owned() } else { code }
}

/// What follows from `"ok": false` with this code. `needed` is the scope that Slack says is missing.
pub(super) fn refusal(code: &str, needed: Option<&str>) -> PostError {
    let advice = match code {
        // "Some aspect of the operation may have succeeded before the error was raised."
        "internal_error" | "fatal_error" | "request_timeout" => {
            return PostError::Unsure { reason: format!("Slack answered {code}") };
        }
        "ratelimited" | "rate_limited" | "message_limit_exceeded" | "service_unavailable" | "team_added_to_org" => {
            return retry(format!("Slack answered {code}"));
        }
        "channel_not_found" => {
            let advice = "check the channel's name or id, and invite the app to the channel if the channel is private";
            return no_such_reader(code, advice);
        }
        "users_not_found" => return no_such_reader(code, "nobody in the workspace has the address"),
        "user_not_found" | "user_disabled" | "messages_tab_disabled" | "cannot_dm_bot" => {
            return no_such_reader(
                code,
                "check the person's Slack id, and switch on the app's messages tab (App Home)",
            );
        }
        "not_in_channel" => "invite the app to the channel: /invite the app's name there",
        "is_archived" => "unarchive the channel or name another one",
        "invalid_auth"
        | "not_authed"
        | "account_inactive"
        | "token_revoked"
        | "token_expired"
        | "not_allowed_token_type" => "store a valid bot token (xoxb-…) of the installed app",
        "missing_scope" | "no_permission" => {
            let scope = needed.unwrap_or("chat:write");
            return refused(format!(
                "Slack refused with {code}: give the app the scope {scope} (OAuth & Permissions) and install it again"
            ));
        }
        "restricted_action"
        | "restricted_action_read_only_channel"
        | "restricted_action_thread_only_channel"
        | "restricted_action_non_threadable_channel"
        | "restricted_action_thread_locked"
        | "ekm_access_denied"
        | "access_denied"
        | "accesslimited"
        | "enterprise_is_restricted"
        | "team_access_not_granted"
        | "org_login_required" => "ask a Slack administrator to let the app post in this channel",
        "msg_too_long" | "msg_blocks_too_long" | "no_text" | "invalid_blocks" | "invalid_blocks_format" => {
            "the template makes a message that Slack does not take; compare it with the one that was shipped"
        }
        "thread_not_found" | "cannot_reply_to_message" | "message_not_found" => {
            "the message that this one answers was deleted"
        }
        _ => "look the code up among the errors of chat.postMessage on docs.slack.dev",
    };
    refused(format!("Slack refused with {code}: {advice}"))
}

fn no_such_reader(code: &str, advice: &str) -> PostError {
    PostError::NoSuchReader { reason: format!("Slack refused with {code}: {advice}") }
}

/// What follows from the code that an incoming webhook answers with.
pub(super) fn webhook_refusal(code: &str, status: http::StatusCode) -> PostError {
    let advice = match code {
        "rollup_error" => return retry(format!("Slack answered {code}")),
        "no_service" | "no_service_id" | "no_team" | "invalid_token" | "team_disabled" | "user_not_found"
        | "channel_not_found" => {
            "the webhook was removed, or its channel was: make a new one on the app's page Incoming Webhooks"
        }
        "channel_is_archived" => "unarchive the webhook's channel, or make a webhook for another one",
        "action_prohibited" | "posting_to_general_channel_denied" => {
            "ask a Slack administrator to let the webhook post in its channel"
        }
        "invalid_payload" | "no_text" | "too_many_attachments" | "invalid_blocks" => {
            "the template makes a message that Slack does not take; compare it with the one that was shipped"
        }
        // What is none of Slack's codes can be anything, so it is not repeated.
        _ => {
            let advice = "check the address of the webhook, and what is between here and Slack";
            return refused(format!("the webhook answered {status}, which is not one of Slack's answers; {advice}"));
        }
    };
    refused(format!("Slack's webhook refused with {code} ({}): {advice}", status.as_u16()))
}
