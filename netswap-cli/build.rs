//! netswap.exe can itself be run from a share.

fn main() {
    netswap_build::emit();
}
