mod inputs;

fn main() {
    inputs::print();
}
