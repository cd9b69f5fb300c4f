// Where this was built.
fn main() -> Result<(), std::env::VarError> {
    println!("cargo:rustc-env=BUILT_FOR={}", std::env::var("TARGET")?);
    Ok(())
}
