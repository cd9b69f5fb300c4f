//! Makes Windows copy this plug-in to the page file when it is loaded from a network share.

fn main() {
    netswap_build::emit();
}
