//! Runs the program with its C++ and its helper.

use std::process::Command;

#[test]
fn banner_and_greeting_are_printed() {
    let output = Command::new(env!("CARGO_BIN_EXE_native-tool")).arg("Ada").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = |bytes| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    assert_eq!(text(&output.stderr), "native-tool, with helper 1\n");
    assert_eq!(text(&output.stdout), "Hello, Ada!\n");
}
