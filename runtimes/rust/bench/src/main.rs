//! Calls `helloworld.Greeter/SayHello` with tonic alone. The bench compares `resty.ffi.grpc` with it.
//!
//! `native ADDRESS IN_FLIGHT SECONDS BYTES` prints one line of JSON.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

const WARM_UP: Duration = Duration::from_millis(100);

/// Both messages, as prost would generate them: one string with the tag 1.
#[derive(Clone, PartialEq, prost::Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

async fn call(client: &mut Grpc<Channel>, text: &Text) -> Result<(), Box<dyn Error>> {
    client.ready().await?;
    let path = PathAndQuery::from_static("/helloworld.Greeter/SayHello");
    let request = tonic::Request::new(text.clone());
    let answer: tonic::Response<Text> = client
        .unary(request, path, ProstCodec::<Text, Text>::default())
        .await?;
    std::hint::black_box(answer);
    Ok(())
}

/// The processor time of the only thread.
fn cpu_us() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|field| field.parse::<f64>().ok());
    nanoseconds.unwrap_or(f64::NAN) / 1000.0
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, in_flight, seconds, bytes] = arguments.as_slice() else {
        return Err("usage: native ADDRESS IN_FLIGHT SECONDS BYTES".into());
    };
    let (in_flight, bytes): (usize, usize) = (in_flight.parse()?, bytes.parse()?);
    let channel = Endpoint::from_shared(format!("http://{address}"))?
        .connect()
        .await?;
    let warm = Instant::now() + WARM_UP;
    let stop = warm + Duration::from_secs_f64(seconds.parse()?);
    let took = Rc::new(RefCell::new(Vec::new()));
    let cpu_before = Rc::new(Cell::new(None));
    let tasks = tokio::task::LocalSet::new();
    for _ in 0..in_flight {
        let (channel, took, cpu_before) = (channel.clone(), took.clone(), cpu_before.clone());
        tasks.spawn_local(async move {
            let mut client = Grpc::new(channel);
            let text = Text {
                text: "x".repeat(bytes),
            };
            let mut before = Instant::now();
            while before < stop {
                call(&mut client, &text).await.expect("a call went wrong");
                let now = Instant::now();
                if before >= warm {
                    cpu_before.set(Some(cpu_before.get().unwrap_or_else(cpu_us)));
                    took.borrow_mut()
                        .push((now - before).as_nanos() as f64 / 1000.0);
                }
                before = now;
            }
        });
    }
    tasks.await;
    let used = cpu_us() - cpu_before.get().unwrap_or(f64::NAN);
    let mut took = took.take();
    took.sort_by(f64::total_cmp);
    let at = |share: f64| {
        took.get((share * took.len() as f64) as usize)
            .copied()
            .unwrap_or(f64::NAN)
    };
    println!(
        r#"{{"calls":{},"seconds":{:.6},"p50_us":{:.1},"p99_us":{:.1},"cpu_us":{:.0}}}"#,
        took.len(),
        warm.elapsed().as_secs_f64(),
        at(0.5),
        at(0.99),
        used
    );
    Ok(())
}
