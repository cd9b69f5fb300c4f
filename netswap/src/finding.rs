//! The codes of findings, each with a summary sentence and an explanation.

use std::borrow::Cow;
use std::fmt;

use crate::json::{write_fields, write_name};
use crate::system::Offline;

/// Defines the codes. Each row has the variant with its documentation, its name and its summary.
/// The full explanation is in `explanations/NAME.md`.
macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal, $summary:literal;)*) => {
        /// The stable name of a kind of finding, in kebab case. `netswap explain CODE` prints the
        /// full explanation of each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $code,)*
        }

        impl Code {
            /// All codes, in the order of the documentation.
            pub const ALL: &[Code] = &[$(Code::$code),*];

            /// Returns the name used in reports.
            pub fn name(self) -> &'static str {
                match self {
                    $(Code::$code => $name,)*
                }
            }

            /// Returns the summary in one sentence.
            pub fn summary(self) -> &'static str {
                match self {
                    $(Code::$code => $summary,)*
                }
            }

            /// Returns the full explanation: what the code means, how it comes about and what to
            /// do.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Code::$code => include_str!(concat!("explanations/", $name, ".md")),)*
                }
            }
        }
    };
}

codes! {
    /// The package's build script does not request the bit.
    NotRequested = "not-requested",
        "The package's build script does not request the bit.";
    /// The build script requests the bit, but not for this target of the package.
    OutOfScope = "out-of-scope",
        "The build script requests the bit, but not for this image.";
    /// `NETSWAP` in the build's environment switched the bit off.
    SwitchedOff = "switched-off",
        "The environment variable NETSWAP switched the bit off.";
    /// The linker has no option that sets the bit.
    LinkerUnsupported = "linker-unsupported",
        "The linker has no option that sets the bit.";
    /// Another linker was configured after the build script had run.
    LinkerChanged = "linker-changed",
        "The linker was changed after the build script had run.";
    /// The linker was instructed to set the bit, but the file lacks it.
    LostAfterLink = "lost-after-link",
        "The linker was given the option, but the file lacks the bit.";
    /// The network bit is missing, and there is no information about the build.
    NetSwapMissing = "net-swap-missing",
        "The image lacks IMAGE_FILE_NET_RUN_FROM_SWAP.";
    /// The removable bit is missing, and there is no information about the build.
    RemovableSwapMissing = "removable-swap-missing",
        "The image lacks IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP.";
    /// A DLL that a named program loads from its own folder lacks a bit.
    BesideDllUnprotected = "beside-dll-unprotected",
        "A DLL that the program loads from its own folder lacks the bit.";
    /// The file ends before its headers or its sections do.
    TruncatedImage = "truncated-image",
        "The file ends before its headers or its sections do.";
    /// The file has headers that no Windows image has.
    MalformedImage = "malformed-image",
        "The file's headers are not valid for a Windows image.";
    /// The named file is not a PE image.
    NotAnImage = "not-an-image",
        "The file is not a PE image.";
    /// Changing the file would break its signature.
    SignatureWouldBreak = "signature-would-break",
        "The file is signed, and the signature covers the bits.";
    /// Changing the file would break its strong name.
    StrongNameWouldBreak = "strong-name-would-break",
        "The .NET assembly has a strong name, which covers the bits.";
    /// Windows loads the file only with a valid signature, which a change would break.
    IntegrityRequired = "integrity-required",
        "Windows loads the file only with a valid signature.";
    /// The file is an OpenSSL FIPS module, and a file beside it has its checksum.
    FipsModule = "fips-module",
        "The file is an OpenSSL FIPS module, whose checksum is in fipsmodule.cnf.";
    /// The file belongs to a ClickOnce deployment, whose manifests have its hash.
    ClickOnce = "clickonce",
        "The file belongs to a ClickOnce deployment, whose manifest has its hash.";
    /// The file belongs to an MSIX or AppX package, whose block map has its hashes.
    MsixPackage = "msix-package",
        "The file belongs to an MSIX package, whose block map has its hashes.";
    /// A catalog in the same folder signs the file.
    CatalogMember = "catalog-member",
        "A catalog in the same folder signs the file.";
    /// A catalog in the same folder does not list the file. Another one may.
    CatalogBeside = "catalog-beside",
        "There is a catalog in the same folder, which does not list the file.";
    /// A manifest in the same folder has a hash for a file of this name.
    ManifestHash = "manifest-hash",
        "A manifest in the same folder has a hash of the file.";
    /// NSS checks the file against the `.chk` file beside it.
    NssCheckFile = "nss-check-file",
        "The file may be checked against the .chk file beside it.";
    /// A protector has changed the file. Such programs may check themselves.
    ProtectedImage = "protected-image",
        "The file was changed by a protector, and may check itself.";
    /// Something else changed the file while netswap worked on it.
    ChangedMeanwhile = "changed-meanwhile",
        "Another program changed the file while netswap worked on it.";
    /// The file is no longer as netswap left it, according to the journal.
    ChangedSince = "changed-since",
        "The file has changed since netswap patched it.";
    /// The file has the read-only attribute.
    ReadOnly = "read-only",
        "The file is read-only.";
    /// The file can't be changed because it is a running program or because a program has it open.
    InUse = "in-use",
        "The file is in use.";
    /// The named file is a symbolic link.
    SymbolicLink = "symbolic-link",
        "The file is a symbolic link.";
    /// The system refused to change the file.
    Unwritable = "unwritable",
        "The file can't be changed.";
    /// The file's content is in the cloud or on tape, so it was not read.
    Offline = "offline",
        "The file's content is in the cloud or on tape, so netswap did not read it.";
    /// The system refused to read the file or folder.
    Unreadable = "unreadable",
        "The file or folder can't be read.";
    /// A program died because the connection to a share was lost.
    ShareLost = "share-lost",
        "The program died because the connection to a share was lost.";
    /// A program died because a disk failed.
    DiskFailed = "disk-failed",
        "The program died because a disk could not be read.";
    /// A program died because a medium was removed or is damaged.
    MediumFailed = "medium-failed",
        "The program died because a medium was removed or is damaged.";
    /// A program died because Windows lacked memory to read a page.
    NoProgress = "no-progress",
        "The program died because Windows lacked memory to read a page.";
    /// A program died because a page could not be read, and the cause is unknown.
    CauseUnclear = "cause-unclear",
        "The program died because a page could not be read, and the cause is unknown.";
    /// A program died of something other than an unreadable page.
    NotAnInPageError = "not-an-in-page-error",
        "The program died of something other than an unreadable page.";
}

