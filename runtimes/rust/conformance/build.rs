//! The compiler's version, for the method `lang`, and the host's library for the tests: `RESTY_FFI_LIB_DIR` is its folder.
use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let rustc = env::var_os("RUSTC").expect("Cargo names the compiler");
    let output = Command::new(rustc).arg("--version").output();
    let text = output.expect("the compiler runs").stdout;
    let text = String::from_utf8_lossy(&text);
    let version = text.split(' ').nth(1).unwrap_or("unknown");
    println!("cargo:rustc-env=RUSTC_VERSION={version}");

    println!("cargo:rerun-if-env-changed=RESTY_FFI_LIB_DIR");
    if let Ok(dir) = env::var("RESTY_FFI_LIB_DIR") {
        for argument in [
            format!("-L{dir}"),
            "-lresty_ffi".to_owned(),
            format!("-Wl,-rpath,{dir}"),
        ] {
            println!("cargo:rustc-link-arg-tests={argument}");
        }
    }
}
