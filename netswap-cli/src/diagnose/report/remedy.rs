//! The advice after a crash, as sentences and commands for people.

use std::io::{self, Write};

use netswap::style::NAME;

use crate::diagnose::crash::{Advice, Bit, Bits, Origin, mapping_commands};
use crate::diagnose::diagnosis::{Diagnosis, Suspect};
use crate::text::quote_for_windows;

/// The maximum number of `netswap patch` commands. `netswap verify` finds the other images.
const MAX_PATCHED: usize = 8;

/// The steps that help, in the order in which they are shown.
#[derive(Default)]
pub(super) struct Remedy {
    steps: Vec<Step>,
    /// The code of the cause, for `netswap explain`.
    code: &'static str,
}

/// A sentence, in lines that fit a screen, and its commands.
#[derive(Clone)]
struct Step {
    advice: Advice,
    text: &'static str,
    commands: Vec<String>,
}

impl Remedy {
    pub(super) fn new(diagnosis: &Diagnosis) -> Self {
        let steps = diagnosis.advice.iter().flat_map(|advice| steps(*advice, diagnosis));
        Remedy { steps: steps.collect(), code: diagnosis.cause.code().name() }
    }

    /// Adds the steps against another crash. Each sentence is shown once, with the commands of
    /// both.
    pub(super) fn add(&mut self, other: &Remedy) {
        self.code = other.code;
        for step in &other.steps {
            if let Some(own) = self.steps.iter_mut().find(|own| own.text == step.text) {
                let is_new = |command: &&String| !own.commands.contains(command);
                let new: Vec<_> = step.commands.iter().filter(is_new).cloned().collect();
                own.commands.extend(new);
            } else {
                let at = self.steps.partition_point(|own| own.advice <= step.advice);
                self.steps.insert(at, step.clone());
            }
        }
    }

    /// Returns a paragraph per step, and its commands with an indent.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for Step { text: sentence, commands, .. } in &self.steps {
            text.extend([&sentence.replace('\n', " "), "\n"]);
            text.extend(commands.iter().flat_map(|command| ["    ", command, "\n"]));
        }
        text.extend(["For details:\n    netswap explain ", self.code, "\n"]);
        text
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for Step { text, commands, .. } in &self.steps {
            text.lines().try_for_each(|line| writeln!(out, "  {line}"))?;
            for command in commands {
                writeln!(out, "      {NAME}{command}{NAME:#}")?;
            }
        }
        writeln!(out, "  For details:\n      {NAME}netswap explain {}{NAME:#}", self.code)
    }
}

/// Returns the steps of a piece of advice.
fn steps(advice: Advice, diagnosis: &Diagnosis) -> Vec<Step> {
    let with_commands = |text, commands| Step { advice, text, commands };
    let sentence = |text| with_commands(text, Vec::new());
    let image = diagnosis.suspect.as_ref();
    let path = file(image);
    let step = match advice {
        Advice::SetNetworkBit => return network_bit(diagnosis),
        Advice::SetRemovableBit => with_commands(
            "With IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP, Windows copies an image on removable\n\
             media to the page file first:",
            vec![format!("netswap patch --swap-run cd {path}")],
        ),
        Advice::ReadTheBit => with_commands(
            "Check whether the image has the bit:",
            vec![format!("netswap verify {path}")],
        ),
        Advice::HadTheBit if image.is_some_and(|image| matches!(image.bits, Bits::Dump { .. })) => {
            sentence("The image had the bit when it was loaded, so setting it does not help.")
        }
        Advice::HadTheBit => sentence(
            "The image has the bit, so setting it does not help. Check whether the bit was\n\
             set, or the file replaced, after the program had started.",
        ),
        Advice::HasTheBitNow => sentence(
            "The file has the bit now. If it was set after the crash, restart the program;\n\
             nothing else is needed. If it was set before, it did not prevent the crash.",
        ),
        Advice::ReadTheOthers => with_commands(
            "Find the images on the share that lack the bit:",
            vec![format!("netswap verify {}", folder(image))],
        ),
        Advice::TellTheDrive => with_commands(
            "Check, on the same machine and as the same user, whether the drive is a share:",
            match image.map(|image| &image.origin) {
                Some(Origin::Drive(letter)) => mapping_commands(*letter).to_vec(),
                _ => vec!["net use".to_owned()],
            },
        ),
        Advice::LocalPath => sentence(
            "The path is local, but the network failed. The path may lead to a share\n\
             through a link, or to an iSCSI disk.",
        ),
        Advice::CopyTheData => sentence(
            "No bit protects a file that is mapped as data. Keep it on a local disk, or\n\
             change the program to read the whole file into memory.",
        ),
        Advice::CheckThePageFile => sentence(
            "No bit in an image protects the program's private memory. Check the disk of\n\
             the page file, and whether it is reached over a network.",
        ),
        Advice::TellThePlace => match diagnosis.crash.exception.in_page.address {
            Some(address) => with_commands(
                "A debugger such as WinDbg may show what the address belongs to:",
                vec![format!("!address 0x{address:x}")],
            ),
            None if !diagnosis.is_from_report() => {
                sentence("The dump does not contain the page's address. A debugger may find it.")
            }
            None => sentence(
                "A dump shows which image the page belonged to; a report does not. Windows\n\
                 writes dumps only if configured to. The command below explains how.",
            ),
        },
        Advice::ReadTheLog => sentence(
            "Check the System event log of the machine, and that of the file server, for\n\
             a connection or a disk that was lost at that time.",
        ),
        Advice::CheckTheDisk if is_on_server(diagnosis) => sentence(
            "The failed disk is the file server's or, if the image has the bit, the disk of\n\
             this machine's page file. Its errors are in the System event log there.",
        ),
        Advice::CheckTheDisk => sentence("Find the disk's errors in the System event log."),
        Advice::CheckTheMedium => sentence("Insert the medium again, or replace it."),
        Advice::CheckMemory => sentence(
            "Find out what used the machine's memory. The System event log may name it\n\
             (source Resource-Exhaustion-Detector). No bit helps: a copy needs memory too.",
        ),
        Advice::Debug => sentence("A debugger shows more. In WinDbg, run `!analyze -v`."),
    };
    vec![step]
}

