//! Says hello to the person named on the command line, or to the world.

use std::process::ExitCode;

fn main() -> ExitCode {
    greetings::greet("hello", "Hello")
}
