//! A plug-in of {{project-name}}: another greeting.

#![forbid(unsafe_code)]

use abi_stable::export_root_module;
use abi_stable::prefix_type::PrefixTypeTrait;
use abi_stable::std_types::{RStr, RString};

use {{crate_name}}_interface::{Plugin, PluginRef};

/// What the tool asks for first, by the name that the macro gives it.
#[export_root_module]
fn plugin() -> PluginRef {
    Plugin { greeting }.leak_into_prefix()
}

/// What is said to `name`.
extern "C" fn greeting(name: RStr<'_>) -> RString {
    format!("Hello from the plug-in, {name}!").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_of_the_plug_in_names_whom_it_greets() {
        assert_eq!(greeting("Ada".into()), "Hello from the plug-in, Ada!");
    }
}
