//! What can be found at fault: the codes, their sentence and their explanation.

use std::fmt;

use serde::{Serialize, Serializer};

/// The stable name of a kind of finding, in kebab case. `netswap explain CODE` tells each at length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The package's build script does not ask for the bit.
    NotRequested,
    /// The build script asks for it, but not for this target of the package.
    OutOfScope,
    /// `NETSWAP` in the environment of the build took it away.
    SwitchedOff,
    /// The linker has no option for it.
    LinkerUnsupported,
    /// The linker was told to set it, and the file has it not.
    LostAfterLink,
    /// The network bit is missing, and nothing is known of the build.
    NetSwapMissing,
    /// The removable bit is missing, and nothing is known of the build.
    RemovableSwapMissing,
    /// The file ends inside its headers.
    TruncatedImage,
    /// The file has headers that no Windows image has.
    MalformedImage,
    /// The system refused to read the file or folder.
    Unreadable,
}

/// One thing that is at fault with one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which kind of fault.
    pub code: Code,
    /// What is at fault, as a lower-case fragment.
    pub message: String,
    /// What to do about it; may be several lines, to be pasted.
    pub help: String,
}

impl Code {
    /// All codes, in the order of the documentation.
    pub const ALL: [Code; 10] = [
        Code::NotRequested,
        Code::OutOfScope,
        Code::SwitchedOff,
        Code::LinkerUnsupported,
        Code::LostAfterLink,
        Code::NetSwapMissing,
        Code::RemovableSwapMissing,
        Code::TruncatedImage,
        Code::MalformedImage,
        Code::Unreadable,
    ];

    /// The code of this name.
    pub fn from_name(name: &str) -> Option<Code> {
        Code::ALL.into_iter().find(|code| code.name() == name)
    }

    /// Its name, as in reports.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// It in a sentence.
    pub fn summary(self) -> &'static str {
        self.row().1
    }

    /// It at length: what it means, how it comes about and what to do.
    pub fn explanation(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Code::NotRequested => (
                "not-requested",
                "The build script of the package does not ask for the bit.",
                include_str!("explanations/not-requested.md"),
            ),
            Code::OutOfScope => (
                "out-of-scope",
                "The build script asks for the bit, but not for this target of the package.",
                include_str!("explanations/out-of-scope.md"),
            ),
            Code::SwitchedOff => (
                "switched-off",
                "NETSWAP in the environment of the build took the bit away.",
                include_str!("explanations/switched-off.md"),
            ),
            Code::LinkerUnsupported => (
                "linker-unsupported",
                "The linker of this target has no option that sets the bit.",
                include_str!("explanations/linker-unsupported.md"),
            ),
            Code::LostAfterLink => (
                "lost-after-link",
                "The linker was told to set the bit, and the file does not have it.",
                include_str!("explanations/lost-after-link.md"),
            ),
            Code::NetSwapMissing => (
                "net-swap-missing",
                "The image lacks IMAGE_FILE_NET_RUN_FROM_SWAP.",
                include_str!("explanations/net-swap-missing.md"),
            ),
            Code::RemovableSwapMissing => (
                "removable-swap-missing",
                "The image lacks IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP.",
                include_str!("explanations/removable-swap-missing.md"),
            ),
            Code::TruncatedImage => (
                "truncated-image",
                "The file begins as an image does and ends inside its headers.",
                include_str!("explanations/truncated-image.md"),
            ),
            Code::MalformedImage => (
                "malformed-image",
                "The file has PE headers that no Windows image has.",
                include_str!("explanations/malformed-image.md"),
            ),
            Code::Unreadable => (
                "unreadable",
                "The system refused to read the file or folder.",
                include_str!("explanations/unreadable.md"),
            ),
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
        for code in Code::ALL {
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
