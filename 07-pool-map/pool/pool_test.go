//go:build unix

package pool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
)

var square = process.Func("square", func(_ context.Context, x int) (int, error) { return x * x, nil })

// An act is what a task is to do.
type act struct {
	What string
	File string
}

// does what it is told, and returns its pid.
var does = process.Func("does", func(ctx context.Context, a act) (int, error) {
	if a.File != "" {
		f, err := os.OpenFile(a.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return 0, err
		}
		fmt.Fprintln(f, a.What)
		_ = f.Close()
	}
	what, rest, _ := strings.Cut(a.What, " ")
	switch what {
	case "fail":
		return 0, errors.New(rest)
	case "panic":
		panic(rest)
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "exit":
		code, _ := strconv.Atoi(rest)
		fmt.Fprintln(os.Stderr, "these are my last words")
		os.Exit(code)
	case "loop":
		for !time.Now().IsZero() { // it looks at nothing else
		}
	case "stop":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		time.Sleep(time.Hour) // it may take a moment
	case "meet": // so many tasks have to be here, each in a process of its own
		var n, i int
		var dir string
		if _, err := fmt.Sscan(rest, &n, &dir, &i); err != nil {
			return 0, err
		}
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(os.Getpid())), nil, 0o600); err != nil {
			return 0, err
		}
		for here := 0; here < n; time.Sleep(time.Millisecond) {
			entries, err := os.ReadDir(dir)
			if err != nil {
				return 0, err
			}
			here = len(entries)
		}
	case "say":
		fmt.Println(rest)
		fmt.Fprint(os.Stderr, "not a line")
	case "wait":
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return os.Getpid(), nil
})

func newPool(t testing.TB, cfg pool.Config) *pool.Pool {
	t.Helper()
	p, err := pool.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), processtest.Patience) // that of t has ended
		defer cancel()
		ledger, err := p.Terminate(ctx)
		require.NotErrorIs(t, err, pipe.ErrTimeout)
		require.Equal(t, ledger.Submitted, ledger.Done+ledger.Failed+ledger.Cancelled+ledger.Lost+ledger.Terminated, "%+v", ledger)
	})
	return p
}

func upTo(n int) (in []int) {
	for i := range n {
		in = append(in, i)
	}
	return in
}

func TestMapInOrder(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 3})
	for _, n := range []int{0, 1, 2, 3, 100, 10_000} {
		out, err := pool.Map(processtest.Within(t), p, square, upTo(n))
		require.NoError(t, err)
		require.Len(t, out, n)
		for i, x := range out {
			require.Equal(t, i*i, x)
		}
	}
	for _, chunk := range []int{1, 7, 1000} {
		out, err := pool.Map(processtest.Within(t), p, square, upTo(500), pool.Chunk(chunk))
		require.NoError(t, err)
		require.Equal(t, 499*499, out[499])
	}
	_, err := pool.Map(processtest.Within(t), p, square, upTo(5), pool.Chunk(0))
	require.Error(t, err)
	p.Close()
	ledger, err := p.Join(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, pool.Ledger{Submitted: 11_606, Done: 11_606}, ledger)
	_, err = pool.Map(processtest.Within(t), p, square, upTo(1))
	require.ErrorIs(t, err, pool.ErrClosed)
}

// Errors and panics are those of their task, and cost nobody else anything.
func TestFailures(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 2})
	in := []act{{What: "fail too small"}, {}, {What: "panic too large"}, {}}
	out, err := pool.Map(processtest.Within(t), p, does, in)
	require.ErrorContains(t, err, "pool: task 0: worker \"worker-")
	require.ErrorContains(t, err, "too small")
	remote, ok := errors.AsType[*worker.RemoteError](err)
	require.True(t, ok)
	require.Equal(t, "too small", remote.Message)
	require.ErrorContains(t, err, "panic: too large")
	require.NotZero(t, out[1])
	require.NotZero(t, out[3])
	require.Zero(t, out[0])
	require.Equal(t, pool.Ledger{Submitted: 4, Done: 2, Failed: 2}, p.Ledger())
}

// A worker that dies costs the task that it was running, and no other.
func TestTheWorkerDies(t *testing.T) {
	for _, how := range []string{"die", "exit 3", "exit 0"} {
		t.Run(how, func(t *testing.T) {
			p := newPool(t, pool.Config{Workers: 2, Stderr: &strings.Builder{}})
			journal := filepath.Join(t.TempDir(), "journal")
			in := make([]act, 40)
			for i := range in {
				in[i] = act{fmt.Sprint("work ", i), journal}
			}
			in[13].What = how
			out, err := pool.Map(processtest.Within(t), p, does, in, pool.Chunk(20))
			died, ok := errors.AsType[*child.DiedError](err)
			require.True(t, ok, err)
			switch how {
			case "die":
				require.Equal(t, syscall.SIGKILL, died.Signal)
			default:
				require.Equal(t, how, fmt.Sprint("exit ", died.ExitCode))
				require.Contains(t, died.StderrTail, "my last words")
			}
			ledger := p.Ledger()
			require.Equal(t, 1, ledger.Failed, err)
			require.Equal(t, 39, ledger.Done+ledger.Lost)
			require.Zero(t, out[13])
			lost := 0
			for i, pid := range out {
				if pid == 0 && i != 13 {
					lost++
				}
			}
			require.Equal(t, ledger.Lost, lost)
			require.Equal(t, lost > 0, errors.Is(err, pool.ErrLost))
			text, err := os.ReadFile(journal)
			require.NoError(t, err)
			require.Equal(t, 40, strings.Count(string(text), "\n"), "each was begun once")
		})
	}
}

