// Package services holds what the server serves. Its answers depend on the requests alone.
package services

import (
	"context"
	"errors"
	"io"
	"math"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/resty-ffi/resty-ffi/packages/services/server/build/routeguide"
)

const earthRadius = 6371000.0 // metres

// RouteGuide knows the places of features.go. Each RouteChat has notes of its own.
type RouteGuide struct {
	routeguide.UnimplementedRouteGuideServer
}

func (RouteGuide) GetFeature(_ context.Context, point *routeguide.Point) (*routeguide.Feature, error) {
	if feature := featureAt(point); feature != nil {
		return feature, nil
	}
	return &routeguide.Feature{Location: point}, nil
}

func (RouteGuide) ListFeatures(area *routeguide.Rectangle, stream routeguide.RouteGuide_ListFeaturesServer) error {
	for _, feature := range features {
		if !within(feature.GetLocation(), area) {
			continue
		}
		if err := stream.Send(feature); err != nil {
			return err
		}
	}
	return nil
}

func (RouteGuide) RecordRoute(stream routeguide.RouteGuide_RecordRouteServer) error {
	summary := &routeguide.RouteSummary{}
	start := time.Now()
	var distance float64
	var last *routeguide.Point
	for {
		point, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			summary.Distance = int32(math.Round(distance))
			summary.ElapsedTime = int32(time.Since(start).Seconds())
			return stream.SendAndClose(summary)
		}
		if err != nil {
			return err
		}
		summary.PointCount++
		if featureAt(point) != nil {
			summary.FeatureCount++
		}
		if last != nil {
			distance += between(last, point)
		}
		last = point
	}
}

func (RouteGuide) RouteChat(stream routeguide.RouteGuide_RouteChatServer) error {
	notes := map[[2]int32][]*routeguide.RouteNote{}
	for {
		note, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		place := [2]int32{note.GetLocation().GetLatitude(), note.GetLocation().GetLongitude()}
		notes[place] = append(notes[place], note)
		for _, known := range notes[place] {
			if err := stream.Send(known); err != nil {
				return err
			}
		}
	}
}

func featureAt(point *routeguide.Point) *routeguide.Feature {
	for _, feature := range features {
		if proto.Equal(feature.GetLocation(), point) {
			return feature
		}
	}
	return nil
}

func within(point *routeguide.Point, area *routeguide.Rectangle) bool {
	between := func(n, a, b int32) bool { return min(a, b) <= n && n <= max(a, b) }
	lo, hi := area.GetLo(), area.GetHi()
	return between(point.GetLatitude(), lo.GetLatitude(), hi.GetLatitude()) &&
		between(point.GetLongitude(), lo.GetLongitude(), hi.GetLongitude())
}

// between is the length of the great circle, in metres.
func between(from, to *routeguide.Point) float64 {
	radians := func(n int32) float64 { return float64(n) / 1e7 * math.Pi / 180 }
	lat1, lat2 := radians(from.GetLatitude()), radians(to.GetLatitude())
	dLat, dLon := lat2-lat1, radians(to.GetLongitude())-radians(from.GetLongitude())
	a := math.Pow(math.Sin(dLat/2), 2) + math.Cos(lat1)*math.Cos(lat2)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * earthRadius * math.Asin(min(1, math.Sqrt(a)))
}
