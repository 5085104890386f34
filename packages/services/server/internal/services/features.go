package services

import (
	"github.com/resty-ffi/resty-ffi/packages/services/server/build/routeguide"
)

var (
	nouns = []string{"Mill", "Harbour", "Orchard", "Quarry", "Chapel", "Meadow", "Lighthouse", "Ferry", "Bridge", "Spring"}
	names = []string{"North", "Old", "Stone", "Copper", "Willow", "Fox", "Upper", "Silver", "Heron", "Long"}
)

// features are a hundred places on a grid of a tenth of a degree; the first stands where the published examples of
// route_guide look for one.
var features = func() []*routeguide.Feature {
	var all []*routeguide.Feature
	for row, name := range names {
		for column, noun := range nouns {
			all = append(all, &routeguide.Feature{
				Name: name + " " + noun,
				Location: &routeguide.Point{
					Latitude:  409146138 - int32(row)*1000000,
					Longitude: -746188906 + int32(column)*1000000,
				},
			})
		}
	}
	return all
}()
