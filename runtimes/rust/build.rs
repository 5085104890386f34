//! Links this crate's own tests with the host's library, in the folder that `RESTY_FFI_LIB_DIR` names. A runtime is not
//! linked with it: the host's functions stay undefined until the host loads the runtime.
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
