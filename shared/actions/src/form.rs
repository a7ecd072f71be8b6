//! Values in the queries and forms that we send.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a value of a query or a form.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as one value of a query or a form.
pub(crate) fn value(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}
