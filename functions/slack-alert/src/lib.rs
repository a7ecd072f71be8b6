//! slack-alert
