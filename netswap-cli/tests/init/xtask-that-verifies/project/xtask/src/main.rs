enum Task {
    Verify,
}

fn main() {
    match Task::Verify {
        Task::Verify => println!("verified"),
    }
}
