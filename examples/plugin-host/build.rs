//! Makes Windows copy this tool to the page file when it is started from a network share.

fn main() {
    netswap_build::emit();
}
