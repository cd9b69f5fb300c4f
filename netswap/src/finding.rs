//! What can be found at fault: the codes, their sentence and their explanation.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

/// The codes, a row each: the variant and its documentation, its name and its sentence. The
/// explanation at length is the file of that name.
macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal, $summary:literal;)*) => {
        /// The stable name of a kind of finding, in kebab case. `netswap explain CODE` tells each at
        /// length.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $code,)*
        }

        impl Code {
            /// All codes, in the order of the documentation.
            pub const ALL: &[Code] = &[$(Code::$code),*];

            /// Its name, as in reports.
            pub fn name(self) -> &'static str {
                match self {
                    $(Code::$code => $name,)*
                }
            }

            /// It in a sentence.
            pub fn summary(self) -> &'static str {
                match self {
                    $(Code::$code => $summary,)*
                }
            }

            /// It at length: what it means, how it comes about and what to do.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Code::$code => include_str!(concat!("explanations/", $name, ".md")),)*
                }
            }
        }
    };
}

codes! {
    /// The package's build script does not ask for the bit.
    NotRequested = "not-requested",
        "The package's build script does not ask for the bit.";
    /// The build script asks for it, but not for this target of the package.
    OutOfScope = "out-of-scope",
        "The build script asks for it, but not in this image.";
    /// `NETSWAP` in the environment of the build took it away.
    SwitchedOff = "switched-off",
        "NETSWAP in the build's environment took it away.";
    /// The linker has no option for it.
    LinkerUnsupported = "linker-unsupported",
        "The linker has no option that sets the bit.";
    /// Another linker was configured after the build script had run.
    LinkerChanged = "linker-changed",
        "The linker was changed after the build script had run.";
    /// The linker was told to set it, and the file has it not.
    LostAfterLink = "lost-after-link",
        "The linker was told to set it, and the file lacks it.";
    /// The network bit is missing, and nothing is known of the build.
    NetSwapMissing = "net-swap-missing",
        "The image lacks IMAGE_FILE_NET_RUN_FROM_SWAP.";
    /// The removable bit is missing, and nothing is known of the build.
    RemovableSwapMissing = "removable-swap-missing",
        "The image lacks IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP.";
    /// A DLL beside a program that was named, and that it loads, lacks a bit.
    BesideDllUnprotected = "beside-dll-unprotected",
        "A DLL that the program loads from its own folder lacks the bit.";
    /// The file ends inside its headers.
    TruncatedImage = "truncated-image",
        "The file ends before its headers or its sections do.";
    /// The file has headers that no Windows image has.
    MalformedImage = "malformed-image",
        "The file has headers that no Windows image has.";
    /// The file that was named is no PE image.
    NotAnImage = "not-an-image",
        "The file is no PE image.";
    /// Changing the file would break its signature.
    SignatureWouldBreak = "signature-would-break",
        "The file is signed, and the signature covers the bits.";
    /// Changing the file would break its strong name.
    StrongNameWouldBreak = "strong-name-would-break",
        "The .NET assembly has a strong name, which covers the bits.";
    /// The file was changed by something else while netswap worked on it.
    ChangedMeanwhile = "changed-meanwhile",
        "The file was changed by something else meanwhile.";
    /// The file is no more as the journal says that netswap left it.
    ChangedSince = "changed-since",
        "The file is not as netswap left it.";
    /// The file has the read-only attribute.
    ReadOnly = "read-only",
        "The file is read-only.";
    /// A program that runs, or has it open, keeps the file from being changed.
    InUse = "in-use",
        "The file is in use.";
    /// The file that was named is a symbolic link.
    SymbolicLink = "symbolic-link",
        "The file is a symbolic link.";
    /// The system refused to let the file be changed.
    Unwritable = "unwritable",
        "The file can't be changed.";
    /// The system refused to read the file or folder.
    Unreadable = "unreadable",
        "The file or folder can't be read.";
    /// A program died because the connection to a share was lost.
    ShareLost = "share-lost",
        "The program died because the connection to a share was lost.";
    /// A program died because a disk failed.
    DiskFailed = "disk-failed",
        "The program died because a disk could not be read.";
    /// A program died because a medium was taken out or is damaged.
    MediumFailed = "medium-failed",
        "The program died because a medium was gone or damaged.";
    /// A program died because Windows lacked memory to read a page.
    NoProgress = "no-progress",
        "The program died because Windows lacked memory to read a page.";
    /// A program died of a page that could not be read in, and nothing tells why.
    CauseUnclear = "cause-unclear",
        "The program died of an unreadable page, and nothing tells why.";
    /// A program died of something else.
    NotAnInPageError = "not-an-in-page-error",
        "The program died of something else than an unreadable page.";
}

impl Code {
    /// The code of this name.
    pub fn from_name(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }
}

/// One thing that is at fault with one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which kind of fault.
    pub code: Code,
    /// What is at fault, as a lower-case fragment.
    pub message: Cow<'static, str>,
    /// What to do about it; may be several lines, to be pasted.
    pub help: Cow<'static, str>,
}

impl Finding {
    /// Of a file that was named by itself and is something else.
    pub fn not_an_image() -> Self {
        Finding {
            code: Code::NotAnImage,
            message: "it is no PE image".into(),
            help: "name a Windows program or DLL".into(),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_found_by_its_name_and_explained_under_it() {
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
