//! The requirements for images: the bits that they must have, and the exceptions.

mod file;

use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fast_glob::ErrorKind;

pub(crate) use file::ManifestRules;
pub use file::PolicyError;

use crate::text::one_line;
use crate::{Error, SwapRun};

/// The name of the policy file in a tree.
pub const POLICY_FILE: &str = "netswap.toml";

/// The requirements for the images of one package or tree: the rules of one or more files, nearest
/// first.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    rules: Vec<Arc<Rules>>,
}

/// The rules in one table of one file.
#[derive(Debug)]
pub struct Rules {
    /// The file, for messages.
    pub source: PathBuf,
    /// The folder that globs with a separator start from: the policy's own, or the workspace's.
    pub folder: PathBuf,
    /// The bits that images must have, if the table sets them.
    pub swap_run: Option<Vec<SwapRun>>,
    /// The exceptions: images that need not have these bits.
    pub allow: Vec<Allow>,
}

/// An exception with its reason.
#[derive(Debug)]
pub struct Allow {
    image: Glob,
    /// Why these images need no bit; never empty.
    pub reason: String,
    matched: AtomicU64,
}

impl Policy {
    /// Creates a policy from the rules of these tables, nearest first.
    pub fn new(rules: impl IntoIterator<Item = Arc<Rules>>) -> Self {
        Policy { rules: rules.into_iter().collect() }
    }

    /// Returns the bits that an image must have: those of the nearest table that sets them, else
    /// the network bit.
    pub fn swap_run(&self) -> &[SwapRun] {
        let configured = self.rules.iter().find_map(|rules| rules.swap_run.as_deref());
        configured.unwrap_or(&[SwapRun::Net])
    }

    /// Returns the nearest exception for this image. Counts the match for every exception that
    /// matches, see [`Allow::matched`].
    pub fn allow(&self, image: &Path) -> Option<&Allow> {
        let mut found = None;
        for rules in &self.rules {
            let below = image.strip_prefix(&rules.folder).unwrap_or(image);
            for allow in rules.allow.iter().filter(|allow| allow.image.matches(below)) {
                allow.matched.fetch_add(1, Ordering::Relaxed);
                found = found.or(Some(allow));
            }
        }
        found
    }

    /// Returns the rules of each table, nearest first.
    pub fn rules(&self) -> &[Arc<Rules>] {
        &self.rules
    }
}

impl Allow {
    /// Creates an exception for the images that `glob` matches.
    ///
    /// A glob without a separator is matched against file names. Any other glob is matched against
    /// paths below the policy's folder. Case is ignored, as in Windows file names.
    pub(crate) fn new(image: Glob, reason: String) -> Self {
        Allow { image, reason, matched: AtomicU64::new(0) }
    }

    /// Returns the glob as the user wrote it.
    pub fn image(&self) -> &str {
        &self.image.text
    }

    /// Returns the number of images matched so far. An exception that matches none is stale.
    pub fn matched(&self) -> u64 {
        self.matched.load(Ordering::Relaxed)
    }
}

/// A pattern for names or paths.
#[derive(Clone, Debug)]
pub(crate) struct Glob {
    /// The glob as the user wrote it.
    text: String,
    /// The glob in lower case, with `/` as separator.
    pattern: String,
}

/// The globs for files and folders to skip.
#[derive(Clone, Debug, Default)]
pub struct Exclude {
    globs: Vec<Glob>,
}

impl Exclude {
    /// Creates a filter that skips everything that one of these globs matches.
    ///
    /// A glob without a separator is matched against the names of files and folders. Any other glob
    /// is matched against their paths below the named folder. Case is ignored, and so is a
    /// separator at the end. A separator or `./` at the start stands for the named folder.
    ///
    /// # Errors
    ///
    /// Returns an error if a glob is invalid or too large.
    pub fn new(globs: impl IntoIterator<Item = String>) -> Result<Self, Error> {
        let glob = |text: String| {
            let below = text.strip_prefix('.').filter(|rest| rest.starts_with(['/', '\\']));
            let below = below.unwrap_or(&text).trim_end_matches(['/', '\\']);
            let glob = Glob::new(below.trim_start_matches(['/', '\\']).to_owned());
            let glob = glob.map(|glob| Glob { text: below.to_owned(), ..glob });
            glob.map_err(|error| Error::Usage(format!("--exclude: {error}")))
        };
        Ok(Exclude { globs: globs.into_iter().map(glob).collect::<Result<_, _>>()? })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    /// Whether to skip a file or folder with this path below the named folder.
    pub(crate) fn matches(&self, below: &Path) -> bool {
        self.globs.iter().any(|glob| glob.matches(below))
    }
}

impl Glob {
    /// Parses a glob. Refuses an unclosed bracket or brace, and braces nested more than 10 deep.
    pub(crate) fn new(text: String) -> Result<Self, String> {
        let mut pattern = text.replace('\\', "/").to_lowercase();
        // For fast-glob, a leading `!` negates the glob. Here it is part of a name.
        if pattern.starts_with('!') {
            pattern.insert(0, '\\');
        }
        // fast-glob's messages advise backslashes, which are separators here.
        fast_glob::validate(&pattern).map_err(|error| {
            let why = match error.kind {
                ErrorKind::UnclosedBracket => "`[` without `]`; `[[]` matches a bracket",
                ErrorKind::UnclosedBrace => "`{` without `}`; `[{]` matches a brace",
                _ => "it has more than 10 groups of braces",
            };
            format!("invalid glob `{}`: {why}", one_line(&text))
        })?;
        Ok(Glob { text, pattern })
    }

