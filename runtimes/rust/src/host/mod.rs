//! The interface to C: the functions, frames and memory of `resty_ffi.h`, behind types that the rest of the crate uses
//! safely.
#![allow(unsafe_code)]

mod batch;
mod contract;
mod inbox;
mod queue;

pub(crate) use batch::Batch;
pub(crate) use contract::{DictOp, LEAST_COST, level};
pub(crate) use inbox::{Inbox, Incoming, Kind};
pub(crate) use queue::{Arrivals, Queue, monotonic_ns};
pub use queue::{Body, abi};
