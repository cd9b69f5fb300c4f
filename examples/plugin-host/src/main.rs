//! Greets whoever is named, or the world.

mod plugin;

use std::process::ExitCode;

use plugin::load_plugin;

fn main() -> ExitCode {
    let mut names = std::env::args().skip(1);
    match (names.next(), names.next()) {
        (Some(option), _) if option.starts_with('-') => {
            eprintln!("usage: plugin-host [NAME]");
            ExitCode::from(2)
        }
        (_, Some(_)) => {
            eprintln!("error: one name at a time\nusage: plugin-host [NAME]");
            ExitCode::from(2)
        }
        (name, None) => {
            let name = name.as_deref().unwrap_or("world");
            match load_plugin() {
                Ok(Some(plugin)) => println!("{}", plugin.greeting()(name.into())),
                Ok(None) => println!("{}", greeting(name)),
                Err(error) => {
                    eprintln!("error: {error}");
                    return ExitCode::FAILURE;
                }
            }
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
