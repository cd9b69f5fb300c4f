//! Converts help texts to roff.

use clap_mangen::roff::{Roff, bold, roman};

/// Adds a help text. Its blocks are separated by empty lines. A block is a paragraph, an indented
/// example, or a heading with a table.
pub(super) fn sections(text: &str, roff: &mut Roff) {
    for (index, block) in text.split("\n\n").enumerate() {
        let block = block.trim_end();
        let (first, rest) = block.split_once('\n').unwrap_or((block, ""));
        if block.starts_with("    ") {
            example(block, roff);
        } else if let Some(title) = first.strip_suffix(':').filter(|_| rest.starts_with("  ")) {
            roff.control("SH", [heading(title).as_str()]);
            table(rest, roff);
        } else if !block.is_empty() {
            if index > 0 {
                roff.control("PP", []);
            }
            roff.text([roman(block)]);
        }
    }
}

/// Returns a heading of a help text as man pages write it.
fn heading(title: &str) -> String {
    match title {
        "Exit codes" => "EXIT STATUS".to_owned(),
        "Environment variables" => "ENVIRONMENT".to_owned(),
        title => title.to_uppercase(),
    }
}

/// Adds lines that stay as they are.
fn example(lines: &str, roff: &mut Roff) {
    roff.control("PP", []).control("RS", ["4"]).control("nf", []);
    for line in lines.lines() {
        roff.text([roman(line.trim_start())]);
    }
    roff.control("fi", []).control("RE", []);
}

/// Adds rows. Two spaces separate a label from its text, which continues on lines that are indented
/// further than the label.
fn table(rows: &str, roff: &mut Roff) {
    for line in rows.lines() {
        let is_continued = line.starts_with("   ");
        let line = line.trim_start();
        match line.split_once("  ") {
            Some((label, text)) if !is_continued => {
                roff.control("TP", []).text([bold(label)]).text([roman(text.trim_start())])
            }
            _ => roff.text([roman(line)]),
        };
    }
}

/// Makes a page read well: without hyphenated names, without wide gaps between words, with short
/// lists of values, and with the code between backticks in bold.
pub(super) fn finish(page: &str) -> String {
    let page = page.replace(VALUES, COMPACT_VALUES).replace("\n.RE\n", "\n.RE\n.PD\n");
    let mut lines = String::new();
    for line in page.lines() {
        lines.push_str(&bold_code(line));
        lines.push('\n');
        if line.starts_with(".TH ") {
            lines.push_str(".nh\n.ad l\n");
        }
    }
    lines
}

/// The start of the list of an option's values, as `clap_mangen` writes it.
const VALUES: &str = "\n.br\n\n.br\n\\fIPossible values:\\fR\n.RS 14\n";

/// The same without empty lines between the values. `.PD` ends this.
const COMPACT_VALUES: &str = "\n.sp\n\\fIPossible values:\\fR\n.RS 7\n.PD 0\n";

/// Sets code in bold. roff would print a backtick as an opening quotation mark.
fn bold_code(line: &str) -> String {
    let parts: Vec<_> = line.split('`').collect();
    // A backtick without a partner is not code.
    let has_pairs = parts.len() % 2 == 1 && !line.starts_with('.');
    let mut text = String::new();
    for (index, part) in parts.into_iter().enumerate() {
        text.push_str(match index {
            0 => "",
            _ if !has_pairs => r"\(ga",
            _ if index % 2 == 1 => r"\fB",
            _ => r"\fR",
        });
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(help: &str) -> String {
        let mut roff = Roff::new();
        sections(help, &mut roff);
        finish(&roff.to_roff())
    }

    #[test]
    fn blocks_of_a_help_text_become_roff() {
        for (help, expected) in [
            ("", ""),
            ("One.\n\nTwo\nlines.", "One.\n.PP\nTwo\nlines.\n"),
            ("See:\n\n    a = 1\n    b", "See:\n.PP\n.RS 4\n.nf\na = 1\nb\n.fi\n.RE\n.PD\n"),
            (
                "Exit codes:\n  0   passed\n  10  failed,\n      badly",
                ".SH \"EXIT STATUS\"\n.TP\n\\fB0\\fR\npassed\n.TP\n\\fB10\\fR\nfailed,\nbadly\n",
            ),
            ("Exit codes:\n  that of ld", ".SH \"EXIT STATUS\"\nthat of ld\n"),
            ("Where to go:\n  a  b", ".SH \"WHERE TO GO\"\n.TP\n\\fBa\\fR\nb\n"),
            (".so it is\n\n'is", "\\&.so it is\n.PP\n\\&'is\n"),
        ] {
            assert_eq!(page(help), expected, "{help}");
        }
    }

    #[test]
    fn code_is_bold_and_a_single_backtick_stays() {
        for (text, expected) in [
            ("run `a -b` or `c`", "run \\fBa \\-b\\fR or \\fBc\\fR\n"),
            ("a ` b", "a \\(ga b\n"),
            ("`a` ` b", "\\(gaa\\(ga \\(ga b\n"),
        ] {
            assert_eq!(page(text), expected);
        }
    }
}
