//! Functions in Rust that stock nginx calls from Lua without blocking its event loop.
//!
//! A runtime is a `cdylib` that serves methods. A complete runtime:
//!
//! ```no_run
//! use resty_ffi::{Config, Error, Request, Router};
//!
//! fn init(_: Config) -> Result<Router, Error> {
//!     Ok(Router::new().route("echo", |req: Request| async { req.into_body() }))
//! }
//!
//! resty_ffi::export!(init);
//! ```
//!
//! ```lua
//! local rt = ngx.load_ffi("my_runtime")
//! local ok, res, err = rt:echo("hello")
//! ```
//!
//! Handlers are futures on tokio; see [`Handler`], [`Router`] and [`Request`]. Methods that carry many messages each
//! way are streams; see [`StreamHandler`]. When a handler panics, its call fails with the panic's message, the log gets
//! the location, and the runtime keeps serving. This needs `panic = "unwind"`, Cargo's default. Events of `tracing`
//! reach the host's log; see [`LogLayer`]. The crate calls functions of the host, which stay undefined in the library
//! until the host loads it. An executable that uses them, such as a unit test of a runtime's own crate, must be linked
//! with the host's `libresty_ffi.so`.

#![warn(clippy::must_use_candidate, clippy::return_self_not_must_use)]

mod answer;
mod call;
mod config;
mod dict;
mod ending;
mod error;
mod flow;
mod handler;
mod host;
mod init;
mod log;
mod outbox;
mod panics;
mod questions;
mod request;
mod router;
mod serve;
mod start;
mod stream;
mod threads;

#[cfg(feature = "json")]
pub use answer::Json;
pub use answer::{Answer, IntoAnswer};
pub use bytes::Bytes;
pub use config::Config;
pub use dict::Dict;
pub use error::{Error, code};
pub use handler::{BlockingCall, BlockingHandler, Handler, SyncCall, SyncHandler, blocking, sync};
pub use host::{Body, abi};
#[doc(hidden)]
pub use init::{Async, Init, Plain};
pub use log::LogLayer;
pub use request::Request;
pub use router::Router;
#[doc(hidden)]
pub use start::start as __start;
pub use stream::{IntoEnd, Requests, Sender, StreamHandler};

/// The version of this crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
