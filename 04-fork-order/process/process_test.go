//go:build unix

package process_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/03-persistent-worker/worker"
	"example.com/multiprocessing/04-fork-order/process"
)

// Both ways to run a function: what holds for one holds for the other.
func bothWays(t *testing.T, test func(t *testing.T, inline bool)) {
	t.Run("process", func(t *testing.T) { test(t, false) })
	t.Run("inline", func(t *testing.T) { test(t, true) })
}

func new_[In, Out any](target *process.Target[In, Out], inline bool, in In, cfg process.Config) *process.Task[Out] {
	if inline {
		return target.Inline(in, cfg)
	}
	return target.New(in, cfg)
}

func TestAFunctionReturnsItsResult(t *testing.T) {
	bothWays(t, func(t *testing.T, inline bool) {
		task := new_(square, inline, 12, quiet(t, process.Config{}))
		require.False(t, task.IsAlive())
		require.Zero(t, task.PID())
		start(t, task)
		require.NotZero(t, task.PID())
		y, err := task.Result(within(t))
		require.NoError(t, err)
		require.Equal(t, 144, y)
		require.Zero(t, join(t, task))
		require.False(t, task.IsAlive())
		require.NoError(t, task.Err())
		again, err := task.Result(within(t)) // as often as anyone likes
		require.NoError(t, err)
		require.Equal(t, 144, again)
	})
}

func TestErrorsAndPanicsTravel(t *testing.T) {
	bothWays(t, func(t *testing.T, inline bool) {
		task := start(t, new_(divide, inline, [2]int{7, 0}, quiet(t, process.Config{Name: "divider"})))
		_, err := task.Result(within(t))
		var remote *worker.RemoteError
		require.ErrorAs(t, err, &remote)
		require.Equal(t, "divide 7: by zero", remote.Message)
		contains(t, err.Error(), `process: "divider" (`, "divide 7: by zero")
		require.Equal(t, process.ExitError, join(t, task))

		panicked := start(t, new_(bomb, inline, "boom", quiet(t, process.Config{})))
		_, err = panicked.Result(within(t))
		require.ErrorAs(t, err, &remote)
		require.Equal(t, "panic: boom", remote.Message)
		contains(t, remote.Trace, "process_test", "main_test.go") // the remote stack, with the line
		require.Equal(t, process.ExitPanic, join(t, panicked))

		gone := start(t, new_(goexit, inline, struct{}{}, quiet(t, process.Config{})))
		_, err = gone.Result(within(t))
		require.ErrorAs(t, err, &remote)
		contains(t, err.Error(), "runtime.Goexit")
		require.Equal(t, process.ExitError, join(t, gone))
	})
}

func TestHowItEnded(t *testing.T) {
	for code, says := range map[int]string{0: "exit status 0", 3: "exit status 3", 255: "exit status 255"} {
		task := start(t, exit.New(code, quiet(t, process.Config{})))
		_, err := task.Result(within(t))
		var died *child.DiedError
		require.ErrorAs(t, err, &died)
		require.Equal(t, code, died.ExitCode)
		contains(t, err.Error(), "ended before its function returned: "+says, fmt.Sprintf("leaving with %d", code))
		require.Equal(t, code, join(t, task))
		require.NotErrorIs(t, err, process.ErrAborted)
	}
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGABRT} {
		task := start(t, die.New(int(sig), quiet(t, process.Config{Env: []string{"GOTRACEBACK=none"}})))
		_, err := task.Result(within(t))
		var died *child.DiedError
		require.ErrorAs(t, err, &died)
		require.NotErrorIs(t, err, process.ErrAborted)
		if sig == syscall.SIGKILL {
			require.Equal(t, -9, join(t, task))
			contains(t, err.Error(), "died: signal: killed")
		} else { // the Go runtime catches it and exits with 2
			require.Equal(t, 2, join(t, task))
		}
	}
	task := start(t, otherPanic.New(struct{}{}, quiet(t, process.Config{})))
	_, err := task.Result(within(t))
	require.Equal(t, process.ExitPanic, join(t, task))
	contains(t, err.Error(), "exit status 2", "panic: elsewhere", "functions_unix_test.go")
}

