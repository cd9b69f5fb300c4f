//! Annotations for workflows of GitHub Actions: one command per image that fails (GitHub Docs,
//! "Workflow commands for GitHub Actions").

use std::io::{self, Write};
use std::path::PathBuf;

use netswap::report::{Report, summary};
use netswap::text::Printable;
use netswap::verify::{Verification, VerifiedImage};
use netswap::{Finding, Status};

use super::{lines, reported_path};

/// A report whose lines GitHub shows beside the changed files, and in the summary of a run.
pub(super) struct GitHub {
    here: PathBuf,
}

impl GitHub {
    pub(super) fn new() -> Self {
        GitHub { here: std::env::current_dir().unwrap_or_default() }
    }

    /// Renders the findings of an image, without knowledge of the other images.
    fn render(&self, image: &VerifiedImage) -> String {
        let level = match image.verdict.status {
            Status::Failed | Status::Unreadable => "error",
            Status::Passed | Status::Offline => "warning",
            // Somebody has decided that this is no fault.
            Status::Allowed => return String::new(),
        };
        let file = reported_path(&image.path, &self.here);
        let path = Printable(file).to_string();
        // GitHub compares the path with those in the repository, which have slashes.
        let path = if cfg!(windows) { path.replace('\\', "/") } else { path };
        let command = |finding: &Finding| {
            let message = format!("{path}: {}", lines(finding, file).join("\n"));
            let (file, title, message) = (property(&path), finding.code, data(&message));
            format!("::{level} file={file},title={title}::{message}\n")
        };
        image.verdict.findings.iter().map(command).collect()
    }
}

impl Report for GitHub {
    fn image(&mut self, image: &VerifiedImage, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.render(image).as_bytes())
    }

    fn end(self: Box<Self>, outcome: &Verification, out: &mut dyn Write) -> io::Result<()> {
        let incomplete = if outcome.is_interrupted { "interrupted: " } else { "" };
        writeln!(
            out,
            "::notice title=netswap::{}",
            data(&format!("{incomplete}{}", summary(outcome)))
        )
    }
}

/// Escapes the text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_can_not_end_its_command() {
        assert_eq!(property("a,title=x::100%\r\n"), "a%2Ctitle=x%3A%3A100%25%0D%0A");
        assert_eq!(data("50%: a\nb"), "50%25: a%0Ab");
    }
}
