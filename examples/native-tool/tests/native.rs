//! The program as it is started: C++ and the helper have their say first.

use std::process::Command;

#[test]
fn the_banner_of_the_cpp_part_names_the_helper_and_the_greeting_follows() {
    let output = Command::new(env!("CARGO_BIN_EXE_native-tool")).arg("Ada").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = |bytes| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    assert_eq!(text(&output.stderr), "native-tool, with helper 1\n");
    assert_eq!(text(&output.stdout), "Hello, Ada!\n");
}
