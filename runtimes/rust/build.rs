//! Links this crate's own tests with the host's library, which the variable `RESTY_FFI_LIB_DIR` names the folder of. A
//! runtime needs none of it: there the host's functions stay undefined until the host loads it.
use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RESTY_FFI_LIB_DIR");
    let Some(dir) = env::var_os("RESTY_FFI_LIB_DIR").map(PathBuf::from) else {
        return;
    };
    let library = dir.join("libresty_ffi.so");
    if !library.exists() {
        println!("cargo:rerun-if-changed={}", library.display());
        println!(
            "cargo:warning={} is not built, so the tests cannot be linked: build the workspace native first",
            library.display()
        );
    }
    let dir = dir.display();
    for argument in [
        format!("-L{dir}"),
        "-lresty_ffi".to_owned(),
        format!("-Wl,-rpath,{dir}"),
    ] {
        println!("cargo:rustc-link-arg={argument}");
    }
}
