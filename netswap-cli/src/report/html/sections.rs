//! The parts of a page that need no script: the head, the summary and the causes.

use std::cmp::Reverse;

use base64ct::{Base64, Encoding};
use jiff::{Timestamp, Unit};
use maud::{Markup, PreEscaped, html};
use netswap::Code;
use netswap::report::causes::{Cause, Causes};
use netswap::report::lines::with_paths;
use netswap::text::{number, plural};
use pulldown_cmark::Parser;
use sha2::{Digest, Sha256};

use super::{Layout, Summary, Tone};

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Tone::Bad => "bad",
            Tone::Caution => "caution",
            Tone::Good => "good",
            Tone::Neutral => "neutral",
        }
    }
}

/// Returns the head, with a policy that allows this style and this script, and nothing else. The
/// empty icon prevents a request for one.
pub(super) fn head(layout: &Layout, summary: &Summary, style: &str, script: &str) -> Markup {
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; \
         form-action 'none'",
        digest(style),
        digest(script)
    );
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="referrer" content="no-referrer";
            title {
                (layout.command)
                @if let Some(subject) = &summary.subject { ": " (subject) }
            }
            link rel="icon" href="data:,";
            style { (PreEscaped(style)) }
        }
    }
}

/// Returns the source of a text for a Content Security Policy.
fn digest(text: &str) -> String {
    format!("sha256-{}", Base64::encode_string(&Sha256::digest(text)))
}

pub(super) fn body(layout: &Layout, summary: &Summary, causes: &Causes) -> Markup {
    html! {
        header {
            h1 { (layout.command) }
            @if let Some(subject) = &summary.subject { p { (subject) } }
            p.muted { (now()) " · netswap " (env!("CARGO_PKG_VERSION")) }
        }
        main {
            (overview(layout, summary))
            @if !causes.is_empty() { (causes_section(layout, causes)) }
            (table(layout))
        }
    }
}

/// Returns the time in seconds, as RFC 3339.
fn now() -> Markup {
    let now = Timestamp::now();
    let now = now.round(Unit::Second).unwrap_or(now).to_string();
    html! { time datetime=(now) { (now) } }
}

fn overview(layout: &Layout, summary: &Summary) -> Markup {
    let statuses = layout.statuses.iter().filter_map(|status| {
        let (_, count) = summary.counts.iter().find(|(name, _)| *name == status.name)?;
        (*count > 0).then_some((status, *count))
    });
    let statuses: Vec<_> = statuses.collect();
    html! {
        p.result.(summary.tone.class()) { (summary.result) }
        @if let Some(notice) = &summary.notice { p.notice.caution { (notice) } }
        @if !statuses.is_empty() {
            ul.cards {
                @for (status, count) in statuses {
                    li.(status.tone.class()) { strong { (number(count)) } (status.label) }
                }
            }
        }
        @if !summary.facts.is_empty() {
            dl.facts {
                @for (label, values) in &summary.facts {
                    dt { (label) }
                    @for value in values { dd { (value) } }
                }
            }
        }
    }
}

fn causes_section(layout: &Layout, causes: &Causes) -> Markup {
    let mut codes: Vec<(Code, u64)> = Vec::new();
    for cause in causes.iter() {
        let count = cause.paths().count();
        match codes.iter_mut().find(|(code, _)| *code == cause.code()) {
            Some((_, sum)) => *sum += count,
            None => codes.push((cause.code(), count)),
        }
    }
    codes.sort_by_key(|(_, count)| Reverse(*count));
    html! {
        section {
            h2 { "What to do" }
            @for (code, count) in codes {
                @let causes = causes.iter().filter(|cause| cause.code() == code);
                (code_section(layout, code, count, causes))
            }
        }
    }
}

/// The number of different remedies that are listed for a code.
const MAX_REMEDIES: usize = 20;

/// Returns a code with the remedies for its files.
fn code_section<'a>(
    layout: &Layout,
    code: Code,
    count: u64,
    causes: impl Iterator<Item = &'a Cause>,
) -> Markup {
    let mut causes: Vec<_> = causes.collect();
    causes.sort_by_key(|cause| Reverse(cause.paths().count()));
    let counts = match &causes[..] {
        [cause] => cause.counts(),
        _ => plural(count, "file", "files"),
    };
    let status = (layout.status_of)(code).map(|status| format!("&status={status}"));
    let address = format!("#q={code}{}", status.unwrap_or_default());
    // The explanation begins with the code and its summary.
    let explanation = code.explanation().splitn(3, "\n\n").last().unwrap_or_default();
    html! {
        section.cause {
            h3 {
                code { (code) }
                span { (counts) }
            }
            p { (code.summary()) }
            @for cause in causes.iter().take(MAX_REMEDIES) {
                div.remedy {
                    @if causes.len() > 1 { h4 { (cause.counts()) } }
                    (remedy(layout, cause))
                }
            }
            @if let Some(more) = causes.len().checked_sub(MAX_REMEDIES).filter(|more| *more > 0) {
                p.muted { (number(more as u64)) " more remedies are not listed." }
            }
            a.filter href=(address) {
                "Show them in the table"
            }
            details {
                summary { "Explanation" }
                div.explanation { (markdown(explanation)) }
            }
        }
    }
}

