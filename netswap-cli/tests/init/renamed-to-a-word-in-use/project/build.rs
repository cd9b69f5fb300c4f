fn main() {
    let (mut a, mut b) = (1, 2);
    std::mem::swap(&mut a, &mut b);
    println!("cargo:rustc-env=A={a}");
    println!("cargo:rerun-if-changed=build.rs");
    let _ = "swap::emit";
}
