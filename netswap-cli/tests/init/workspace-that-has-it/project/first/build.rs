fn main() {
    swap::emit();
}
