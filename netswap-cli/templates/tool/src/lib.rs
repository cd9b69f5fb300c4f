//! What {{project-name}} can do, for its program and for its tests.
{%- if cdylib %}

mod plugin;

pub use plugin::load_plugin;
{%- endif %}

/// What is said to `name`.
pub fn greeting(name: &str) -> String {
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
