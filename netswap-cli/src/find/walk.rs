//! Every file below a folder, in the order of their paths; links are not followed.

use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// The regular files at and below `root`, and each folder that can't be read, with its error.
/// A link named as the root is followed: it was meant. Another thing named as the root, a pipe or a
/// device, is an error, since reading it might never end.
pub(crate) fn files(root: &Path) -> impl Iterator<Item = Result<PathBuf, (PathBuf, io::Error)>> {
    let root = root.to_owned();
    WalkDir::new(&root).sort_by_file_name().into_iter().filter_map(move |entry| match entry {
        Ok(entry) if entry.depth() == 0 && !entry.path().is_dir() => {
            let path = entry.into_path();
            let no_file = || io::Error::other("it is neither a file nor a folder");
            Some(if path.is_file() { Ok(path) } else { Err((path, no_file())) })
        }
        Ok(entry) => entry.file_type().is_file().then(|| Ok(entry.into_path())),
        Err(error) => {
            let path = error.path().unwrap_or(&root).to_owned();
            Some(Err((path, error.into())))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn names(root: &Path) -> Vec<String> {
        files(root)
            .map(|entry| {
                let path = entry.unwrap();
                let relative = path.strip_prefix(root).unwrap();
                relative.to_string_lossy().replace('\\', "/")
            })
            .collect()
    }

    #[test]
    fn every_file_is_found_once_in_the_order_of_the_paths() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("b/.hidden")).unwrap();
        for file in ["c.dll", "a.exe", "b/z.exe", "b/.hidden/y.exe"] {
            fs::write(dir.path().join(file), "").unwrap();
        }
        assert_eq!(names(dir.path()), ["a.exe", "b/.hidden/y.exe", "b/z.exe", "c.dll"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_below_the_root_are_not_followed_so_a_loop_ends() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.exe"), "").unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("loop")).unwrap();
        std::os::unix::fs::symlink("a.exe", dir.path().join("b.exe")).unwrap();
        assert_eq!(names(dir.path()), ["a.exe"]);
        let link = dir.path().join("loop");
        assert_eq!(names(&link), ["a.exe"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_root_that_is_a_socket_is_an_error_and_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("a.exe");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let (path, _) = files(&socket).next().unwrap().unwrap_err();
        assert_eq!(path, socket);
        assert_eq!(files(dir.path()).count(), 0);
    }

    #[test]
    fn a_root_that_is_not_there_is_told() {
        let (path, error) = files(Path::new("no/such/root")).next().unwrap().unwrap_err();
        assert_eq!(path, Path::new("no/such/root"));
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