func TestToldToStop(t *testing.T) {
	ways := map[string]func(t *testing.T, p *process.Process){
		"Stop":      func(t *testing.T, p *process.Process) { require.NoError(t, p.Stop(within(t))) },
		"Terminate": func(t *testing.T, p *process.Process) { require.NoError(t, p.Terminate()) },
	}
	for name, tell := range ways {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, inline bool) {
				task := start(t, new_(wait, inline, struct{}{}, quiet(t, process.Config{})))
				require.NoError(t, task.Ready(within(t)))
				tell(t, task.Process)
				_, err := task.Result(within(t))
				require.ErrorIs(t, err, process.ErrAborted)
				contains(t, err.Error(), "told to stop")
				require.Equal(t, process.ExitAborted, join(t, task))

				kept := start(t, new_(orderly, inline, struct{}{}, quiet(t, process.Config{})))
				require.NoError(t, kept.Ready(within(t)))
				tell(t, kept.Process)
				value, err := kept.Result(within(t))
				require.NoError(t, err)
				require.Equal(t, "put away: told to stop", value)
				require.Zero(t, join(t, kept))
			})
		})
	}
	t.Run("Kill", func(t *testing.T) {
		task := start(t, wait.New(struct{}{}, quiet(t, process.Config{})))
		require.NoError(t, task.Kill())
		_, err := task.Result(within(t))
		require.ErrorIs(t, err, process.ErrAborted)
		var died *child.DiedError
		require.ErrorAs(t, err, &died)
		require.Equal(t, -9, join(t, task))
	})
	t.Run("from outside", func(t *testing.T) {
		task := start(t, wait.New(struct{}{}, quiet(t, process.Config{})))
		require.NoError(t, task.Ready(within(t)))
		require.NoError(t, syscall.Kill(task.PID(), syscall.SIGTERM))
		_, err := task.Result(within(t))
		require.ErrorIs(t, err, process.ErrAborted)
		require.Equal(t, -15, join(t, task))
	})
}

// Whoever does not listen goes too: computing for ever, stopped, before its start.
func TestTheDeafGo(t *testing.T) {
	const grace = 200 * time.Millisecond
	cfg := func() process.Config { return quiet(t, process.Config{Grace: grace}) }
	t.Run("Stop a busy one", func(t *testing.T) {
		task := start(t, deaf.New(struct{}{}, cfg()))
		require.NoError(t, task.Ready(within(t)))
		require.NoError(t, task.Stop(within(t)))
		_, err := task.Result(within(t))
		require.ErrorIs(t, err, process.ErrAborted)
		require.Contains(t, []int{-15, -9}, join(t, task))
	})
	t.Run("Terminate a busy one", func(t *testing.T) {
		task := start(t, deaf.New(struct{}{}, cfg()))
		require.NoError(t, task.Ready(within(t)))
		require.NoError(t, task.Terminate())
		require.Equal(t, -15, join(t, task))
		require.ErrorIs(t, task.Err(), process.ErrAborted)
	})
	t.Run("Stop a stopped one", func(t *testing.T) {
		task := start(t, wait.New(struct{}{}, cfg()))
		require.NoError(t, task.Ready(within(t)))
		require.NoError(t, syscall.Kill(task.PID(), syscall.SIGSTOP))
		require.NoError(t, task.Stop(within(t)))
		require.Equal(t, -9, join(t, task))
	})
	t.Run("Stop at once", func(t *testing.T) {
		for range 20 {
			task := start(t, wait.New(struct{}{}, cfg()))
			require.NoError(t, task.Stop(within(t)))
			require.Error(t, task.Err())
		}
	})
}

func TestJoinWithATimeLimit(t *testing.T) {
	task := start(t, wait.New(struct{}{}, quiet(t, process.Config{})))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := task.Join(ctx)
	require.ErrorIs(t, err, pipe.ErrTimeout)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.True(t, task.IsAlive())
	_, ended := task.ExitCode()
	require.False(t, ended)
	_, err = task.Result(ctx)
	require.ErrorIs(t, err, pipe.ErrTimeout)
	cancelled, cancelIt := context.WithCancelCause(t.Context())
	cancelIt(errors.New("enough"))
	require.EqualError(t, errors.Unwrap(task.Join(cancelled)), "enough")

	// Ready beats expired.
	require.NoError(t, task.Stop(within(t)))
	require.NoError(t, task.Join(ctx))
	require.False(t, task.IsAlive())
}

