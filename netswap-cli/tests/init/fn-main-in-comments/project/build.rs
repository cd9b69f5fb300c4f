// This one has no `fn main() {` of its own before the third line below.
/*
fn main() {
    fn main() {}
}
*/
const TEXT: &str = "fn main() {";
const RAW: &str = r#"
fn main() {
"#;

/// Not `fn main() {}`.
fn mainly() -> usize {
    TEXT.len() + RAW.len()
}

fn main() {
    // fn main() {
    println!("cargo:rustc-env=LENGTH={}", mainly());
}