// With Retry the same tasks run again, and only they.
func TestRetry(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 2, Retry: 1})
	dir := t.TempDir()
	in := make([]act, 10)
	for i := range in {
		in[i] = act{What: "work", File: filepath.Join(dir, fmt.Sprint(i))}
	}
	in[5].What = "die"
	_, err := pool.Map(processtest.Within(t), p, does, in, pool.Chunk(5))
	died, ok := errors.AsType[*child.DiedError](err)
	require.True(t, ok, err)
	require.Equal(t, syscall.SIGKILL, died.Signal)
	text, err := os.ReadFile(in[5].File)
	require.NoError(t, err)
	require.Equal(t, "die\ndie\n", string(text))
	require.Equal(t, pool.Ledger{Submitted: 10, Done: 9, Failed: 1}, p.Ledger())
}

// The limit counts from the moment in which the task begins, and holds for tasks that look
// at nothing.
func TestTimeLimit(t *testing.T) {
	for _, how := range []string{"loop", "stop"} {
		p := newPool(t, pool.Config{Workers: 1, TaskTimeout: 50 * time.Millisecond})
		out, err := pool.Map(processtest.Within(t), p, does, []act{{}, {What: how}, {}}, pool.Chunk(1))
		require.ErrorIs(t, err, pool.ErrTimeLimit)
		require.NotZero(t, out[2], err)
		require.Equal(t, 1, p.Ledger().Failed)
	}
}

func TestBroken(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1})
	in := make([]act, 30)
	for i := range in {
		in[i].What = "die"
	}
	_, err := pool.Map(processtest.Within(t), p, does, in)
	require.ErrorIs(t, err, pool.ErrBroken)
	require.ErrorContains(t, err, "killed")
	_, err = pool.Map(processtest.Within(t), p, does, in[:1])
	require.ErrorIs(t, err, pool.ErrBroken)
}

func TestTasksPerChild(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1, TasksPerChild: 2})
	out, err := pool.Map(processtest.Within(t), p, does, make([]act, 6), pool.Chunk(1))
	require.NoError(t, err)
	require.Equal(t, out[0], out[1])
	require.NotEqual(t, out[1], out[2])
	require.Equal(t, out[2], out[3])
	require.NotEqual(t, out[3], out[4])
}

func TestTerminate(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 2, Grace: time.Second})
	mapped := make(chan error)
	go func() {
		_, err := pool.Map(context.Background(), p, does, []act{{What: "wait"}, {What: "loop"}, {What: "wait"}, {}}, pool.Chunk(1))
		mapped <- err
	}()
	for p.Ledger().Submitted < 4 {
		time.Sleep(time.Millisecond)
	}
	ledger, err := p.Terminate(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, 4, ledger.Terminated+ledger.Failed)
	require.ErrorIs(t, <-mapped, pool.ErrTerminated)
	_, err = pool.Map(processtest.Within(t), p, square, upTo(1))
	require.ErrorIs(t, err, pool.ErrTerminated)
}

func TestTheContextEnds(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1, Grace: -1})
	ctx, cancel := context.WithCancelCause(t.Context())
	mapped := make(chan error)
	began := filepath.Join(t.TempDir(), "began")
	go func() {
		_, err := pool.Map(ctx, p, does, []act{{What: "wait", File: began}, {}, {}}, pool.Chunk(1))
		mapped <- err
	}()
	appears(t, began)
	for p.Ledger().Submitted < 3 {
		time.Sleep(time.Millisecond)
	}
	cancel(errors.New("enough"))
	require.ErrorContains(t, <-mapped, "enough")
	require.Equal(t, 2, p.Ledger().Cancelled)
}

func TestFailFast(t *testing.T) {
	p := newPool(t, pool.Config{Workers: 1})
	in := append([]act{{What: "fail at once"}}, make([]act, 50)...)
	_, err := pool.Map(processtest.Within(t), p, does, in, pool.Chunk(1), pool.FailFast())
	require.ErrorContains(t, err, "at once")
	require.NotContains(t, err.Error(), "have not come")
}

func TestWith(t *testing.T) {
	ledger, err := pool.With(processtest.Within(t), pool.Config{Workers: 1}, func(p *pool.Pool) error {
		_, err := pool.Map(processtest.Within(t), p, square, upTo(3))
		return err
	})
	require.NoError(t, err)
	require.Equal(t, pool.Ledger{Submitted: 3, Done: 3}, ledger)
	wrong := errors.New("wrong")
	_, err = pool.With(processtest.Within(t), pool.Config{Workers: 1}, func(*pool.Pool) error { return wrong })
	require.ErrorIs(t, err, wrong)
	_, err = pool.New(pool.Config{Workers: -1})
	require.Error(t, err)
}

// appears waits until a task has made the file.
func appears(t testing.TB, file string) {
	t.Helper()
	for ctx := processtest.Within(t); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(file); err == nil {
			return
		}
		require.NoError(t, ctx.Err(), "%s did not appear", file)
	}
}
