//! Judges an image by its policy and its build, and returns a status and findings (pure).

use std::cell::OnceCell;
use std::io;
use std::path::Path;

use crate::SwapRun;
use crate::find::{Artifact, Outcome, Receipt, ReceiptState, Scope, Source, changed_linker};
use crate::finding::{Code, Finding};
use crate::image::{Content, Header, Imports, Kind, ReadError};
use crate::json::write_name;
use crate::policy::Failure;
use crate::system::is_offline_error;
use crate::text::{Printable, one_line};

/// The status of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The image was read and has every bit that the policy requires.
    Passed,
    /// The image was read and has a fault that is not allowed.
    Failed,
    /// The image need not have the bits: the policy allows it, or Windows does not load the image.
    Allowed,
    /// The file could not be read, so nothing is known about it.
    Unreadable,
    /// The file was not read, because its content is in the cloud or on tape. Nothing is known about
    /// it.
    Offline,
}

write_name!(Status);

impl Status {
    /// Returns the name used in reports for programs.
    pub fn name(self) -> &'static str {
        match self {
            Status::Passed => "passed",
            Status::Failed => "failed",
            Status::Allowed => "allowed",
            Status::Unreadable => "unreadable",
            Status::Offline => "offline",
        }
    }
}

/// The verdict on one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The status of the image.
    pub status: Status,
    /// The fields of the header, if it could be read.
    pub header: Option<Header>,
    /// The reason why the image is allowed.
    pub reason: Option<String>,
    /// The name of whoever signed the image. Looked for only if a signed image fails.
    pub signer: Option<String>,
    /// The faults. Empty if the image passed.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Returns a verdict without a header or findings.
    pub(crate) fn unread(status: Status) -> Self {
        Verdict { status, header: None, reason: None, signer: None, findings: Vec::new() }
    }

    /// Returns the verdict on a file whose header can't be read.
    pub(crate) fn broken(error: &ReadError) -> Self {
        let status = match error {
            ReadError::Io(error) if is_offline_error(error) => Status::Offline,
            ReadError::Io(_) => Status::Unreadable,
            ReadError::Truncated
            | ReadError::SectionPastEnd
            | ReadError::Magic(_)
            | ReadError::Table(_) => Status::Failed,
        };
        Verdict { findings: vec![error.into()], ..Verdict::unread(status) }
    }
}

impl From<&ReadError> for Finding {
    fn from(error: &ReadError) -> Self {
        let (code, help) = match error {
            ReadError::Io(error) if is_offline_error(error) => {
                let message = one_line(&error.to_string()).into();
                return Finding { message, ..Finding::offline() };
            }
            ReadError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                (Code::Unreadable, "name a file or folder that exists")
            }
            ReadError::Io(_) => (
                Code::Unreadable,
                "check that it is a file or folder, that this account can read it, and that no other program has it open",
            ),
            ReadError::Truncated | ReadError::SectionPastEnd => {
                (Code::TruncatedImage, "copy or build the file again")
            }
            ReadError::Magic(_) | ReadError::Table(_) => {
                (Code::MalformedImage, "build the file again, or delete it")
            }
        };
        Finding { code, message: one_line(&error.to_string()).into(), help: help.into() }
    }
}

impl Imports {
    /// Returns a finding for each table that can't be read completely, and whether Windows then
    /// refuses to load the image.
    pub fn findings(&self) -> impl Iterator<Item = (Finding, bool)> {
        let tables = [
            ("import table", self.problem, true),
            ("delay-load import table", self.delay_problem, false),
        ];
        tables.into_iter().filter_map(|(table, problem, is_fatal)| {
            let message = format!("its {table} can't be read completely: {}", problem?).into();
            let help = "build the file again; the DLLs that it names there were not checked".into();
            Some((Finding { code: Code::MalformedImage, message, help }, is_fatal))
        })
    }
}

impl From<ReadError> for Finding {
    fn from(error: ReadError) -> Self {
        Finding::from(&error)
    }
}

