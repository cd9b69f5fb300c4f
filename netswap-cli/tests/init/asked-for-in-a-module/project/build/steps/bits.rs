pub fn ask() {
    netswap_build::emit();
}
