package services_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/resty-ffi/resty-ffi/packages/services/server/build/echo"
	"github.com/resty-ffi/resty-ffi/packages/services/server/build/helloworld"
	"github.com/resty-ffi/resty-ffi/packages/services/server/build/routeguide"
	"github.com/resty-ffi/resty-ffi/packages/services/server/internal/services"
	"github.com/resty-ffi/resty-ffi/packages/services/server/internal/stats"
)

// connect serves everything, and returns a client and the counts.
func connect(t *testing.T) (*grpc.ClientConn, *stats.Counter) {
	t.Helper()
	counter := &stats.Counter{}
	server := grpc.NewServer(grpc.StatsHandler(counter))
	helloworld.RegisterGreeterServer(server, services.Greeter{})
	routeguide.RegisterRouteGuideServer(server, services.RouteGuide{})
	echo.RegisterEchoServer(server, services.Echo{})
	listener := bufconn.Listen(1 << 16)
	go func() { _ = server.Serve(listener) }()
	client, err := grpc.NewClient("passthrough:///memory",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close()
		server.Stop()
	})
	return client, counter
}

func counts(counter *stats.Counter) string {
	recorder := httptest.NewRecorder()
	counter.ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil))
	return strings.TrimSpace(recorder.Body.String())
}

func eventually(t *testing.T, counter *stats.Counter, want string) {
	t.Helper()
	for start := time.Now(); counts(counter) != want; time.Sleep(time.Millisecond) {
		if time.Since(start) > 5*time.Second {
			t.Fatalf("the counts are %s, want %s", counts(counter), want)
		}
	}
}

func TestGreeterGreets(t *testing.T) {
	client, _ := connect(t)
	greeter := helloworld.NewGreeterClient(client)
	reply, err := greeter.SayHello(t.Context(), &helloworld.HelloRequest{Name: "Ada"})
	if err != nil || reply.GetMessage() != "Hello Ada" {
		t.Fatalf("answered %v, %v", reply, err)
	}
	_, err = greeter.SayHello(t.Context(), &helloworld.HelloRequest{})
	if status.Code(err) != codes.InvalidArgument || status.Convert(err).Message() != "the name must not be empty" {
		t.Fatalf("an empty name failed with %v", err)
	}
}

func TestSlowCallsThatAreGivenUpAreCounted(t *testing.T) {
	client, counter := connect(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := helloworld.NewGreeterClient(client).SayHello(ctx, &helloworld.HelloRequest{Name: "slow"})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Fatalf("failed with %v", err)
	}
	eventually(t, counter, `{"calls":1,"cancelled":1,"connections":1,"streams":0}`)

	stream, err := echo.NewEchoClient(client).BidirectionalStreamingEcho(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, counter, `{"calls":2,"cancelled":1,"connections":1,"streams":1}`)
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Fatalf("the stream ended with %v", err)
	}
	stream, err = echo.NewEchoClient(client).BidirectionalStreamingEcho(t.Context())
	if err == nil {
		err = stream.Send(&echo.EchoRequest{Message: "slow"})
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, counter, `{"calls":3,"cancelled":1,"connections":1,"streams":1}`)
	_ = client.Close()
	eventually(t, counter, `{"calls":3,"cancelled":2,"connections":0,"streams":0}`)
}

func TestRouteGuideKnowsPlaces(t *testing.T) {
	client, _ := connect(t)
	guide := routeguide.NewRouteGuideClient(client)
	known := &routeguide.Point{Latitude: 409146138, Longitude: -746188906}
	feature, err := guide.GetFeature(t.Context(), known)
	if err != nil || feature.GetName() != "North Mill" {
		t.Fatalf("answered %v, %v", feature, err)
	}
	feature, err = guide.GetFeature(t.Context(), &routeguide.Point{Latitude: 1})
	if err != nil || feature.GetName() != "" || feature.GetLocation().GetLatitude() != 1 {
		t.Fatalf("answered %v, %v", feature, err)
	}
	stream, err := guide.ListFeatures(t.Context(), &routeguide.Rectangle{
		Lo: &routeguide.Point{Latitude: 400000000, Longitude: -750000000},
		Hi: &routeguide.Point{Latitude: 410000000, Longitude: -740000000},
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for ; ; found++ {
		if _, err := stream.Recv(); err != nil {
			break
		}
	}
	if found != 70 {
		t.Fatalf("%d places, want 70", found)
	}
}

func TestRouteGuideSumsUpARoute(t *testing.T) {
	client, _ := connect(t)
	stream, err := routeguide.NewRouteGuideClient(client).RecordRoute(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, latitude := range []int32{409146138, 399146138} {
		if err := stream.Send(&routeguide.Point{Latitude: latitude, Longitude: -746188906}); err != nil {
			t.Fatal(err)
		}
	}
	summary, err := stream.CloseAndRecv()
	// A degree of latitude is 111,195 m on this sphere.
	if err != nil || summary.GetPointCount() != 2 || summary.GetFeatureCount() != 1 || summary.GetDistance() != 111195 {
		t.Fatalf("summed up as %v, %v", summary, err)
	}
}

func TestRouteChatRepeatsTheNotesOfAPlace(t *testing.T) {
	client, _ := connect(t)
	stream, err := routeguide.NewRouteGuideClient(client).RouteChat(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var heard []string
	for _, note := range []struct {
		latitude int32
		message  string
		answers  int
	}{{1, "one", 1}, {2, "two", 1}, {1, "three", 2}} {
		point := &routeguide.Point{Latitude: note.latitude}
		if err := stream.Send(&routeguide.RouteNote{Location: point, Message: note.message}); err != nil {
			t.Fatal(err)
		}
		for range note.answers {
			answer, err := stream.Recv()
			if err != nil {
				t.Fatal(err)
			}
			heard = append(heard, answer.GetMessage())
		}
	}
	if got := fmt.Sprint(heard); got != "[one two one three]" {
		t.Fatalf("heard %s", got)
	}
}

func TestEchoReturnsMetadataAndFailsAsItIsTold(t *testing.T) {
	client, _ := connect(t)
	service := echo.NewEchoClient(client)
	var headers, trailers metadata.MD
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-colour", "green", "other", "no")
	hello := &echo.EchoRequest{Message: "hello"}
	answer, err := service.UnaryEcho(ctx, hello, grpc.Header(&headers), grpc.Trailer(&trailers))
	if err != nil || answer.GetMessage() != "hello" {
		t.Fatalf("answered %v, %v", answer, err)
	}
	if headers.Get("x-colour")[0] != "green" || headers.Get("other") != nil || trailers.Get("x-trailer")[0] != "yes" {
		t.Fatalf("headers %v, trailers %v", headers, trailers)
	}
	for _, message := range []string{"fail 9 not yet", "fail 16 who are you?"} {
		_, err = service.UnaryEcho(t.Context(), &echo.EchoRequest{Message: message})
		if got := fmt.Sprintf("fail %d %s", status.Code(err), status.Convert(err).Message()); got != message {
			t.Fatalf("%q failed with %v", message, err)
		}
	}
}
