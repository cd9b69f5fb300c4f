//! `netswap explain`: prints the explanation of a code, or a list of all codes.

mod page;

use std::io::{self, IsTerminal, Write};

use clap::Args;
use netswap::output::Out;
use netswap::text::nearest;
use netswap::{Code, ExitCode};

use crate::Error;
use crate::diagnose::crash::{KnownStatus, known_status, status_names};

/// Explain a finding or the cause of a crash, and what to do
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "help texts are no Markdown")]
pub(super) struct Explain {
    /// Code of a finding, such as not-requested, or status of a crash, such as 0xC0000006 or
    /// STATUS_IN_PAGE_ERROR. Without it, lists all codes
    #[arg(allow_negative_numbers = true)]
    code: Option<String>,
}

impl Explain {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let mut out = Out::new(true);
        let Some(name) = self.code else {
            for code in Code::ALL {
                writeln!(out, "{:<23} {}", code.name(), code.summary())?;
            }
            out.flush()?;
            return Ok(ExitCode::Passed);
        };
        let text = explanation(&name)?;
        let is_terminal = io::stdout().is_terminal();
        let text = if is_terminal { page::format(&text, page::terminal_width()) } else { text };
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(ExitCode::Passed)
    }
}

/// Returns the explanation of a code or a status, in Markdown.
fn explanation(name: &str) -> Result<String, Error> {
    let lower_case = name.to_ascii_lowercase();
    if let Some(code) = Code::from_name(&lower_case) {
        return Ok(code.explanation().to_owned());
    }
    if let Some(KnownStatus { number, name, cause, sentence }) = known_status(name) {
        let end = if sentence.is_empty() { "." } else { ": " };
        let explanation = cause.code().explanation();
        return Ok(format!("0x{number:08X} is {name}{end}{sentence}\n\n{explanation}"));
    }
    let nearest = nearest(&lower_case, Code::ALL.iter().map(|code| code.name()))
        .or_else(|| nearest(&name.to_ascii_uppercase(), status_names()));
    Err(Error::UnknownCode { code: name.to_owned(), nearest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_lines(name: &str) -> (String, String) {
        let text = explanation(name).unwrap();
        let mut lines = text.lines().filter(|line| !line.is_empty());
        let mut line = || lines.next().unwrap().to_owned();
        (line(), line())
    }

    #[test]
    fn codes_are_known_in_any_case() {
        for code in Code::ALL {
            for name in [code.name().to_owned(), code.name().to_uppercase()] {
                assert_eq!(explanation(&name).unwrap(), code.explanation());
            }
        }
    }

    #[test]
    fn statuses_lead_to_the_code_of_their_cause() {
        let disconnected = "0xC000020C is STATUS_CONNECTION_DISCONNECTED: The connection to the file server was lost.";
        let in_page = "0xC0000006 is STATUS_IN_PAGE_ERROR.";
        for (name, first, code) in [
            ("0xC000020C", disconnected, "# share-lost"),
            ("C000020C", disconnected, "# share-lost"),
            ("0Xc000020c", disconnected, "# share-lost"),
            ("3221225996", disconnected, "# share-lost"),
        ] {
            assert_eq!(first_lines(name), (first.to_owned(), code.to_owned()), "{name}");
        }
        for name in ["0xc0000006", "-1073741818", "3221225478", "status_in_page_error"] {
            assert_eq!(first_lines(name), (in_page.to_owned(), "# cause-unclear".to_owned()));
        }
        for (name, code) in [
            ("STATUS_CONNECTION_DISCONNECTED", "# share-lost"),
            ("connection_disconnected", "# share-lost"),
            ("EXCEPTION_IN_PAGE_ERROR", "# cause-unclear"),
            ("STATUS_IO_DEVICE_ERROR", "# disk-failed"),
            ("0xC0000178", "# medium-failed"),
            ("0xC000009A", "# no-progress"),
            ("0xC00000B5", "# cause-unclear"),
            ("0xC0000005", "# not-an-in-page-error"),
            ("0xE0434352", "# not-an-in-page-error"),
        ] {
            assert_eq!(first_lines(name).1, code, "{name}");
        }
    }

    #[test]
    fn nearest_name_is_suggested_for_an_unknown_one() {
        for (name, expected) in [
            ("NET-SWAP-MISING", Some("net-swap-missing")),
            ("status_in_page_eror", Some("STATUS_IN_PAGE_ERROR")),
            ("0xC0001234", None),
            ("0x0xC0000006", None),
            ("6", None),
            ("", None),
            ("STATUS_", None),
            ("a .NET exception", None),
        ] {
            match explanation(name) {
                Err(Error::UnknownCode { nearest, .. }) => assert_eq!(nearest, expected, "{name}"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}
