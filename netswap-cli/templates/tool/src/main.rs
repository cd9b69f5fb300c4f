//! Greets the person named on the command line, or the world.
{%- if cdylib and lib_and_bin == false %}

mod plugin;
{%- endif %}

use std::process::ExitCode;
{%- if lib_and_bin and cdylib %}

use {{crate_name}}::{greeting, load_plugin};
{%- endif %}
{%- if lib_and_bin and cdylib == false %}

use {{crate_name}}::greeting;
{%- endif %}
{%- if cdylib and lib_and_bin == false %}

use plugin::load_plugin;
{%- endif %}

fn main() -> ExitCode {
    let mut names = std::env::args().skip(1);
    match (names.next(), names.next()) {
        (Some(option), _) if option.starts_with('-') => {
            eprintln!("usage: {{project-name}} [NAME]");
            ExitCode::from(2)
        }
        (_, Some(_)) => {
            eprintln!("error: more than one name\nusage: {{project-name}} [NAME]");
            ExitCode::from(2)
        }
        (name, None) => {
            {%- if cdylib %}
            let name = name.as_deref().unwrap_or("world");
            match load_plugin() {
                Ok(Some(plugin)) => println!("{}", plugin.greeting()(name.into())),
                Ok(None) => println!("{}", greeting(name)),
                Err(error) => {
                    eprintln!("error: {error}");
                    return ExitCode::FAILURE;
                }
            }
            {%- else %}
            println!("{}", greeting(name.as_deref().unwrap_or("world")));
            {%- endif %}
            ExitCode::SUCCESS
        }
    }
}
{%- if lib_and_bin == false %}

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
{%- endif %}
