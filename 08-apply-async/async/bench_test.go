//go:build unix

package async_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/07-pool-map/pool"
	"example.com/multiprocessing/08-apply-async/async"
)

// An any travels as JSON.
var squareJSON = process.Func("square any", func(_ context.Context, x any) (any, error) {
	n, err := x.(json.Number).Int64()
	return n * n, err
})

// BenchmarkApply is one task, from Apply to the end of Get, when so many are on their way.
func BenchmarkApply(b *testing.B) {
	b.Run("inflight=1", func(b *testing.B) { benchmarkApply(b, square, 1, func(i int) int { return i }) })
	b.Run("inflight=64", func(b *testing.B) { benchmarkApply(b, square, 64, func(i int) int { return i }) })
	b.Run("inflight=64-json", func(b *testing.B) { benchmarkApply(b, squareJSON, 64, func(i int) any { return i }) })
}

func benchmarkApply[In, Out any](b *testing.B, fn pool.Callable[In, Out], inFlight int, input func(int) In) {
	p := newPool(b, pool.Config{Workers: 2})
	ring := make([]*async.Result[Out], inFlight)
	get := func(i int) {
		if _, err := ring[i%inFlight].Get(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	for i := range ring { // the workers are there
		ring[i] = async.Apply(b.Context(), p, fn, input(i))
	}
	b.ResetTimer()
	for i := range b.N {
		get(i)
		ring[i%inFlight] = async.Apply(b.Context(), p, fn, input(i))
	}
	b.StopTimer()
	for i := range ring {
		get(i)
	}
}

// BenchmarkCPython is what multiprocessing.Pool.apply_async does.
func BenchmarkCPython(b *testing.B) {
	if _, err := exec.LookPath("python3"); err != nil {
		b.Skipf("no python3 here: %v", err)
	}
	for _, inFlight := range []int{1, 64} {
		b.Run("inflight="+strconv.Itoa(inFlight), func(b *testing.B) {
			cmd := exec.CommandContext(b.Context(), "python3", "testdata/cpython.py", strconv.Itoa(inFlight), strconv.Itoa(b.N))
			cmd.Stderr = os.Stderr
			text, err := cmd.Output()
			require.NoError(b, err)
			seconds, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
			require.NoError(b, err)
			b.ReportMetric(seconds*1e9/float64(b.N), "ns/op")
		})
	}
}
