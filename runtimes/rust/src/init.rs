use crate::{Config, Error, Router};

/// A function that [`export!`](crate::export) takes: from [`Config`] to `Result<Router, E>`, plain or `async`. `M` is a
/// marker of the form and never has to be named.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot set a runtime up",
    label = "not a `fn(Config) -> Result<Router, E>`, plain or async",
    note = "the error `E` is `resty_ffi::Error` or any type that implements `std::error::Error`"
)]
pub trait Init<M>: Send + 'static {
    /// Sets the runtime up.
    fn router(self, config: Config) -> impl Future<Output = Result<Router, Error>>;
}

/// Marks an [`Init`] that is a plain function.
#[derive(Debug)]
pub struct Plain<E>(std::marker::PhantomData<E>);

/// Marks an [`Init`] that is an `async` function.
#[derive(Debug)]
pub struct Async<F>(std::marker::PhantomData<F>);

impl<F, E> Init<Plain<E>> for F
where
    F: FnOnce(Config) -> Result<Router, E> + Send + 'static,
    E: Into<Error>,
{
    async fn router(self, config: Config) -> Result<Router, Error> {
        self(config).map_err(Into::into)
    }
}

impl<F, Fut, E> Init<Async<Fut>> for F
where
    F: FnOnce(Config) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Router, E>>,
    E: Into<Error>,
{
    async fn router(self, config: Config) -> Result<Router, Error> {
        self(config).await.map_err(Into::into)
    }
}
