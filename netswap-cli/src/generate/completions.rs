//! The scripts with completions. `clap_complete` writes them. This adds what it leaves out.

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;
use netswap::Code;

const NAME: &str = "netswap";

/// Returns the script of a shell.
pub(super) fn script(command: Command, shell: Shell) -> String {
    // The command itself takes any text, because a status has many spellings.
    let codes = PossibleValuesParser::new(Code::ALL.iter().map(|code| code.name()));
    let explain = |explain: Command| explain.mut_arg("code", |code| code.value_parser(codes));
    let mut command = with_hints(command.mut_subcommand("explain", explain));
    if shell == Shell::Bash {
        command = command.mut_subcommands(with_single_words);
    }
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, NAME, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    match shell {
        Shell::Elvish => script + &elvish_addition(&command),
        Shell::Fish => script + &fish_addition(&command),
        // With two colons, zsh completes no options after the first file.
        Shell::Zsh => script.replace("\n'*::paths", "\n'*:paths"),
        _ => script,
    }
}

/// Sets the hints by which the script for bash escapes the names of files. Values that are neither
/// paths nor from a list are not completed.
fn with_hints(command: Command) -> Command {
    let hint = |option: Arg| {
        let is_free = !option.is_positional() && option.get_possible_values().is_empty();
        match option.get_value_hint() {
            ValueHint::AnyPath if is_free => option.value_hint(ValueHint::FilePath),
            ValueHint::Unknown if is_free => option.value_hint(ValueHint::Other),
            _ => option,
        }
    };
    command.mut_args(hint).mut_subcommands(with_hints)
}

/// Removes the possible values that have a space. bash would offer each of their words.
fn with_single_words(command: Command) -> Command {
    command.mut_args(|argument| {
        let all = argument.get_possible_values();
        let single: Vec<_> =
            all.iter().filter(|value| !value.get_name().contains(' ')).cloned().collect();
        let is_shorter = single.len() < all.len();
        if is_shorter { argument.value_parser(PossibleValuesParser::new(single)) } else { argument }
    })
}

/// The possible values of an argument.
struct ValueList<'a> {
    /// The names of the commands: `generate completions`.
    commands: Vec<&'a str>,
    /// The name of an option. `None` for a positional argument.
    option: Option<&'a str>,
    /// The values, separated by spaces.
    words: String,
}

/// Adds the possible values of all arguments of the subcommands.
fn add_values<'a>(command: &'a Command, commands: &[&'a str], lists: &mut Vec<ValueList<'a>>) {
    for subcommand in command.get_subcommands() {
        let commands = [commands, &[subcommand.get_name()]].concat();
        for argument in subcommand.get_arguments() {
            let values = argument.get_possible_values();
            let values: Vec<_> = values.iter().map(|value| quoted(value.get_name())).collect();
            let option = argument.get_long();
            let takes_values = argument.is_positional() || argument.get_action().takes_values();
            if takes_values && !values.is_empty() {
                let commands = commands.clone();
                lists.push(ValueList { commands, option, words: values.join(" ") });
            }
        }
        add_values(subcommand, &commands, lists);
    }
}

/// Quotes a word with a space, for Elvish and fish.
fn quoted(word: &str) -> String {
    if word.contains(' ') { format!("'{word}'") } else { word.to_owned() }
}

/// Returns Elvish code that adds possible values, files, and options after the name of a file.
fn elvish_addition(command: &Command) -> String {
    let mut lists = Vec::new();
    add_values(command, &[], &mut lists);
    let row = |ValueList { commands, option, words }: &ValueList<'_>| {
        let first = commands.first().copied().unwrap_or_default();
        // A positional argument follows the name of its command.
        let last = commands.last().copied().unwrap_or_default();
        let before = option.map_or_else(|| last.to_owned(), |option| format!("--{option}"));
        format!("    &'{first} {before}'=[{words}]\n")
    };
    let rows: String = lists.iter().map(row).collect();
    format!(
        "
var {NAME}-values = [
{rows}]
var {NAME}-options~ = $edit:completion:arg-completer[{NAME}]

set edit:completion:arg-completer[{NAME}] = {{|@words|
    var before = $words[1]' '$words[-2]
    if (has-key ${NAME}-values $before) {{
        all ${NAME}-values[$before]
        return
    }}
    try {{
        {NAME}-options $@words
    }} catch error {{
        # It finds no command of this name, because a word is a file.
        try {{ {NAME}-options $words[0] $words[1] $words[-1] }} catch error {{ nop }}
    }}
    if (and (> (count $words) 2) (not (str:has-prefix $words[-1] -))) {{
        edit:complete-filename $@words
    }}
}}
"
    )
}

/// Returns fish code that adds the possible values of positional arguments.
fn fish_addition(command: &Command) -> String {
    let mut lists = Vec::new();
    add_values(command, &[], &mut lists);
    let line = |ValueList { commands, words, .. }: &ValueList<'_>| {
        let (first, inner) = commands.split_first()?;
        let mut condition = format!("__fish_{NAME}_using_subcommand {first}");
        for name in inner {
            condition = condition + "; and __fish_seen_subcommand_from " + name;
        }
        Some(format!("complete -c {NAME} -n \"{condition}\" -f -a \"{words}\"\n"))
    };
    let positionals = lists.iter().filter(|list| list.option.is_none());
    positionals.filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use clap::builder::PossibleValue;

    use super::*;

    fn command() -> Command {
        let many = Arg::new("license").long("license").value_parser(["MIT", "MIT OR X"]);
        let inner = Command::new("inner").arg(Arg::new("shell").value_parser(["sh", "ash"]));
        let outer = Command::new("outer").arg(many).arg(Arg::new("path")).subcommand(inner);
        let mut command = Command::new("netswap").subcommand(outer);
        command.build();
        command
    }

    #[test]
    fn elvish_gets_the_values_of_each_argument() {
        let addition = elvish_addition(&command());
        let expected = "
var netswap-values = [
    &'outer --license'=[MIT 'MIT OR X']
    &'outer inner'=[sh ash]
]
";
        assert!(addition.starts_with(expected), "{addition}");
    }

    #[test]
    fn fish_gets_the_values_of_positional_arguments() {
        let expected = "complete -c netswap -n \"__fish_netswap_using_subcommand outer; and \
                        __fish_seen_subcommand_from inner\" -f -a \"sh ash\"\n";
        assert_eq!(fish_addition(&command()), expected);
    }

    #[test]
    fn bash_gets_no_value_with_a_space() {
        let command = command().mut_subcommands(with_single_words);
        let outer = command.find_subcommand("outer").unwrap();
        let license = outer.get_arguments().find(|argument| argument.get_id() == "license");
        let values = license.unwrap().get_possible_values();
        assert_eq!(values, [PossibleValue::new("MIT")]);
    }

    #[test]
    fn options_get_hints_by_their_values() {
        let path =
            Arg::new("path").long("path").value_parser(clap::value_parser!(std::path::PathBuf));
        let text = Arg::new("text").long("text");
        let when = Arg::new("when").long("when").value_parser(["now"]);
        let first = Arg::new("first");
        let command = with_hints(Command::new("netswap").args([path, text, when, first]));
        let hints: Vec<_> = command.get_arguments().map(Arg::get_value_hint).collect();
        let expected =
            [ValueHint::FilePath, ValueHint::Other, ValueHint::Unknown, ValueHint::Unknown];
        assert_eq!(hints, expected);
    }
}
