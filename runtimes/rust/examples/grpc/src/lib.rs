//! Calls gRPC services with messages in JSON. Each service has a module.

mod call;
mod config;
mod echo;
mod error;
mod greeter;
mod json;
mod messages;
mod route_guide;

use resty_ffi::{Config, Error, Router};

fn init(config: Config) -> Result<Router, Error> {
    // Connects at the first call, and again after a lost connection.
    let channel = config::endpoint(&config)?.connect_lazy();
    let router = Router::new();
    let router = greeter::serve(router, &channel);
    let router = route_guide::serve(router, &channel);
    Ok(echo::serve(router, &channel))
}

resty_ffi::export!(init);
