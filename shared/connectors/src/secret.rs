//! The secrets a connection is signed with. They print as nothing.

use std::fmt;

use crate::Refusal;

/// The secrets of one connection. Without a current one nothing is accepted.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// The one in force.
    pub current: Option<SigningSecret>,
    /// The one before it, accepted as well while a rotation lasts.
    pub previous: Option<SigningSecret>,
}

impl Secrets {
    /// Every secret that a signature may be made with.
    ///
    /// # Errors
    /// [`Refusal::NoSecret`] when there is no current one; a previous one alone opens nothing.
    pub(crate) fn accepted(&self) -> Result<impl Iterator<Item = &SigningSecret>, Refusal> {
        let current = self.current.as_ref().ok_or(Refusal::NoSecret)?;
        Ok(std::iter::once(current).chain(&self.previous))
    }
}

/// A secret shared with a vendor, kept exactly as it was given.
#[derive(Clone)]
pub struct SigningSecret(String);

/// A text that cannot be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretProblem {
    /// Empty, or nothing but white space: anyone could sign with it.
    #[error("the secret is empty; store the value that the vendor shows")]
    Empty,
}

/// What makes a secret doubtful though it can be used; told when it is loaded, not held against a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Shorter than [`SigningSecret::MIN_BYTES`].
    #[error("the secret has only {bytes} bytes; use one of at least 16")]
    Short {
        /// Its length.
        bytes: usize,
    },
    /// White space around it, as left by a copied line.
    #[error("the secret begins or ends with white space; store it without, unless the vendor has it too")]
    Padded,
}

impl SigningSecret {
    /// Shortest secret that is not reported as weak: 128 bits.
    pub const MIN_BYTES: usize = 16;

    /// Takes a secret as it is, white space included.
    ///
    /// # Errors
    /// When it is empty or nothing but white space.
    pub fn new(text: impl Into<String>) -> Result<Self, SecretProblem> {
        let text = text.into();
        if text.trim().is_empty() { Err(SecretProblem::Empty) } else { Ok(Self(text)) }
    }

    /// What to tell the person who stored it; `None` when it is fine.
    pub fn weakness(&self) -> Option<Weakness> {
        if self.0.len() < Self::MIN_BYTES {
            Some(Weakness::Short { bytes: self.0.len() })
        } else if self.0.trim() != self.0 {
            Some(Weakness::Padded)
        } else {
            None
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_secret_is_refused() {
        for text in ["", " ", "\t\n", "\u{a0}"] {
            assert_eq!(SigningSecret::new(text).unwrap_err(), SecretProblem::Empty, "{text:?}");
        }
    }

    #[test]
    fn a_doubtful_secret_is_reported_and_still_usable() {
        let weakness = |text: &str| SigningSecret::new(text).unwrap().weakness();
        assert_eq!(weakness("fifteen-bytes-x"), Some(Weakness::Short { bytes: 15 }));
        assert_eq!(weakness("sixteen-bytes-xx"), None);
        assert_eq!(weakness("sixteen-bytes-xx\n"), Some(Weakness::Padded));
    }

    #[test]
    fn a_secret_never_prints() {
        let secret = SigningSecret::new("correct horse battery").unwrap();
        let secrets = Secrets { current: Some(secret), previous: None };
        assert_eq!(format!("{secrets:?}"), "Secrets { current: Some(SigningSecret(redacted)), previous: None }");
    }
}
