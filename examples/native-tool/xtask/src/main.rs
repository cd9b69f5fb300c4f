//! Tasks for this project. `cargo xtask verify` checks the header of the program that Cargo built.
//! `cargo xtask package` checks the headers of everything that ships.

mod package;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        Some(task) if task == "verify" => netswap::xtask::verify(arguments),
        Some(task) if task == "package" => package::run(arguments),
        _ => {
            eprintln!("usage: cargo xtask verify|package [ARGUMENTS OF cargo build]");
            ExitCode::from(2)
        }
    }
}
