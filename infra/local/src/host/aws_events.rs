//! What AWS's own services tell, on the account's default bus.

use serde_json::Value;

use super::{Host, HostError};
use crate::state::NewMessage;

impl Host {
    /// Takes an event of an AWS service, such as a bounce that SES tells of, as the account's default bus hands it over; gives
    /// how many rules took it.
    ///
    /// # Errors
    /// When the host's files cannot be written.
    pub fn hear(&self, event: &Value) -> Result<usize, HostError> {
        let rules = self.stack.rules.iter().filter(|rule| rule.is_on_default_bus && rule.pattern.matches(event));
        let message = |queue: &String| NewMessage { queue: queue.clone(), body: event.to_string() };
        let messages: Vec<_> = rules.map(|rule| message(&rule.target_queue)).collect();
        self.state.put_messages(&messages, self.clock.now())?;
        Ok(messages.len())
    }
}