/// Judges a file by its header. Returns `None` if the file is not an image.
///
/// `required` are the bits that the policy requires. `included` are the kinds of images to judge
/// although the bits have no effect on them. `source` is why the file is examined. `signer_of` returns
/// the name of whoever signed the file; it is called only for a signed image that lacks a bit.
/// `allow` returns the reason of an exception for the image. It is also called for an image that
/// passes, but not for a file that can't be read.
pub fn judge(
    content: Result<Content, ReadError>,
    required: &[SwapRun],
    included: &[Kind],
    source: &Source,
    signer_of: &dyn Fn(&Header) -> Option<String>,
    allow: &dyn Fn(&Failure<'_>) -> Option<String>,
) -> Option<Verdict> {
    let header = match content {
        Ok(Content::Image(header)) => header,
        Ok(Content::Other) => return None,
        Err(error) => {
            let mut verdict = Verdict::broken(&error);
            let codes: Vec<_> = verdict.findings.iter().map(|finding| finding.code).collect();
            if verdict.status == Status::Failed {
                verdict.reason = allow(&Failure { header: None, codes: &codes, signer: &|| None });
            }
            if verdict.reason.is_some() {
                verdict.status = Status::Allowed;
            }
            return Some(verdict);
        }
    };
    let no_effect = header.kind().no_effect().filter(|_| !included.contains(&header.kind()));
    let causes = if no_effect.is_some() { Vec::new() } else { causes(&header, required, source) };
    let codes: Vec<_> = causes.iter().map(|(code, _)| *code).collect();
    let signer = OnceCell::new();
    let read = || if header.signed { signer_of(&header) } else { None };
    let read_signer = || signer.get_or_init(read).clone();
    let reason = match no_effect {
        Some(reason) => Some(reason.to_owned()),
        None => allow(&Failure { header: Some(&header), codes: &codes, signer: &read_signer }),
    };
    let (status, reason) = match reason {
        Some(_) if no_effect.is_none() && causes.is_empty() => (Status::Passed, None),
        None if causes.is_empty() => (Status::Passed, None),
        None => (Status::Failed, None),
        reason => (Status::Allowed, reason),
    };
    let signer = if status == Status::Failed { read_signer() } else { None };
    let finding = |cause| finding(cause, &header, required, source);
    let findings = causes.into_iter().map(finding).collect();
    Some(Verdict { status, header: Some(header), reason, signer, findings })
}

/// Returns the required bits that are not set, by cause.
fn causes(header: &Header, required: &[SwapRun], source: &Source) -> Vec<(Code, Vec<SwapRun>)> {
    let mut causes: Vec<(Code, Vec<SwapRun>)> = Vec::new();
    let is_missing = |bit: &SwapRun| required.contains(bit) && !header.has(*bit);
    for bit in SwapRun::ALL.into_iter().filter(is_missing) {
        let code = cause(bit, source);
        match causes.last_mut() {
            Some((last, bits)) if *last == code => bits.push(bit),
            _ => causes.push((code, vec![bit])),
        }
    }
    causes
}

/// Returns the finding for the bits that are missing for the same cause.
fn finding(
    (code, bits): (Code, Vec<SwapRun>),
    header: &Header,
    required: &[SwapRun],
    source: &Source,
) -> Finding {
    match source {
        Source::Build(artifact) => build_finding(code, &bits, required, artifact),
        Source::File => file_finding(code, &bits, header),
        Source::Sibling(program) => {
            let program = Printable(program.file_name().map_or(program.as_path(), Path::new));
            let message =
                format!("{program} loads this DLL, and {} is not set in it", constants(&bits));
            Finding { message: message.into(), ..file_finding(code, &bits, header) }
        }
    }
}

/// Returns the cause of a missing bit, as far as it is known.
fn cause(bit: SwapRun, source: &Source) -> Code {
    let unknown = match bit {
        SwapRun::Net => Code::NetSwapMissing,
        SwapRun::Cd => Code::RemovableSwapMissing,
    };
    let artifact = match source {
        Source::File => return unknown,
        Source::Sibling(_) => return Code::BesideDllUnprotected,
        Source::Build(artifact) => artifact,
    };
    let receipt = match &artifact.receipt {
        ReceiptState::Absent => return Code::NotRequested,
        ReceiptState::Unusable(_) => return unknown,
        ReceiptState::Present(receipt) | ReceiptState::OtherLinker { receipt, .. } => receipt,
    };
    let requested = receipt.netswap.as_ref().unwrap_or(&receipt.requested);
    let code = match receipt.outcome {
        _ if !requested.contains(&bit) && receipt.requested.contains(&bit) => Code::SwitchedOff,
        _ if !requested.contains(&bit) => Code::NotRequested,
        Outcome::SwitchedOff | Outcome::NotRequested => Code::NotRequested,
        // Cygwin's images are Windows images, but netswap-build leaves that target alone.
        Outcome::Unsupported | Outcome::NotWindows => Code::LinkerUnsupported,
        Outcome::Emitted if !receipt.scopes.iter().any(|scope| scope.holds(artifact)) => {
            Code::OutOfScope
        }
        // netswap-linker ignores scopes.
        Outcome::Emitted | Outcome::LeftToLinker => Code::LostAfterLink,
    };
    match (code, &artifact.receipt) {
        (Code::LinkerUnsupported | Code::LostAfterLink, ReceiptState::OtherLinker { .. }) => {
            Code::LinkerChanged
        }
        _ => code,
    }
}

/// Returns the finding for a file whose build is unknown.
fn file_finding(code: Code, bits: &[SwapRun], header: &Header) -> Finding {
    // All images on a share may lack this bit, so message and help need no memory.
    if bits == [SwapRun::Net] && !header.signed && !header.is_managed {
        return Finding {
            code,
            message: "IMAGE_FILE_NET_RUN_FROM_SWAP is not set".into(),
            help: "link with /SWAPRUN:NET, or set the bit before signing:\n    netswap patch FILE"
                .into(),
        };
    }
    let switches: Vec<_> = bits.iter().map(|bit| bit.switch()).collect();
    let switches = switches.join(" ");
    let option = match bits {
        [SwapRun::Net] => String::new(),
        _ => format!(" --swap-run {}", netswap_value(bits)),
    };
    let help = if header.signed {
        format!(
            "setting the bit would invalidate the signature; the choices are:\n- ask the vendor for a build with {switches}\n- set the bit, and sign again with a certificate of your own\n- run from a local disk\n- set the bit, if nothing checks the signature\nto set it:\n    netswap patch{option} --break-signature FILE"
        )
    } else if header.has_strong_name {
        format!(
            "it is a .NET assembly with a strong name, which covers the bit\nin its build, delay-sign it, set the bit with {switches} of editbin or as follows, and then sign it with sn -R:\n    netswap patch{option} FILE"
        )
    } else if header.is_managed {
        format!(
            "it is a .NET assembly, and its compiler has no option for the bit\nafter the build, before the file is signed, run editbin with {switches}, or:\n    netswap patch{option} FILE"
        )
    } else {
        format!(
            "link with {switches}, or set the bit before signing:\n    netswap patch{option} FILE"
        )
    };
    Finding { code, message: format!("{} is not set", constants(bits)).into(), help: help.into() }
}

/// Returns the finding for an image that Cargo has just built.
fn build_finding(
    code: Code,
    bits: &[SwapRun],
    required: &[SwapRun],
    artifact: &Artifact,
) -> Finding {
    let (package, constants) = (one_line(&artifact.package), constants(bits));
    let name = one_line(&artifact.name);
    let receipt = artifact.receipt.receipt();
    let (message, help) = match code {
        Code::NotRequested => (
            match artifact.build_script {
                None if artifact.is_member => {
                    format!("package `{package}` has no build script to request {constants}")
                }
                _ => {
                    format!("the build script of package `{package}` does not request {constants}")
                }
            },
            missing_lines(required, artifact),
        ),
        Code::OutOfScope => (
            format!(
                "the build script of package `{package}` requests {constants}, but not for `{name}`"
            ),
            scope_help(artifact),
        ),
        Code::SwitchedOff => (
            format!("the build's environment variable NETSWAP switched {constants} off"),
            format!("unset NETSWAP, or set it to {}, and build again", netswap_value(required)),
        ),
        Code::LinkerUnsupported => (
            format!("{} has no option that sets {constants}", linker(receipt)),
            if receipt.is_some_and(is_by_netswap_linker) {
                format!(
                    "set NETSWAP={} in the environment of the build, so that netswap-linker sets these bits, and build again",
                    netswap_value(required)
                )
            } else {
                "let netswap-linker set the bit after each link, in .cargo/config.toml:\n    linker = \"netswap-linker\"\nor link with LLD behind clang: `netswap explain linker-unsupported` shows how\nor build for a *-windows-msvc or *-windows-gnullvm target"
                    .to_owned()
            },
        ),
        Code::LinkerChanged => linker_changed(&constants, artifact),
        Code::LostAfterLink if receipt.is_some_and(is_by_netswap_linker) => (
            format!(
                "{} should have set {constants} after the link, but the file lacks it",
                linker(receipt)
            ),
            format!(
                "check that netswap-linker is still the configured linker\nGNU strip and objcopy clear the bit; use `strip = true` in the Cargo profile instead\nCargo considers the file up to date, so run this, then build again:\n    {}",
                artifact.clean
            ),
        ),
        Code::LostAfterLink => (
            format!(
                "the linker was given {}, but the file lacks {constants}",
                receipt.map(|receipt| one_line(&receipt.arguments.join(" "))).unwrap_or_default()
            ),
            format!(
                "check that no wrapper drops the linker's arguments\nGNU strip and objcopy clear the bit; use `strip = true` in the Cargo profile or llvm-strip instead\nCargo considers the file up to date, so run this, then build again:\n    {}",
                artifact.clean
            ),
        ),
        _ => {
            let why = match &artifact.receipt {
                ReceiptState::Unusable(why) => one_line(why),
                _ => String::new(),
            };
            (
                format!(
                    "{constants} is not set, and the receipt of package `{package}` can't be used: {why}"
                ),
                format!(
                    "update netswap-build and netswap, run this, then build again:\n    {}",
                    artifact.clean
                ),
            )
        }
    };
    Finding { code, message: message.into(), help: help.into() }
}

/// The version requirement for the netswap-build that matches this netswap.
const VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

/// Returns the lines to add to a package that does not request the bits. These are a dependency and
/// a call, or only the call if an existing call requests less.
fn missing_lines(required: &[SwapRun], artifact: &Artifact) -> String {
    let call = if required.contains(&SwapRun::Cd) {
        "netswap_build::SwapRun::new().removable(true).emit();"
    } else {
        "netswap_build::emit();"
    };
    let script = match &artifact.build_script {
        Some(script) => Printable(script).to_string(),
        None => "its build.rs".to_owned(),
    };
    let call = format!("in the main of {script}:\n    {call}");
    if artifact.receipt.receipt().is_some() {
        return call;
    }
    let manifest = Printable(&artifact.manifest);
    let lines = format!(
        "in {manifest}:\n    [build-dependencies]\n    netswap-build = \"{VERSION}\"\n{call}"
    );
    if artifact.is_member {
        return lines;
    }
    format!(
        "this package is not in the workspace; if you maintain it, add these lines\n{lines}\notherwise set the bit in the file that ships, or list it in [[workspace.metadata.netswap.allow]] with the reason"
    )
}

/// Returns the message and help for a linker that changed after the build script had run.
fn linker_changed(constants: &str, artifact: &Artifact) -> (String, String) {
    let (previous, current) = match &artifact.receipt {
        ReceiptState::OtherLinker { receipt, configured } => {
            (receipt.configured_linker.as_deref(), configured.as_deref())
        }
        _ => (None, None),
    };
    (
        format!("{constants} is not set: {}", changed_linker(&artifact.package, previous, current)),
        format!(
            "Cargo does not run a build script again when the linker changes, so run:\n    {}\nthen build again",
            artifact.clean
        ),
    )
}

fn scope_help(artifact: &Artifact) -> String {
    let candidates = [
        Scope::Bin(artifact.name.clone()),
        Scope::Cdylib,
        Scope::Examples,
        Scope::Tests,
        Scope::Benches,
    ];
    let remedy = match candidates.into_iter().find(|scope| scope.holds(artifact)) {
        Some(Scope::Bin(name)) => format!("add .scope(Scope::bin({name:?})) to the call"),
        Some(scope) => format!("add .scope(Scope::{scope:?}) to the call"),
        None => "remove the scopes from the call".to_owned(),
    };
    format!(
        "{remedy} in its build script, or list the image in [[package.metadata.netswap.allow]] with the reason"
    )
}

/// Whether netswap-linker should set the bits. netswap-build passes it no arguments.
fn is_by_netswap_linker(receipt: &Receipt) -> bool {
    receipt.linker.as_deref() == Some("netswap-linker")
}

fn linker(receipt: Option<&Receipt>) -> String {
    let Some(Receipt { linker: Some(linker), linker_basis, target, .. }) = receipt else {
        let target = receipt.map_or("this target", |receipt| receipt.target.as_str());
        return format!("the linker for {} (unknown to netswap-build)", one_line(target));
    };
    let family = match linker.as_str() {
        "gnu-ld" => "GNU ld".to_owned(),
        "zig" => "zig cc".to_owned(),
        "netswap-linker" => "netswap-linker".to_owned(),
        _ => format!("the linker for {}", one_line(target)),
    };
    match linker_basis {
        Some(basis) => format!("{family} ({})", one_line(basis)),
        None => family,
    }
}

/// Returns the value of `NETSWAP` that requests these bits.
fn netswap_value(required: &[SwapRun]) -> String {
    let required = SwapRun::ALL.into_iter().filter(|bit| required.contains(bit));
    required.map(SwapRun::name).collect::<Vec<_>>().join(",")
}

fn constants(bits: &[SwapRun]) -> String {
    let constants: Vec<_> = bits.iter().map(|bit| bit.constant()).collect();
    constants.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find::tests::receipt;
    use crate::system::Offline;

    const NET: &[SwapRun] = &[SwapRun::Net];
    const BOTH: &[SwapRun] = &SwapRun::ALL;

    /// Returns the content of a console program with these bits.
    fn image(bits: &[SwapRun]) -> Content {
        let characteristics = bits.iter().fold(0x0022, |all, bit| all | bit.mask());
        Content::Image(Header {
            machine: 0x8664,
            time_stamp: 0,
            characteristics,
            subsystem: 3,
            size_of_image: 0x5000,
            checksum: 0,
            signed: false,
            is_kernel: false,
            is_managed: false,
            has_strong_name: false,
            certificate_table: None,
            is_pe32_plus: true,
            size: 24 + 240,
        })
    }

    fn efi() -> Content {
        let Content::Image(header) = image(&[]) else { panic!("no image") };
        Content::Image(Header { subsystem: 10, ..header })
    }

    fn judged(
        content: Result<Content, ReadError>,
        required: &[SwapRun],
        allowed: Option<&str>,
        source: &Source,
    ) -> Option<Verdict> {
        // As in a policy without codes.
        let allow = |failure: &Failure<'_>| {
            let is_excusable = failure.codes.iter().all(|code| code.is_missing_bit());
            allowed.filter(|_| is_excusable).map(str::to_owned)
        };
        judge(content, required, &[], source, &|_| None, &allow)
    }

    #[test]
    fn status_depends_on_content_and_exception() {
        type Row = (fn() -> Result<Content, ReadError>, Option<Status>, Option<Status>);
        let table: [Row; 8] = [
            (|| Ok(Content::Other), None, None),
            (|| Ok(image(NET)), Some(Status::Passed), Some(Status::Passed)),
            (|| Ok(image(&[])), Some(Status::Failed), Some(Status::Allowed)),
            (|| Ok(efi()), Some(Status::Allowed), Some(Status::Allowed)),
            (|| Err(ReadError::Truncated), Some(Status::Failed), Some(Status::Failed)),
            (|| Err(ReadError::Magic(7)), Some(Status::Failed), Some(Status::Failed)),
            (
                || Err(io::Error::other("gone").into()),
                Some(Status::Unreadable),
                Some(Status::Unreadable),
            ),
            (
                || Err(io::Error::from(Offline::default()).into()),
                Some(Status::Offline),
                Some(Status::Offline),
            ),
        ];
        for (content, plain, excepted) in table {
            let status =
                |allowed| judged(content(), NET, allowed, &Source::File).map(|found| found.status);
            assert_eq!((status(None), status(Some("why"))), (plain, excepted), "{:?}", content());
        }
    }

    #[test]
    fn only_the_required_bits_count() {
        let table = [
            (&[][..], &[][..], true),
            (&[], NET, false),
            (NET, NET, true),
            (NET, BOTH, false),
            (BOTH, NET, true),
            (BOTH, BOTH, true),
            (&[SwapRun::Cd], NET, false),
        ];
        for (set, required, passes) in table {
            let verdict = judged(Ok(image(set)), required, None, &Source::File).unwrap();
            assert_eq!(verdict.status == Status::Passed, passes, "{set:?} {required:?}");
        }
    }

    /// Returns the causes of both bits' absence.
    fn causes(receipt: &ReceiptState) -> [Code; 2] {
        let source = Source::Build(Box::new(Artifact::for_tests(receipt.clone())));
        SwapRun::ALL.map(|bit| cause(bit, &source))
    }

    #[test]
    #[rustfmt::skip]
    fn receipt_determines_the_cause() {
        use Code::{BesideDllUnprotected, LinkerUnsupported, LostAfterLink, NetSwapMissing, NotRequested, OutOfScope};
        use Code::{RemovableSwapMissing, SwitchedOff};
        use Outcome::{Emitted, LeftToLinker, NotWindows, Unsupported};
        assert_eq!(causes(&ReceiptState::Absent), [NotRequested; 2]);
        let unusable = ReceiptState::Unusable("why".into());
        assert_eq!(causes(&unusable), [NetSwapMissing, RemovableSwapMissing]);
        let (off, cd) = (Some(&[][..]), Some(&[SwapRun::Cd][..]));
        let table = [
            // requested, NETSWAP, outcome, scope -> the causes of the missing net and cd
            (NET, None, Emitted, Scope::All, [LostAfterLink, NotRequested]),
            (BOTH, None, Emitted, Scope::All, [LostAfterLink, LostAfterLink]),
            (BOTH, None, Emitted, Scope::Cdylib, [OutOfScope, OutOfScope]),
            (NET, None, Emitted, Scope::Cdylib, [OutOfScope, NotRequested]),
            (NET, None, Unsupported, Scope::All, [LinkerUnsupported, NotRequested]),
            (NET, None, LeftToLinker, Scope::All, [LostAfterLink, NotRequested]),
            (NET, None, LeftToLinker, Scope::Cdylib, [LostAfterLink, NotRequested]),
            (NET, None, NotWindows, Scope::All, [LinkerUnsupported, NotRequested]),
            (&[], None, Outcome::NotRequested, Scope::All, [NotRequested, NotRequested]),
            (NET, off, Outcome::SwitchedOff, Scope::All, [SwitchedOff, NotRequested]),
            (BOTH, off, Outcome::SwitchedOff, Scope::All, [SwitchedOff, SwitchedOff]),
            (NET, cd, Emitted, Scope::All, [SwitchedOff, LostAfterLink]),
            (NET, Some(NET), Emitted, Scope::All, [LostAfterLink, NotRequested]),
            (BOTH, Some(NET), Emitted, Scope::All, [LostAfterLink, SwitchedOff]),
        ];
        for (requested, netswap, outcome, scope, expected) in table {
            let receipt = ReceiptState::Present(Receipt {
                requested: requested.to_vec(),
                netswap: netswap.map(<[_]>::to_vec),
                outcome,
                scopes: vec![scope.clone()],
                ..receipt()
            });
            assert_eq!(causes(&receipt), expected, "{requested:?} {netswap:?} {outcome:?} {scope:?}");
        }
        let causes = |source| SwapRun::ALL.map(|bit| cause(bit, &source));
        assert_eq!(causes(Source::File), [NetSwapMissing, RemovableSwapMissing]);
        assert_eq!(causes(Source::Sibling("tool.exe".into())), [BesideDllUnprotected; 2]);
    }

    fn build(artifact: &Artifact) -> Source {
        Source::Build(Box::new(artifact.clone()))
    }

    /// Returns the help for a binary whose package left this receipt.
    fn help(artifact: &Artifact, required: &[SwapRun]) -> String {
        let verdict = judged(Ok(image(&[])), required, None, &build(artifact)).unwrap();
        let help: Vec<_> =
            verdict.findings.into_iter().map(|finding| finding.help.into_owned()).collect();
        help.join("\n")
    }

    #[test]
    fn help_depends_on_what_covers_the_bits() {
        let Content::Image(unsigned) = image(&[]) else { panic!("no image") };
        let signed = Header { signed: true, ..unsigned };
        let managed = Header { is_managed: true, ..unsigned };
        let strong = Header { has_strong_name: true, ..managed };
        let help = |header: &Header, bits: &[SwapRun]| {
            file_finding(Code::NetSwapMissing, bits, header).help.into_owned()
        };
        for (header, word, option) in [
            (&unsigned, "link with /SWAPRUN:NET", ""),
            (&signed, "ask the vendor", " --break-signature"),
            (&managed, "run editbin with /SWAPRUN:NET", ""),
            (&strong, "delay-sign it", ""),
            (&Header { signed: true, ..strong }, "ask the vendor", " --break-signature"),
        ] {
            let net = help(header, NET);
            assert!(net.contains(word), "{net}");
            assert!(net.ends_with(&format!(":\n    netswap patch{option} FILE")), "{net}");
            let both = help(header, BOTH);
            assert!(both.contains("/SWAPRUN:NET /SWAPRUN:CD"), "{both}");
            let command = format!(":\n    netswap patch --swap-run net,cd{option} FILE");
            assert!(both.ends_with(&command), "{both}");
        }
    }

    #[test]
    fn signer_is_looked_for_only_if_a_signed_image_fails() {
        let Content::Image(unsigned) = image(&[]) else { panic!("no image") };
        let signed = Header { signed: true, ..unsigned };
        let set = Header { characteristics: 0x0822, ..signed };
        let with_signer = |header: Header, allowed: Option<&str>, kinds: &[Kind]| {
            let name = |_: &Header| Some("Contoso\nLtd".to_owned());
            let allow = |_: &Failure<'_>| allowed.map(str::to_owned);
            let content = Ok(Content::Image(header));
            judge(content, NET, kinds, &Source::File, &name, &allow).unwrap()
        };
        let verdict = with_signer(signed, None, &[]);
        assert_eq!(verdict.signer.as_deref(), Some("Contoso\nLtd"));
        for verdict in [
            with_signer(unsigned, None, &[]),
            with_signer(set, None, &[]),
            with_signer(signed, Some("why"), &[]),
            with_signer(Header { subsystem: 10, ..signed }, None, &[]),
        ] {
            assert_eq!(verdict.signer, None);
        }
        assert!(
            with_signer(Header { subsystem: 10, ..signed }, None, &[Kind::Efi]).signer.is_some()
        );
    }

    #[test]
    fn bits_with_the_same_cause_share_a_finding() {
        let artifact = Artifact::for_tests(ReceiptState::Absent);
        let verdict = judged(Ok(image(&[])), BOTH, None, &build(&artifact)).unwrap();
        assert_eq!(verdict.findings.len(), 1, "{:?}", verdict.findings);
        assert!(verdict.findings[0].help.contains(".removable(true)"));
    }

    #[test]
    fn help_lists_only_the_missing_lines() {
        let absent = Artifact::for_tests(ReceiptState::Absent);
        assert_eq!(
            help(&absent, NET),
            "in /w/Cargo.toml:\n    [build-dependencies]\n    netswap-build = \"0.1\"\nin the main of /w/build.rs:\n    netswap_build::emit();"
        );
        let none = Artifact { build_script: None, ..absent.clone() };
        assert!(help(&none, NET).contains("in the main of its build.rs:\n"));
        let foreign = Artifact { is_member: false, ..absent };
        assert!(help(&foreign, NET).starts_with("this package is not in the workspace"));
        let no_request = Receipt { requested: vec![], outcome: Outcome::NotRequested, ..receipt() };
        let no_request = Artifact::for_tests(ReceiptState::Present(no_request));
        assert_eq!(
            help(&no_request, NET),
            "in the main of /w/build.rs:\n    netswap_build::emit();"
        );
    }

    #[test]
    fn suggested_scope_includes_the_image() {
        let excluded = Receipt { scopes: vec![Scope::Bin("other".into())], ..receipt() };
        let tool = Artifact::for_tests(ReceiptState::Present(excluded));
        let help_for = |kind: &str, crate_type: &str| {
            let (kinds, crate_types) = (vec![kind.into()], vec![crate_type.into()]);
            help(&Artifact { kinds, crate_types, ..tool.clone() }, NET)
        };
        assert!(help_for("bin", "bin").starts_with("add .scope(Scope::bin(\"tool\")) to"));
        assert!(help_for("cdylib", "cdylib").starts_with("add .scope(Scope::Cdylib) to"));
        assert!(help_for("example", "bin").starts_with("add .scope(Scope::Examples) to"));
        assert!(help_for("test", "bin").starts_with("add .scope(Scope::Tests) to"));
        assert!(help_for("bench", "bin").starts_with("add .scope(Scope::Benches) to"));
        assert!(help_for("dylib", "dylib").starts_with("remove the scopes from the call"));
    }

    #[test]
    fn changed_linker_is_reported_as_the_cause() {
        let cause = |outcome, requested: &[SwapRun]| {
            let receipt = Receipt {
                linker: Some("gnu-ld".into()),
                configured_linker: Some("gcc".into()),
                requested: requested.to_vec(),
                outcome,
                ..receipt()
            };
            let configured = Some("rust-lld".to_owned());
            let state = ReceiptState::OtherLinker { receipt, configured };
            let tool = Artifact::for_tests(state);
            judged(Ok(image(&[])), NET, None, &build(&tool)).unwrap().findings.remove(0)
        };
        for outcome in [Outcome::Unsupported, Outcome::Emitted, Outcome::LeftToLinker] {
            let finding = cause(outcome, NET);
            assert_eq!(finding.code, Code::LinkerChanged, "{outcome:?}");
            assert_eq!(
                finding.message,
                "IMAGE_FILE_NET_RUN_FROM_SWAP is not set: the build script of package `tool` chose its arguments for the linker gcc, but rust-lld is configured now"
            );
            assert!(finding.help.contains("\n    cargo clean --package tool\n"), "{finding:?}");
        }
        assert_eq!(cause(Outcome::NotRequested, &[]).code, Code::NotRequested);
    }

    #[test]
    fn netswap_linker_gets_its_own_help() {
        let finding = |linker: &str, outcome, required: &[SwapRun]| {
            let receipt = Receipt {
                linker: Some(linker.into()),
                linker_basis: Some("the configured linker".into()),
                requested: SwapRun::ALL.to_vec(),
                arguments: Vec::new(),
                outcome,
                ..receipt()
            };
            let tool = Artifact::for_tests(ReceiptState::Present(receipt));
            let verdict = judged(Ok(image(&[])), required, None, &build(&tool)).unwrap();
            (verdict.findings[0].message.to_string(), verdict.findings[0].help.to_string())
        };
        let (message, help) = finding("netswap-linker", Outcome::LeftToLinker, NET);
        assert_eq!(
            message,
            "netswap-linker (the configured linker) should have set IMAGE_FILE_NET_RUN_FROM_SWAP after the link, but the file lacks it"
        );
        assert!(help.ends_with("    cargo clean --package tool"), "{help}");
        let (_, help) = finding("netswap-linker", Outcome::Unsupported, BOTH);
        assert!(help.starts_with("set NETSWAP=net,cd in the environment"), "{help}");
        let (message, help) = finding("gnu-ld", Outcome::Unsupported, BOTH);
        assert!(message.starts_with("GNU ld (the configured linker) has no option"), "{message}");
        assert!(help.contains("linker = \"netswap-linker\""), "{help}");
    }

    #[test]
    fn suggested_netswap_value_is_valid() {
        assert_eq!(netswap_value(&[SwapRun::Cd, SwapRun::Net, SwapRun::Net]), "net,cd");
        assert_eq!(netswap_value(NET), "net");
    }

    #[test]
    fn receipt_text_is_escaped_for_the_terminal() {
        let evil = "\u{1b}[2J\nPASSED";
        for outcome in [Outcome::Emitted, Outcome::Unsupported, Outcome::NotWindows] {
            let receipt = Receipt {
                target: evil.into(),
                linker: Some("odd".into()),
                linker_basis: Some(evil.into()),
                arguments: vec![evil.into()],
                outcome,
                ..receipt()
            };
            let package = evil.to_owned();
            let artifact =
                Artifact { package, ..Artifact::for_tests(ReceiptState::Present(receipt)) };
            let verdict = judged(Ok(image(&[])), NET, None, &build(&artifact)).unwrap();
            let message = &verdict.findings[0].message;
            assert!(!message.contains(char::is_control), "{message:?}");
        }
    }
}
