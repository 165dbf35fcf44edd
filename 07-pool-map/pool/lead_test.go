//go:build unix

package pool

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
)

// gate returns when a file is there.
var gate = process.Func("gate", func(ctx context.Context, file string) (int, error) {
	for ctx.Err() == nil {
		if _, err := os.Stat(file); err == nil {
			return 7, nil
		}
		time.Sleep(time.Millisecond)
	}
	return 0, ctx.Err()
})

// awaited is a call of one task that somebody will wait for.
type awaited struct {
	Call
	done chan struct{}
	out  []byte
	err  error
}

func give[In any](t testing.TB, p *Pool, fn Callable[In, int], in In) *awaited {
	t.Helper()
	a := &awaited{done: make(chan struct{})}
	arg, err := fn.Append(nil, in)
	require.NoError(t, err)
	a.Call = Call{Name: fn.Name(), Tasks: 1, Args: AppendArg(nil, arg), Result: a.result, Awaited: true}
	require.NoError(t, p.Submit(t.Context(), &a.Call))
	return a
}

func (a *awaited) result(_ int, out []byte, err error) {
	a.out, a.err = append(a.out, out...), err
	close(a.done)
}

func (a *awaited) has(t testing.TB, want int) {
	t.Helper()
	require.NoError(t, pipe.Await(processtest.Within(t), a.done))
	require.NoError(t, a.err)
	got, err := gate.Decode(a.out)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func newTestPool(t testing.TB, cfg Config, service *process.Target[birth, struct{}]) *Pool {
	p, err := newPool(cfg, service)
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = p.Terminate(context.Background()) })
	return p
}

// lead submits a call that waits for the file, and takes the place of the worker's reader.
// That is possible for a short time after a call that was waited for, and so it may take a
// few attempts on a machine that has other things to do.
func lead(t testing.TB, p *Pool, file string) (*worker, *awaited) {
	t.Helper()
	ctx := processtest.Within(t)
	for {
		a := give(t, p, double, 21)
		require.NoError(t, p.Await(ctx, &a.Call, a.done))
		a.has(t, 42)
		a = give(t, p, gate, file)
		if w := p.lead(ctx, &a.Call); w != nil {
			for !slices.ContainsFunc(p.Stats().Workers, func(w WorkerStats) bool { return w.Func == gate.Name() }) {
				require.NoError(t, ctx.Err())
				time.Sleep(100 * time.Microsecond)
			}
			return w, a
		}
		require.NoError(t, os.WriteFile(file, nil, 0o600))
		a.has(t, 7)
		require.NoError(t, os.Remove(file))
	}
}

// reads has who leads read, and returns a channel that is closed when he has come to an end.
func reads(ctx context.Context, w *worker, a *awaited) <-chan struct{} {
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		w.readUntil(ctx, a.done)
	}()
	return returned
}

func ends(t *testing.T, c <-chan struct{}) {
	t.Helper()
	require.NoError(t, pipe.Await(processtest.Within(t), c))
}

// Who waits reads, and the worker's reader does not.
func TestWhoWaitsReads(t *testing.T) {
	p := newTestPool(t, Config{Workers: 1}, service)
	file := filepath.Join(t.TempDir(), "gate")
	w, a := lead(t, p, file)
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	w.readUntil(t.Context(), a.done)
	require.True(t, isClosed(a.done), "nobody else could have read it")
	a.has(t, 7)
	p.mu.Lock()
	require.False(t, w.led)
	p.mu.Unlock()
}

// His time is over before the result comes.
func TestWhoWaitsGivesUp(t *testing.T) {
	p := newTestPool(t, Config{Workers: 1}, service)
	file := filepath.Join(t.TempDir(), "gate")
	w, a := lead(t, p, file)
	ctx, cancel := context.WithCancel(t.Context())
	returned := reads(ctx, w, a)
	cancel()
	ends(t, returned)
	require.False(t, isClosed(a.done))
	require.ErrorIs(t, p.Await(ctx, &a.Call, a.done), context.Canceled)
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	a.has(t, 7) // although nobody asks
	b := give(t, p, double, 4)
	require.NoError(t, p.Await(processtest.Within(t), &b.Call, b.done))
	b.has(t, 8)
}

// The worker dies, or says what it should not, while he waits.
func TestWhoWaitsSeesTheEnd(t *testing.T) {
	for _, how := range []string{"killed", "garbage the second time"} {
		t.Run(how, func(t *testing.T) {
			honest := how == "killed"
			serves, cfg := service, Config{Workers: 1}
			if !honest {
				serves, cfg.Initializer = rogue, Initializer{name: how}
			}
			p := newTestPool(t, cfg, serves)
			if honest {
				w, a := lead(t, p, filepath.Join(t.TempDir(), "never"))
				returned := reads(t.Context(), w, a)
				require.NoError(t, w.process.Kill())
				ends(t, returned)
				require.NoError(t, p.Await(processtest.Within(t), &a.Call, a.done))
				_, died := errors.AsType[*child.DiedError](a.err)
				require.True(t, died, "%v", a.err)
			} else {
				p.mu.Lock()
				p.service, p.cfg.Initializer = service, Initializer{}
				p.mu.Unlock()
				for range 2 {
					a := give(t, p, double, 1)
					require.NoError(t, p.Await(processtest.Within(t), &a.Call, a.done))
				}
			}
			a := give(t, p, double, 5) // by the next worker
			require.NoError(t, p.Await(processtest.Within(t), &a.Call, a.done))
			a.has(t, 10)
		})
	}
}

