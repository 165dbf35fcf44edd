//go:build unix

package pool_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/07-pool-map/pool"
)

// An any travels as JSON.
var squareJSON = process.Func("square any", func(_ context.Context, x any) (any, error) {
	n, err := x.(json.Number).Int64()
	return n * n, err
})

// So does a struct.
type page struct {
	Word  string
	Count int
	Lines []int
}

var turn = process.Func("turn the page", func(_ context.Context, p page) (page, error) {
	p.Count++
	return p, nil
})

var prime = process.Func("prime", func(_ context.Context, n int) (bool, error) {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return false, nil
		}
	}
	return n > 1, nil
})

// BenchmarkMap is one task on its way to a worker, and its result back; primes is one of
// 2,000 tasks that compute something.
func BenchmarkMap(b *testing.B) {
	b.Run("chunked", func(b *testing.B) { benchmarkMap(b, square, func(i int) int { return i }) })
	b.Run("json", func(b *testing.B) { benchmarkMap(b, squareJSON, func(i int) any { return i }) })
	b.Run("json-struct", func(b *testing.B) {
		benchmarkMap(b, turn, func(i int) page { return page{strconv.Itoa(i), i, []int{i, i + 1}} })
	})
	b.Run("chunk=1", func(b *testing.B) { benchmarkMap(b, square, func(i int) int { return i }, pool.Chunk(1)) })
	b.Run("chunk=1-json", func(b *testing.B) { benchmarkMap(b, squareJSON, func(i int) any { return i }, pool.Chunk(1)) })
	b.Run("primes", func(b *testing.B) { benchmarkMap(b, prime, func(i int) int { return 1_000_000_000_039 + 0*i }) })
	b.Run("primes/one-goroutine", func(b *testing.B) {
		for range b.N {
			_, _ = process.Invoke(context.Background(), "prime", mustEncode(b))
		}
	})
}

func mustEncode(b *testing.B) []byte {
	arg, err := prime.Append(nil, 1_000_000_000_039)
	require.NoError(b, err)
	return arg
}

func benchmarkMap[In, Out any](b *testing.B, fn pool.Callable[In, Out], input func(int) In, opts ...pool.Option) {
	p := newPool(b, pool.Config{Workers: 2})
	// All at once is more than anybody does; so many at a time.
	const most = 100_000
	in := make([]In, min(b.N, most))
	for i := range in {
		in[i] = input(i)
	}
	_, err := pool.Map(context.Background(), p, fn, in[:1]) // they are there
	require.NoError(b, err)
	b.ResetTimer()
	for left := b.N; left > 0; left -= most {
		_, err := pool.Map(context.Background(), p, fn, in[:min(left, most)], opts...)
		require.NoError(b, err)
	}
	b.StopTimer()
}

// BenchmarkCPython is the same with multiprocessing.Pool.
func BenchmarkCPython(b *testing.B) {
	path, err := exec.LookPath("python3")
	if err != nil {
		b.Skipf("no python3 here to compare with: %v", err)
	}
	for _, chunk := range []string{"chunked", "chunked-struct", "chunk=1"} {
		b.Run(chunk, func(b *testing.B) {
			times := max(min(b.N, 100_000), 1000)
			cmd := exec.Command(path, "testdata/cpython.py", chunk, strconv.Itoa(times))
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			require.NoError(b, err)
			elapsed, err := time.ParseDuration(strings.TrimSpace(string(out)) + "s")
			require.NoError(b, err)
			b.ReportMetric(float64(elapsed)/float64(times), "ns/op")
		})
	}
}
