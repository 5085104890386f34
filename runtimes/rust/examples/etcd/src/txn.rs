//! `txn`: comparisons and operations at one revision.

use std::sync::Arc;

use resty_ffi::{Error, Json, Request};
use serde::{Deserialize, Serialize};

use crate::client::Etcd;
use crate::error::bad_input;
use crate::json;
use crate::kv::{Delete, Found, Get, Put, revision};
use crate::pb::compare::{CompareResult, CompareTarget, TargetUnion};
use crate::pb::kv_client::KvClient;
use crate::pb::{self, RequestOp, ResponseOp, TxnRequest};

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Txn {
    compare: Vec<Compare>,
    success: Vec<Op>,
    failure: Vec<Op>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compare {
    key: String,
    target: Target,
    result: Relation,
    value: Operand,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Target {
    Value,
    Version,
    CreateRevision,
    ModRevision,
}

#[derive(Clone, Copy, Deserialize)]
enum Relation {
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = "<")]
    Less,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a string or a whole number")]
enum Operand {
    Text(String),
    Number(i64),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Op {
    Put(Put),
    Get(Get),
    Delete(Delete),
}

#[derive(Serialize)]
pub struct Outcome {
    revision: i64,
    succeeded: bool,
    responses: Vec<OpOutcome>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum OpOutcome {
    Put {},
    Get(Found),
    Delete { deleted: i64 },
}

pub async fn txn(etcd: Arc<Etcd>, request: Request) -> Result<Json<Outcome>, Error> {
    let txn: Txn = json::decode(request.body())?;
    let txn = TxnRequest::try_from(txn)?;
    let answer = etcd.call(txn, request.remaining(), |etcd, txn| async move {
        KvClient::new(etcd).txn(txn).await
    });
    let answer = answer.await?.into_inner();
    let responses = answer.responses.into_iter().map(OpOutcome::try_from);
    Ok(Json(Outcome {
        revision: revision(answer.header),
        succeeded: answer.succeeded,
        responses: responses.collect::<Result<_, _>>()?,
    }))
}

impl TryFrom<Txn> for TxnRequest {
    type Error = Error;

    fn try_from(txn: Txn) -> Result<Self, Error> {
        let ops = |ops: Vec<Op>| {
            ops.into_iter()
                .map(RequestOp::try_from)
                .collect::<Result<_, _>>()
        };
        let compare = txn.compare.into_iter().enumerate();
        let compare = compare.map(|(i, compare)| compare.encode().map_err(|what| at(i, what)));
        Ok(Self {
            compare: compare.collect::<Result<_, _>>()?,
            success: ops(txn.success)?,
            failure: ops(txn.failure)?,
        })
    }
}

fn at(compare: usize, what: &str) -> Error {
    bad_input(format!("compare[{compare}].value: {what}"))
}

impl Compare {
    fn encode(self) -> Result<pb::Compare, &'static str> {
        use TargetUnion::{CreateRevision, ModRevision, Value, Version};
        let (target, value) = match (self.target, self.value) {
            (Target::Value, Operand::Text(text)) => (CompareTarget::Value, Value(text.into())),
            (Target::Version, Operand::Number(n)) => (CompareTarget::Version, Version(n)),
            (Target::CreateRevision, Operand::Number(n)) => {
                (CompareTarget::Create, CreateRevision(n))
            }
            (Target::ModRevision, Operand::Number(n)) => (CompareTarget::Mod, ModRevision(n)),
            (Target::Value, Operand::Number(_)) => return Err("a value is a string"),
            (_, Operand::Text(_)) => return Err("a version or a revision is a number"),
        };
        let result = match self.result {
            Relation::Equal => CompareResult::Equal,
            Relation::NotEqual => CompareResult::NotEqual,
            Relation::Greater => CompareResult::Greater,
            Relation::Less => CompareResult::Less,
        };
        Ok(pb::Compare {
            result: result.into(),
            target: target.into(),
            key: self.key.into(),
            target_union: Some(value),
        })
    }
}

impl TryFrom<Op> for RequestOp {
    type Error = Error;

    fn try_from(op: Op) -> Result<Self, Error> {
        use pb::request_op::Request::{RequestDeleteRange, RequestPut, RequestRange};
        let request = match op {
            Op::Put(put) => RequestPut(put.into()),
            Op::Get(get) => RequestRange(get.try_into()?),
            Op::Delete(delete) => RequestDeleteRange(delete.try_into()?),
        };
        Ok(Self {
            request: Some(request),
        })
    }
}

impl TryFrom<ResponseOp> for OpOutcome {
    type Error = Error;

    fn try_from(op: ResponseOp) -> Result<Self, Error> {
        use pb::response_op::Response::{ResponseDeleteRange, ResponsePut, ResponseRange};
        match op.response {
            Some(ResponsePut(_)) => Ok(Self::Put {}),
            Some(ResponseRange(found)) => Ok(Self::Get(found.into())),
            Some(ResponseDeleteRange(answer)) => Ok(Self::Delete {
                deleted: answer.deleted,
            }),
            None => Err(Error::msg(
                "etcd answered with an operation that was not asked for",
            )),
        }
    }
}
