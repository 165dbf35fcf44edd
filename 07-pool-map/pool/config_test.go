//go:build unix

package pool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/07-pool-map/pool"
)

var (
	model     string // in a worker: what the initializer has loaded
	loadModel = process.Func("load model", func(_ context.Context, name string) (struct{}, error) {
		model = name
		return struct{}{}, nil
	})
	usesModel = process.Func("uses model", func(context.Context, int) (string, error) { return model, nil })
)

func TestInitializer(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 2, Initializer: pool.Init(loadModel, "the large one")})
	out, err := pool.Map(processtest.Within(t), p, usesModel, upTo(10), pool.Chunk(1))
	require.NoError(t, err)
	for _, name := range out {
		require.Equal(t, "the large one", name)
	}
	require.Empty(t, model, "it is the worker's, not ours")
	_, err = pool.New(pool.Config{Initializer: pool.Init(does, act{What: "\xff"})})
	require.ErrorContains(t, err, `the argument of the initializer "does"`)
}

// Who finds the queue full waits, or is told so at once.
func TestQueueLimit(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1, QueueLimit: 2})
	dir := t.TempDir()
	gate := filepath.Join(dir, "gate")
	arg, err := gated.Append(nil, gate)
	require.NoError(t, err)
	var wg sync.WaitGroup
	submit := func(ctx context.Context, noWait bool) error {
		wg.Add(1)
		err := p.Submit(ctx, &pool.Call{Name: gated.Name(), Tasks: 1, Args: pool.AppendArg(nil, arg), NoWait: noWait,
			Result: func(int, []byte, error) { wg.Done() }})
		if err != nil {
			wg.Done()
		}
		return err
	}
	n := 0
	for ; err == nil; n++ { // the worker takes some, and then two wait
		err = submit(t.Context(), true)
	}
	require.ErrorIs(t, err, pool.ErrFull)
	require.GreaterOrEqual(t, n, 3)
	require.ErrorIs(t, submit(processtest.Past(t), false), pipe.ErrTimeout)

	waited := make(chan error)
	go func() { waited <- submit(processtest.Within(t), false) }()
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	require.NoError(t, <-waited)
	out, err := pool.Map(processtest.Within(t), p, square, upTo(100), pool.Chunk(1))
	require.NoError(t, err)
	require.Len(t, out, 100)
	wg.Wait()
	require.Equal(t, p.Ledger().Submitted, p.Ledger().Done)

	// Close, too, tells those who wait.
	require.NoError(t, os.Remove(gate))
	for err = nil; err == nil; {
		err = submit(t.Context(), true)
	}
	go func() { waited <- submit(processtest.Within(t), false) }()
	p.Close()
	require.ErrorIs(t, <-waited, pool.ErrClosed)
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	wg.Wait()
}

// gated waits until the file is there.
var gated = process.Func("gated", func(ctx context.Context, file string) (int, error) {
	for {
		if _, err := os.Stat(file); err == nil {
			return os.Getpid(), nil
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		time.Sleep(time.Millisecond)
	}
})

func TestIdleWorkersGo(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 2, Idle: 20 * time.Millisecond})
	before := pids(t, p)
	for _, pid := range before {
		require.Eventually(t, func() bool { return !alive(pid) }, processtest.Patience, time.Millisecond)
	}
	after := pids(t, p)
	for _, pid := range after {
		require.NotContains(t, before, pid)
	}
	// At the moment in which it goes: nothing is lost.
	for range 20 {
		time.Sleep(20 * time.Millisecond)
		_, err := pool.Map(processtest.Within(t), p, square, upTo(4), pool.Chunk(1))
		require.NoError(t, err)
	}
}

