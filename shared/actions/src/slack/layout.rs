//! From lines of text to blocks, within what Slack accepts.

use serde::Serialize;

use super::buttons::Element;
use super::text::{cut, visible};

/// The longest text of a section or element, in characters as sent.
const MAX_TEXT: usize = 3_000;
/// The most elements of a context block.
const MAX_ELEMENTS: usize = 10;
/// The most blocks of a message.
pub const MAX_BLOCKS: usize = 50;
/// The line between two sections.
const NEXT_SECTION: &str = "===";
/// The line between the message and its small print.
const SMALL_PRINT: &str = "---";

/// One block of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Block {
    /// A paragraph.
    Section {
        /// Its lines.
        text: Text,
    },
    /// Small print.
    Context {
        /// One per line.
        elements: Vec<Text>,
    },
    /// What a reader can answer.
    Actions {
        /// Which message it is under.
        block_id: String,
        /// The buttons and menus.
        elements: Vec<Element>,
    },
}

/// Text with Slack's markup, of which only ours is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text {
    #[serde(rename = "type")]
    kind: &'static str,
    text: String,
    /// Slack makes no links and mentions of its own.
    verbatim: bool,
}

impl Text {
    fn new(text: String) -> Self {
        Self { kind: "mrkdwn", text, verbatim: true }
    }
}

/// A message before it is addressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The first line: what a notification shows.
    pub first_line: String,
    /// The blocks.
    pub blocks: Vec<Block>,
    /// Something had to be left out to stay within the limits.
    pub was_cut: bool,
}

/// Arranges escaped text: `===` ends a section, lines below `---` are small print, blank lines mean nothing. Nobody
/// sees more than `max_visible` characters; what is beyond is left out from the end, and said so in `was_cut`.
pub fn arrange(text: &str, max_visible: usize) -> Layout {
    let mut budget = Budget { left: max_visible, was_cut: false };
    let mut blocks = Vec::new();
    let mut paragraph: Vec<String> = Vec::new();
    let mut elements: Vec<Text> = Vec::new();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    for line in lines.by_ref().take_while(|line| *line != SMALL_PRINT) {
        if line == NEXT_SECTION {
            close(&mut paragraph, &mut blocks, &mut budget);
        } else if let Some(line) = budget.spend(line) {
            paragraph.push(line);
        }
    }
    close(&mut paragraph, &mut blocks, &mut budget);
    for line in lines {
        match budget.spend(line) {
            Some(line) if elements.len() < MAX_ELEMENTS => elements.push(Text::new(line)),
            _ => budget.was_cut = true,
        }
    }
    if !elements.is_empty() {
        blocks.push(Block::Context { elements });
    }
    if blocks.len() > MAX_BLOCKS {
        blocks.truncate(MAX_BLOCKS);
        budget.was_cut = true;
    }
    let first_line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    Layout { first_line: cut(first_line, max_visible, MAX_TEXT), blocks, was_cut: budget.was_cut }
}

fn close(paragraph: &mut Vec<String>, blocks: &mut Vec<Block>, budget: &mut Budget) {
    if paragraph.is_empty() {
        return;
    }
    let whole = std::mem::take(paragraph).join("\n");
    let text = cut(&whole, usize::MAX, MAX_TEXT);
    budget.was_cut |= text != whole;
    blocks.push(Block::Section { text: Text::new(text) });
}

struct Budget {
    left: usize,
    was_cut: bool,
}

impl Budget {
    /// As much of `line` as may still be shown.
    fn spend(&mut self, line: &str) -> Option<String> {
        let wanted = visible(line) + 1; // its line break
        if wanted <= self.left {
            self.left -= wanted;
            // What is too long to send is cut here, so that one endless line does not take its paragraph with it.
            let text = cut(line, usize::MAX, MAX_TEXT);
            self.was_cut |= text != line;
            return Some(text);
        }
        self.was_cut = true;
        let left = std::mem::take(&mut self.left);
        (left > 1).then(|| cut(line, left - 1, MAX_TEXT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(layout: &Layout) -> Vec<Vec<&str>> {
        layout
            .blocks
            .iter()
            .map(|block| match block {
                Block::Section { text } => vec![text.text.as_str()],
                Block::Context { elements } => elements.iter().map(|e| e.text.as_str()).collect(),
                Block::Actions { .. } => vec![],
            })
            .collect()
    }

    #[test]
    fn lines_become_sections_and_small_print() {
        let layout = arrange("\none\n\ntwo\n===\n===\nthree\n---\nfour\n\nfive\n", 1_200);
        assert_eq!(texts(&layout), [vec!["one\ntwo"], vec!["three"], vec!["four", "five"]]);
        assert_eq!((layout.first_line.as_str(), layout.was_cut), ("one", false));
    }

    #[test]
    fn a_message_stays_within_every_limit_and_says_what_it_lost() {
        let layout = arrange(&"&amp;".repeat(1_000), 1_200);
        assert_eq!(texts(&layout)[0][0].chars().count(), 599 * 5 + 1);
        assert!(layout.was_cut);

        let layout = arrange("one\ntwo\n---\nthree", 9);
        assert_eq!(texts(&layout), [vec!["one\ntwo"]]);
        assert!(layout.was_cut);

        let layout = arrange(&format!("one\n---\n{}", "x\n".repeat(12)), 1_200);
        assert_eq!(texts(&layout)[1].len(), 10);
        assert!(layout.was_cut);

        let layout = arrange(&"x\n===\n".repeat(60), 1_200);
        assert_eq!(layout.blocks.len(), 50);
        assert!(layout.was_cut);
    }
}
