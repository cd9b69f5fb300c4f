use std::error::Error;

mod tasks;

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("dist") => tasks::dist(),
        _ => Err("usage: cargo xtask dist".into()),
    }
}
