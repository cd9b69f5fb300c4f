//! The program `netswap-linker`, which Cargo's `linker` names in place of the real one.

fn main() {
    // The real linker's code is passed on: on Windows it has 32 bits.
    std::process::exit(netswap_cli::linker::main(std::env::args_os()))
}
