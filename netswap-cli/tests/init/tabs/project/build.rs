fn main() {
	if let Ok(profile) = std::env::var("PROFILE") {
		println!("cargo:rustc-env=PROFILE={profile}");
	}
}
