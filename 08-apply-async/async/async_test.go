//go:build unix

package async_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/03-persistent-worker/worker"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/07-pool-map/pool"
	"example.com/multiprocessing/08-apply-async/async"
)

func TestMain(m *testing.M) { processtest.Main(m) }

var square = process.Func("square", func(_ context.Context, x int) (int, error) {
	if x < 0 {
		return 0, fmt.Errorf("%d is negative", x)
	}
	return x * x, nil
})

// A wait is for a file to appear.
type wait struct {
	File string
	Then int
}

// waits returns a number when the file is there; -1 is for its end.
var waits = process.Func("waits", func(ctx context.Context, w wait) (int, error) {
	for {
		if _, err := os.Stat(w.File); err == nil {
			break
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		time.Sleep(time.Millisecond)
	}
	if w.Then < 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return w.Then, nil
})

func newPool(t testing.TB, cfg pool.Config) *pool.Pool {
	t.Helper()
	p, err := pool.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), processtest.Patience)
		defer cancel()
		_, err := p.Terminate(ctx)
		require.NotErrorIs(t, err, pipe.ErrTimeout)
	})
	return p
}

func join(t *testing.T, p *pool.Pool) (pool.Ledger, error) {
	t.Helper()
	p.Close()
	ledger, err := p.Join(processtest.Within(t))
	require.NotErrorIs(t, err, pipe.ErrTimeout)
	return ledger, err
}

func touch(t *testing.T, file string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, nil, 0o600))
}

func TestGet(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 2})
	var results []*async.Result[int]
	for x := range 100 {
		results = append(results, async.Apply(t.Context(), p, square, x))
	}
	for x, r := range results {
		for range 2 {
			y, err := r.Get(processtest.Within(t))
			require.NoError(t, err)
			require.Equal(t, x*x, y)
		}
		require.True(t, r.Ready())
		<-r.Done()
	}
	r := async.Apply(t.Context(), p, square, -3)
	_, err := r.Get(processtest.Within(t))
	remote, ok := errors.AsType[*worker.RemoteError](err)
	require.True(t, ok, err)
	require.Equal(t, "-3 is negative", remote.Message)
	require.ErrorContains(t, err, fmt.Sprintf("task %d:", r.ID()))
	ledger, err := join(t, p)
	require.NoError(t, err, "somebody has asked for it")
	require.Equal(t, pool.Ledger{Submitted: 101, Done: 100, Failed: 1}, ledger)
}

// Who is done first is first, whoever began first.
func TestOutOfOrder(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 2})
	gate := filepath.Join(t.TempDir(), "gate")
	slow := async.Apply(t.Context(), p, waits, wait{gate, 1})
	fast := async.Apply(t.Context(), p, square, 2)
	var order []int
	for r, err := range async.AsCompleted(processtest.Within(t), slow, fast) {
		require.NoError(t, err)
		y, err := r.Get(processtest.Past(t)) // it is there
		require.NoError(t, err)
		if order = append(order, y); len(order) == 1 {
			require.False(t, slow.Ready())
			_, err = slow.Get(processtest.Past(t))
			require.ErrorIs(t, err, pipe.ErrTimeout)
			touch(t, gate)
		}
	}
	require.Equal(t, []int{4, 1}, order)

	never := async.Apply(t.Context(), p, waits, wait{File: gate + " that is never opened"})
	fast = async.Apply(t.Context(), p, square, 3)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	enough, n := errors.New("enough"), 0
	for r, err := range async.AsCompleted(ctx, never, fast) {
		switch n++; n {
		case 1:
			require.Same(t, fast, r)
			cancel(enough)
		case 2:
			require.ErrorIs(t, err, enough)
			require.Nil(t, r)
		}
	}
	require.Equal(t, 2, n)
}

// Each task has exactly one callback that is called, once, in the order in which the results
// came, and never two at a time.
func TestCallbacks(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 2})
	calls, done, failed, depth := map[int]int{}, 0, 0, 0
	const n = 500
	for x := range n {
		in := x
		if x%7 == 0 {
			in = -x - 1
		}
		async.Apply(t.Context(), p, square, in).OnDone(func(y int) {
			depth++
			require.Equal(t, 1, depth)
			require.Equal(t, x*x, y)
			calls[x]++
			done++
			depth--
		}).OnError(func(err error) {
			depth++
			require.Equal(t, 1, depth)
			require.ErrorContains(t, err, "is negative")
			calls[x]++
			failed++
			depth--
		})
	}
	_, err := join(t, p)
	require.NoError(t, err)
	require.Len(t, calls, n)
	for x, times := range calls {
		require.Equal(t, 1, times, "task %d", x)
	}
	require.Equal(t, (n+6)/7, failed)
	require.Equal(t, n, done+failed)
}

