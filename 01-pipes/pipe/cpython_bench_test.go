package pipe_test

import (
	_ "embed"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

//go:embed testdata/cpython.py
var cpythonScript string

// BenchmarkCPython does with Python's multiprocessing.Pipe what the other
// benchmarks do, in the same units, so that one run shows both on one machine.
func BenchmarkCPython(b *testing.B) {
	python, err := exec.LookPath("python3")
	if err != nil {
		b.Skipf("no python3 here to compare with: %v", err)
	}
	for mode, atLeast := range map[string]int{
		"roundtrip/bytes": 10_000, "roundtrip/json": 10_000,
		"stream/64KiB": 10_000, "stream/64KiB-pipe": 10_000,
		"stream/1MiB": 500, "stream/1MiB-pipe": 500,
		"small/single": 100_000, "small/single-pipe": 100_000,
	} {
		b.Run(mode, func(b *testing.B) {
			// It measures itself, since its start is not what is compared here,
			// and often enough, since b.N is chosen by the time of the whole.
			n := max(b.N, atLeast)
			out, err := exec.Command(python, "-c", cpythonScript, mode, strconv.Itoa(n)).Output()
			if err != nil {
				b.Fatal(err)
			}
			seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(seconds*1e9/float64(n), "ns/op")
			switch {
			case strings.Contains(mode, "64KiB"):
				b.ReportMetric(float64(n)*(64<<10)/seconds/1e6, "MB/s")
			case strings.Contains(mode, "1MiB"):
				b.ReportMetric(float64(n)*(1<<20)/seconds/1e6, "MB/s")
			}
		})
	}
}
