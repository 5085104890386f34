//! Each of these fails to compile. The lines that begin with `//~` are parts of what the compiler says of the next line.

use resty_ffi::{Config, Error, Request, Requests, Router, Sender, export, sync};

fn plain(_: Request) -> String {
    String::new()
}

async fn number(_: Request) -> u32 {
    1
}

async fn fallible_number(_: Request) -> Result<u32, Error> {
    Ok(1)
}

async fn not_send(_: Request) -> String {
    let text = std::rc::Rc::new(String::new());
    std::future::ready(()).await;
    text.to_string()
}

pub fn routes(router: Router) -> Router {
    router
        //~ cannot serve a method
        //~ not an `async fn(Request) -> impl IntoAnswer`
        //~ wrap a function that is not async: `sync(function)`, or `blocking(function)` if it may hold its thread
        .route("plain", plain)
        //~ cannot serve a method
        .route("closure", |_: Request| "text")
        //~ cannot serve a method
        .route("text", "text")
        //~ `u32` cannot be an answer
        //~ `Json(value)` answers whatever serde serializes
        .route("number", number)
        //~ `u32` cannot be an answer
        .route("fallible number", fallible_number)
        //~ future cannot be sent between threads safely
        .fallback(not_send)
        .route("fine", sync(plain))
}

fn plain_stream(_: Requests, _: Sender) {}

async fn answering_stream(_: Requests, _: Sender) -> String {
    String::new()
}

async fn fine_stream(_: Requests, _: Sender) {}

pub fn streams(router: Router) -> Router {
    router
        //~ cannot serve a stream
        //~ not an `async fn(Requests, Sender)` that returns `()` or a `Result<(), E>`
        .stream("plain", plain_stream)
        //~ a stream cannot end with `String`
        //~ and then returns `Ok(())`
        .stream("answering", answering_stream)
        .stream("fine", fine_stream)
}

fn init(_: Config) -> Router {
    Router::new()
}

//~ cannot set a runtime up
//~ not a `fn(Config) -> Result<Router, E>`, plain or async
export!(init);
