//! The program with `generate`. `cargo xtask completions` tries the scripts in their shells.

use std::fs;
use std::path::Path;

use snapbox::str;
use testkit::share::Share;

use crate::stdout;

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// Returns the commands that a help lists.
fn commands(share: &Share, command: &[&str]) -> Vec<String> {
    let help = stdout(&share.netswap([]).args(command).arg("--help").assert().code(0));
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names =
        lines.take_while(|line| !line.is_empty()).map(|line| line.split_whitespace().next());
    names.flatten().filter(|name| *name != "help").map(str::to_owned).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn generate_is_the_last_command() {
    let commands = commands(&Share::new([]), &[]);
    assert_eq!(commands.last().unwrap(), "generate");
}

#[test]
fn each_command_has_a_man_page() {
    let share = Share::new([]);
    share.run(["generate", "man", "share/man1"]).code(0).stdout_eq(str![[r"
wrote [..] man pages to share/man1

"]]);
    let mut expected = vec!["cargo-netswap.1".to_owned(), "netswap-linker.1".to_owned()];
    expected.push("netswap.1".to_owned());
    for command in commands(&share, &[]) {
        for subcommand in commands(&share, &[&command]) {
            expected.push(format!("netswap-{command}-{subcommand}.1"));
        }
        expected.push(format!("netswap-{command}.1"));
    }
    expected.sort();
    assert!(expected.len() > 10, "{expected:?}");
    assert_eq!(names(&share.path("share/man1")), expected);
}

#[test]
fn man_page_has_all_parts_of_the_help() {
    let share = Share::new([("man/netswap-generate-man.1", b"old".to_vec())]);
    share.run(["generate", "man", "man"]).code(0);
    let page = String::from_utf8(share.read("man/netswap-generate-man.1")).unwrap();
    // Not a snapshot, because snapbox turns backslashes into slashes.
    let expected = r#".ie \n(.g .ds Aq \(aq
.el .ds Aq '
.TH netswap-generate-man 1 "" "netswap 0.1.0" "netswap manual"
.nh
.ad l
.SH NAME
netswap\-generate\-man \- Write the man pages of netswap
.SH SYNOPSIS
\fBnetswap generate man\fR [OPTIONS] <DIR>
.SH DESCRIPTION
Writes a page for each command, and pages for cargo\-netswap and netswap\-linker. Replaces existing pages.
.SH OPTIONS
.TP
\fB\-\-color\fR \fI<WHEN>\fR [default: auto]
When to use colors. \fBauto\fR uses them on terminals, and obeys NO_COLOR and CLICOLOR
.sp
\fIPossible values:\fR
.RS 7
.PD 0
.IP \(bu 2
auto
.IP \(bu 2
always
.IP \(bu 2
never
.RE
.PD
.TP
\fB\-h\fR, \fB\-\-help\fR
Print help (see a summary with \*(Aq\-h\*(Aq)
.SH ARGUMENTS
.TP
<\fIDIR\fR>
Folder for the pages. It is created if it is missing
.SH "WHERE MAN FINDS THEM"
.TP
\fB~/.local/share/man/man1\fR
if ~/.local/bin is in PATH
.TP
\fB/usr/local/share/man/man1\fR
for all accounts
.SH "EXIT STATUS"
.TP
\fB0\fR
all pages were written
.TP
\fB2\fR
wrong usage, or a page could not be written
.SH "SEE ALSO"
\fBnetswap\fR(1)
"#;
    assert_eq!(page, expected);
}

#[test]
fn man_pages_do_not_depend_on_the_machine() {
    let share = Share::new([]);
    share.run(["generate", "man", "man"]).code(0);
    let help = stdout(&share.run(["verify", "--help"]).code(0));
    let jobs = help.split("--jobs <NUMBER>").nth(1).unwrap();
    assert_eq!(jobs.lines().nth(3).unwrap().split(':').next().unwrap().trim(), "[default");
    let page = String::from_utf8(share.read("man/netswap-verify.1")).unwrap();
    assert!(page.contains("\\-\\-jobs\\fR \\fI<NUMBER>\\fR\n"), "{page}");
}

#[test]
fn unwritable_man_page_is_named() {
    let share = Share::new([("file", Vec::new())]);
    fs::create_dir_all(share.path("man/netswap-undo.1")).unwrap();
    share.run(["generate", "man", "man"]).code(2).stdout_eq("").stderr_eq(str![[r"
error: failed to write the man page man/netswap-undo.1: it is a folder; name a file; choose another folder

"]]);
    // The pages before it are complete, and no part of another remains.
    let names = names(&share.path("man"));
    assert!(names.iter().all(|name| name.starts_with("netswap") && name.ends_with(".1")));
    assert_eq!(fs::read_dir(share.path("man/netswap-undo.1")).unwrap().count(), 0);
    share.run(["generate", "man", "file/man"]).code(2).stdout_eq("").stderr_eq(str![[r"
error: failed to create the folder file/man: [..]; choose another folder

"]]);
}

#[cfg(unix)]
#[test]
fn folder_name_cannot_forge_a_line() {
    let share = Share::new([]);
    let run = share.run(["generate", "man", "a\u{1b}[2J\nb"]).code(0);
    assert_eq!(stdout(&run).lines().count(), 1);
    assert!(stdout(&run).ends_with("to a\\u{1b}[2J\\nb\n"), "{}", stdout(&run));
}

#[test]
fn completions_are_for_known_shells_only() {
    let share = Share::new([]);
    for shell in SHELLS {
        let run = share.run(["--color", "always", "generate", "completions", shell]).code(0);
        let script = stdout(&run.stderr_eq(""));
        for part in ["netswap", "files-from", "swap-run", "ndjson", "color", "net-swap-missing"] {
            // PowerShell's script has no values.
            let is_value = part == "ndjson" || part == "net-swap-missing";
            let is_expected = !(shell == "powershell" && is_value);
            assert_eq!(script.contains(part), is_expected, "{shell}: {part}");
        }
        assert!(!script.contains('\u{1b}'));
    }
    share.run(["generate", "completions", "cmd"]).code(2).stdout_eq("");
    share.run(["generate", "completions"]).code(2).stdout_eq("");
}
