//! Says hello to whoever is named, or to the world.

use std::process::ExitCode;

fn main() -> ExitCode {
    greetings::greet("hello", "Hello")
}