/// Explains how to set the network bit: in the build, or in the finished files.
fn network_bit(diagnosis: &Diagnosis) -> Vec<Step> {
    let others = diagnosis.others.iter().filter(|other| other.bit == Bit::NotSet);
    let lacking = diagnosis.page_image().into_iter().chain(others).take(MAX_PATCHED);
    let mut files: Vec<_> = lacking.map(|image| file(Some(image))).collect();
    files.dedup();
    if files.is_empty() {
        files.push(file(None));
    }
    let steps = [
        (
            "Windows reads an image from its share page by page while the program runs.\n\
             With IMAGE_FILE_NET_RUN_FROM_SWAP, Windows copies it to the page file first.",
            vec![],
        ),
        (
            "If you build it with Cargo, add `netswap_build::emit();` to its build.rs:",
            vec!["netswap init --xtask".to_owned()],
        ),
        (
            "If you build it without Cargo, pass this option to the linker:",
            vec!["/SWAPRUN:NET".to_owned()],
        ),
        (
            "If you don't build it, patch the file (can be undone; refuses signed files):",
            files.into_iter().map(|file| format!("netswap patch {file}")).collect(),
        ),
    ];
    let advice = Advice::SetNetworkBit;
    steps.map(|(text, commands)| Step { advice, text, commands }).into()
}

/// Whether the page was read from a file server's disk.
fn is_on_server(diagnosis: &Diagnosis) -> bool {
    let origin = diagnosis.page_image().map(|image| &image.origin);
    matches!(origin, Some(Origin::Share(_) | Origin::WebDav(_)))
}

/// Returns the image's path to paste into a command, or `FILE` if a shell would interpret it.
fn file(image: Option<&Suspect>) -> String {
    let path = image.and_then(|image| quote_for_windows(&win32_path(image)));
    path.unwrap_or_else(|| "FILE".to_owned())
}

/// Returns the folder of the images from the same share or drive, or `FOLDER` likewise.
fn folder(image: Option<&Suspect>) -> String {
    let folder = match image.map(|image| &image.origin) {
        Some(Origin::Share(share) | Origin::WebDav(share)) => quote_for_windows(share),
        Some(Origin::Drive(letter)) => Some(format!(r"{letter}:\")),
        _ => None,
    };
    folder.unwrap_or_else(|| "FOLDER".to_owned())
}

/// Returns the path in the form that Windows programs accept. A dump may have another form.
pub(super) fn win32_path(image: &Suspect) -> String {
    let (Origin::Share(share) | Origin::WebDav(share)) = &image.origin else {
        return image.path.clone();
    };
    let path = image.path.replace('/', "\\");
    // The path contains the share's name unchanged.
    match path.find(share.trim_start_matches('\\')).and_then(|at| path.get(at..)) {
        Some(rest) => format!(r"\\{rest}"),
        None => path,
    }
}
