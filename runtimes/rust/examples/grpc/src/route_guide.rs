use resty_ffi::Router;
use tonic::transport::Channel;

use crate::call;

mod pb {
    tonic::include_proto!("routeguide");
}

pub fn serve(router: Router, channel: &Channel) -> Router {
    let client = pb::route_guide_client::RouteGuideClient::new(channel.clone());
    let (features, recorder, chatter) = (client.clone(), client.clone(), client.clone());
    router
        .route("get_feature", move |request| {
            let mut client = client.clone();
            call::unary(
                request,
                |point| async move { client.get_feature(point).await },
            )
        })
        .stream("list_features", move |requests, sender| {
            let mut client = features.clone();
            call::server_stream(requests, sender, |area| async move {
                client.list_features(area).await
            })
        })
        .stream("record_route", move |requests, sender| {
            let mut client = recorder.clone();
            call::client_stream(requests, sender, |points| async move {
                client.record_route(points).await
            })
        })
        .stream("route_chat", move |requests, sender| {
            let mut client = chatter.clone();
            call::both_streams(requests, sender, |notes| async move {
                client.route_chat(notes).await
            })
        })
}
