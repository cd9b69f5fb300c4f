//! The programs that the benches measure.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::c;
use crate::files::write;
use testkit::image::{Image, NET, Sum};

pub(crate) type Words = Vec<OsString>;

/// Builds a program and its arguments from text or paths.
macro_rules! words {
    ($($word:expr),+ $(,)?) => { vec![$(::std::ffi::OsString::from($word)),+] };
}
pub(crate) use words;

/// Returns a command's program and arguments. `env` sets its variables.
pub(crate) fn words_from(command: &Command) -> Words {
    let mut words = words!["env"];
    for (name, value) in command.get_envs() {
        let mut word = name.to_owned();
        word.push("=");
        word.push(value.unwrap_or_default());
        words.push(word);
    }
    words.push(command.get_program().to_owned());
    words.extend(command.get_args().map(ToOwned::to_owned));
    words
}

/// Builds the program that only opens, reads and closes files.
pub(crate) fn floor() -> Result<PathBuf, String> {
    c::compile("lab/bench/floor.c", "floor", &[])
}

/// Writes a DLL of this length with the bit set and a valid `CheckSum`.
pub(crate) fn write_dll(path: &Path, length: usize) -> Result<(), String> {
    write(path, Image::dll().with(NET).sum(Sum::Right).length(length).bytes())
}

pub(crate) fn verify(netswap: &Path, options: &[&str], path: &Path) -> Words {
    let mut words = words![netswap, "verify"];
    words.extend(options.iter().map(OsString::from));
    words.push(path.into());
    words
}