func TestOutput(t *testing.T) {
	var lines []pool.Line
	p := newPool(t, pool.Config{Workers: 2, Output: func(l pool.Line) { lines = append(lines, l) }})
	in := make([]act, 20)
	for i := range in {
		in[i].What = fmt.Sprint("say I am ", i)
	}
	in[7].What = "exit 3"
	out, err := pool.Map(processtest.Within(t), p, does, in, pool.Chunk(5))
	require.ErrorContains(t, err, "task 7")
	require.ErrorContains(t, err, "the end of its stderr:\n\n")
	require.ErrorContains(t, err, "these are my last words")
	require.NotContains(t, err.Error(), "\x00")
	p.Close()
	_, err = p.Join(processtest.Within(t))
	require.NoError(t, err)
	said, wrote := map[int]bool{}, map[int]bool{}
	for _, l := range lines {
		require.Equal(t, "does", l.Func)
		require.Contains(t, l.Worker, "worker-")
		if pid := out[l.Task]; pid != 0 { // not lost
			require.Equal(t, pid, l.PID)
		}
		switch {
		case l.Task == 7:
			require.Equal(t, "these are my last words", l.Text)
		case l.Stderr:
			wrote[l.Task] = true
			require.Equal(t, "not a line", l.Text)
		default:
			said[l.Task] = true
			require.Equal(t, fmt.Sprint("I am ", l.Task), l.Text)
		}
	}
	require.Len(t, said, 19)
	require.Len(t, wrote, 19)
	_, err = pool.New(pool.Config{Output: func(pool.Line) {}, Stdout: os.Stdout})
	require.Error(t, err)
}

// nests computes a sum in a pool of its own, whose workers do the same.
var nests *process.Target[int, int]

func init() {
	nests = process.Func("nests", func(ctx context.Context, depth int) (int, error) {
		if depth == 0 {
			return process.Current().Depth, nil
		}
		out := 0
		_, err := pool.With(ctx, pool.Config{}, func(p *pool.Pool) error {
			if p.Workers() != 1 {
				return fmt.Errorf("%d workers in a worker", p.Workers())
			}
			inner, err := pool.Map(ctx, p, nests, []int{depth - 1})
			out = inner[0]
			return err
		})
		return out, err
	})
}

func TestNestedPools(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1})
	out, err := pool.Map(processtest.Within(t), p, nests, []int{3})
	require.NoError(t, err)
	require.Equal(t, []int{4}, out)
	_, err = pool.Map(processtest.Within(t), p, nests, []int{process.MaxDepth})
	require.ErrorContains(t, err, "this process is at depth 10")
}

// forgets makes a pool, and does not close it.
var forgets = process.Func("forgets", func(ctx context.Context, _ int) ([]int, error) {
	p, err := pool.New(pool.Config{Workers: 2})
	if err != nil {
		return nil, err
	}
	return pool.Map(ctx, p, does, make([]act, 10), pool.Chunk(1))
})

// A pool that nobody closes keeps no program from ending, and leaves nobody behind.
func TestForgottenClose(t *testing.T) {
	task := forgets.New(0, process.Config{})
	require.NoError(t, task.Start())
	all, err := task.Result(processtest.Within(t))
	require.NoError(t, err)
	require.NoError(t, task.Join(processtest.Within(t)))
	code, ended := task.ExitCode()
	require.True(t, ended)
	require.Zero(t, code)
	leaktest.ReapOrphans()
	for _, pid := range slices.Compact(all) {
		require.Eventually(t, func() bool { return !alive(pid) }, processtest.Patience, time.Millisecond)
	}
}

// What is to be called later is called in order; Join waits for it, but not in itself.
func TestLater(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1})
	var order []int
	gate := make(chan struct{})
	p.Later(func() { <-gate; order = append(order, 1) })
	p.Later(func() { panic("not my day") })
	p.Later(func() { runtime.Goexit() })
	p.Later(func() {
		order = append(order, 2)
		p.Close()
		ledger, err := p.Join(processtest.Within(t))
		order = append(order, ledger.Done)
		require.ErrorContains(t, err, "a callback has panicked: not my day")
		p.Later(func() { order = append(order, 4) })
	})
	require.NoError(t, p.Submit(t.Context(), &pool.Call{Name: "square", Tasks: 3, Args: bytes.Repeat(pool.AppendArg(nil, make([]byte, 8)), 3), Result: func(int, []byte, error) {}}))
	_, err := p.Join(processtest.Past(t))
	require.ErrorIs(t, err, pipe.ErrTimeout)
	close(gate)
	_, err = p.Join(processtest.Within(t))
	require.ErrorContains(t, err, "runtime.Goexit")
	require.Equal(t, []int{1, 2, 3, 4}, order)

	p = newPool(t, pool.Config{Workers: 1})
	var forgets []func()
	for i := range 15 {
		forgets = append(forgets, p.Report(fmt.Errorf("error %d", i)))
	}
	forgets[3]()
	forgets[3]()
	p.Close()
	_, err = p.Join(processtest.Within(t))
	require.ErrorContains(t, err, "error 4\n")
	require.ErrorContains(t, err, "and 4 more")
	require.NotContains(t, err.Error(), "error 3\n")
	for _, forget := range forgets {
		forget()
	}
	_, err = p.Join(processtest.Within(t))
	require.NoError(t, err)
}