// While he waits, the worker is given tasks of others, and has results for them.
func TestWhoWaitsReadsForOthers(t *testing.T) {
	p := newTestPool(t, Config{Workers: 1}, service)
	file := filepath.Join(t.TempDir(), "gate")
	w, a := lead(t, p, file)
	var others []*awaited
	for i := range 20 {
		others = append(others, give(t, p, double, i))
	}
	returned := reads(t.Context(), w, a)
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	ends(t, returned)
	a.has(t, 7)
	for i, other := range others {
		other.has(t, 2*i) // the reader was called
	}
}

// What he waits for is given to another worker, because this one does not begin.
func TestWhatIsWaitedForMoves(t *testing.T) {
	p := newTestPool(t, Config{Workers: 2}, service)
	file := filepath.Join(t.TempDir(), "gate")
	for range 10 {
		w, a := lead(t, p, file)
		require.NoError(t, os.WriteFile(file, nil, 0o600))
		w.readUntil(t.Context(), a.done)
		p.mu.Lock()
		a.wantReader() // if it has moved already: the worker was slow to begin
		p.mu.Unlock()
		a.has(t, 7)
		require.NoError(t, os.Remove(file))
		processtest.Freeze(t, w.process.PID())
		a = give(t, p, double, 3)
		require.NoError(t, p.Await(processtest.Within(t), &a.Call, a.done))
		a.has(t, 6)
		processtest.Thaw(t, w.process.PID())
	}
}

// Nobody waits after all.
func TestAwaitedByNobody(t *testing.T) {
	p := newTestPool(t, Config{Workers: 2}, service)
	for i := range 20 {
		a := give(t, p, double, i)
		require.NoError(t, p.Await(processtest.Within(t), &a.Call, a.done))
		b := give(t, p, double, i)
		if i%2 == 0 {
			p.Fetch(&b.Call)
		}
		b.has(t, 2*i)
	}
	a := give(t, p, double, 1)
	require.NoError(t, p.Await(processtest.Within(t), &a.Call, a.done))
	give(t, p, double, 1)
	p.Close()
	ledger, err := p.Join(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, 42, ledger.Done)
}

// The pool ends while he waits.
func TestTerminatedWhileOneWaits(t *testing.T) {
	p := newTestPool(t, Config{Workers: 1}, service)
	w, a := lead(t, p, filepath.Join(t.TempDir(), "never"))
	returned := reads(t.Context(), w, a)
	_, err := p.Terminate(processtest.Within(t))
	require.NoError(t, err)
	ends(t, returned)
	ends(t, a.done)
	require.Error(t, a.err) // the task itself may have been quick enough to say that it was told to stop
}

// To decode a result may call the user's code. If that panics where somebody waits, and he
// lives on, the pool does too; the worker, of which nobody knows what it has sent, does not.
func TestWhoWaitsPanics(t *testing.T) {
	p := newTestPool(t, Config{Workers: 1}, service)
	file := filepath.Join(t.TempDir(), "gate")
	w, a := lead(t, p, file)
	a.Result = func(int, []byte, error) { panic("no such thing") }
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.PanicsWithValue(t, "no such thing", func() { w.readUntil(t.Context(), a.done) })
	b := give(t, p, double, 4)
	require.NoError(t, p.Await(processtest.Within(t), &b.Call, b.done))
	b.has(t, 8)
	require.NotEqual(t, w.process.PID(), p.Stats().Workers[0].PID)
	p.Close()
	_, err := p.Join(processtest.Within(t))
	require.NoError(t, err)
}

// All of it at once, while workers are shot.
func TestMixedWaiting(t *testing.T) {
	p := newTestPool(t, Config{Workers: 2}, service)
	rounds := 300
	if testing.Short() {
		rounds = 100
	}
	stop := make(chan struct{})
	var shooter, clients sync.WaitGroup
	shooter.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for done := 0; ; {
			select {
			case <-stop:
				return
			case <-tick.C:
				if p.Ledger().Done < done+40 {
					continue // who shoots only newborns breaks the pool
				}
				done = p.Ledger().Done
				if all := p.Stats().Workers; len(all) > 0 {
					_ = syscall.Kill(all[rand.IntN(len(all))].PID, syscall.SIGKILL)
				}
			}
		}
	})
	for range 4 {
		clients.Go(func() {
			for i := range rounds {
				a := give(t, p, double, i)
				switch rand.IntN(5) {
				case 0:
					p.Fetch(&a.Call)
				case 1:
					p.Cancel(&a.Call)
				case 2:
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(100))*time.Microsecond)
					_ = p.Await(ctx, &a.Call, a.done)
					cancel()
				case 3:
					if out, err := Map(t.Context(), p, double, []int{1, 2, 3}); err == nil {
						assert.Equal(t, []int{2, 4, 6}, out)
					}
				}
				if !assert.NoError(t, p.Await(processtest.Within(t), &a.Call, a.done)) {
					return
				}
				if a.err == nil {
					out, _ := double.Decode(a.out)
					assert.Equal(t, 2*i, out)
				}
			}
		})
	}
	clients.Wait()
	close(stop)
	shooter.Wait()
	p.Close()
	_, err := p.Join(processtest.Within(t))
	require.NoError(t, err)
}
