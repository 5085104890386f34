//! A client of an etcd cluster: chooses the endpoint and authenticates.

use std::error::Error as Cause;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use resty_ffi::Error;
use tokio::sync::Mutex;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, ConnectError, Request, Status};

use crate::error::{chain, failed};
use crate::pb::AuthenticateRequest;
use crate::pb::auth_client::AuthClient;

pub struct Etcd {
    endpoints: Vec<Channel>,
    /// The current endpoint, used as long as it can be reached.
    current: AtomicUsize,
    user: Option<User>,
    token: Mutex<Option<Token>>,
}

pub struct User {
    pub name: String,
    pub password: String,
}

type Token = MetadataValue<Ascii>;

/// The connection of the generated clients.
pub type Connection = InterceptedService<Channel, Stamp>;

/// The token and the deadline of a request.
#[derive(Clone)]
pub struct Stamp {
    token: Option<Token>,
    left: Option<Duration>,
}

impl Interceptor for Stamp {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.token {
            request.metadata_mut().insert("token", token.clone());
        }
        if let Some(left) = self.left {
            request.set_timeout(left);
        }
        Ok(request)
    }
}

impl Etcd {
    pub fn new(endpoints: Vec<Channel>, user: Option<User>) -> Self {
        Self {
            endpoints,
            current: AtomicUsize::new(0),
            user,
            token: Mutex::new(None),
        }
    }

    /// Makes an RPC with the deadline `left`. Repeats it where that is safe: on the next endpoint if this one cannot be
    /// reached, and with a new token if etcd has forgotten the old one.
    pub async fn call<M, T, F>(
        &self,
        message: M,
        left: Option<Duration>,
        rpc: impl Fn(Connection, M) -> F,
    ) -> Result<T, Error>
    where
        M: Clone,
        F: Future<Output = Result<T, Status>>,
    {
        let attempt = async |token| {
            self.reach(|channel| {
                let stamp = Stamp {
                    token: Option::clone(&token),
                    left,
                };
                let connection = InterceptedService::new(channel, stamp);
                rpc(connection, message.clone())
            })
            .await
        };
        let deadline = left.and_then(|left| Instant::now().checked_add(left));
        let failed = |status| failed(status, deadline);
        let token = self.token().await.map_err(failed)?;
        match attempt(token.clone()).await {
            Err(status) if token.is_some() && is_stale(&status) => {
                self.forget(token.as_ref()).await;
                let token = self.token().await.map_err(failed)?;
                attempt(token).await.map_err(failed)
            }
            end => end.map_err(failed),
        }
    }

    /// Makes the next call authenticate again. Returns whether there was a token.
    pub async fn forget_token(&self) -> bool {
        self.token.lock().await.take().is_some()
    }

    async fn forget(&self, stale: Option<&Token>) {
        let mut token = self.token.lock().await;
        // Another call may have replaced it.
        if token.as_ref() == stale {
            *token = None;
        }
    }

    async fn token(&self) -> Result<Option<Token>, Status> {
        let Some(user) = &self.user else {
            return Ok(None);
        };
        // Held while the token is requested, so that concurrent calls request it once.
        let mut token = self.token.lock().await;
        if token.is_none() {
            let answer = self.reach(|channel| user.authenticate(channel)).await?;
            *token = Some(answer);
        }
        Ok(token.clone())
    }

    /// Runs an RPC on the current endpoint, and on the others if it cannot be reached.
    async fn reach<T, F>(&self, rpc: impl Fn(Channel) -> F) -> Result<T, Status>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let n = self.endpoints.len();
        let mut tries = 0;
        loop {
            let current = self.current.load(Ordering::Relaxed);
            let end = rpc(self.endpoints[current].clone()).await;
            let Some(cause) = end.as_ref().err().and_then(Cause::source) else {
                return end;
            };
            let was_sent = !chain(cause).any(|cause| cause.is::<ConnectError>());
            self.leave(current);
            tries += 1;
            if was_sent || tries == n {
                return end;
            }
        }
    }

    /// Moves to the next endpoint, unless another call has done so.
    fn leave(&self, endpoint: usize) {
        let next = (endpoint + 1) % self.endpoints.len();
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        let _ = self
            .current
            .compare_exchange(endpoint, next, success, failure);
    }
}

impl User {
    async fn authenticate(&self, channel: Channel) -> Result<Token, Status> {
        let request = AuthenticateRequest {
            name: self.name.clone(),
            password: self.password.clone(),
        };
        let answer = AuthClient::new(channel).authenticate(request).await?;
        let token = answer.into_inner().token.parse();
        token.map_err(|_| Status::internal("etcd's token is not ASCII"))
    }
}

/// etcd was restarted, or its users were changed.
fn is_stale(status: &Status) -> bool {
    status.code() == Code::Unauthenticated
        || status.message() == "etcdserver: revision of auth store is old"
}
