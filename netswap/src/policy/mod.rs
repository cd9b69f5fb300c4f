//! The requirements for images: the bits that they must have, and the exceptions.

mod file;

use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use fast_glob::ErrorKind;

pub(crate) use file::ManifestRules;
pub use file::PolicyError;

pub use crate::day::Day;
use crate::text::one_line;
use crate::{Code, Error, Header, SwapRun};

/// The name of the policy file in a tree.
pub const POLICY_FILE: &str = "netswap.toml";

/// The policy that applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PolicySource {
    /// For a build, the policy of its workspace. For files and folders, no file: whoever can write
    /// to a share must not be able to excuse what is on it.
    #[default]
    Default,
    /// The policy of the workspace in the current folder, also for files and folders.
    Workspace,
    /// This file.
    File(PathBuf),
    /// No file.
    None,
}

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

/// An exception with its reason. All of its conditions must hold for an image.
#[derive(Debug, Default)]
pub struct Allow {
    pub(crate) image: Option<Glob>,
    /// Whether the image must be signed.
    pub signed: bool,
    pub(crate) signer: Option<Glob>,
    /// The code that all findings of the image must have.
    pub code: Option<Code>,
    /// The last day on which the exception is valid.
    pub until: Option<Day>,
    /// Why these images need no bit; never empty.
    pub reason: String,
    matched: AtomicU64,
}

/// The facts that the conditions of an exception are about, besides the image's path.
pub struct Failure<'a> {
    /// The image's header, if it can be read.
    pub header: Option<&'a Header>,
    /// The codes of its findings. Empty if it passed.
    pub codes: &'a [Code],
    /// Returns the name of whoever signed it.
    pub signer: &'a dyn Fn() -> Option<String>,
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
    /// matches, see [`Allow::matched`]. `root` is the folder in which the image was found.
    pub fn allow(&self, image: &Path, root: &Path, failure: &Failure<'_>) -> Option<&Allow> {
        let mut found = None;
        for rules in &self.rules {
            let below = |folder: &Path| image.strip_prefix(folder).unwrap_or(image);
            let paths = [below(&rules.folder), below(root)];
            for allow in rules.allow.iter().filter(|allow| allow.holds(paths, failure)) {
                allow.matched.fetch_add(1, Ordering::Relaxed);
                found = found.or(Some(allow));
            }
        }
        found
    }

    /// Whether an exception names a signer.
    pub(crate) fn needs_signer(&self) -> bool {
        self.rules.iter().flat_map(|rules| &rules.allow).any(|allow| allow.signer.is_some())
    }

    /// Returns the rules of each table, nearest first.
    pub fn rules(&self) -> &[Arc<Rules>] {
        &self.rules
    }
}

impl Allow {
    /// Whether all conditions hold.
    ///
    /// A glob without a separator is matched against file names. Any other glob is matched against
    /// these paths: below the policy's folder and below the folder that was named. Case is ignored,
    /// as in Windows file names.
    fn holds(&self, paths: [&Path; 2], failure: &Failure<'_>) -> bool {
        let Failure { header, codes, signer } = failure;
        let has_code = match self.code {
            Some(code) => !codes.is_empty() && codes.iter().all(|other| *other == code),
            // Without a code, only missing bits are excused.
            None => codes.iter().all(|code| code.is_missing_bit()),
        };
        let matches_path = |glob: &Glob| paths.into_iter().any(|path| glob.matches(path));
        has_code
            && self.image.as_ref().is_none_or(matches_path)
            && (!self.signed || header.is_some_and(|header| header.signed))
            && !self.is_expired()
            && self
                .signer
                .as_ref()
                .is_none_or(|glob| signer().is_some_and(|signer| glob.matches_text(&signer)))
    }

    /// Whether the exception is no longer valid.
    pub fn is_expired(&self) -> bool {
        self.until.is_some_and(|day| day < Day::today())
    }

    /// Returns the glob for images as the user wrote it.
    pub fn image(&self) -> Option<&str> {
        self.image.as_ref().map(|glob| glob.text.as_str())
    }

    /// Returns the glob for signers as the user wrote it.
    pub fn signer(&self) -> Option<&str> {
        self.signer.as_ref().map(|glob| glob.text.as_str())
    }

    /// Returns the conditions as they are in the file: ``image = `old/**`, signed = true``.
    pub fn conditions(&self) -> String {
        let text = |key: &str, value: Option<&str>| {
            value.map(|value| format!("{key} = `{}`", one_line(value)))
        };
        let conditions = [
            text("image", self.image()),
            self.signed.then(|| "signed = true".to_owned()),
            text("signer", self.signer()),
            text("code", self.code.map(Code::name)),
        ];
        conditions.into_iter().flatten().collect::<Vec<_>>().join(", ")
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
    globs: Arc<[ExcludeGlob]>,
}

#[derive(Debug)]
struct ExcludeGlob {
    glob: Glob,
    /// The glob as the user wrote it.
    text: String,
    has_matched: AtomicBool,
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
            let glob = glob.map_err(|error| Error::Usage(format!("--exclude: {error}")))?;
            Ok::<_, Error>(ExcludeGlob { glob, text, has_matched: AtomicBool::new(false) })
        };
        Ok(Exclude { globs: globs.into_iter().map(glob).collect::<Result<_, _>>()? })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    /// Whether to skip an existing file or folder with this path below the named folder. Records
    /// each glob that matches.
    pub(crate) fn matches(&self, below: &Path) -> bool {
        let mut is_match = false;
        for ExcludeGlob { glob, has_matched, .. } in &*self.globs {
            let is_recorded = has_matched.load(Ordering::Relaxed);
            if !(is_match && is_recorded) && glob.matches(below) {
                is_match = true;
                // Only the first time: many threads read this.
                if !is_recorded {
                    has_matched.store(true, Ordering::Relaxed);
                }
            }
        }
        is_match
    }

