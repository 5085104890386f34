package demo.grpc;

import grpc.examples.echo.EchoGrpc;
import grpc.examples.echo.EchoOuterClass.EchoRequest;

import helloworld.GreeterGrpc;
import helloworld.Helloworld.HelloRequest;

import io.github.restyffi.Call;
import io.github.restyffi.Config;
import io.github.restyffi.FfiRuntime;
import io.grpc.ManagedChannel;
import io.grpc.stub.AbstractStub;

import routeguide.RouteGuideGrpc;
import routeguide.RouteGuideOuterClass.Point;
import routeguide.RouteGuideOuterClass.Rectangle;
import routeguide.RouteGuideOuterClass.RouteNote;

/** {@code ngx.load_ffi("ffi_java", 'demo.grpc.GrpcRuntime,init,{"address":"127.0.0.1:50051"}')} */
public final class GrpcRuntime {
    public static FfiRuntime init(Config config) {
        ManagedChannel channel = Channels.open(config.json(Settings.class));
        var greeter = GreeterGrpc.newBlockingV2Stub(channel);
        var routes = RouteGuideGrpc.newBlockingV2Stub(channel);
        var echo = EchoGrpc.newBlockingV2Stub(channel);

        Rpcs rpcs = new Rpcs(channel);
        return FfiRuntime.builder()
                .method(
                        "say_hello",
                        rpcs.unary(
                                HelloRequest.getDefaultInstance(),
                                (call, request) -> within(call, greeter).sayHello(request)))
                .method(
                        "get_feature",
                        rpcs.unary(
                                Point.getDefaultInstance(),
                                (call, request) -> within(call, routes).getFeature(request)))
                .streamMethod(
                        "list_features",
                        rpcs.serverStream(
                                Rectangle.getDefaultInstance(),
                                (call, request) -> within(call, routes).listFeatures(request)))
                .streamMethod(
                        "record_route",
                        rpcs.stream(
                                Point.getDefaultInstance(),
                                call -> within(call, routes).recordRoute()))
                .streamMethod(
                        "route_chat",
                        rpcs.stream(
                                RouteNote.getDefaultInstance(),
                                call -> within(call, routes).routeChat()))
                .method(
                        "unary_echo",
                        rpcs.unary(
                                EchoRequest.getDefaultInstance(),
                                (call, request) -> within(call, echo).unaryEcho(request)))
                .streamMethod(
                        "echo_stream",
                        rpcs.stream(
                                EchoRequest.getDefaultInstance(),
                                call -> within(call, echo).bidirectionalStreamingEcho()))
                .onUnload(() -> Channels.close(channel))
                .build();
    }

    /** Returns the stub with the deadline of the call, if the call has one. */
    private static <S extends AbstractStub<S>> S within(Call call, S stub) {
        return call.remaining().map(stub::withDeadlineAfter).orElse(stub);
    }
}
