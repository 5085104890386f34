//! `put`, `get`, `delete`.

use std::sync::Arc;

use resty_ffi::{Error, Json, Request};
use serde::{Deserialize, Serialize};

use crate::client::Etcd;
use crate::json;
use crate::keys::{Range, text};
use crate::lease::LeaseId;
use crate::pb::kv_client::KvClient;
use crate::pb::{
    DeleteRangeRequest, KeyValue, PutRequest, RangeRequest, RangeResponse, ResponseHeader,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Put {
    key: String,
    value: String,
    #[serde(default)]
    lease: LeaseId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Get {
    key: String,
    #[serde(default)]
    prefix: bool,
    range_end: Option<String>,
    #[serde(default)]
    limit: i64,
    #[serde(default)]
    revision: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    key: String,
    #[serde(default)]
    prefix: bool,
    range_end: Option<String>,
}

#[derive(Serialize)]
pub struct Done {
    revision: i64,
}

#[derive(Serialize)]
pub struct Got {
    revision: i64,
    #[serde(flatten)]
    found: Found,
}

#[derive(Serialize)]
pub struct Found {
    count: i64,
    kvs: Vec<Kv>,
}

#[derive(Serialize)]
struct Kv {
    key: String,
    value: String,
    create_revision: i64,
    mod_revision: i64,
    version: i64,
    lease: LeaseId,
}

#[derive(Serialize)]
pub struct Deleted {
    revision: i64,
    deleted: i64,
}

pub async fn put(etcd: Arc<Etcd>, request: Request) -> Result<Json<Done>, Error> {
    let put: Put = json::decode(request.body())?;
    let put = PutRequest::from(put);
    let answer = etcd.call(put, request.remaining(), |etcd, put| async move {
        KvClient::new(etcd).put(put).await
    });
    let answer = answer.await?.into_inner();
    Ok(Json(Done {
        revision: revision(answer.header),
    }))
}

pub async fn get(etcd: Arc<Etcd>, request: Request) -> Result<Json<Got>, Error> {
    let get: Get = json::decode(request.body())?;
    let get = RangeRequest::try_from(get)?;
    let answer = etcd.call(get, request.remaining(), |etcd, get| async move {
        KvClient::new(etcd).range(get).await
    });
    let answer = answer.await?.into_inner();
    Ok(Json(Got {
        revision: revision(answer.header),
        found: answer.into(),
    }))
}

pub async fn delete(etcd: Arc<Etcd>, request: Request) -> Result<Json<Deleted>, Error> {
    let delete: Delete = json::decode(request.body())?;
    let delete = DeleteRangeRequest::try_from(delete)?;
    let answer = etcd.call(delete, request.remaining(), |etcd, delete| async move {
        KvClient::new(etcd).delete_range(delete).await
    });
    let answer = answer.await?.into_inner();
    Ok(Json(Deleted {
        revision: revision(answer.header),
        deleted: answer.deleted,
    }))
}

pub fn revision(header: Option<ResponseHeader>) -> i64 {
    header.unwrap_or_default().revision
}

impl From<Put> for PutRequest {
    fn from(put: Put) -> Self {
        Self {
            key: put.key.into(),
            value: put.value.into(),
            lease: put.lease.0,
        }
    }
}

impl TryFrom<Get> for RangeRequest {
    type Error = Error;

    fn try_from(get: Get) -> Result<Self, Error> {
        let range = Range::new(get.key, get.prefix, get.range_end)?;
        Ok(Self {
            key: range.key,
            range_end: range.end,
            limit: get.limit,
            revision: get.revision,
        })
    }
}

impl TryFrom<Delete> for DeleteRangeRequest {
    type Error = Error;

    fn try_from(delete: Delete) -> Result<Self, Error> {
        let range = Range::new(delete.key, delete.prefix, delete.range_end)?;
        Ok(Self {
            key: range.key,
            range_end: range.end,
        })
    }
}

impl From<RangeResponse> for Found {
    fn from(answer: RangeResponse) -> Self {
        Self {
            count: answer.count,
            kvs: answer.kvs.into_iter().map(Kv::from).collect(),
        }
    }
}

impl From<KeyValue> for Kv {
    fn from(kv: KeyValue) -> Self {
        Self {
            key: text(&kv.key),
            value: text(&kv.value),
            create_revision: kv.create_revision,
            mod_revision: kv.mod_revision,
            version: kv.version,
            lease: LeaseId(kv.lease),
        }
    }
}
