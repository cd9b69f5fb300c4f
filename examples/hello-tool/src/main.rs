//! Greets the person named on the command line, or the world.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut names = std::env::args().skip(1);
    match (names.next(), names.next()) {
        (Some(option), _) if option.starts_with('-') => {
            eprintln!("usage: hello-tool [NAME]");
            ExitCode::from(2)
        }
        (_, Some(_)) => {
            eprintln!("error: more than one name\nusage: hello-tool [NAME]");
            ExitCode::from(2)
        }
        (name, None) => {
            println!("{}", greeting(name.as_deref().unwrap_or("world")));
            ExitCode::SUCCESS
        }
    }
}

/// Returns the greeting for `name`.
fn greeting(name: &str) -> String {
    format!("Hello, {name}!")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greeting_contains_the_name() {
        assert_eq!(greeting("Ada"), "Hello, Ada!");
    }
}
