//! Checks the completions for PowerShell with a grammar of its language.

use std::path::Path;
use std::process::Command;

use tree_sitter::Parser;

use crate::process::output;

/// Checks that the grammar accepts the script, and rejects half of it.
pub(crate) fn check(netswap: &Path) -> Result<(), String> {
    let script = output(Command::new(netswap).args(["generate", "completions", "powershell"]))?;
    ensure!(script.contains("CommandName 'netswap'"), "the script for PowerShell has no command");
    // The grammar does not know this short form of a call.
    let filter = "{ $_.CompletionText -like \"$wordToComplete*\" }";
    let script = script.replacen(filter, &format!("({filter})"), 1);
    ensure!(is_valid(&script)?, "the grammar of PowerShell rejects the script");
    let half = script.get(..script.len() / 2).unwrap_or_default();
    ensure!(!is_valid(half)?, "the grammar of PowerShell accepts half of the script");
    Ok(())
}

fn is_valid(script: &str) -> Result<bool, String> {
    let mut parser = Parser::new();
    let language = tree_sitter_powershell::LANGUAGE.into();
    parser.set_language(&language).map_err(|error| error.to_string())?;
    let tree = parser.parse(script, None).ok_or("tree-sitter parsed nothing")?;
    Ok(!tree.root_node().has_error())
}
