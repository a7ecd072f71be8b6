//! What a changed configuration would make of an account, before anybody asks for it.

use model::{
    Assessment, ConnectionName, DeliveryId, Fact, FactKey, Field, Moment, Placed, Register, Stamp, SubjectId, Value,
};
use rules::{decide, stays};
use store::StoreError;

use crate::{Health, Seen, input};

/// An account as it is held, and as it is by the configuration of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescored {
    /// As it was assessed last.
    pub held: Assessment,
    /// As it would be assessed; `None` where it would not be any more.
    pub now: Option<Assessment>,
}

impl Health {
    /// Looks at an account as if an operator asked at `now` to rescore it, and writes nothing; `None` for a subject that
    /// is not assessed. It reads what a recompute reads.
    ///
    /// # Errors
    /// When the store does not answer or an item cannot be read.
    pub async fn rescored(&self, account: &SubjectId, now: Moment) -> Result<Option<Rescored>, StoreError> {
        let Some(held) = self.store.assessed(account).await?.assessment else { return Ok(None) };
        let Seen::Account(mut view, beside) = self.see(account, true).await? else { return Ok(None) };
        // While a clock stands, what was received last is ahead of it.
        let asked_at = now.max(held.as_of.plus(jiff::SignedDuration::from_millis(1)));
        view.facts.push(request(account, asked_at));
        let episodes: Vec<_> = view.episodes.iter().map(|stored| stored.value.clone()).collect();
        let input = input(account, &view, &beside, &episodes, Some(&held));
        let now = if stays(input, &self.config) { decide(input, &self.config).assessment } else { None };
        Ok(Some(Rescored { now, held }))
    }
}

/// The request, as `normalize` would write it.
fn request(account: &SubjectId, at: Moment) -> Placed {
    let operator = ConnectionName::from_stored("operator");
    let delivery = DeliveryId::new(&operator, "preview");
    let register = Register {
        value: Value::Moment(at),
        stamp: Stamp { occurred_at: at, sequence: None, delivery, index: 0 },
        received_at: at,
        path: "rescore".to_owned(),
        raw: account.to_string(),
        clamped: false,
    };
    let mut fact = Fact::empty(account.clone(), FactKey::Rescore);
    fact.registers.entry(operator).or_default().insert(Field::At, register);
    Placed { steps: 0, gone: false, fact }
}
