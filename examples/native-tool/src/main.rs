//! Greets whoever is named, or the world. The banner before it comes from C++, see `native/banner.cpp`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut names = std::env::args().skip(1);
    match (names.next(), names.next()) {
        (Some(option), _) if option.starts_with('-') => {
            eprintln!("usage: native-tool [NAME]");
            ExitCode::from(2)
        }
        (_, Some(_)) => {
            eprintln!("error: one name at a time\nusage: native-tool [NAME]");
            ExitCode::from(2)
        }
        (name, None) => {
            println!("{}", greeting(name.as_deref().unwrap_or("world")));
            ExitCode::SUCCESS
        }
    }
}

/// What is said to `name`.
fn greeting(name: &str) -> String {
    format!("Hello, {name}!")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_names_whom_it_greets() {
        assert_eq!(greeting("Ada"), "Hello, Ada!");
    }
}
