//! The program `netswap`.

fn main() -> std::process::ExitCode {
    netswap_cli::cli::main(std::env::args_os())
}
