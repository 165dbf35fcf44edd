//go:build unix

package process_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/04-fork-order/process"
)

// patience is a hang detector, never a proof: no healthy test comes near it.
const patience = 60 * time.Second

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// quiet keeps what processes print out of the test's own output, which a child that
// stays behind would keep open.
func quiet(t testing.TB, cfg process.Config) process.Config {
	if cfg.Stdout == nil {
		cfg.Stdout = t.Output()
	}
	if cfg.Stderr == nil {
		cfg.Stderr = t.Output()
	}
	// A program with the race detector in it would sleep a second before it ends.
	cfg.Env = append(cfg.Env, "GORACE=atexit_sleep_ms=0")
	return cfg
}

// start starts a process that ends, at the latest, with the test.
func start[Out any](t testing.TB, task *process.Task[Out]) *process.Task[Out] {
	t.Helper()
	require.NoError(t, task.Start())
	t.Cleanup(func() {
		_ = task.Kill()
		<-task.Done()
		if c := task.Conn(); c != nil {
			_ = c.Close()
		}
	})
	return task
}

// join waits for the end and returns the exit code.
func join(t testing.TB, p interface {
	Join(context.Context) error
	ExitCode() (int, bool)
}) int {
	t.Helper()
	require.NoError(t, p.Join(within(t)))
	code, ended := p.ExitCode()
	require.True(t, ended)
	return code
}

// The functions that run as processes in these tests.
var (
	divide = process.Func("divide", func(_ context.Context, ab [2]int) (int, error) {
		if ab[1] == 0 {
			return 0, fmt.Errorf("divide %d: %w", ab[0], errors.New("by zero"))
		}
		return ab[0] / ab[1], nil
	})

	exit = process.Func("exit", func(_ context.Context, code int) (struct{}, error) {
		fmt.Fprintf(os.Stderr, "leaving with %d\n", code)
		os.Exit(code)
		return struct{}{}, nil
	})

	goexit = process.Func("goexit", func(context.Context, struct{}) (struct{}, error) {
		runtime.Goexit()
		return struct{}{}, nil
	})

	otherPanic = process.Func("panic-elsewhere", func(ctx context.Context, _ struct{}) (struct{}, error) {
		go panic("elsewhere")
		<-ctx.Done()
		return struct{}{}, nil
	})

	whoAmI = process.Func("who-am-i", func(context.Context, struct{}) (process.Info, error) {
		return process.Current(), nil
	})

	// wait ends only because it is told to, and says what it was told.
	wait = process.Func("wait", func(ctx context.Context, _ struct{}) (string, error) {
		<-ctx.Done()
		return "", context.Cause(ctx)
	})

	// orderly is told to stop and returns a value all the same.
	orderly = process.Func("orderly", func(ctx context.Context, _ struct{}) (string, error) {
		<-ctx.Done()
		return "put away: " + context.Cause(ctx).Error(), nil
	})

	// deaf looks at nothing and computes for ever.
	deaf = process.Func("deaf", func(context.Context, struct{}) (int, error) {
		for i := 0; ; i++ {
			busy = i
		}
	})

	global = "as initialised"
	memory = process.Func("memory", func(_ context.Context, set string) (string, error) {
		before := global
		global = set
		return before, nil
	})

	nest = process.Func("nest", nestOnce)

	signals = process.Func("ignores-sigint", func(_ context.Context, _ struct{}) (bool, error) {
		return signal.Ignored(os.Interrupt), nil
	})

	bigResult = process.Func("big", func(_ context.Context, n int) ([]byte, error) { return make([]byte, n), nil })
	count     = process.Func("count", func(_ context.Context, b []byte) (int, error) { return len(b), nil })
)

var busy int

func init() { nestTarget = nest }

var nestTarget *process.Target[int, int] // nest mentions itself

func nestOnce(ctx context.Context, depth int) (int, error) {
	if depth == 0 {
		return process.Current().Depth, nil
	}
	task := nestTarget.New(depth-1, process.Config{Stdout: os.Stderr})
	if err := task.Start(); err != nil {
		return 0, err
	}
	return task.Result(ctx)
}
