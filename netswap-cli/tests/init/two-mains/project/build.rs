#[cfg(windows)]
fn main() {
    println!("cargo:rustc-env=HOST=windows");
}

#[cfg(not(windows))]
fn main() {}
