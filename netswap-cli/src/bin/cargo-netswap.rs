//! The program `cargo-netswap`, which Cargo runs for `cargo netswap`.

fn main() -> std::process::ExitCode {
    netswap_cli::cli::cargo_main(std::env::args_os())
}
