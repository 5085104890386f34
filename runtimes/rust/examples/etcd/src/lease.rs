//! Leases, which delete their keys unless they are kept alive.

use std::convert::Infallible;
use std::num::ParseIntError;
use std::sync::Arc;
use std::time::Duration;

use resty_ffi::{Error, Json, Request, Requests, Sender};
use serde::{Deserialize, Serialize};
use tonic::Code;

use crate::client::Etcd;
use crate::error::{failed, is};
use crate::json;
use crate::pb::lease_client::LeaseClient;
use crate::pb::{LeaseGrantRequest, LeaseKeepAliveRequest, LeaseRevokeRequest};
use crate::streams;

/// A string in JSON, because many languages cannot hold such large numbers. 0 means no lease.
#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct LeaseId(pub i64);

impl TryFrom<String> for LeaseId {
    type Error = ParseIntError;

    fn try_from(text: String) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl From<LeaseId> for String {
    fn from(id: LeaseId) -> Self {
        id.0.to_string()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    ttl: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    id: LeaseId,
}

#[derive(Serialize)]
pub struct Lease {
    id: LeaseId,
    ttl: i64,
}

#[derive(Serialize)]
pub struct Revoked {}

pub async fn grant(etcd: Arc<Etcd>, request: Request) -> Result<Json<Lease>, Error> {
    let Grant { ttl } = json::decode(request.body())?;
    let grant = LeaseGrantRequest { ttl };
    let answer = etcd.call(grant, request.remaining(), |etcd, grant| async move {
        LeaseClient::new(etcd).lease_grant(grant).await
    });
    let answer = answer.await?.into_inner();
    Ok(Json(Lease {
        id: LeaseId(answer.id),
        ttl: answer.ttl,
    }))
}

pub async fn revoke(etcd: Arc<Etcd>, request: Request) -> Result<Json<Revoked>, Error> {
    let Named { id } = json::decode(request.body())?;
    let revoke = LeaseRevokeRequest { id: id.0 };
    let answer = etcd.call(revoke, request.remaining(), |etcd, revoke| async move {
        LeaseClient::new(etcd).lease_revoke(revoke).await
    });
    answer.await?;
    Ok(Json(Revoked {}))
}

pub async fn keep_alive(
    etcd: Arc<Etcd>,
    mut requests: Requests,
    sender: Sender,
) -> Result<(), Error> {
    let message = requests.recv().await?;
    let Named { id } = json::decode(message.as_deref())?;
    let mut renewed = false;
    loop {
        let Err(error) = renew(&etcd, id, &sender, &mut renewed).await;
        if !renewed || !is(&error, Code::Unavailable) {
            return Err(error);
        }
        tracing::warn!("the lease {} waits for etcd: {error}", id.0);
        tokio::time::sleep(streams::PAUSE).await;
    }
}

/// Runs until the lease or the connection ends.
async fn renew(
    etcd: &Etcd,
    id: LeaseId,
    sender: &Sender,
    renewed: &mut bool,
) -> Result<Infallible, Error> {
    let request = LeaseKeepAliveRequest { id: id.0 };
    let opened = etcd.call(request, None, |etcd, request| async move {
        let (again, requests) = streams::begin(request);
        let answers = LeaseClient::new(etcd).lease_keep_alive(requests).await?;
        Ok((again, answers.into_inner()))
    });
    let (again, mut answers) = opened.await?;
    loop {
        let answer = answers
            .message()
            .await
            .map_err(|status| failed(status, None))?;
        let ttl = answer.ok_or_else(streams::lost)?.ttl;
        if ttl <= 0 {
            let text = "etcdserver: requested lease not found";
            return Err(Error::new(Code::NotFound as i32, text));
        }
        *renewed = true;
        sender.send(Json(Lease { id, ttl })).await?;
        tokio::time::sleep(Duration::from_secs(ttl.unsigned_abs()) / 3).await;
        again.send(request).await.map_err(|_| streams::lost())?;
    }
}
