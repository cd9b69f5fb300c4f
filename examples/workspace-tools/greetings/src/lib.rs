//! What the tools have in common: whom they greet, and how they end.

use std::process::ExitCode;

/// Greets whoever is named on the command line, or the world, in the name of a tool.
pub fn greet(tool: &str, word: &str) -> ExitCode {
    let mut names = std::env::args().skip(1);
    match (names.next(), names.next()) {
        (Some(option), _) if option.starts_with('-') => {
            eprintln!("usage: {tool} [NAME]");
            ExitCode::from(2)
        }
        (_, Some(_)) => {
            eprintln!("error: one name at a time\nusage: {tool} [NAME]");
            ExitCode::from(2)
        }
        (name, None) => {
            println!("{}", greeting(word, name.as_deref().unwrap_or("world")));
            ExitCode::SUCCESS
        }
    }
}

/// What is said to `name`.
pub fn greeting(word: &str, name: &str) -> String {
    format!("{word}, {name}!")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_names_whom_it_greets() {
        assert_eq!(greeting("Hello", "Ada"), "Hello, Ada!");
    }
}
