//! The man pages of all programs and commands.

use std::io;

use clap::{Arg, Command};
use clap_mangen::roff::{Roff, bold, italic, roman};

use super::page::{finish, sections};
use crate::linker;

/// A man page: the name of its file, and its text in roff.
pub(super) struct Page {
    pub(super) name: String,
    pub(super) text: String,
}

/// The part after the name: the section of the manual.
const SECTION: &str = "1";

/// An empty argument, because a page must not depend on the day. roff's `control` would drop it.
const NO_DATE: &str = "\"\"";

const MANUAL: &str = "netswap manual";

const SOURCE: &str = concat!("netswap ", env!("CARGO_PKG_VERSION"));

/// Returns the pages of netswap, of its commands, and of the other programs.
pub(super) fn pages(command: Command) -> io::Result<Vec<Page>> {
    let mut command = command.disable_help_subcommand(true);
    // Adds the global options and the full name to each command.
    command.build();
    let mut pages = Vec::new();
    add_pages(&command, &mut pages)?;
    pages.push(cargo_netswap());
    pages.push(netswap_linker());
    for page in &mut pages {
        page.text = finish(&page.text);
    }
    Ok(pages)
}

fn add_pages(command: &Command, pages: &mut Vec<Page>) -> io::Result<()> {
    pages.push(page(command.clone())?);
    command.get_subcommands().try_for_each(|subcommand| add_pages(subcommand, pages))
}

/// Returns the page of a command. By itself, `clap_mangen` would list each option in the synopsis,
/// and join the lines of the table of exit codes.
fn page(mut command: Command) -> io::Result<Page> {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim().to_owned();
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let description = command.get_long_about().map(ToString::to_string).unwrap_or_default();
    let mut command = command.override_usage(usage).after_help(None).version(None);
    if let Some((_, description)) = description.split_once("\n\n") {
        // The first paragraph is already in the section NAME.
        command = command.long_about(description.to_owned());
    }
    let command = command.subcommand_help_heading("COMMANDS").mut_args(|argument: Arg| {
        if argument.is_positional() {
            return argument.help_heading("Arguments");
        }
        // The default depends on the machine's processors, and a page is for any machine.
        let is_machines = argument.get_id() == "jobs";
        argument.hide_default_value(is_machines)
    });
    let mut text = Vec::new();
    let man = clap_mangen::Man::new(command).section(SECTION).date(NO_DATE);
    man.source(SOURCE).manual(MANUAL).render(&mut text)?;
    let mut text = String::from_utf8_lossy(&text).into_owned();
    let mut end = Roff::new();
    sections(&after, &mut end);
    see_also(&name, &mut end);
    // The definitions before the first section are already at the start of the page.
    let end = end.render();
    text.push_str(end.find(".SH").and_then(|start| end.get(start..)).unwrap_or_default());
    Ok(Page { name: format!("{name}.{SECTION}"), text })
}

/// Returns the page of the program that Cargo runs.
fn cargo_netswap() -> Page {
    let description = "Cargo runs cargo-netswap for `cargo netswap`. `cargo netswap verify` does \
                       the same as `netswap verify`. So do the other commands.";
    let usage = [bold("cargo netswap"), roman(" "), italic("COMMAND"), roman(" [ARGUMENTS]...")];
    let mut roff = start("cargo-netswap", "Run netswap as a command of Cargo");
    roff.text(usage);
    roff.control("SH", ["DESCRIPTION"]);
    sections(description, &mut roff);
    end("cargo-netswap", roff)
}

/// Returns the page of netswap-linker, whose help does not come from clap.
fn netswap_linker() -> Page {
    const NAME: &str = "netswap-linker";
    let (about, help) = linker::HELP.split_once("\n\n").unwrap_or((linker::HELP, ""));
    let mut roff = start(NAME, about.trim_end_matches('.'));
    roff.text([bold(NAME), roman(" "), italic("ARGUMENTS"), roman("...")]);
    roff.control("SH", ["DESCRIPTION"]);
    sections(help, &mut roff);
    end(NAME, roff)
}

/// Returns the start of a page, up to the heading of the synopsis.
fn start(name: &str, about: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("TH", [name, SECTION, NO_DATE, SOURCE, MANUAL]);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {about}"))]);
    roff.control("SH", ["SYNOPSIS"]);
    roff
}

fn end(name: &str, mut roff: Roff) -> Page {
    see_also(name, &mut roff);
    Page { name: format!("{name}.{SECTION}"), text: roff.render() }
}

/// Adds the other programs to the page of netswap, and netswap to all other pages.
fn see_also(name: &str, roff: &mut Roff) {
    roff.control("SH", ["SEE ALSO"]);
    let section = format!("({SECTION})");
    if name == "netswap" {
        let [cargo, linker] = ["cargo-netswap", "netswap-linker"].map(bold);
        let comma = format!("({SECTION}), ");
        roff.text([cargo, roman(comma), linker, roman(section)]);
    } else {
        roff.text([bold("netswap"), roman(section)]);
    }
}
