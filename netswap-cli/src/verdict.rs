//! From an image, its policy and its build to a status and findings (pure).

use serde::Serialize;

use crate::SwapRun;
use crate::find::{Artifact, Outcome, Receipt, ReceiptState};
use crate::finding::{Code, Finding};
use crate::image::{Content, Header, Kind, ReadError};
use crate::text::{Printable, one_line};

/// What became of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was read and has every bit that the policy asks for.
    Passed,
    /// It was read and is at fault.
    Failed,
    /// It need not have the bits: the policy says so, or Windows does not load it.
    Allowed,
    /// It could not be read, so nothing is known of it.
    Unreadable,
}

/// What is to be said of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Passed or not.
    pub status: Status,
    /// What the header says, if it could be read.
    pub header: Option<Header>,
    /// Why it is allowed.
    pub reason: Option<String>,
    /// What is at fault; empty if it passed.
    pub findings: Vec<Finding>,
}

/// Judges a file by its header. `None`: it is no image, and there is nothing to judge.
///
/// `required` are the bits that the policy asks for, `allowed` is the reason of an exception for
/// this image, `artifact` is what Cargo tells of its build.
pub fn judge(
    content: Result<Content, ReadError>,
    required: &[SwapRun],
    allowed: Option<&str>,
    artifact: Option<&Artifact>,
) -> Option<Verdict> {
    let (header, findings) = match content {
        Ok(Content::Other) => return None,
        Ok(Content::Image(header)) if header.kind() == Kind::Efi => {
            return Some(Verdict {
                status: Status::Allowed,
                header: Some(header),
                reason: Some("UEFI loads it, not Windows".to_owned()),
                findings: Vec::new(),
            });
        }
        Ok(Content::Image(header)) => (Some(header), missing_bits(&header, required, artifact)),
        Err(error @ ReadError::Io(_)) => {
            return Some(Verdict {
                status: Status::Unreadable,
                header: None,
                reason: None,
                findings: vec![broken(&error)],
            });
        }
        Err(error) => (None, vec![broken(&error)]),
    };
    let status = match (findings.as_slice(), allowed) {
        ([], _) => Status::Passed,
        (_, Some(_)) => Status::Allowed,
        (_, None) => Status::Failed,
    };
    let reason = allowed.filter(|_| status == Status::Allowed);
    Some(Verdict { status, header, reason: reason.map(str::to_owned), findings })
}

/// A file whose header can't be read.
fn broken(error: &ReadError) -> Finding {
    let (code, help) = match error {
        ReadError::Io(_) => (
            Code::Unreadable,
            "give this account the right to read it, or close the program that holds it",
        ),
        ReadError::Truncated => (Code::TruncatedImage, "copy or build the file again"),
        ReadError::Magic(_) => (Code::MalformedImage, "build the file again, or delete it"),
    };
    Finding { code, message: one_line(&error.to_string()), help: help.to_owned() }
}

/// The required bits that are not set, one finding for those with the same cause.
fn missing_bits(
    header: &Header,
    required: &[SwapRun],
    artifact: Option<&Artifact>,
) -> Vec<Finding> {
    let mut causes: Vec<(Code, Vec<SwapRun>)> = Vec::new();
    let is_missing = |bit: &SwapRun| required.contains(bit) && !header.has(*bit);
    for bit in SwapRun::ALL.into_iter().filter(is_missing) {
        let code = cause(bit, artifact);
        match causes.last_mut() {
            Some((last, bits)) if *last == code => bits.push(bit),
            _ => causes.push((code, vec![bit])),
        }
    }
    let finding = |(code, bits): (Code, Vec<SwapRun>)| match artifact {
        Some(artifact) => of_build(code, &bits, required, artifact),
        None => of_file(code, &bits),
    };
    causes.into_iter().map(finding).collect()
}

/// Why a bit is missing, as far as it is known.
fn cause(bit: SwapRun, artifact: Option<&Artifact>) -> Code {
    let unknown = match bit {
        SwapRun::Net => Code::NetSwapMissing,
        SwapRun::Cd => Code::RemovableSwapMissing,
    };
    let Some(artifact) = artifact else {
        return unknown;
    };
    let receipt = match &artifact.receipt {
        ReceiptState::Absent => return Code::NotRequested,
        ReceiptState::Unusable(_) => return unknown,
        ReceiptState::Present(receipt) => receipt,
    };
    let holds = |scope: &crate::find::Scope| scope.holds(&artifact.name, &artifact.kinds);
    match (&receipt.netswap, receipt.outcome) {
        (Some(bits), _) if !bits.contains(&bit) => Code::SwitchedOff,
        (None, _) if !receipt.requested.contains(&bit) => Code::NotRequested,
        (_, Outcome::SwitchedOff) => Code::SwitchedOff,
        (_, Outcome::NotRequested | Outcome::NotWindows) => Code::NotRequested,
        (_, Outcome::Unsupported) => Code::LinkerUnsupported,
        (_, Outcome::Emitted) if !receipt.scopes.iter().any(holds) => Code::OutOfScope,
        (_, Outcome::Emitted) => Code::LostAfterLink,
    }
}

