fn main() {
    // There is nothing to do yet.
}
