package profile

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"latchkey/ui/locale"
)

// zoneNames are the zones of the IANA time zone database that people live in
// (its zone.tab), and UTC; one a line.
//
//go:embed zones.txt
var zoneNames string

var zoneList = strings.Fields(zoneNames)

// continent is a group of the list of time zones.
type continent struct {
	Name  string
	Zones []choice
}

// zones is the list to choose from, by continent. Within it each entry begins
// with the name of the city, so that typing it finds it.
func zones(words locale.Printer, chosen string) []continent {
	elsewhere := continent{Name: words.T("profile.zone.other"), Zones: []choice{{"", words.T("profile.zone_none"), chosen == ""}}}
	var out []continent
	for _, z := range zoneList {
		area, city, below := strings.Cut(z, "/")
		if !below {
			elsewhere.Zones = append(elsewhere.Zones, choice{z, z, z == chosen})
			continue
		}
		name := words.T(fmt.Sprintf("profile.zone.%s", strings.ToLower(area)))
		if len(out) == 0 || out[len(out)-1].Name != name {
			out = append(out, continent{Name: name})
		}
		g := &out[len(out)-1]
		g.Zones = append(g.Zones, choice{z, cityOf(city), z == chosen})
	}
	if chosen != "" && !slices.Contains(zoneList, chosen) { // an older name of a zone
		elsewhere.Zones = append(elsewhere.Zones, choice{chosen, chosen, true})
	}
	for _, g := range out {
		slices.SortStableFunc(g.Zones, func(a, b choice) int { return strings.Compare(a.Text, b.Text) })
	}
	return append([]continent{elsewhere}, out...)
}

// cityOf is how a place is written: the city, and the region that it is in.
func cityOf(place string) string {
	parts := strings.Split(strings.ReplaceAll(place, "_", " "), "/")
	city := parts[len(parts)-1]
	if region := strings.Join(parts[:len(parts)-1], ", "); region != "" {
		return city + " (" + region + ")"
	}
	return city
}
