//! Text that comes from outside, made harmless: no control characters, no markup, no longer than agreed.

/// `text` without what cannot be seen or changes what is around it: control characters, line and paragraph separators,
/// marks that reverse the direction of writing, characters of no width. Line feeds and tabs become spaces.
pub fn clean(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter_map(|c| match c {
            '\n' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
            c if c.is_control() || is_invisible(c) => None,
            c => Some(c),
        })
        .collect();
    kept.trim_matches(|c: char| c.is_whitespace() || is_joiner(c)).to_owned()
}

/// Format characters of Unicode 16 that show nothing. The joiners stay: Persian and family emoji need them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}'
        | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// [`clean`], cut to `max` characters; `None` when nothing is left to see.
pub fn shown(text: &str, max: usize) -> Option<String> {
    let clean = clean(text);
    if clean.is_empty() {
        return None;
    }
    if clean.chars().count() <= max {
        return Some(clean);
    }
    let cut: String = clean.chars().take(max.saturating_sub(1)).collect();
    Some(format!("{}…", cut.trim_end()))
}

/// The three characters that can start markup, as Slack's entities.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// The characters of escaped text as a reader sees them: an entity is one.
fn units(escaped: &str) -> impl Iterator<Item = &str> {
    let mut rest = escaped;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let entity = ["&amp;", "&lt;", "&gt;"].into_iter().find(|entity| rest.starts_with(entity));
        let (unit, after) = rest.split_at(entity.map_or(first.len_utf8(), str::len));
        rest = after;
        Some(unit)
    })
}

/// How many characters a reader sees.
pub fn visible(escaped: &str) -> usize {
    units(escaped).count()
}

/// At most `seen` characters to the reader and `sent` characters on the wire, cut between characters and never inside
/// an entity, with an ellipsis where something is missing.
pub fn cut(escaped: &str, seen: usize, sent: usize) -> String {
    if visible(escaped) <= seen && escaped.chars().count() <= sent {
        return escaped.to_owned();
    }
    let mut out = String::new();
    let mut length = 1; // the ellipsis
    for unit in units(escaped).take(seen.saturating_sub(1)) {
        length += unit.chars().count();
        if length > sent {
            break;
        }
        out.push_str(unit);
    }
    format!("{}…", out.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_dropped_and_lines_become_one() {
        assert_eq!(clean(" a\r\nb\tc\u{0}\u{7}\u{202e}d\u{200b}\u{2028}e "), "a b cd e");
        assert_eq!(clean("שלום"), "שלום");
        assert_eq!(shown("\u{200b}\n\u{200d}\u{feff}", 10), None);
        assert_eq!(clean("👩\u{200d}👧"), "👩\u{200d}👧");
    }

    #[test]
    fn long_text_ends_in_an_ellipsis_within_its_limit() {
        assert_eq!(shown("Nordlicht", 9).unwrap(), "Nordlicht");
        assert_eq!(shown("Nordlicht", 8).unwrap(), "Nordlic…");
        assert_eq!(shown("ééééé", 3).unwrap(), "éé…");
    }

    #[test]
    fn a_cut_never_splits_an_entity() {
        let escaped = escape("a&b<c>");
        assert_eq!((escaped.as_str(), visible(&escaped)), ("a&amp;b&lt;c&gt;", 6));
        assert_eq!(cut(&escaped, 6, 100), escaped);
        assert_eq!(cut(&escaped, 3, 100), "a&amp;…");
        for sent in 2..7 {
            assert_eq!(cut(&escaped, 6, sent), "a…", "{sent}");
        }
        assert_eq!(cut(&escaped, 6, 7), "a&amp;…");
    }
}