/// The finding for a file of which only its bytes are known.
fn of_file(code: Code, bits: &[SwapRun]) -> Finding {
    let switches: Vec<_> = bits.iter().map(|bit| bit.switch()).collect();
    let switches = switches.join(" ");
    Finding {
        code,
        message: format!("{} is not set", constants(bits)),
        help: format!(
            "link it with {switches}, or set the bit in the file before it is signed:\n    editbin {switches} FILE"
        ),
    }
}

/// The finding for an image that Cargo has just built.
fn of_build(code: Code, bits: &[SwapRun], required: &[SwapRun], artifact: &Artifact) -> Finding {
    let (package, constants) = (one_line(&artifact.package), constants(bits));
    let name = one_line(&artifact.name);
    let receipt = match &artifact.receipt {
        ReceiptState::Present(receipt) => Some(receipt),
        ReceiptState::Absent | ReceiptState::Unusable(_) => None,
    };
    let (message, help) = match code {
        Code::NotRequested => (
            format!("the build script of package `{package}` does not ask for {constants}"),
            two_lines(required, artifact),
        ),
        Code::OutOfScope => (
            format!("the build script of package `{package}` asks for {constants}, but not in `{name}`"),
            scope_help(artifact),
        ),
        Code::SwitchedOff => (
            format!("NETSWAP was set in the environment of the build and took {constants} away"),
            format!("unset NETSWAP, or set it to {}, and build again", netswap_value(required)),
        ),
        Code::LinkerUnsupported => (
            format!("{} has no option that sets {constants}", linker(receipt)),
            "link with LLD (-Clink-arg=-fuse-ld=lld in the rustflags), or build for a *-windows-msvc or *-windows-gnullvm target".to_owned(),
        ),
        Code::LostAfterLink => (
            format!(
                "the linker was given {}, and the file lacks {constants}",
                receipt.map(|receipt| receipt.arguments.join(" ")).unwrap_or_default()
            ),
            format!(
                "see that no wrapper drops the linker's arguments, and strip with llvm-strip or `strip = true` in the Cargo profile: GNU strip and objcopy clear the bit\nthen link again, since Cargo takes the file for fresh:\n    cargo clean --package {package}"
            ),
        ),
        _ => {
            let why = match &artifact.receipt {
                ReceiptState::Unusable(why) => one_line(why),
                ReceiptState::Absent | ReceiptState::Present(_) => String::new(),
            };
            (
                format!("{constants} is not set, and the receipt of package `{package}` can't be used: {why}"),
                "use a netswap-build and a netswap of the same version, and run `cargo clean`".to_owned(),
            )
        }
    };
    Finding { code, message, help }
}

/// The requirement for a netswap-build that goes with this netswap.
const VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

/// The lines that are missing in a package that does not ask.
fn two_lines(required: &[SwapRun], artifact: &Artifact) -> String {
    let call = if required.contains(&SwapRun::Cd) {
        "netswap_build::SwapRun::new().removable(true).emit();"
    } else {
        "netswap_build::emit();"
    };
    let manifest = Printable(&artifact.manifest);
    format!(
        "in {manifest}:\n    [build-dependencies]\n    netswap-build = \"{VERSION}\"\nin the main of its build.rs:\n    {call}"
    )
}

fn scope_help(artifact: &Artifact) -> String {
    let scope = match artifact.kinds.first().map(String::as_str) {
        Some("bin") => format!(".scope(Scope::bin({:?}))", artifact.name),
        Some("example") => ".scope(Scope::Examples)".to_owned(),
        Some("test") => ".scope(Scope::Tests)".to_owned(),
        Some("bench") => ".scope(Scope::Benches)".to_owned(),
        _ => ".scope(Scope::Cdylib)".to_owned(),
    };
    format!(
        "add {scope} to the call in its build.rs, or name the image in [[package.metadata.netswap.allow]] with the reason"
    )
}

fn linker(receipt: Option<&Receipt>) -> String {
    let family = match receipt.and_then(|receipt| receipt.linker.as_deref()) {
        Some("gnu-ld") => "GNU ld",
        Some("zig") => "zig cc",
        _ => "the linker",
    };
    match receipt.and_then(|receipt| receipt.linker_basis.as_deref()) {
        Some(basis) => format!("{family} ({})", one_line(basis)),
        None => family.to_owned(),
    }
}

fn netswap_value(required: &[SwapRun]) -> String {
    let words: Vec<_> = required.iter().map(|bit| bit.word()).collect();
    words.join(",")
}

fn constants(bits: &[SwapRun]) -> String {
    let constants: Vec<_> = bits.iter().map(|bit| bit.constant()).collect();
    constants.join(" and ")
}