    /// Whether a file with this path would be skipped.
    pub(crate) fn would_match(&self, below: &Path) -> bool {
        self.globs.iter().any(|glob| glob.glob.matches(below))
    }

    /// Returns the globs that have matched nothing so far, as the user wrote them.
    pub fn unmatched(&self) -> impl Iterator<Item = &str> {
        let unmatched = self.globs.iter().filter(|glob| !glob.has_matched.load(Ordering::Relaxed));
        unmatched.map(|glob| glob.text.as_str())
    }
}

const SEPARATORS: [char; 2] = ['/', '\\'];
/// Replaces separators where they have no meaning. It is not in any name.
const NO_SEPARATOR: &str = "\u{1}";

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

    /// Parses a glob for a text in which separators have no meaning.
    pub(crate) fn for_text(text: &str) -> Result<Self, String> {
        let glob = Glob::new(text.replace(SEPARATORS, NO_SEPARATOR))?;
        Ok(Glob { text: text.to_owned(), ..glob })
    }

    /// Whether the glob matches the text, whatever its case.
    fn matches_text(&self, text: &str) -> bool {
        let text = text.to_lowercase().replace(SEPARATORS, NO_SEPARATOR);
        fast_glob::glob_match(&self.pattern, text)
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
                .map(|glob| Allow {
                    image: Some(Glob::new((*glob).into()).unwrap()),
                    reason: "why".into(),
                    ..Allow::default()
                })
                .collect(),
        })
    }

    fn allow<'a>(policy: &'a Policy, image: &str) -> Option<&'a Allow> {
        let failure = Failure { header: None, codes: &[], signer: &|| None };
        policy.allow(Path::new(image), Path::new("/w"), &failure)
    }

    #[test]
    fn all_conditions_of_an_exception_must_hold() {
        let bytes = testkit::image::Image::exe().bytes();
        let content = crate::image::read_from(&*bytes);
        let Ok(crate::Content::Image(unsigned)) = content else { panic!("no image") };
        let header = |signed| Header { signed, ..unsigned };
        let glob = |text| Some(Glob::for_text(text).unwrap());
        let exception = |allow: Allow| {
            let folder = PathBuf::from("/policy");
            let allow = vec![Allow { reason: "why".into(), ..allow }];
            Policy::new([Arc::new(Rules { source: folder.clone(), folder, swap_run: None, allow })])
        };
        let missing: &[Code] = &[Code::NetSwapMissing];
        let both: &[Code] = &[Code::NetSwapMissing, Code::RemovableSwapMissing];
        let truncated: &[Code] = &[Code::TruncatedImage];
        let signer = || Some("Contoso A/S".to_owned());
        let holds = |policy: &Policy, signed: bool, codes: &[Code]| {
            let header = header(signed);
            let failure = Failure { header: Some(&header), codes, signer: &signer };
            policy.allow(Path::new("/share/old/a.dll"), Path::new("/share"), &failure).is_some()
        };
        let for_signed = || Allow { signed: true, ..Allow::default() };
        let policy = exception(for_signed());
        assert!(holds(&policy, true, missing) && !holds(&policy, false, missing));
        assert!(!holds(&policy, true, truncated));
        let code = |code| exception(Allow { code: Some(code), ..Allow::default() });
        let policy = code(Code::NetSwapMissing);
        assert!(holds(&policy, false, missing) && !holds(&policy, false, both));
        assert!(!holds(&policy, false, &[]) && !holds(&policy, false, truncated));
        let policy = code(Code::TruncatedImage);
        assert!(holds(&policy, false, truncated) && !holds(&policy, false, missing));
        for (day, expected) in [("2020-01-01", false), ("2999-12-31", true)] {
            let policy = exception(Allow { until: Day::parse(day), ..for_signed() });
            assert_eq!(holds(&policy, true, missing), expected, "{day}");
        }
        for (text, expected) in
            [("contoso*", true), ("Contoso A/S", true), ("contoso", false), ("*", true)]
        {
            let policy = exception(Allow { signer: glob(text), ..Allow::default() });
            assert_eq!(holds(&policy, true, missing), expected, "{text}");
        }
        // Paths are below the folder that was named, too.
        let image = Some(Glob::new("old/*.dll".into()).unwrap());
        let policy = exception(Allow { image, ..Allow::default() });
        assert!(holds(&policy, false, missing));
        assert_eq!(policy.rules()[0].allow[0].conditions(), "image = `old/*.dll`");
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
            assert_eq!(allow(&policy, image).is_some(), expected, "{glob} {image}");
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
        assert_eq!(allow(&policy, "/w/a.exe").unwrap().image(), Some("a.exe"));
        let matched = |rules: &Rules| rules.allow.iter().map(Allow::matched).collect::<Vec<_>>();
        assert_eq!((matched(&near), matched(&far)), (vec![1], vec![1, 0]));
    }
}
