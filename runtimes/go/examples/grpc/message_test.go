package main

import (
	"errors"
	"strings"
	"testing"

	restyffi "github.com/resty-ffi/resty-ffi/runtimes/go"
	"github.com/resty-ffi/resty-ffi/runtimes/go/examples/grpc/pb/routeguide"
)

func TestEncodeHasAllFields(t *testing.T) {
	text, err := encode(&routeguide.RouteSummary{PointCount: 2})
	want := `{"point_count":2,"feature_count":0,"distance":0,"elapsed_time":0}`
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v; want %s", text, err, want)
	}
}

func TestDecode(t *testing.T) {
	point, err := decode[routeguide.Point, *routeguide.Point]([]byte(`{"latitude":5}`))
	if err != nil || point.GetLatitude() != 5 || point.GetLongitude() != 0 {
		t.Errorf("got %v, %v", point, err)
	}
	cases := []struct{ text, words string }{
		{``, "routeguide.Point"},
		{`{`, "routeguide.Point"},
		{`[]`, "routeguide.Point"},
		{`{"latitude":"north"}`, "latitude"},
		{`{"latitude":1e12}`, "latitude"},
		{`{"altitude":5}`, "altitude"},
	}
	for _, c := range cases {
		_, err := decode[routeguide.Point, *routeguide.Point]([]byte(c.text))
		var refused *restyffi.Error
		if !errors.As(err, &refused) || refused.Code != 3 || !strings.Contains(refused.Message, c.words) {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}