// Cancel takes back what was given to a worker, too, if it was not begun.
func TestCancel(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1})
	gate := filepath.Join(t.TempDir(), "gate")
	arg, err := gated.Append(nil, gate)
	require.NoError(t, err)
	ends := make(chan error, 6)
	var calls []*pool.Call
	for range 3 {
		call := &pool.Call{Name: gated.Name(), Tasks: 2, Args: pool.AppendArg(pool.AppendArg(nil, arg), arg),
			Result: func(_ int, _ []byte, err error) { ends <- err }}
		require.NoError(t, p.Submit(t.Context(), call))
		calls = append(calls, call)
	}
	require.Equal(t, 2, p.Cancel(calls[2]))
	require.Zero(t, p.Cancel(calls[2]))
	require.ErrorIs(t, <-ends, context.Canceled)
	require.ErrorIs(t, <-ends, context.Canceled)
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	for range 4 {
		require.NoError(t, <-ends)
	}
	require.Equal(t, pool.Ledger{Submitted: 6, Done: 4, Cancelled: 2}, p.Ledger())
}

func TestProgress(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 2, Grace: 50 * time.Millisecond}) // one of them does not go by itself
	last := 0
	_, err := pool.Map(processtest.Within(t), p, square, upTo(1000), pool.Progress(func(done, of int) {
		require.Greater(t, done, last)
		require.Equal(t, 1000, of)
		last = done
	}))
	require.NoError(t, err)
	require.Equal(t, 1000, last)
	// Also from there, a pool can be terminated.
	_, err = pool.Map(processtest.Within(t), p, does, []act{{}, {What: "loop"}}, pool.Chunk(1), pool.Progress(func(done, _ int) {
		if done == 1 {
			_, err := p.Terminate(processtest.Within(t))
			require.NoError(t, err)
		}
	}))
	require.ErrorIs(t, err, pool.ErrTerminated)
}

func TestStats(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 2})
	all := pids(t, p)
	gate := filepath.Join(t.TempDir(), "gate")
	arg, err := gated.Append(nil, gate)
	require.NoError(t, err)
	ended := make(chan struct{})
	require.NoError(t, p.Submit(t.Context(), &pool.Call{Name: gated.Name(), Tasks: 1, First: 42, Args: pool.AppendArg(nil, arg), Result: func(int, []byte, error) { close(ended) }}))
	var s pool.Stats
	require.Eventually(t, func() bool {
		s = p.Stats()
		return slices.ContainsFunc(s.Workers, func(w pool.WorkerStats) bool { return w.Func == "gated" })
	}, processtest.Patience, time.Millisecond)
	require.Len(t, s.Workers, 2)
	for _, w := range s.Workers {
		require.Contains(t, all, w.PID)
		if w.Func != "" {
			require.Equal(t, pool.WorkerStats{Name: w.Name, PID: w.PID, Func: "gated", Task: 42, Has: 1}, w)
		}
	}
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	<-ended
	for _, w := range p.Stats().Workers {
		require.Empty(t, w.Func)
	}
	require.NoError(t, syscall.Kill(all[0], syscall.SIGKILL))
	require.Eventually(t, func() bool { s := p.Stats(); return s.Started == 3 && s.Deaths == 1 && len(s.Workers) == 2 }, processtest.Patience, time.Millisecond)
}

// Inputs that cannot be encoded are the error of their task.
func TestUnencodable(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1})
	out, err := pool.Map(processtest.Within(t), p, does, []act{{}, {What: "\xff"}, {}})
	require.Len(t, errorsOf(err), 1)
	e, ok := errors.AsType[*pool.TaskError](err)
	require.True(t, ok)
	require.Equal(t, 1, e.Task)
	require.NotZero(t, out[0])
	require.Zero(t, out[1])
	require.NotZero(t, out[2])
}