    /// Whether the glob matches the path, or the path's last name if the glob has no separator.
    fn matches(&self, path: &Path) -> bool {
        let has_separator = self.text.contains(['/', '\\']);
        let name = if has_separator { Some(path.as_os_str()) } else { path.file_name() };
        name.is_some_and(|name| {
            let name = name.to_string_lossy().to_lowercase();
            fast_glob::glob_match(&self.pattern, name.replace(MAIN_SEPARATOR, "/"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(source: &str, swap_run: Option<Vec<SwapRun>>, allow: &[&str]) -> Arc<Rules> {
        Arc::new(Rules {
            source: source.into(),
            folder: Path::new(source).parent().unwrap().into(),
            swap_run,
            allow: allow
                .iter()
                .map(|glob| Allow::new(Glob::new((*glob).into()).unwrap(), "why".into()))
                .collect(),
        })
    }

    #[test]
    fn network_bit_is_required_by_default() {
        assert_eq!(Policy::default().swap_run(), [SwapRun::Net]);
    }

    #[test]
    fn package_bits_override_workspace_bits() {
        let workspace = rules("/w/Cargo.toml", Some(SwapRun::ALL.to_vec()), &[]);
        let package = rules("/w/a/Cargo.toml", Some(vec![]), &[]);
        let without_bits = rules("/w/b/Cargo.toml", None, &[]);
        assert_eq!(Policy::new([package, workspace.clone()]).swap_run(), []);
        assert_eq!(Policy::new([without_bits, workspace]).swap_run(), SwapRun::ALL);
    }

    #[test]
    fn separator_decides_whether_a_glob_matches_paths() {
        let table = [
            ("bench-*.exe", "/w/target/release/bench-a.exe", true),
            ("BENCH-*.EXE", "/w/target/release/bench-a.exe", true),
            ("bench-*.exe", "/w/bench-a.exe/tool.exe", false),
            ("old/*.dll", "/w/old/a.dll", true),
            (r"old\*.dll", "/w/old/a.dll", true),
            ("old/*.dll", "/w/old/deep/a.dll", false),
            ("old/**/*.dll", "/w/old/deep/a.dll", true),
            ("old/*.dll", "/w/new/old/a.dll", false),
            ("**/old/*.dll", "/elsewhere/old/a.dll", true),
            ("old/**", "/w/old/deep/a.dll", true),
            ("{a,b}.dll", "/w/b.dll", true),
            ("[!ab].dll", "/w/b.dll", false),
            ("!a.dll", "/w/!a.dll", true),
            ("!a.dll", "/w/b.dll", false),
            ("\u{dc}BER?.dll", "/w/\u{fc}bers.dll", true),
        ];
        for (glob, image, expected) in table {
            let policy = Policy::new([rules("/w/netswap.toml", None, &[glob])]);
            assert_eq!(policy.allow(Path::new(image)).is_some(), expected, "{glob} {image}");
        }
    }

    #[test]
    fn too_large_glob_is_an_error() {
        let nested = format!("{}a{}", "{a,".repeat(126), "}".repeat(126));
        assert!(Glob::new(nested).is_err());
    }

    #[test]
    fn all_matches_count_and_the_nearest_applies() {
        let near = rules("/w/a/Cargo.toml", None, &["a.exe"]);
        let far = rules("/w/Cargo.toml", None, &["*.exe", "*.dll"]);
        let policy = Policy::new([near.clone(), far.clone()]);
        assert_eq!(policy.allow(Path::new("/w/a.exe")).unwrap().image(), "a.exe");
        let matched = |rules: &Rules| rules.allow.iter().map(Allow::matched).collect::<Vec<_>>();
        assert_eq!((matched(&near), matched(&far)), (vec![1], vec![1, 0]));
    }
}
