use resty_ffi::Router;
use tonic::transport::Channel;

use crate::call;

mod pb {
    tonic::include_proto!("grpc.examples.echo");
}

pub fn serve(router: Router, channel: &Channel) -> Router {
    let client = pb::echo_client::EchoClient::new(channel.clone());
    let streams = client.clone();
    router
        .route("unary_echo", move |request| {
            let mut client = client.clone();
            call::unary(request, |message| async move {
                client.unary_echo(message).await
            })
        })
        .stream("echo_stream", move |requests, sender| {
            let mut client = streams.clone();
            call::both_streams(requests, sender, |messages| async move {
                client.bidirectional_streaming_echo(messages).await
            })
        })
}
