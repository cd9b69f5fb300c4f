fn main() {
    println!("{}", common::NAME);
}
