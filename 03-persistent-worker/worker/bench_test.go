package worker_test

import (
	"context"
	_ "embed"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/multiprocessing/03-persistent-worker/worker"
)

// BenchmarkWarmCall is one call of a program that runs already: arguments out,
// answer in. How to compare with Python: see 03-persistent-worker/README.md,
// "Figures".
func BenchmarkWarmCall(b *testing.B) {
	call := func(c worker.Config, args ...any) func(b *testing.B) {
		return func(b *testing.B) {
			w := newWorker(b, c)
			ctx := context.Background()
			for b.Loop() {
				if _, err := worker.Call[int](ctx, w, args...); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			closeWorker(b, w)
		}
	}
	c := config("serve")
	for _, dialect := range []worker.Dialect{worker.Envelope, worker.Bare} {
		name := map[worker.Dialect]string{worker.Envelope: "envelope", worker.Bare: "bare"}[dialect]
		c.Dialect = dialect
		c.Channel = worker.Descriptor3
		b.Run("fd3-"+name, call(c, "add", 1))
		c.Channel = worker.Stdio
		b.Run("stdio-"+name, call(c, "add", 1))
	}
	b.Run("python", func(b *testing.B) { call(python(b), 1)(b) })
}

// BenchmarkColdCall starts the program for each call.
func BenchmarkColdCall(b *testing.B) {
	w := newWorker(b, config("serve"))
	for b.Loop() {
		if _, err := worker.Call[int](context.Background(), w, "add", 1); err != nil {
			b.Fatal(err)
		}
		w.Kill()
	}
	b.StopTimer()
	closeWorker(b, w)
}

//go:embed testdata/cpython.py
var cpythonScript string

// BenchmarkCPython is a warm call from Python to Python.
func BenchmarkCPython(b *testing.B) {
	path, err := exec.LookPath("python3")
	if err != nil {
		b.Skipf("no python3 here to compare with: %v", err)
	}
	n := max(b.N, 10_000)
	out, err := exec.Command(path, "-c", cpythonScript, strconv.Itoa(n)).Output()
	if err != nil {
		b.Fatal(err)
	}
	elapsed, err := time.ParseDuration(strings.TrimSpace(string(out)) + "s")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(elapsed)/float64(n), "ns/op")
}
