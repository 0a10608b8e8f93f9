// Package chart draws plots as SVG on the server: bars over days, lines over
// days, and bars across. Each comes with the numbers as a table, for whoever
// hears a page or prints it.
//
// Colours are classes of the style sheet (chart-a, chart-b, chart-c), so that a
// plot has both themes and prints; nothing in it is inline style or script.
package chart

import (
	"embed"
	"fmt"
	"math"
	"strings"
)

//go:embed _*.html
var files embed.FS

// Pieces are the templates "bars", "lines" and "across".
var Pieces = files

// Series is one kind of thing that is counted, with its name in words.
type Series struct {
	Name   string
	Values []int64
}

// Row is a line of the table beside a plot.
type Row struct {
	Label string
	Cells []Cell
}

// Cell is a number with the name of its column.
type Cell struct{ Name, Says string }

// Plot is a picture over time. All numbers are in units of its view box.
type Plot struct {
	ID            string // of the plot in its page
	Title         string
	Width, Height int
	Rects         []Rect
	Paths         []Path
	Ticks         []Tick // of the scale, from bottom to top
	Labels        []Label
	Legend        []Legend
	Head          []string
	Rows          []Row
	Empty         bool   // there is nothing to show
	Summary       string // opens the table
}

// Rect is a piece of a bar; Path a line with the value at its end.
type (
	Rect struct {
		X, Y, W, H string
		Class      string
		Says       string // when somebody points at it
	}
	Path struct {
		D, Class string
		X, Y     string // of its last point
		Says     string
	}
	Tick struct {
		Y, TextY string
		Says     string
	}
	Label struct {
		X      string
		Says   string
		Anchor string
	}
	Legend struct{ Class, Name string }
)

// The frame of a plot, in units.
const (
	width, height      = 640, 220
	left, right        = 44, 8
	top, bottom        = 10, 26
	plotWide, plotHigh = width - left - right, height - top - bottom
)

// classes are the colours, in the order of the series.
//
// In bars green is good and red is not; lines are neither.
var (
	classes = []string{"chart-a", "chart-b", "chart-c"}
	neutral = []string{"chart-a", "chart-d"}
)

// Bars stacks the series over days, whose names stand below; first is the head
// of the table's first column.
func Bars(id, title, first string, days []string, series ...Series) Plot {
	p := begin(id, title, first, classes, series)
	most := int64(0)
	for i := range days {
		sum := int64(0)
		for _, s := range series {
			sum += s.Values[i]
		}
		most = max(most, sum)
	}
	p.Empty = most == 0
	scale := Nice(most)
	p.scale(scale, "")
	wide := float64(plotWide) / float64(max(1, len(days)))
	for i, day := range days {
		row, base := Row{Label: day}, float64(top+plotHigh)
		for k, s := range series {
			high := float64(s.Values[i]) / float64(scale) * plotHigh
			base -= high
			row.Cells = append(row.Cells, Cell{s.Name, fmt.Sprint(s.Values[i])})
			if s.Values[i] > 0 {
				p.Rects = append(p.Rects, Rect{
					X: num(left + float64(i)*wide + wide*.12), Y: num(base), W: num(wide * .76), H: num(high), Class: classes[k],
					Says: fmt.Sprintf("%s, %s: %d", day, s.Name, s.Values[i]),
				})
			}
		}
		p.Rows = append(p.Rows, row)
	}
	p.name(days, wide/2)
	return p
}

// Lines draws percentages over days.
func Lines(id, title, first string, days []string, series ...Series) Plot {
	p := begin(id, title, first, neutral, series)
	p.Empty = len(days) == 0
	p.scale(100, " %")
	for i, day := range days {
		row := Row{Label: day}
		for _, s := range series {
			row.Cells = append(row.Cells, Cell{s.Name, fmt.Sprintf("%d %%", s.Values[i])})
		}
		p.Rows = append(p.Rows, row)
	}
	step := 0.0
	if len(days) > 1 {
		step = float64(plotWide) / float64(len(days)-1)
	}
	for k, s := range series {
		var d strings.Builder
		x, y := 0.0, 0.0
		for i, v := range s.Values {
			x, y = left+float64(i)*step, top+plotHigh-float64(v)/100*plotHigh
			fmt.Fprintf(&d, "%s%s %s", map[bool]string{true: "M", false: " L"}[i == 0], num(x), num(y))
		}
		if len(s.Values) > 0 {
			p.Paths = append(p.Paths, Path{D: d.String(), Class: neutral[k], X: num(x), Y: num(y), Says: fmt.Sprintf("%s: %d %%", s.Name, s.Values[len(s.Values)-1])})
		}
	}
	p.name(days, 0)
	return p
}

func begin(id, title, first string, classes []string, series []Series) Plot {
	p := Plot{ID: id, Title: title, Width: width, Height: height, Head: []string{first}}
	for k, s := range series {
		p.Legend = append(p.Legend, Legend{classes[k], s.Name})
		p.Head = append(p.Head, s.Name)
	}
	return p
}

// scale draws the lines of four quarters.
func (p *Plot) scale(most int64, unit string) {
	for i := range 5 {
		y := float64(top+plotHigh) - float64(i)/4*plotHigh
		p.Ticks = append(p.Ticks, Tick{Y: num(y), TextY: num(y + 4), Says: fmt.Sprintf("%d%s", most*int64(i)/4, unit)})
	}
}

// name writes at most six names below, the first and the last among them.
func (p *Plot) name(days []string, offset float64) {
	if len(days) == 0 {
		return
	}
	every := max(1, int(math.Ceil(float64(len(days))/6)))
	step := float64(plotWide) / float64(max(1, len(days)))
	if offset == 0 && len(days) > 1 {
		step = float64(plotWide) / float64(len(days)-1)
	}
	for i := 0; i < len(days); i += every {
		anchor := "middle"
		if offset == 0 && i == 0 {
			anchor = "start"
		} else if offset == 0 && i == len(days)-1 {
			anchor = "end"
		}
		p.Labels = append(p.Labels, Label{X: num(left + float64(i)*step + offset), Says: days[i], Anchor: anchor})
	}
}

// Nice is the top of a scale with four even steps for values up to most.
func Nice(most int64) int64 {
	for step := int64(1); ; step *= 10 {
		for _, k := range []int64{4, 8, 20, 40} {
			if top := k * step; top >= most {
				return top
			}
		}
	}
}

// num is a coordinate.
func num(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
}

// Bar is one bar across: how many of a whole.
type Bar struct {
	Name    string
	URL     string // where its name leads; empty: nowhere
	Part    int64
	Of      int64
	Percent int
	Says    string // in words, such as "12 of 40"
}
