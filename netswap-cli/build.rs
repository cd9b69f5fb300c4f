//! netswap may itself lie on a share.

fn main() {
    netswap_build::emit();
}
