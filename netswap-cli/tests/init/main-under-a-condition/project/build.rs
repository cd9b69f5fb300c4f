#[cfg(any())]
fn main() {}

include!("real.rs");
