//! This project's chores: `cargo xtask verify` builds and reads the headers of what was built.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        Some(task) if task == "verify" => netswap::xtask::verify(arguments),
        _ => {
            eprintln!("usage: cargo xtask verify [ARGUMENTS OF cargo build]");
            ExitCode::from(2)
        }
    }
}
