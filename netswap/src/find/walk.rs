//! Visits every file below some folders on many threads, and returns the results in path order.
//!
//! No existing crate fits. A walker that returns full paths makes the system resolve each path
//! again. No well-maintained walker returns paths in order without holding all of them in memory.
//! This walker keeps a folder open while it opens the entries relative to it.
//! [`ordered`](super::ordered) provides the order.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::ordered::{self, TaskResult};
use crate::policy::Exclude;
use crate::system::{self, EntryKind, Folder, Identity, Name, Names, Recall};

/// The options for walking a tree.
#[derive(Clone, Debug)]
pub struct WalkOptions {
    /// The maximum number of threads, and so of files and folders read at the same time.
    pub jobs: NonZeroUsize,
    /// Whether links below the named folders are followed.
    pub follow_links: bool,
    /// Whether folders on other volumes than the named folder are skipped.
    pub one_file_system: bool,
    /// The files to skip, and the folders to skip with everything below them.
    pub exclude: Exclude,
    /// Whether files are read whose content is in the cloud or on tape.
    pub recall: Recall,
    /// The flag that stops the walk. Another thread sets it, for example after Ctrl-C. The files
    /// that are being read are finished, and no further file or folder is opened.
    pub stop: Arc<AtomicBool>,
}

/// The default number of threads, measured on a local disk and at 5 ms per request. See
/// docs/src/speed.md.
const JOBS: NonZeroUsize = NonZeroUsize::new(32).unwrap();

impl Default for WalkOptions {
    fn default() -> Self {
        WalkOptions {
            jobs: JOBS,
            follow_links: false,
            one_file_system: false,
            exclude: Exclude::default(),
            recall: Recall::default(),
            stop: Arc::default(),
        }
    }
}

impl WalkOptions {
    /// Whether the flag `stop` is set.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// The handler for files and errors. Many threads call it at the same time.
pub trait Visit: Sync {
    /// A result for a file or folder.
    type Item: Send;

