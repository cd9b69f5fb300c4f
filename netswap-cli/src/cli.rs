//! The command line of `netswap` and `cargo netswap`.

#![expect(clippy::doc_markdown, reason = "help texts are no Markdown")]

use std::ffi::OsString;
use std::process;

use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use netswap::ExitCode;
use netswap::output::{Color, print_error, set_color};

use crate::{diagnose, explain, generate, init, inspect, new, patch, schema, undo, verify};

/// Keep Windows programs alive when the network share they run from goes away.
///
/// Windows reads a program's code from the share while the program runs. If the connection drops, the
/// program dies with 0xC0000006. If the image's header has the bit IMAGE_FILE_NET_RUN_FROM_SWAP,
/// Windows copies the image to the page file first. netswap checks which images have the bit, sets
/// it in finished files, and adds it to builds.
#[derive(Debug, Parser)]
#[command(name = "netswap", version, max_term_width = 100, subcommand_required = true)]
#[command(after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to use colors. `auto` uses them on terminals, and obeys NO_COLOR and CLICOLOR
    // Commands have fewer options of their own, so it comes after those.
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    #[arg(display_order = 100)]
    color: ColorChoice,
}

const EXIT_CODES: &str = "\
Exit codes:
  The help of each command lists them.";

#[derive(Debug, Subcommand)]
enum Command {
    Verify(Box<verify::Verify>),
    Inspect(inspect::Inspect),
    Patch(Box<patch::Patch>),
    Undo(undo::Undo),
    Diagnose(diagnose::Diagnose),
    New(new::New),
    Init(init::Init),
    Explain(explain::Explain),
    Schema(schema::Schema),
    Generate(generate::Generate),
}

/// Runs `netswap` with these arguments. The first is the program's name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> process::ExitCode {
    run(Cli::command(), arguments)
}

/// Runs `cargo-netswap` with these arguments. After the program's name, Cargo passes the name of
/// the subcommand, `netswap`.
pub fn cargo_main(arguments: impl IntoIterator<Item = OsString>) -> process::ExitCode {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    if arguments.get(1).is_some_and(|argument| argument == "netswap") {
        arguments.remove(1);
    }
    run(Cli::command().bin_name("cargo netswap"), arguments)
}

fn run(command: clap::Command, arguments: impl IntoIterator<Item = OsString>) -> process::ExitCode {
    netswap::system::raise_open_files();
    let arguments: Vec<_> = arguments.into_iter().collect();
    let color = color(&arguments);
    let command = command.color(color);
    set_color(match color {
        ColorChoice::Auto => Color::Auto,
        ColorChoice::Always => Color::Always,
        ColorChoice::Never => Color::Never,
    });
    // clap exits with 2 after wrong usage, and with 0 after --help and --version.
    let cli = Cli::from_arg_matches(&command.get_matches_from(arguments));
    let result = match cli.unwrap_or_else(|error| error.exit()).command {
        Command::Verify(verify) => verify.run(),
        Command::Inspect(inspect) => inspect.run(),
        Command::Patch(patch) => patch.run(),
        Command::Undo(undo) => undo.run(),
        Command::Diagnose(diagnose) => diagnose.run(),
        Command::New(new) => new.run(),
        Command::Init(init) => init.run(),
        Command::Explain(explain) => explain.run(),
        Command::Schema(schema) => schema.run(),
        Command::Generate(generate) => generate.run(Cli::command()),
    };
    let code = match result {
        Ok(code) => code,
        Err(error) if error.is_closed_pipe() => ExitCode::Passed,
        Err(error) => {
            print_error(&error);
            ExitCode::Error
        }
    };
    code.into()
}

/// Returns the value of `--color`. Finds it before clap parses the arguments, because it applies to
/// clap's errors too. clap then refuses an invalid value.
fn color(arguments: &[OsString]) -> ColorChoice {
    let mut color = ColorChoice::Auto;
    let mut words = arguments.iter().map(|argument| argument.to_string_lossy());
    while let Some(word) = words.next().filter(|word| word != "--") {
        let value = match word.strip_prefix("--color=") {
            Some(value) => Some(value.to_owned().into()),
            None if word == "--color" => words.next(),
            None => None,
        };
        let value = value.and_then(|value| ColorChoice::from_str(&value, false).ok());
        color = value.unwrap_or(color);
    }
    color
}