// What is there already is told, too.
func TestALateCallback(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1})
	good, bad := async.Apply(t.Context(), p, square, 5), async.Apply(t.Context(), p, square, -5)
	<-good.Done()
	<-bad.Done()
	got := make(chan any, 10)
	good.OnDone(func(y int) { got <- y }).OnError(func(err error) { got <- err })
	bad.OnDone(func(y int) { got <- y }).OnError(func(err error) { got <- err })
	_, err := join(t, p)
	require.NoError(t, err)
	require.Equal(t, 25, <-got)
	require.ErrorContains(t, (<-got).(error), "is negative")
	require.Empty(t, got)
}

// A callback that takes long keeps only other callbacks waiting.
func TestASlowCallback(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1})
	gate := make(chan struct{})
	var order []int
	async.Apply(t.Context(), p, square, 1).OnDone(func(y int) { <-gate; order = append(order, y) })
	async.Apply(t.Context(), p, square, 2).OnDone(func(y int) { order = append(order, y) })
	y, err := async.Apply(t.Context(), p, square, 3).Get(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, 9, y)
	close(gate)
	_, err = join(t, p)
	require.NoError(t, err)
	require.Equal(t, []int{1, 4}, order)
}

// A callback may use the pool as everybody may.
func TestWhatACallbackMayDo(t *testing.T) {
	t.Run("submit", func(t *testing.T) { // a chain
		p := newPool(t, pool.Config{Workers: 2})
		end := make(chan int, 1)
		var more func(y int)
		more = func(y int) {
			if y > 1000 {
				end <- y
				p.Close()
				return
			}
			async.Apply(t.Context(), p, square, y).OnDone(more)
		}
		async.Apply(t.Context(), p, square, 2).OnDone(more)
		_, err := p.Join(processtest.Within(t))
		require.NoError(t, err)
		require.Equal(t, 65536, <-end)
	})
	t.Run("join", func(t *testing.T) {
		p := newPool(t, pool.Config{Workers: 2})
		var in pool.Ledger
		async.Apply(t.Context(), p, square, 2).OnDone(func(int) {
			p.Close()
			in, _ = p.Join(processtest.Within(t))
		})
		out, err := p.Join(processtest.Within(t))
		require.NoError(t, err)
		require.Equal(t, 1, in.Done)
		require.Equal(t, in, out)
	})
	t.Run("terminate", func(t *testing.T) {
		p := newPool(t, pool.Config{Workers: 2, Grace: -1})
		never := async.Apply(t.Context(), p, waits, wait{File: filepath.Join(t.TempDir(), "never")})
		async.Apply(t.Context(), p, square, 2).OnDone(func(int) {
			_, err := p.Terminate(processtest.Within(t))
			require.NotErrorIs(t, err, pipe.ErrTimeout)
		})
		_, err := never.Get(processtest.Within(t))
		require.ErrorIs(t, err, pool.ErrTerminated)
		_, err = p.Join(processtest.Within(t))
		require.NoError(t, err)
	})
	t.Run("panic", func(t *testing.T) {
		p := newPool(t, pool.Config{Workers: 1})
		async.Apply(t.Context(), p, square, 2).OnDone(func(int) { panic("oh") })
		last := 0
		async.Apply(t.Context(), p, square, 3).OnDone(func(y int) { last = y })
		_, err := join(t, p)
		require.ErrorContains(t, err, "a callback has panicked: oh")
		require.Equal(t, 9, last)
	})
}

func TestCancel(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1})
	dir := t.TempDir()
	gate := filepath.Join(dir, "gate")
	begun := async.Apply(t.Context(), p, waits, wait{gate, 1})
	waiting := async.Apply(t.Context(), p, square, 3)
	var got error
	waiting.OnError(func(err error) { got = err })
	require.True(t, waiting.Cancel())
	require.False(t, waiting.Cancel())
	_, err := waiting.Get(processtest.Past(t))
	require.ErrorIs(t, err, context.Canceled)
	touch(t, gate)
	y, err := begun.Get(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, 1, y)
	require.False(t, begun.Cancel())
	ledger, err := join(t, p)
	require.NoError(t, err)
	require.ErrorIs(t, got, context.Canceled)
	require.Equal(t, pool.Ledger{Submitted: 2, Done: 1, Cancelled: 1}, ledger)
}

