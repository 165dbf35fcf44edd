//go:build unix

package pool_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/07-pool-map/pool"
)

// endless yields 0, 1, 2, … and counts how many were taken.
func endless(taken *int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for n := 0; yield(n); n++ {
			*taken = n + 1
		}
	}
}

func TestImap(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 3})
	taken, n := 0, 0
	for x, err := range pool.Imap(processtest.Within(t), p, square, endless(&taken), pool.Ahead(5)) {
		require.NoError(t, err)
		require.Equal(t, n*n, x)
		require.LessOrEqual(t, taken, n+6, "no more than 5 ahead")
		if n++; n == 1000 {
			break
		}
	}
	require.Equal(t, 1000, n)

	n = 0
	for x, err := range pool.Imap(processtest.Within(t), p, square, slices.Values(upTo(1005)), pool.Chunk(10)) {
		require.NoError(t, err)
		require.Equal(t, n*n, x)
		n++
	}
	require.Equal(t, 1005, n)

	for range pool.Imap(processtest.Within(t), p, square, slices.Values([]int(nil))) {
		t.Fatal("of nothing there is nothing")
	}
	for _, err := range pool.Imap(processtest.Within(t), p, square, endless(&taken), pool.Ahead(0)) {
		require.Error(t, err)
	}
}

func TestImapUnordered(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 3})
	var got []int
	for x, err := range pool.ImapUnordered(processtest.Within(t), p, square, slices.Values(upTo(2000))) {
		require.NoError(t, err)
		got = append(got, int(math.Sqrt(float64(x))))
	}
	slices.Sort(got)
	require.Equal(t, upTo(2000), got)
	n := 0
	for range pool.ImapUnordered(processtest.Within(t), p, square, endless(&n)) {
		break // with many on their way
	}
}

// A slow one does not hold up the others.
func TestImapUnorderedOvertakes(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 2, Grace: -1})
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	n := 0
	var err error
	for _, err = range pool.ImapUnordered(ctx, p, does, slices.Values(append([]act{{What: "wait"}}, make([]act, 50)...))) {
		if err != nil {
			break
		}
		if n++; n == 50 {
			cancel(errors.New("enough"))
		}
	}
	require.ErrorContains(t, err, "enough")
	require.Equal(t, 50, n)
}

func TestImapErrors(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 2})
	in := make([]act, 20)
	in[7].What = "fail here"
	in[12].What = "die"
	n := 0
	for _, err := range pool.Imap(processtest.Within(t), p, does, slices.Values(in), pool.Chunk(3)) {
		if n == 7 || n == 12 {
			e, ok := errors.AsType[*pool.TaskError](err)
			require.True(t, ok)
			require.Equal(t, n, e.Task)
		} else if err != nil {
			require.ErrorIs(t, err, pool.ErrLost)
		}
		n++
	}
	require.Equal(t, 20, n)
	for _, err := range pool.Imap(processtest.Past(t), p, does, slices.Values([]act{{What: "wait"}})) {
		require.ErrorIs(t, err, pipe.ErrTimeout)
	}
	p.Close()
	for _, err := range pool.Imap(processtest.Within(t), p, does, slices.Values(in[:1])) {
		require.ErrorIs(t, err, pool.ErrClosed)
	}
}

// A million tasks need no more memory than some thousand.
func TestImapInConstantMemory(t *testing.T) {
	n := 1_000_000
	if testing.Short() || processtest.RaceDetector() {
		n = 100_000
	}
	p := newPool(t, pool.Config{Workers: 2})
	numbers := func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var early int64
	i := 0
	for y, err := range pool.Imap(processtest.Within(t), p, square, numbers, pool.Chunk(100)) {
		if err != nil || y != i*i {
			t.Fatalf("%d, %v; want %d", y, err, i*i)
		}
		if i++; i == n/20 {
			early = heap()
		}
	}
	require.Equal(t, n, i)
	require.Less(t, heap()-early, int64(1<<20))
	require.Equal(t, n, p.Ledger().Done)
}
