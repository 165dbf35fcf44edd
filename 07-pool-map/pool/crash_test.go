//go:build unix

package pool_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/07-pool-map/pool"
)

// large is 64 MiB, unless that takes long: the race detector looks at every byte.
var large = func() int {
	if processtest.RaceDetector() {
		return 2 << 20
	}
	return 64 << 20
}()

// A parcel is heavy when it goes, or when it comes back.
type parcel struct {
	Load    []byte
	Return  int
	DieIn   int // microseconds after it was handed over; 0: it stays alive
	Journal string
}

var carry = process.Func("carry", func(_ context.Context, p parcel) ([]byte, error) {
	f, err := os.OpenFile(p.Journal, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(f, len(p.Load))
	_ = f.Close()
	if p.DieIn > 0 {
		time.AfterFunc(time.Duration(p.DieIn)*time.Microsecond, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) })
	}
	return make([]byte, p.Return), nil
})

// heavy takes bytes, which travel as they are, and says how many.
var heavy = process.Func("heavy", func(_ context.Context, b []byte) (int, error) { return len(b), nil })

// pids returns those of the workers, all of which have time.
func pids(t *testing.T, p *pool.Pool) (all []int) {
	t.Helper()
	dir := t.TempDir()
	var in []act
	for i := range p.Workers() {
		in = append(in, act{What: fmt.Sprint("meet ", p.Workers(), " ", dir, " ", i)})
	}
	all, err := pool.Map(processtest.Within(t), p, does, in, pool.Chunk(1))
	require.NoError(t, err)
	return all
}

func isKilled(t *testing.T, err error) {
	t.Helper()
	died, ok := errors.AsType[*child.DiedError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, syscall.SIGKILL, died.Signal)
}

// In the middle of a task: all workers at once. Each costs its task, and no other one.
func TestAllAreKilledAtOnce(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 3})
	all := pids(t, p)
	dir := t.TempDir()
	in := make([]act, 20)
	for i := range 3 {
		in[i] = act{What: "loop", File: filepath.Join(dir, fmt.Sprint(i))}
	}
	go func() {
		for i := range 3 {
			appears(t, in[i].File)
		}
		for _, pid := range all {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}()
	out, err := pool.Map(processtest.Within(t), p, does, in, pool.Chunk(1))
	isKilled(t, err)
	require.Len(t, errorsOf(err), 3)
	for i, pid := range out {
		require.Equal(t, i >= 3, pid != 0)
	}
	for _, pid := range pids(t, p) {
		require.NotContains(t, all, pid, "they were replaced")
	}
}

// While it receives 64 MiB: the task was not begun, so another worker does it.
func TestKilledWhileItReceives(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1})
	pid := pids(t, p)[0]
	processtest.Freeze(t, pid) // it has read nothing, and will not
	go func() {
		for p.Ledger().Submitted < 2 {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(rand.IntN(5000)) * time.Microsecond) // in the middle, or at its beginning
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}()
	out, err := pool.Map(processtest.Within(t), p, heavy, [][]byte{make([]byte, large)})
	require.NoError(t, err)
	require.Equal(t, []int{large}, out)
	require.Equal(t, pool.Ledger{Submitted: 2, Done: 2}, p.Ledger())
}

// While it sends 64 MiB: the task was run, so nobody runs it again. Its result has come, or
// it is lost; or it was killed before it was done.
func TestKilledWhileItSends(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1})
	pids(t, p)
	journal := filepath.Join(t.TempDir(), "journal")
	const rounds = 6
	for i := range rounds {
		_, err := pool.Map(processtest.Within(t), p, square, []int{1}) // a finished task, or the pool is broken
		require.True(t, err == nil || errors.Is(err, pool.ErrLost), "%v", err)
		out, err := pool.Map(processtest.Within(t), p, carry, []parcel{{Return: large, DieIn: 1 + i*rand.IntN(10_000), Journal: journal}})
		if err == nil {
			require.Len(t, out[0], large)
		} else {
			isKilled(t, err)
		}
	}
	text, err := os.ReadFile(journal)
	require.NoError(t, err)
	require.Equal(t, 2*rounds, len(text), "each was run once")
	p.Close()
	ledger, err := p.Join(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, 1+2*rounds, ledger.Done+ledger.Failed+ledger.Lost)
}

// Between two tasks: nothing is lost, unless it was fast enough to begin the next one.
func TestKilledBetweenTasks(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 2})
	for range 10 {
		out, err := pool.Map(processtest.Within(t), p, does, make([]act, 4), pool.Chunk(1))
		for i, pid := range out {
			require.True(t, pid != 0 || err != nil, "task %d", i)
		}
		for _, err := range errorsOf(err) {
			isKilled(t, err)
		}
		require.LessOrEqual(t, len(errorsOf(err)), 1)
		for _, pid := range out {
			if pid != 0 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				break
			}
		}
	}
}

// Idle: it is replaced without having been missed.
func TestKilledWhileIdle(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 2})
	before := pids(t, p)
	require.NoError(t, syscall.Kill(before[0], syscall.SIGKILL))
	require.Eventually(t, func() bool { return !alive(before[0]) }, processtest.Patience, time.Millisecond)
	after := pids(t, p)
	require.NotContains(t, after, before[0])
	require.Contains(t, after, before[1])
	require.Zero(t, p.Ledger().Failed)
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// At birth, and in the initializer: nothing has been given to it.
func TestKilledAtBirth(t *testing.T) {
	once := filepath.Join(t.TempDir(), "once")
	p := newPool(t, pool.Config{Workers: 2, Initializer: pool.Init(dieFirst, once)})
	out, err := pool.Map(processtest.Within(t), p, does, make([]act, 10), pool.Chunk(1))
	require.NoError(t, err)
	require.NotContains(t, out, 0)
	require.Equal(t, pool.Ledger{Submitted: 10, Done: 10}, p.Ledger())

	p = newPool(t, pool.Config{Workers: 2, Initializer: pool.Init(does, act{What: "die"})})
	_, err = pool.Map(processtest.Within(t), p, does, make([]act, 3))
	require.ErrorIs(t, err, pool.ErrBroken)
	isKilled(t, err)

	p = newPool(t, pool.Config{Workers: 2, Initializer: pool.Init(does, act{What: "fail there is no model"})})
	_, err = pool.Map(processtest.Within(t), p, does, make([]act, 3))
	require.ErrorIs(t, err, pool.ErrBroken)
	require.ErrorContains(t, err, `the initializer "does": there is no model`)
}

// dieFirst dies the first time.
var dieFirst = process.Func("die first", func(_ context.Context, file string) (struct{}, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return struct{}{}, nil // it was here
	}
	_ = f.Close()
	return struct{}{}, syscall.Kill(os.Getpid(), syscall.SIGKILL)
})

// A worker that stands still has not begun what it was given; another one does that.
func TestAStoppedWorker(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 2})
	all := pids(t, p)
	processtest.Freeze(t, all[0])
	defer processtest.Thaw(t, all[0])
	out, err := pool.Map(processtest.Within(t), p, does, make([]act, 30), pool.Chunk(1))
	require.NoError(t, err)
	for _, pid := range out {
		require.Equal(t, all[1], pid)
	}
}
