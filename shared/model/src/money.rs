//! Money: minor units and a currency. Recurring money says its period in the field's name (`arr`, `mrr`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An ISO 4217 currency code: three upper-case letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Currency([u8; 3]);

/// A text that is not an amount of money or a currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMoney {
    /// Not three letters.
    #[error("`{0}` is not a currency; expected three letters such as EUR")]
    Currency(String),
    /// Not a decimal number, or beyond 64 bits of minor units.
    #[error("`{0}` is not an amount; expected a decimal number such as 12000.50")]
    Amount(String),
}

/// Currencies whose minor unit is the whole unit (ISO 4217 list one, 2024-06-25).
const ZERO_DECIMALS: [&str; 16] =
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF"];
/// Currencies with a thousandth as minor unit (same list).
const THREE_DECIMALS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

impl Currency {
    /// The code, such as `EUR`.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Digits after the decimal point of one major unit: 0, 2 or 3.
    pub fn decimals(&self) -> u32 {
        match self.code() {
            code if ZERO_DECIMALS.contains(&code) => 0,
            code if THREE_DECIMALS.contains(&code) => 3,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = BadMoney;

    fn from_str(text: &str) -> Result<Self, BadMoney> {
        let upper = text.trim().to_ascii_uppercase();
        match <[u8; 3]>::try_from(upper.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(BadMoney::Currency(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = BadMoney;
    fn try_from(text: String) -> Result<Self, BadMoney> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in minor units (cents, pence, yen) of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Money {
    /// Minor units; negative for money owed back.
    pub minor: i64,
    /// The currency the minor units belong to.
    pub currency: Currency,
}

impl Money {
    /// Reads a decimal number of major units, however many digits it carries, rounding half away from zero.
    ///
    /// # Errors
    /// When `text` is not a plain decimal number or does not fit 64 bits of minor units.
    pub fn from_decimal(text: &str, currency: Currency) -> Result<Self, BadMoney> {
        let minor = decimal_to_minor(text, currency.decimals()).ok_or_else(|| BadMoney::Amount(text.to_owned()))?;
        Ok(Self { minor, currency })
    }

    /// Whole major units, rounded towards zero.
    pub fn major(&self) -> i64 {
        self.minor / 10_i64.pow(self.currency.decimals())
    }
}

/// `EUR 12,000` when there are no cents, else `EUR 12,000.50`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10_u64.pow(self.currency.decimals());
        let (whole, rest) = (self.minor.unsigned_abs() / unit, self.minor.unsigned_abs() % unit);
        let sign = if self.minor < 0 { "-" } else { "" };
        write!(f, "{} {sign}{}", self.currency, grouped(whole))?;
        if rest > 0 {
            write!(f, ".{rest:0width$}", width = self.currency.decimals() as usize)?;
        }
        Ok(())
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A plain decimal number (`-12.5`, `10000000.0000000005551115`, `1e6`) as an integer of `decimals` places, rounded half
/// away from zero. `None` when it is no such number or does not fit.
///
/// Digit by digit, because vendors send sixty of them and a float would change the cents.
pub fn decimal_to_minor(text: &str, decimals: u32) -> Option<i64> {
    let text = text.trim();
    let (negative, text) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if digits().next().is_none() || !digits().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // How many of the digits lie before the point once it has moved by exponent and decimals.
    let keep = i64::try_from(whole.len()).ok()? + i64::from(exponent) + i64::from(decimals);
    let mut minor: i64 = 0;
    for (at, digit) in (0_i64..).zip(digits()) {
        if at < keep {
            minor = minor.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
        } else {
            if at == keep && digit >= b'5' {
                minor = minor.checked_add(1)?;
            }
            break;
        }
    }
    let given = i64::try_from(whole.len() + fraction.len()).ok()?;
    for _ in given..keep {
        minor = if minor == 0 { 0 } else { minor.checked_mul(10)? };
        if minor == 0 {
            break;
        }
    }
    Some(if negative { -minor } else { minor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, currency: &str, minor: Option<i64>) {
        let money = Money::from_decimal(text, currency.parse().unwrap());
        assert_eq!(money.ok().map(|m| m.minor), minor, "{text} {currency}");
    }

    #[test]
    fn decimals_are_read_digit_by_digit() {
        check("12000", "EUR", Some(1_200_000));
        check("12000.5", "USD", Some(1_200_050));
        check("0.005", "USD", Some(1));
        check("0.0049999999999999999999999999999999999", "USD", Some(0));
        check("10000000.0000000005551115123125782702118158340454101562", "USD", Some(1_000_000_000));
        check("-3.10", "USD", Some(-310));
        check("1234", "JPY", Some(1_234));
        check("1.2345", "KWD", Some(1_235));
        check("1e3", "USD", Some(100_000));
        check("5e-3", "USD", Some(1));
        check("0e999999999", "USD", Some(0));
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for text in ["", ".", "-", "12,000", "1e400", "NaN", "0x10", "99999999999999999999", "1e999999999999"] {
            check(text, "USD", None);
        }
    }

    #[test]
    fn money_reads_like_money() {
        let show = |text: &str, code: &str| Money::from_decimal(text, code.parse().unwrap()).unwrap().to_string();
        assert_eq!(show("1234567.5", "EUR"), "EUR 1,234,567.50");
        assert_eq!(show("48000", "USD"), "USD 48,000");
        assert_eq!(show("999", "JPY"), "JPY 999");
    }
}
