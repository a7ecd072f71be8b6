//! One value that counts, and who said it.

use jiff::civil::Date;
use model::{AlsoSaid, ConnectionName, Evidence, FactKey, Field, Money, Register, SubjectId, Value, View};

/// A register with whose word it is and about which member.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    pub field: Field,
    pub connection: &'a ConnectionName,
    pub subject: &'a SubjectId,
    pub register: &'a Register,
}

impl<'a> Told<'a> {
    /// What is shown of a field; `None` where nobody says anything, or who is believed emptied it.
    pub fn of(view: View<'a>, key: &FactKey, field: Field) -> Option<Self> {
        Self::all(view, key, field).next().filter(|told| told.register.value != Value::Cleared)
    }

    /// All that is said of a field, what is shown first.
    pub fn all(view: View<'a>, key: &FactKey, field: Field) -> impl Iterator<Item = Self> {
        let said = view.said(key, field).into_iter();
        said.map(move |(connection, subject, register)| Self { field, connection, subject, register })
    }

    pub fn text(&self) -> Option<&'a str> {
        match &self.register.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn date(&self) -> Option<Date> {
        match self.register.value {
            Value::Date(date) => Some(date),
            _ => None,
        }
    }

    pub fn int(&self) -> Option<i64> {
        match self.register.value {
            Value::Int(number) => Some(number),
            _ => None,
        }
    }

    pub fn flag(&self) -> Option<bool> {
        match self.register.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    pub fn money(&self) -> Option<Money> {
        match self.register.value {
            Value::Money(money) => Some(money),
            _ => None,
        }
    }

    pub fn evidence(&self) -> Evidence {
        Evidence {
            subject: self.subject.clone(),
            field: self.field.as_str().to_owned(),
            path: self.register.path.clone(),
            raw: self.register.raw.clone(),
            stamp: self.register.stamp.clone(),
        }
    }

    pub fn also_said(&self) -> AlsoSaid {
        AlsoSaid {
            connection: self.connection.clone(),
            subject: self.subject.clone(),
            field: self.field.as_str().to_owned(),
            value: self.register.value.to_string(),
            path: self.register.path.clone(),
            raw: self.register.raw.clone(),
            occurred_at: self.register.stamp.occurred_at,
        }
    }
}
