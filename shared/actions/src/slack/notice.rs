//! Messages about many accounts: the digest, a burst, a starting book.

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
    digest: String,
    surge: String,
    starting_book: String,
}

impl NoticeTemplates {
    /// Takes the texts of `digest.j2`, `surge.j2` and `starting_book.j2`.
    ///
    /// # Errors
    /// When one of them does not parse. [`render_notice`] finds names that do not exist.
    pub fn new(
        digest: impl Into<String>,
        surge: impl Into<String>,
        starting_book: impl Into<String>,
    ) -> Result<Self, RenderError> {
        let (digest, surge, starting_book) = (digest.into(), surge.into(), starting_book.into());
        let templates = Self { environment: environment(), digest, surge, starting_book };
        for (name, text) in [templates.digest(), templates.surge(), templates.starting_book()] {
            parse(&templates.environment, name, text)?;
        }
        Ok(templates)
    }

    fn digest(&self) -> (&'static str, &str) {
        ("slack/digest.j2", &self.digest)
    }

    fn surge(&self) -> (&'static str, &str) {
        ("slack/surge.j2", &self.surge)
    }

    fn starting_book(&self) -> (&'static str, &str) {
        ("slack/starting_book.j2", &self.starting_book)
    }

    fn write(&self, notice: &Notice, limits: NoticeLimits) -> Result<(Layout, usize), RenderError> {
        let (name, text) = match &notice.body {
            NoticeBody::Digest(_) => self.digest(),
            NoticeBody::Surge(_) => self.surge(),
            NoticeBody::StartingBook(_) => self.starting_book(),
        };
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
