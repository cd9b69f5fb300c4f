//! The code that all tools share: reading the arguments and printing the greeting.

use std::process::ExitCode;

/// Greets the person named on the command line, or the world. The usage message names `tool`.
pub fn greet(tool: &str, word: &str) -> ExitCode {
    let mut names = std::env::args().skip(1);
    match (names.next(), names.next()) {
        (Some(option), _) if option.starts_with('-') => {
            eprintln!("usage: {tool} [NAME]");
            ExitCode::from(2)
        }
        (_, Some(_)) => {
            eprintln!("error: more than one name\nusage: {tool} [NAME]");
            ExitCode::from(2)
        }
        (name, None) => {
            println!("{}", greeting(word, name.as_deref().unwrap_or("world")));
            ExitCode::SUCCESS
        }
    }
}

/// Returns the greeting for `name`, which starts with `word`.
pub fn greeting(word: &str, name: &str) -> String {
    format!("{word}, {name}!")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greeting_contains_the_name() {
        assert_eq!(greeting("Hello", "Ada"), "Hello, Ada!");
    }
}
