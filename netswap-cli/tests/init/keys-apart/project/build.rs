fn main() {
    println!("cargo:rustc-env=ICON={}", icon::NAME);
    println!("cargo:rerun-if-changed=build.rs");
}