/// Returns the remedy: paragraphs, lists, and commands with the real paths.
fn remedy(layout: &Layout, cause: &Cause) -> Markup {
    let paths = cause.paths().arguments().filter(|_| layout.replaces_file);
    let lines: Vec<_> = cause.help().lines().collect();
    let is_same_kind = |a: &&str, b: &&str| {
        let kind = |line: &str| (line.starts_with(' '), line.starts_with("- "));
        kind(a) == kind(b)
    };
    html! {
        @for block in lines.chunk_by(is_same_kind) {
            @if block.iter().all(|line| line.starts_with(' ')) {
                pre {
                    @for (index, line) in block.iter().enumerate() {
                        @if index > 0 { "\n" }
                        (with_paths(line, paths.as_deref()).trim_start())
                    }
                }
            } @else if block.iter().all(|line| line.starts_with("- ")) {
                ul {
                    @for line in block { li { (with_code(line.trim_start_matches("- "))) } }
                }
            } @else {
                @for line in block { p { (with_code(line)) } }
            }
        }
    }
}

/// Renders the parts of a sentence that are between backticks as code.
fn with_code(line: &str) -> Markup {
    html! {
        @for (index, part) in line.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// Renders an explanation below a heading of the third level. Explanations are part of netswap, so
/// they contain no text from elsewhere.
fn markdown(text: &str) -> Markup {
    let text = text.replace("## ", "#### ");
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, Parser::new(&text));
    PreEscaped(html)
}

/// Returns the controls of the table. The script fills them and shows them.
fn table(layout: &Layout) -> Markup {
    let many = layout.noun.many;
    html! {
        section id="explorer" hidden {
            h2 { "All " (many) }
            div.controls {
                label for="words" {
                    "Filter by words in any column"
                    input type="search" id="words" autocomplete="off" spellcheck="false";
                }
                div id="statuses" role="group" aria-label="Filter by status" {}
            }
            p id="shown" aria-live="polite" {}
            p id="nothing" hidden {
                "No " (layout.noun.one) " matches."
                button type="button" id="clear" { "Clear the filter" }
            }
            div id="rows" role="region" tabindex="0" aria-label={ "Table of " (many) } {}
        }
        section id="printed" {}
        noscript {
            p.notice.neutral {
                "The table of all " (many) " needs JavaScript. "
                "Everything above is complete without it."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Noun;
    use super::*;

    #[test]
    fn digest_has_the_form_of_a_policy() {
        // From the specification "Content Security Policy Level 3", section 8.3.
        let text = "alert('Hello, world.');";
        assert_eq!(digest(text), "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
    }

    #[test]
    fn only_the_most_frequent_remedies_are_listed() {
        let layout = Layout {
            command: "",
            noun: Noun { one: "", many: "" },
            cells: &[],
            columns: &[],
            statuses: &[],
            bad_title: "",
            status_of: |_| None,
            replaces_file: false,
        };
        let mut causes = Causes::default();
        for number in 0..MAX_REMEDIES + 2 {
            causes.add(Code::NotRequested, &format!("help {number}."), Path::new("a"), false, None);
        }
        causes.add(Code::NotRequested, "help 21.", Path::new("b"), false, None);
        let html = causes_section(&layout, &causes).into_string();
        assert!(html.contains("<span>23 files</span>"), "{html}");
        assert!(html.contains("help 21.") && html.contains("help 0."), "{html}");
        assert!(!html.contains("help 20.") && html.contains("2 more remedies are not listed."));
    }

    #[test]
    fn code_in_a_sentence_is_escaped() {
        let html = with_code("add `a<b>();` to <build.rs>").into_string();
        assert_eq!(html, "add <code>a&lt;b&gt;();</code> to &lt;build.rs&gt;");
    }

    #[test]
    fn explanations_have_no_heading_above_the_fourth() {
        for code in Code::ALL {
            let (_, text) = code.explanation().split_once("\n\n").unwrap();
            let html = markdown(text).into_string();
            assert!(html.contains("<h4>What to do</h4>") && !html.contains("<h2>"), "{html}");
        }
    }
}
