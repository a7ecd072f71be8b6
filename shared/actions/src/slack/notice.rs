//! Messages about many accounts: the digest, a burst, a starting book, a source that is silent.

use std::collections::BTreeMap;

use minijinja::Environment;
use model::{Notice, NoticeBody};

use super::layout::{Layout, arrange};
use super::message::{MAX_VISIBLE, SlackMessage};
use super::notice_words::{NoticeLimits, NoticeWords};
use super::templates::{RenderError, environment, parse, write};

/// The words of notices, from `templates/slack/` of the configuration; written like those of alerts.
#[derive(Debug)]
pub struct NoticeTemplates {
    environment: Environment<'static>,
    texts: BTreeMap<&'static str, String>,
}

/// The template of each kind of notice.
const TEMPLATES: [&str; 4] = ["slack/digest.j2", "slack/surge.j2", "slack/starting_book.j2", "slack/source_silent.j2"];

impl NoticeTemplates {
    /// Takes the templates of a configuration, by their path below `templates/`.
    ///
    /// # Errors
    /// When one of them does not parse, or is missing. [`render_notice`] finds names that do not exist.
    pub fn new(templates: &BTreeMap<String, String>) -> Result<Self, RenderError> {
        let environment = environment();
        let mut texts = BTreeMap::new();
        for name in TEMPLATES {
            let missing = || RenderError::Missing { name: name.to_owned() };
            let text = templates.get(name).ok_or_else(missing)?;
            parse(&environment, name, text)?;
            texts.insert(name, text.clone());
        }
        Ok(Self { environment, texts })
    }

    fn write(&self, notice: &Notice, limits: NoticeLimits) -> Result<(Layout, usize), RenderError> {
        let [digest, surge, starting_book, source_silent] = TEMPLATES;
        let name = match &notice.body {
            NoticeBody::Digest(_) => digest,
            NoticeBody::Surge(_) => surge,
            NoticeBody::StartingBook(_) => starting_book,
            NoticeBody::SourceSilent(_) => source_silent,
        };
        let text = self.texts.get(name).map_or("", String::as_str);
        let words = NoticeWords::of(notice, limits);
        let written = write(&self.environment, name, text, &words)?;
        Ok((arrange(&written, MAX_VISIBLE), words.count()))
    }
}

/// Writes the message for `notice`: values are shortened before accounts lose their line, and those that have none are
/// counted.
///
/// # Errors
/// When a template is at fault; no notice, however odd its values, makes the shipped templates fail.
pub fn render_notice(templates: &NoticeTemplates, notice: &Notice) -> Result<SlackMessage, RenderError> {
    let [first, shorter @ ..] = NoticeLimits::STEPS;
    let mut limits = first;
    let (mut layout, mut lines) = templates.write(notice, limits)?;
    for shorter in shorter {
        if !layout.was_cut {
            break;
        }
        limits = shorter;
        (layout, lines) = templates.write(notice, limits)?;
    }
    while layout.was_cut && lines > 0 {
        limits = limits.with_lines(lines - 1);
        (layout, lines) = templates.write(notice, limits)?;
    }
    Ok(SlackMessage::notice(notice, layout))
}
