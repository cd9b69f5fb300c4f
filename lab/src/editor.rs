//! Checks with Taplo, which editors use, that the policy in the book matches the policy's schema.

use std::fs;
use std::process::Command;

use crate::files::{at, empty_folder, root, scratch, write};
use crate::outcome::Outcome;
use crate::process::output;
use crate::tools::Python;
use crate::{NotPassed, programs};

/// The line that names the schema, as in the book.
const DIRECTIVE: &str = "#:schema ./netswap.schema.json";

/// Lints the policy in the book, and the same policy with a mistake.
pub fn check() -> Result<(), NotPassed> {
    let taplo = Python::find().map_err(NotPassed::NotRun)?.path("bin/taplo");
    let folder = empty_folder(scratch("editor"))?;
    let mut schema = Command::new(programs::debug("netswap")?);
    let schema = output(schema.args(["schema", "policy"]))?;
    write(&folder.join("netswap.schema.json"), schema)?;
    let page = root().join("docs/src/policy.md");
    let page = fs::read_to_string(&page).map_err(at(&page))?;
    ensure!(page.contains(&format!("`{DIRECTIVE}`")), "policy.md lacks the line {DIRECTIVE}");
    let policy = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let policy = policy.ok_or("policy.md has no policy".to_owned())?;
    for (mistake, code, expected) in [
        (("", ""), 0, ""),
        (("swap-run", "swaprun"), 1, "('swaprun' was unexpected)"),
        (("[\"net\"]", "[\"nett\"]"), 1, "\"nett\" is not valid"),
    ] {
        let text = policy.replacen(mistake.0, mistake.1, 1);
        write(&folder.join("netswap.toml"), format!("{DIRECTIVE}\n{text}"))?;
        let mut lint = Command::new(&taplo);
        lint.args(["lint", "netswap.toml"]).current_dir(&folder);
        Outcome::run(&mut lint)?.expect(code, &[expected])?;
    }
    println!("Taplo accepts the policy in the book, and finds an unknown key and an unknown word");
    Ok(())
}
