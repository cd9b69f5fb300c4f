//! Greets the person named on the command line, or the world.

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
            eprintln!("error: more than one name\nusage: plugin-host [NAME]");
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
