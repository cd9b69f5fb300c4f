pub fn name() -> &'static str {
    "plug-in"
}
