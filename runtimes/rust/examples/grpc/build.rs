//! Messages and clients from the `.proto` files. protox reads them, so there is no protoc to install.
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=protos");
    let files = protox::compile(
        ["helloworld.proto", "route_guide.proto", "echo.proto"],
        ["protos"],
    )?;
    tonic_prost_build::configure()
        .build_server(false)
        .message_attribute(".", "#[derive(serde::Deserialize, serde::Serialize)]")
        .message_attribute(".", "#[serde(default, deny_unknown_fields)]")
        .compile_fds(files)?;
    Ok(())
}
