//! A high-latency share: a folder behind `lab/bench/slow-fs.c`, which delays each request.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::c;
use crate::files::{create_folder, scratch};
use crate::tools::{FUSE, Tree};

/// The program that mounts a folder, and the mount point.
pub(crate) struct SlowFs {
    program: PathBuf,
    /// The mount point.
    pub(crate) root: PathBuf,
}

impl SlowFs {
    /// Builds the program. `Err` contains the reason why it is not available here.
    pub(crate) fn build() -> Result<Self, String> {
        ensure!(Path::new("/dev/fuse").exists(), "this kernel has no FUSE: there is no /dev/fuse");
        let program = c::compile("lab/bench/slow-fs.c", "slow-fs", &libfuse()?)?;
        Ok(SlowFs { program, root: create_folder(scratch("slow-fs"))? })
    }

    /// Mounts the folder until the mount is dropped. Each request takes `milliseconds`. Reads fail
    /// for files whose name matches `fail_read`.
    pub(crate) fn mount(
        &self,
        folder: &Path,
        milliseconds: u32,
        fail_read: Option<&str>,
    ) -> Result<Mount, String> {
        let mut command = Command::new(&self.program);
        command.args(fail_read.into_iter().flat_map(|glob| ["--fail-read", glob]));
        command.arg(milliseconds.to_string()).arg(folder).arg(&self.root);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("slow-fs: {error}"))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("slow-fs has no standard input or output".to_owned());
        };
        let mut mount = Mount { child, stdin: Some(stdin), stdout: BufReader::new(stdout) };
        match mount.read_line()?.as_str() {
            "mounted" => Ok(mount),
            _ => Err("slow-fs can't mount a file system here".to_owned()),
        }
    }
}

/// Returns the compiler's arguments for libfuse 3.
fn libfuse() -> Result<Vec<OsString>, String> {
    let tree = Tree::find(FUSE)?;
    let folders: Vec<_> = std::env::split_paths(&tree.library_path()).collect();
    let mut libraries = folders.into_iter().map(|folder| folder.join("libfuse3.a"));
    let library = libraries.find(|path| path.is_file());
    let library = library.ok_or("Debian's libfuse3-dev has no libfuse3.a")?;
    let mut include = OsString::from("-I");
    include.push(tree.path("usr/include/fuse3"));
    Ok(vec![include, library.into(), "-ldl".into()])
}

/// A mounted high-latency folder. It is unmounted when dropped.
pub(crate) struct Mount {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

/// The numbers of requests that a mount received, by their names in FUSE, and of `bytes` read.
pub(crate) struct Requests(BTreeMap<String, f64>);

impl Requests {
    /// Returns the number of requests of all kinds.
    pub(crate) fn count(&self) -> f64 {
        self.0.iter().filter(|(name, _)| *name != "bytes").map(|(_, number)| number).sum()
    }

    /// Returns the number of this name, or 0.
    pub(crate) fn number(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }
}

impl Mount {
    /// Returns the requests since the last call, or else since the mount.
    pub(crate) fn requests(&mut self) -> Result<Requests, String> {
        let stdin = self.stdin.as_mut().ok_or("slow-fs has ended")?;
        stdin.write_all(b"\n").map_err(|error| format!("slow-fs: {error}"))?;
        let line = self.read_line()?;
        parse(&line).ok_or_else(|| format!("slow-fs printed {line:?}"))
    }

    fn read_line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line).map_err(|error| format!("slow-fs: {error}"))?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Mount {
    /// Closes the program's input, which makes it unmount and exit.
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.wait();
    }
}

/// Reads `open 3 read 4 bytes 16384`.
fn parse(line: &str) -> Option<Requests> {
    let words: Vec<&str> = line.split(' ').collect();
    let (pairs, []) = words.as_chunks() else { return None };
    let number = |[name, count]: &[&str; 2]| Some(((*name).to_owned(), count.parse().ok()?));
    pairs.iter().map(number).collect::<Option<_>>().map(Requests)
}