// Too late, for three reasons, which are three errors.
func TestTooLate(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1})
	_, err := join(t, p)
	require.NoError(t, err)
	_, err = async.Apply(t.Context(), p, square, 1).Get(t.Context())
	require.ErrorIs(t, err, pool.ErrClosed)

	p = newPool(t, pool.Config{Workers: 1})
	_, err = p.Terminate(processtest.Within(t))
	require.NoError(t, err)
	_, err = async.Apply(t.Context(), p, square, 1).Get(t.Context())
	require.ErrorIs(t, err, pool.ErrTerminated)

	p = newPool(t, pool.Config{Workers: 1})
	gate := filepath.Join(t.TempDir(), "gate")
	touch(t, gate)
	for range 5 {
		_, err = async.Apply(t.Context(), p, waits, wait{gate, -1}).Get(processtest.Within(t))
		died, ok := errors.AsType[*child.DiedError](err)
		require.True(t, ok, err)
		require.Equal(t, syscall.SIGKILL, died.Signal)
	}
	for !errors.Is(err, pool.ErrBroken) {
		_, err = async.Apply(t.Context(), p, square, 1).Get(processtest.Within(t))
		require.Error(t, err)
	}
}

func TestAnErrorThatNobodyHasAskedFor(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1})
	asked, unasked, called := async.Apply(t.Context(), p, square, -1), async.Apply(t.Context(), p, square, -2), async.Apply(t.Context(), p, square, -3)
	_, err := asked.Get(processtest.Within(t))
	require.Error(t, err)
	<-called.Done()
	called.OnError(func(error) {})
	<-unasked.Done()
	_, err = join(t, p)
	require.ErrorContains(t, err, "-2 is negative")
	require.NotContains(t, err.Error(), "-1 is negative")
	require.NotContains(t, err.Error(), "-3 is negative")
}

func TestAFullQueue(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1, QueueLimit: 2})
	gate := filepath.Join(t.TempDir(), "gate")
	var in []*async.Result[int]
	var err error
	for err == nil {
		r := async.TryApply(p, waits, wait{gate, 1})
		if r.Ready() {
			_, err = r.Get(t.Context())
		} else {
			in = append(in, r)
		}
	}
	require.ErrorIs(t, err, pool.ErrFull)
	_, err = async.Apply(processtest.Past(t), p, waits, wait{gate, 1}).Get(t.Context())
	require.ErrorIs(t, err, pipe.ErrTimeout)
	waited := make(chan *async.Result[int])
	go func() { waited <- async.Apply(processtest.Within(t), p, waits, wait{gate, 2}) }()
	touch(t, gate)
	for _, r := range append(in, <-waited) {
		_, err := r.Get(processtest.Within(t))
		require.NoError(t, err)
	}
}

// Workers die, and everybody gets his own answer or an error.
func TestCrashes(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 3})
	gate := filepath.Join(t.TempDir(), "gate")
	touch(t, gate)
	const n = 300
	var mu sync.Mutex
	results := map[*async.Result[int]]int{}
	var wg sync.WaitGroup
	for g := range 3 {
		wg.Go(func() {
			for x := g; x < n; x += 3 {
				then := x + 1
				if rand.IntN(20) == 0 {
					then = -1
				}
				r := async.Apply(t.Context(), p, waits, wait{gate, then})
				mu.Lock()
				results[r] = then
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	lost, died := 0, 0
	for r, then := range results {
		y, err := r.Get(processtest.Within(t))
		switch {
		case err == nil:
			require.Equal(t, then, y)
		case errors.Is(err, pool.ErrLost):
			lost++
		default:
			require.Equal(t, -1, then, "%v", err)
			died++
		}
	}
	deadly := 0
	for _, then := range results {
		if then < 0 {
			deadly++
		}
	}
	require.Equal(t, deadly, died)
	ledger, err := join(t, p)
	require.NoError(t, err)
	require.Equal(t, pool.Ledger{Submitted: n, Done: n - died - lost, Failed: died, Lost: lost}, ledger)
}
