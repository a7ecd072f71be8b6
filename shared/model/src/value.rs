//! What a register can hold.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Moment, Money};

/// One value of one field. Unknown is the absence of a register; [`Value::Cleared`] is a source saying "no value".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// The source emptied the field (empty string or explicit null).
    Cleared,
    /// Text as the source wrote it.
    Text(String),
    /// A whole number.
    Int(i64),
    /// Yes or no.
    Flag(bool),
    /// An amount with its currency.
    Money(Money),
    /// A calendar day without a time zone.
    Date(Date),
    /// An instant.
    Moment(Moment),
}

/// The kinds of value a field can have, named in mappings and messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// [`Value::Text`]
    Text,
    /// [`Value::Int`]
    Int,
    /// [`Value::Flag`]
    Flag,
    /// [`Value::Money`]
    Money,
    /// [`Value::Date`]
    Date,
    /// [`Value::Moment`]
    Moment,
}

impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Int => "a whole number",
            Self::Flag => "true or false",
            Self::Money => "an amount of money",
            Self::Date => "a date",
            Self::Moment => "an instant",
        })
    }
}

/// As a person reads it; a cleared value is `(empty)`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cleared => f.write_str("(empty)"),
            Self::Text(text) => f.write_str(text),
            Self::Int(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Money(money) => write!(f, "{money}"),
            Self::Date(date) => write!(f, "{date}"),
            Self::Moment(moment) => write!(f, "{moment}"),
        }
    }
}
