//! As much of XML as answers of AWS's query protocol need: elements without attributes, by name.

/// What stands inside each element of that name, in order. Elements of one name do not nest in these answers.
pub(super) fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(open.as_str()).skip(1);
    parts.filter_map(|part| part.split_once(close.as_str()).map(|(inside, _)| inside)).collect()
}

/// The text of the first element of that name.
pub(super) fn text(xml: &str, name: &str) -> Option<String> {
    elements(xml, name).into_iter().next().map(unescaped)
}

/// A text as it was before it was put into XML.
pub(super) fn unescaped(text: &str) -> String {
    // `&amp;` comes last, so that what it stands for is not taken for more.
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, it)| text.replace(entity, it))
}
