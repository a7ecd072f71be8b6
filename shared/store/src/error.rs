//! What can go wrong with the store, by what the caller does next.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// The store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Throttled, timed out, unreachable or in conflict with another transaction: try again later.
    #[error("the store did not answer {operation}: {reason}")]
    Unavailable {
        /// What was asked.
        operation: &'static str,
        /// The chain of causes, without values.
        reason: String,
    },
    /// A stored item cannot be read; a person must look.
    #[error("a stored item cannot be read ({item}): {reason}")]
    Unreadable {
        /// Which item.
        item: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl StoreError {
    pub(crate) fn unavailable<E>(operation: &'static str, error: &SdkError<E>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        SdkError<E>: std::error::Error,
    {
        Self::Unavailable { operation, reason: runtime::logging::chain(error) }
    }

    pub(crate) fn unreadable(item: impl Into<String>, reason: impl ToString) -> Self {
        Self::Unreadable { item: item.into(), reason: reason.to_string() }
    }
}
