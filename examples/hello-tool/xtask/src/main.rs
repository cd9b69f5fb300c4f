//! Tasks for this project. `cargo xtask verify` builds it and checks the headers of its images.

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
