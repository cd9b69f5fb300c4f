//! netswap may itself lie on a share.

fn main() {
    #[cfg(feature = "cli")]
    netswap_build::emit();
    // As a library it is none of an image's business, and needs no second run.
    #[cfg(not(feature = "cli"))]
    println!("cargo:rerun-if-changed=build.rs");
}