    /// Examines a regular file and adds its results to `items`.
    fn file(&self, file: &WalkedFile<'_>, items: &mut Vec<Self::Item>);

    /// Returns the result for a file that may not be opened, because its content is in the cloud or
    /// on tape.
    fn offline(&self, file: &WalkedFile<'_>) -> Option<Self::Item>;

    /// Returns the result for a folder that can't be listed, or a path that is neither a file nor a
    /// folder.
    fn unreadable(&self, path: PathBuf, error: io::Error) -> Self::Item;
}

/// A regular file that the walk has found.
pub enum WalkedFile<'a> {
    /// The file itself was named.
    Named(&'a Path, Recall),
    /// The file is an entry in a folder. The `bool` is true if the entry is a link.
    Listed(&'a Listing, Name, bool),
}

impl WalkedFile<'_> {
    pub fn path(&self) -> PathBuf {
        match self {
            WalkedFile::Named(path, _) => path.to_path_buf(),
            WalkedFile::Listed(listing, name, _) => {
                let (folder, name) = (listing.folder.path(), listing.names.get(*name));
                // This takes one allocation. `join` takes two.
                let mut path = PathBuf::with_capacity(folder.as_os_str().len() + 1 + name.len());
                path.push(folder);
                path.push(name);
                path
            }
        }
    }

    /// Whether the file has this name, whatever its case.
    pub fn has_name(&self, name: &str) -> bool {
        match self {
            WalkedFile::Named(path, _) => {
                path.file_name().is_some_and(|other| other.eq_ignore_ascii_case(name))
            }
            WalkedFile::Listed(listing, other, _) => {
                listing.names.get(*other).eq_ignore_ascii_case(name)
            }
        }
    }

    /// Returns the path that was named: the file itself, or a folder above it.
    pub fn named(&self) -> &Path {
        match self {
            WalkedFile::Named(path, _) => path,
            WalkedFile::Listed(listing, ..) => &listing.root,
        }
    }

    /// Opens the file to read only its header.
    pub fn open(&self) -> io::Result<File> {
        match self {
            WalkedFile::Named(path, recall) => system::open_with(path, *recall),
            WalkedFile::Listed(listing, name, is_link) => {
                listing.folder.file(&listing.names, *name, *is_link, listing.recall)
            }
        }
    }
}

/// An open folder and its entries.
#[derive(Debug)]
pub struct Listing {
    folder: Folder,
    names: Names,
    /// The files and folders in the order of their names. The `bool` is true if the entry is a
    /// link.
    entries: Vec<(Name, EntryKind, bool)>,
    ancestry: Option<Arc<Ancestry>>,
    /// The named folder that the walk started from.
    root: Arc<Path>,
    is_high_latency: bool,
    recall: Recall,
}

/// A folder and those above it, used to detect loops of links and other volumes.
#[derive(Debug)]
struct Ancestry {
    /// `None` if the file system does not provide it.
    identity: Option<Identity>,
    parent: Option<Arc<Ancestry>>,
}

enum Task {
    Named(PathBuf),
    Folder(Arc<Listing>, usize),
    Files(Arc<Listing>, Range<usize>),
    /// The entries of a large folder from this index on.
    Rest(Arc<Listing>, usize),
}

/// A folder that takes longer than this to open is on a share, or on a disk that has to seek.
const HIGH_LATENCY: Duration = Duration::from_micros(500);

/// Files per task in a low-latency folder, where scheduling a task costs as much as reading a file.
/// In a high-latency folder each file is a task, so that many are requested at the same time.
const FILES_PER_TASK: usize = 64;

/// The maximum number of tasks created from a folder at once. A folder with a million files must
/// not create a million tasks.
const TASKS_PER_FOLDER: usize = 512;

/// Walks the named trees and files in their order. Follows a named link, because the user chose it.
/// Treats any other named path, such as a pipe or a device, as unreadable, because reading it might
/// never end.
///
/// When the flag `stop` is set, emits the results that exist and returns. They are those of the
/// first files in path order, but some files among them can be missing.
pub fn walk<V: Visit, Error>(
    named: &[PathBuf],
    options: &WalkOptions,
    visit: &V,
    emit: impl FnMut(V::Item) -> Result<(), Error>,
) -> Result<(), Error> {
    let walker = Walker { options, visit };
    let tasks = distinct(named).into_iter().map(Task::Named).collect();
    ordered::run(walker.options.jobs, tasks, |task| walker.work(task), emit)
}

/// Checks that all named paths exist, so that a typing error stops the command before it starts.
pub fn all_exist(named: &[PathBuf]) -> Result<(), crate::Error> {
    for path in named {
        match path.metadata() {
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                return Err(crate::Error::NoSuchPath { path: path.clone(), source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns the named paths, each once. Keeps a path below another named path, because it may be a
/// different file: links and other file systems are followed when they are named.
fn distinct(named: &[PathBuf]) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    let is_new = |path: &&PathBuf| seen.insert(std::path::absolute(path).ok());
    named.iter().filter(is_new).cloned().collect()
}

struct Walker<'a, V> {
    options: &'a WalkOptions,
    visit: &'a V,
}

impl<V: Visit> Walker<'_, V> {
    fn work(&self, task: Task) -> TaskResult<Task, V::Item> {
        if self.options.is_stopped() {
            return TaskResult { items: Vec::new(), tasks: Vec::new() };
        }
        match task {
            Task::Named(path) => self.named(&path),
            Task::Folder(parent, entry) => self.folder(&parent, entry),
            Task::Rest(listing, start) => {
                TaskResult { items: Vec::new(), tasks: tasks(&listing, start) }
            }
            Task::Files(listing, entries) => {
                let files = listing.entries.get(entries).unwrap_or_default();
                let mut items = Vec::with_capacity(files.len());
                for &(name, kind, is_link) in files {
                    if self.options.is_stopped() {
                        break;
                    }
                    let file = WalkedFile::Listed(&listing, name, is_link);
                    if kind == EntryKind::Offline && self.options.recall == Recall::Never {
                        items.extend(self.visit.offline(&file));
                    } else {
                        self.visit.file(&file, &mut items);
                    }
                }
                TaskResult { items, tasks: Vec::new() }
            }
        }
    }

    fn named(&self, path: &Path) -> TaskResult<Task, V::Item> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => return self.unreadable(path, error),
        };
        if metadata.is_file() {
            let mut items = Vec::new();
            let name = path.file_name().map_or(path, Path::new);
            let recall = self.options.recall;
            if self.options.exclude.matches(name) {
            } else if recall == Recall::Never && system::is_offline(&metadata) {
                items.extend(self.visit.offline(&WalkedFile::Named(path, recall)));
            } else {
                self.visit.file(&WalkedFile::Named(path, recall), &mut items);
            }
            return TaskResult { items, tasks: Vec::new() };
        }
        if !metadata.is_dir() {
            let error = io::Error::other("it is neither a file nor a folder");
            return self.unreadable(path, error);
        }
        let start = Instant::now();
        match Folder::open(path) {
            Ok(folder) => {
                let is_high_latency = start.elapsed() > HIGH_LATENCY;
                let descent = Descent { parent: None, is_link: false };
                self.list(folder, descent, path.into(), is_high_latency)
            }
            Err(error) => self.unreadable(path, error),
        }
    }

    fn folder(&self, parent: &Listing, entry: usize) -> TaskResult<Task, V::Item> {
        let Some(&(name, _, is_link)) = parent.entries.get(entry) else {
            return TaskResult { items: Vec::new(), tasks: Vec::new() };
        };
        let start = Instant::now();
        match parent.folder.folder(&parent.names, name, is_link) {
            Ok(folder) => {
                let is_high_latency = start.elapsed() > HIGH_LATENCY;
                let descent = Descent { parent: parent.ancestry.clone(), is_link };
                self.list(folder, descent, parent.root.clone(), is_high_latency)
            }
            Err(error) => {
                self.unreadable(&parent.folder.path().join(parent.names.get(name)), error)
            }
        }
    }

    /// Lists a folder and creates tasks for its entries.
    fn list(
        &self,
        folder: Folder,
        descent: Descent,
        root: Arc<Path>,
        is_high_latency: bool,
    ) -> TaskResult<Task, V::Item> {
        let ancestry = match self.ancestry(&folder, descent) {
            Ok(ancestry) => ancestry,
            Err(NotEntered::Unwanted) => {
                return TaskResult { items: Vec::new(), tasks: Vec::new() };
            }
            Err(NotEntered::Failed(error)) => return self.unreadable(folder.path(), error),
        };
        let (names, mut all) = match folder.entries() {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(folder.path(), error),
        };
        all.sort_unstable_by(|(a, _), (b, _)| names.compare(*a, *b));
        let entries = Vec::with_capacity(all.len());
        let recall = self.options.recall;
        let mut listing =
            Listing { folder, names, entries, ancestry, root, is_high_latency, recall };
        for (name, kind) in all {
            listing.entries.extend(self.wanted(&listing, name, kind));
        }
        TaskResult { items: Vec::new(), tasks: tasks(&Arc::new(listing), 0) }
    }

    /// Returns the entry if it is a file or folder to visit. A link has the kind of its target.
    fn wanted(
        &self,
        listing: &Listing,
        name: Name,
        kind: EntryKind,
    ) -> Option<(Name, EntryKind, bool)> {
        let is_link = kind == EntryKind::Link;
        let is_skipped = is_link && !self.options.follow_links;
        if is_skipped || kind == EntryKind::Other || self.is_excluded(listing, name) {
            return None;
        }
        let kind = match kind {
            // A broken link counts as a file. Opening it reports the error.
            EntryKind::Link => {
                listing.folder.behind_link(&listing.names, name).unwrap_or(EntryKind::File)
            }
            kind => kind,
        };
        let is_wanted = !matches!(kind, EntryKind::Link | EntryKind::Other);
        is_wanted.then_some((name, kind, is_link))
    }

    fn is_excluded(&self, listing: &Listing, name: Name) -> bool {
        let exclude = &self.options.exclude;
        if exclude.is_empty() {
            return false;
        }
        let folder = listing.folder.path();
        let below = folder.strip_prefix(&listing.root).unwrap_or(folder);
        exclude.matches(&below.join(listing.names.get(name)))
    }

    /// Returns the ancestry for the entries of this folder, or `None` if no option needs it.
    fn ancestry(
        &self,
        folder: &Folder,
        descent: Descent,
    ) -> Result<Option<Arc<Ancestry>>, NotEntered> {
        let Descent { parent, is_link } = descent;
        let WalkOptions { follow_links, one_file_system, .. } = *self.options;
        if !follow_links && !one_file_system {
            return Ok(None);
        }
        let identity = folder.identity().map_err(NotEntered::Failed)?;
        // Only a link can lead back up.
        let mut above = std::iter::successors(parent.as_deref(), |at| at.parent.as_deref());
        let is_loop = is_link && identity.is_some() && above.any(|at| at.identity == identity);
        let volume = |identity: Option<Identity>| identity.map(system::volume);
        let is_elsewhere = one_file_system
            && parent.as_ref().is_some_and(|parent| volume(parent.identity) != volume(identity));
        if is_loop || is_elsewhere {
            return Err(NotEntered::Unwanted);
        }
        Ok(Some(Arc::new(Ancestry { identity, parent })))
    }

    fn unreadable(&self, path: &Path, error: io::Error) -> TaskResult<Task, V::Item> {
        let items = vec![self.visit.unreadable(path.to_owned(), error)];
        TaskResult { items, tasks: Vec::new() }
    }
}

/// The reason why a folder is not entered.
enum NotEntered {
    /// It is part of a loop of links, or it is on another volume.
    Unwanted,
    Failed(io::Error),
}

/// How the walk reached a folder: the folder above it, and whether through a link.
struct Descent {
    parent: Option<Arc<Ancestry>>,
    is_link: bool,
}

/// Drops a long chain of folders in a loop. Each folder dropping the next would recurse deeply.
impl Drop for Ancestry {
    fn drop(&mut self) {
        let mut next = self.parent.take();
        while let Some(mut ancestry) = next.and_then(Arc::into_inner) {
            next = ancestry.parent.take();
        }
    }
}

/// Returns the tasks for the entries from `start` on: one per folder, and one per group of adjacent
/// files.
fn tasks(listing: &Arc<Listing>, mut start: usize) -> Vec<Task> {
    let most = if listing.is_high_latency { 1 } else { FILES_PER_TASK };
    let mut tasks = Vec::new();
    while let Some(rest) = listing.entries.get(start..).filter(|rest| !rest.is_empty()) {
        if tasks.len() == TASKS_PER_FOLDER {
            tasks.push(Task::Rest(listing.clone(), start));
            break;
        }
        let is_file = |entry: &&(Name, EntryKind, bool)| entry.1 != EntryKind::Folder;
        let files = rest.iter().take(most).take_while(is_file).count();
        if files == 0 {
            tasks.push(Task::Folder(listing.clone(), start));
            start += 1;
        } else {
            tasks.push(Task::Files(listing.clone(), start..start + files));
            start += files;
        }
    }
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// A visitor that records each file that can be opened, and each error.
    struct Recorder;

    impl Visit for Recorder {
        type Item = Result<PathBuf, (PathBuf, io::ErrorKind)>;

        fn file(&self, file: &WalkedFile<'_>, items: &mut Vec<Self::Item>) {
            let opened = file.open().map_err(|error| (file.path(), error.kind()));
            items.push(opened.map(|_| file.path()));
        }

        fn offline(&self, file: &WalkedFile<'_>) -> Option<Self::Item> {
            panic!("{} is offline", file.path().display())
        }

        fn unreadable(&self, path: PathBuf, error: io::Error) -> Self::Item {
            Err((path, error.kind()))
        }
    }

    fn walked(root: &Path, options: &WalkOptions) -> Vec<<Recorder as Visit>::Item> {
        let mut items = Vec::new();
        walk(&[root.to_owned()], options, &Recorder, |item| {
            items.push(item);
            Ok::<_, Infallible>(())
        })
        .unwrap();
        items
    }

    /// Returns the paths of the files below the root, with `/` between the names.
    fn names(root: &Path, options: &WalkOptions) -> Vec<String> {
        let name = |item: <Recorder as Visit>::Item| {
            let path = item.unwrap();
            let below = path.strip_prefix(root).unwrap();
            below.to_string_lossy().replace('\\', "/")
        };
        walked(root, options).into_iter().map(name).collect()
    }

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        dir
    }

    #[test]
    fn files_are_found_once_in_path_order() {
        let files = ["a.exe", "b/.hidden/y.exe", "b/z.exe", "b.exe", "c.dll"];
        let dir = tree(&files);
        for jobs in [1, 2, 50] {
            let jobs = NonZeroUsize::new(jobs).unwrap();
            let options = WalkOptions { jobs, ..WalkOptions::default() };
            let mut expected = files.map(PathBuf::from);
            expected.sort();
            let expected = expected.map(|path| path.to_str().unwrap().to_owned());
            assert_eq!(names(dir.path(), &options), expected);
        }
    }

    #[test]
    fn large_folder_is_in_path_order() {
        let mut files: Vec<_> = (0..3000).map(|n| format!("{n:04}")).collect();
        files.extend((3000..3600).map(|n| format!("{n}/file")));
        let dir = tree(&files.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(names(dir.path(), &WalkOptions::default()), files);
    }

    #[test]
    fn excluded_folder_is_skipped_with_its_content() {
        let dir = tree(&["a.exe", "old/a.exe", "old/deep/b.exe", "new/old/c.exe", "new/A.DLL"]);
        let table: [(&[&str], &[&str]); 8] = [
            (&["old"], &["a.exe", "new/A.DLL"]),
            (&["old/"], &["a.exe", "new/A.DLL"]),
            (&["/old"], &["a.exe", "new/A.DLL", "new/old/c.exe"]),
            (&["./old/"], &["a.exe", "new/A.DLL", "new/old/c.exe"]),
            (&["old/*"], &["a.exe", "new/A.DLL", "new/old/c.exe"]),
            (&["new/old"], &["a.exe", "new/A.DLL", "old/a.exe", "old/deep/b.exe"]),
            (&["*.exe"], &["new/A.DLL"]),
            (&["*.dll", "**/deep"], &["a.exe", "new/old/c.exe", "old/a.exe"]),
        ];
        for (globs, expected) in table {
            let exclude = Exclude::new(globs.iter().map(|glob| (*glob).to_owned())).unwrap();
            let options = WalkOptions { exclude, ..WalkOptions::default() };
            assert_eq!(names(dir.path(), &options), expected, "{globs:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_only_on_request_without_loops() {
        use std::os::unix::fs::symlink;

        let dir = tree(&["a.exe", "sub/c.exe"]);
        symlink(dir.path(), dir.path().join("sub/loop")).unwrap();
        symlink("a.exe", dir.path().join("b.exe")).unwrap();
        assert_eq!(names(dir.path(), &WalkOptions::default()), ["a.exe", "sub/c.exe"]);
        let follow = WalkOptions { follow_links: true, ..WalkOptions::default() };
        assert_eq!(names(dir.path(), &follow), ["a.exe", "b.exe", "sub/c.exe"]);
        // A link is followed when it is named itself.
        let link = dir.path().join("sub/loop");
        assert_eq!(names(&link, &WalkOptions::default()), ["a.exe", "sub/c.exe"]);
    }

    #[cfg(unix)]
    #[test]
    fn broken_link_is_reported() {
        let dir = tree(&["a.exe"]);
        std::os::unix::fs::symlink("gone", dir.path().join("b.exe")).unwrap();
        let follow = WalkOptions { follow_links: true, ..WalkOptions::default() };
        let expected = Err((dir.path().join("b.exe"), io::ErrorKind::NotFound));
        assert_eq!(walked(dir.path(), &follow)[1], expected);
    }

    #[cfg(unix)]
    #[test]
    fn socket_is_an_error_only_if_named() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("a.exe");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let named = walked(&socket, &WalkOptions::default());
        assert_eq!(named, [Err((socket, io::ErrorKind::Other))]);
        assert_eq!(walked(dir.path(), &WalkOptions::default()), []);
    }

    #[test]
    fn file_named_twice_is_found_once() {
        let dir = tree(&["a.exe", "sub/b.exe"]);
        let root = dir.path();
        let named =
            [root.join("a.exe"), root.join("sub"), root.join("./a.exe"), root.join("sub/.")];
        let mut seen = Vec::new();
        walk(&named, &WalkOptions::default(), &Recorder, |item| {
            seen.push(item.unwrap());
            Ok::<_, Infallible>(())
        })
        .unwrap();
        assert_eq!(seen, [root.join("a.exe"), root.join("sub/b.exe")]);
    }

    #[test]
    fn stop_flag_ends_the_walk_after_the_files_at_hand() {
        let files: Vec<_> = (0..1000).map(|n| format!("{}/{n:04}", n / 300)).collect();
        let dir = tree(&files.iter().map(String::as_str).collect::<Vec<_>>());
        let options = WalkOptions::default();
        let mut count = 0;
        walk(&[dir.path().to_owned()], &options, &Stopper(&options), |()| {
            count += 1;
            Ok::<_, Infallible>(())
        })
        .unwrap();
        assert!(options.is_stopped());
        // At most one file for each thread.
        assert!((1..=JOBS.get()).contains(&count), "{count}");
        options.stop.store(true, Ordering::Relaxed);
        assert_eq!(walked(dir.path(), &options), []);
    }

    /// A visitor that sets the stop flag at the first file.
    struct Stopper<'a>(&'a WalkOptions);

    impl Visit for Stopper<'_> {
        type Item = ();

        fn file(&self, _: &WalkedFile<'_>, items: &mut Vec<()>) {
            self.0.stop.store(true, Ordering::Relaxed);
            items.push(());
        }

        fn offline(&self, _: &WalkedFile<'_>) -> Option<()> {
            None
        }

        fn unreadable(&self, _: PathBuf, _: io::Error) {}
    }

    #[test]
    fn missing_root_is_reported() {
        let path = Path::new("no/such/root");
        let expected = [Err((path.to_owned(), io::ErrorKind::NotFound))];
        assert_eq!(walked(path, &WalkOptions::default()), expected);
    }

    /// `/proc` is a separate file system on every Linux.
    #[cfg(target_os = "linux")]
    #[test]
    fn other_file_system_is_skipped_on_request() {
        let options = WalkOptions {
            one_file_system: true,
            exclude: Exclude::new(["[!p]*".to_owned(), "?[!r]*".to_owned()]).unwrap(),
            ..WalkOptions::default()
        };
        let below_proc = |item: &<Recorder as Visit>::Item| {
            item.as_ref().unwrap_or_else(|(path, _)| path).starts_with("/proc")
        };
        assert!(!walked(Path::new("/"), &options).iter().any(below_proc));
    }
}
