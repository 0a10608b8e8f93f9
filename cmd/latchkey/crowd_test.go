package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// peak is the most memory that the server has had resident, in MB.
func (p *plant) peak() float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		p.b.Fatal(err)
	}
	for line := range bytes.Lines(status) {
		if rest, ok := strings.CutPrefix(string(line), "VmHWM:"); ok {
			kib, _ := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kib) * 1024 / 1e6
		}
	}
	p.b.Fatal("the system does not tell")
	return 0
}

// BenchmarkCrowd lets 32 people sign in at the same moment, with password and
// app, and reports the server's memory: at most as many hashes as there are
// cores are computed at once, however many wait (SECURITY.md §1.1).
func BenchmarkCrowd(b *testing.B) {
	for _, kind := range []string{"sqlite", "postgres"} {
		b.Run(kind, func(b *testing.B) {
			p := newPlant(b, kind)
			idle := p.peak()
			for b.Loop() {
				b.StopTimer()
				var logins [32]string
				for i := range logins {
					logins[i] = p.newUser(appSecret)
				}
				b.StartTimer()
				var all sync.WaitGroup
				for _, login := range logins {
					all.Go(func() {
						if err := p.signIn(newClient(), login); err != nil {
							b.Error(err)
						}
					})
				}
				all.Wait()
			}
			b.ReportMetric(idle, "started-MB")
			b.ReportMetric(p.peak(), "peak-MB")
		})
	}
}
