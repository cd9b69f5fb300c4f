pub fn print() {
    println!("cargo:rerun-if-changed=inputs.rs");
}
