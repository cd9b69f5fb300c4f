//! SARIF 2.1.0, the format in which code scanning exchanges results (OASIS, "Static Analysis Results
//! Interchange Format"). The codes are rules, and their explanations are the rules' help.

use std::io::{self, Write};
use std::path::PathBuf;

use netswap::report::Report;
use netswap::text::one_line;
use netswap::verify::{Verification, VerifiedImage};
use netswap::{Code, ExitCode, Finding, Status};
use serde::Serialize;
use serde_json::{Value, json};

use super::uri::uri;
use super::{lines, reported_path};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// A report whose results are written while the images are verified.
pub(super) struct Sarif {
    here: PathBuf,
    /// The codes of the results so far. The index of a rule is its position.
    rules: Vec<Code>,
    has_results: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Message,
    locations: [Value; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Value>,
    properties: Properties<'a>,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

/// The facts that SARIF has no field for.
#[derive(Serialize)]
struct Properties<'a> {
    status: &'static str,
    signer: Option<&'a str>,
    package: Option<&'a str>,
    target: Option<&'a str>,
}

impl Sarif {
    pub(super) fn new() -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        Sarif { here, rules: Vec::new(), has_results: false }
    }

    fn rule_index(&mut self, code: Code) -> usize {
        self.rules.iter().position(|rule| *rule == code).unwrap_or_else(|| {
            self.rules.push(code);
            self.rules.len() - 1
        })
    }

    fn result<'a>(&mut self, image: &'a VerifiedImage, finding: &Finding) -> SarifResult<'a> {
        let verdict = &image.verdict;
        let (level, suppressions) = match verdict.status {
            Status::Failed | Status::Unreadable => ("error", Vec::new()),
            Status::Passed | Status::Offline => ("warning", Vec::new()),
            Status::Allowed => {
                let reason = verdict.reason.as_deref().map(one_line);
                let why =
                    json!({"kind": "external", "status": "accepted", "justification": reason});
                ("error", vec![why])
            }
        };
        let path = reported_path(&image.path, &self.here);
        let text = lines(finding, path).join("\n");
        SarifResult {
            rule_id: finding.code.name(),
            rule_index: self.rule_index(finding.code),
            level,
            message: Message { text },
            locations: [json!({"physicalLocation": {"artifactLocation": {"uri": uri(path)}}})],
            suppressions,
            properties: Properties {
                status: verdict.status.name(),
                signer: verdict.signer.as_deref(),
                package: image.package.as_deref(),
                target: image.target.as_deref(),
            },
        }
    }

    /// Writes what is before a result: the beginning of the document, or a comma.
    fn separate(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.has_results {
            return out.write_all(b",\n");
        }
        self.has_results = true;
        begin(out)
    }
}

/// Writes the beginning of the document.
fn begin(out: &mut dyn Write) -> io::Result<()> {
    write!(
        out,
        "{{\n\"$schema\": \"{SCHEMA}\",\n\"version\": \"2.1.0\",\n\"runs\": [{{\n\"results\": [\n"
    )
}

impl Report for Sarif {
    fn image(&mut self, image: &VerifiedImage, out: &mut dyn Write) -> io::Result<()> {
        for finding in &image.verdict.findings {
            let result = serde_json::to_vec(&self.result(image, finding))?;
            self.separate(out)?;
            out.write_all(&result)?;
        }
        Ok(())
    }

    fn end(self: Box<Self>, outcome: &Verification, out: &mut dyn Write) -> io::Result<()> {
        if !self.has_results {
            begin(out)?;
        }
        let code = outcome.exit_code();
        let is_complete = !matches!(code, ExitCode::Error | ExitCode::Interrupted);
        let invocation = json!({
            "executionSuccessful": is_complete,
            "exitCode": code as i32,
            "workingDirectory": {"uri": uri(&self.here)},
        });
        let driver = json!({
            "name": "netswap",
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": self.rules.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
        });
        let (invocation, driver) = (invocation.to_string(), driver.to_string());
        writeln!(
            out,
            "\n],\n\"invocations\": [{invocation}],\n\"tool\": {{\"driver\": {driver}}}\n}}]\n}}"
        )
    }
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.name(),
        "shortDescription": {"text": code.summary()},
        "help": {"text": code.explanation(), "markdown": code.explanation()},
    })
}
