//! The program `netswap`.

fn main() -> std::process::ExitCode {
    netswap::cli::main(std::env::args_os())
}