func TestStartedOnce(t *testing.T) {
	task := square.New(1, quiet(t, process.Config{Name: "once"}))
	require.ErrorContains(t, task.Join(t.Context()), `"once": not started`)
	_, err := task.Result(t.Context())
	require.ErrorContains(t, err, "not started")
	require.Error(t, task.Stop(t.Context()))
	require.Error(t, task.Terminate())
	require.Error(t, task.Kill())
	start(t, task)
	require.ErrorContains(t, task.Start(), `"once" was started already`)
	require.Zero(t, join(t, task))
}

func TestNames(t *testing.T) {
	first, second := whoAmI.New(struct{}{}, process.Config{}), whoAmI.New(struct{}{}, process.Config{})
	require.NotEqual(t, first.Name(), second.Name())
	require.True(t, strings.HasPrefix(first.Name(), "who-am-i-"))
	named := start(t, whoAmI.New(struct{}{}, quiet(t, process.Config{Name: "Ada Lovelace"})))
	me, err := named.Result(within(t))
	require.NoError(t, err)
	require.Equal(t, process.Info{Name: "Ada Lovelace", PID: named.PID(), Parent: "main", Depth: 1}, me)
	require.Equal(t, process.Info{Name: "main", PID: os.Getpid()}, process.Current())
}

func TestItsOwnMemory(t *testing.T) {
	global = "changed by the parent"
	defer func() { global = "as initialised" }()
	task := start(t, memory.New("changed by the child", quiet(t, process.Config{})))
	seen, err := task.Result(within(t))
	require.NoError(t, err)
	require.Equal(t, "as initialised", seen, "a new process has fresh variables, no copies")
	require.Equal(t, "changed by the parent", global)

	inline := start(t, memory.Inline("changed by the goroutine", process.Config{}))
	seen, err = inline.Result(within(t))
	require.NoError(t, err)
	require.Equal(t, "changed by the parent", seen)
	require.Equal(t, "changed by the goroutine", global)
}

func TestAService(t *testing.T) {
	bothWays(t, func(t *testing.T, inline bool) {
		task := start(t, new_(echo, inline, "> ", quiet(t, process.Config{})))
		c := task.Conn()
		for i := range 10 {
			require.NoError(t, pipe.Send(c, fmt.Sprint(i)))
			line, err := pipe.Receive[string](c)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("> %d", i), line)
		}
		require.NoError(t, task.Stop(within(t)))
		require.NoError(t, task.Err()) // it has seen the end of its input, and returned
		require.Zero(t, join(t, task))
		_, err := pipe.Receive[string](c)
		require.Error(t, err)
	})
}

// A backend that waits for a message does not look at its context.
func TestTerminateEndsTheWaitOnThePipe(t *testing.T) {
	bothWays(t, func(t *testing.T, inline bool) {
		task := start(t, new_(echo, inline, "", quiet(t, process.Config{Grace: time.Hour})))
		require.NoError(t, task.Ready(within(t)))
		require.NoError(t, task.Terminate())
		require.Equal(t, process.ExitAborted, join(t, task))
		require.ErrorIs(t, task.Err(), process.ErrAborted)
	})
}

// E8: the pipe to a killed backend ends, because the parent has no copy of its end.
func TestTheFrontendOfAKilledBackend(t *testing.T) {
	task := start(t, echo.New("", quiet(t, process.Config{})))
	c := task.Conn()
	require.NoError(t, pipe.Send(c, "are you there?"))
	_, err := pipe.Receive[string](c)
	require.NoError(t, err)
	require.NoError(t, task.Kill())
	_, err = pipe.Receive[string](c)
	require.Error(t, err)
	require.Equal(t, -9, join(t, task))
	require.ErrorIs(t, pipe.Send(c, "and now?"), pipe.ErrGone)
}

func TestASelectorWaitsForProcesses(t *testing.T) {
	s, err := selector.New[string]()
	require.NoError(t, err)
	defer s.Close()
	bothWays(t, func(t *testing.T, inline bool) {
		long := start(t, new_(wait, inline, struct{}{}, quiet(t, process.Config{})))
		short := start(t, new_(square, inline, 2, quiet(t, process.Config{})))
		require.NoError(t, s.Register(long, "long"))
		require.NoError(t, s.Register(short, "short"))
		keys, err := s.Select(within(t))
		require.NoError(t, err)
		require.Equal(t, []string{"short"}, keys)
		s.Unregister(long)
		s.Unregister(short)
	})
}

func TestAHundredAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			task := square.New(i, quiet(t, process.Config{}))
			if !isNil(t, task.Start()) {
				return
			}
			y, err := task.Result(within(t))
			if isNil(t, err) && y != i*i {
				t.Errorf("%d² is %d", i, y)
			}
			isNil(t, task.Join(within(t)))
		})
	}
	wg.Wait()
}

func isNil(t *testing.T, err error) bool {
	if err != nil {
		t.Error(err)
	}
	return err == nil
}

func TestNestedToALimit(t *testing.T) {
	task := start(t, nest.New(process.MaxDepth-1, quiet(t, process.Config{})))
	depth, err := task.Result(within(t))
	require.NoError(t, err)
	require.Equal(t, process.MaxDepth, depth)
	task = start(t, nest.New(process.MaxDepth, quiet(t, process.Config{})))
	_, err = task.Result(within(t))
	require.ErrorContains(t, err, "this process is at depth 10")
}

func TestCtrlCIsForTheParent(t *testing.T) {
	task := start(t, signals.New(struct{}{}, quiet(t, process.Config{})))
	ignored, err := task.Result(within(t))
	require.NoError(t, err)
	require.True(t, ignored)
}

func TestLargeArgumentsAndResults(t *testing.T) {
	const size = 20 << 20
	got := start(t, count.New(make([]byte, size), quiet(t, process.Config{})))
	n, err := got.Result(within(t))
	require.NoError(t, err)
	require.Equal(t, size, n)
	big := start(t, bigResult.New(size, quiet(t, process.Config{})))
	b, err := big.Result(within(t))
	require.NoError(t, err)
	require.Len(t, b, size)
}

// What is larger than a frame is an error, in a process and inline, before anything
// is sent.
func TestTheLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("not in -short: needs a gigabyte of memory")
	}
	bothWays(t, func(t *testing.T, inline bool) {
		err := new_(count, inline, make([]byte, pipe.DefaultLimit), quiet(t, process.Config{})).Start()
		require.ErrorIs(t, err, pipe.ErrTooLarge)
		task := start(t, new_(bigResult, inline, pipe.DefaultLimit, quiet(t, process.Config{})))
		_, err = task.Result(within(t))
		require.ErrorContains(t, err, "its result has 268435456 bytes, and the limit is 268435455")
		require.Equal(t, process.ExitError, join(t, task))
	})
}

// What cannot be encoded is an error of Start, or of this one task, and no hang.
func TestWhatCannotBeEncoded(t *testing.T) {
	bothWays(t, func(t *testing.T, inline bool) {
		task := new_(nan, inline, point{X: math.NaN()}, process.Config{Name: "nan"})
		err := task.Start()
		require.ErrorContains(t, err, `start "nan"`)
		require.ErrorContains(t, err, "NaN")
		<-task.Done()
		require.ErrorIs(t, task.Err(), err)
		_, again := task.Result(t.Context())
		require.ErrorIs(t, again, err)

		back := start(t, new_(nan, inline, point{X: -1}, quiet(t, process.Config{})))
		_, err = back.Result(within(t))
		require.ErrorContains(t, err, "the result of")
		require.ErrorContains(t, err, "NaN")
		require.Equal(t, process.ExitError, join(t, back))
	})
}

type point struct{ X float64 }

var nan = process.Func("nan", func(_ context.Context, p point) (point, error) {
	return point{math.Sqrt(p.X)}, nil
})

func TestAProgramThatCannotStart(t *testing.T) {
	task := square.New(1, quiet(t, process.Config{Name: "lost", Dir: "/no/such/directory"}))
	err := task.Start()
	require.ErrorContains(t, err, `process: start "lost": `)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = task.Result(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
}

// die kills this very process.
var die = process.Func("die", func(_ context.Context, sig int) (struct{}, error) {
	if err := syscall.Kill(os.Getpid(), syscall.Signal(sig)); err != nil {
		return struct{}{}, err
	}
	for { // select {} is a deadlock to the runtime, without cgo
		time.Sleep(time.Hour)
	}
})
