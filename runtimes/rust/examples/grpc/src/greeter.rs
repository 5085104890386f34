use resty_ffi::Router;
use tonic::transport::Channel;

use crate::call;

mod pb {
    tonic::include_proto!("helloworld");
}

pub fn serve(router: Router, channel: &Channel) -> Router {
    let client = pb::greeter_client::GreeterClient::new(channel.clone());
    router.route("say_hello", move |request| {
        let mut client = client.clone();
        call::unary(request, |name| async move { client.say_hello(name).await })
    })
}
