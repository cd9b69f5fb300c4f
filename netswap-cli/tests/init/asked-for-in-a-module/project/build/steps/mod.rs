mod bits;

pub fn all() {
    bits::ask();
}
