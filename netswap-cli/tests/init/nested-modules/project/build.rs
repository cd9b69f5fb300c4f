mod outer {
    pub mod inner {
        pub fn main() {
            println!("cargo:rerun-if-env-changed=INNER");
        }
    }

    pub fn main() {
        inner::main();
    }
}

struct Main;

impl Main {
    fn main(&self) {
        outer::main();
    }
}

fn main() {
    let main = Main;
    main.main();
}