impl Code {
    /// Whether an image with this finding lacks a bit, whatever the cause.
    pub fn is_missing_bit(self) -> bool {
        matches!(
            self,
            Code::NotRequested
                | Code::OutOfScope
                | Code::SwitchedOff
                | Code::LinkerUnsupported
                | Code::LinkerChanged
                | Code::LostAfterLink
                | Code::NetSwapMissing
                | Code::RemovableSwapMissing
                | Code::BesideDllUnprotected
        )
    }

    /// Whether a file with this finding is not a valid image.
    pub fn is_broken_image(self) -> bool {
        matches!(self, Code::TruncatedImage | Code::MalformedImage)
    }

    /// Returns the code with this name.
    pub fn from_name(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }
}

/// One fault of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The kind of fault.
    pub code: Code,
    /// The fault, as a lower-case fragment.
    pub message: Cow<'static, str>,
    /// The remedy. It can have several lines, ready to paste.
    pub help: Cow<'static, str>,
}

impl Finding {
    /// Returns the finding for a file that was named itself and is not an image.
    pub fn not_an_image() -> Self {
        Finding {
            code: Code::NotAnImage,
            message: "it is not a PE image".into(),
            help: "name a Windows program or DLL".into(),
        }
    }

    /// Returns the finding for a file whose content is in the cloud or on tape.
    pub fn offline() -> Self {
        Finding {
            code: Code::Offline,
            message: Offline::default().0,
            help: "pass --recall to fetch and read it".into(),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

write_name!(Code);

write_fields!(Finding { code, message, help });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_a_name_and_an_explanation() {
        for &code in Code::ALL {
            assert_eq!(Code::from_name(code.name()), Some(code));
            let heading = format!("# {code}\n\n{}\n", code.summary());
            let explanation = code.explanation();
            assert!(explanation.starts_with(&heading), "{code}: {explanation}");
            assert!(explanation.contains("\n## What to do\n"), "{code}");
        }
    }

    #[test]
    fn no_two_codes_share_a_name() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert!(Code::ALL[..index].iter().all(|other| other.name() != code.name()));
        }
    }
}
