// Package processtest is for tests that play with processes: start some, hear what they
// say, kill and stop them, and leave nothing behind.
//
// It is a help for the tests of the lessons and teaches nothing itself.
package processtest

import (
	"context"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
)

// Patience is a hang detector, never a proof: no healthy test comes near it.
const Patience = 60 * time.Second

// Main is the TestMain of a package whose tests start processes.
func Main(m *testing.M) {
	process.Main()
	leaktest.Main(m)
}

// RaceDetector tells whether it is in this program. What is large or many takes ten times
// as long with it.
func RaceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// Within returns a context that ends when the test has hung for too long.
func Within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// Past returns a context whose time has been over for long.
func Past(t testing.TB) context.Context {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	t.Cleanup(cancel)
	return ctx
}

// Quiet is for processes that belong to the test: what they print is the test's output,
// and with the race detector in them they do not sleep a second before they end.
func Quiet(t testing.TB) process.Config {
	return process.Config{Stdout: t.Output(), Stderr: t.Output(), Env: []string{"GORACE=atexit_sleep_ms=0"}}
}

// A Started process, and what it says. It is killed when the test is over.
type Started struct {
	*process.Task[struct{}]
	*pipe.Conn
}

// Start starts a service as a process.
func Start[In any](t testing.TB, target *process.Target[In, struct{}], in In) Started {
	t.Helper()
	task := target.New(in, Quiet(t))
	require.NoError(t, task.Start())
	t.Cleanup(func() {
		_ = task.Kill()
		require.NoError(t, task.Join(context.Background()))
		_ = task.Conn().Close()
	})
	return Started{task, task.Conn()}
}

// Says waits for what it says next, and wants it to be just that.
func (s Started) Says(t testing.TB, want string) {
	t.Helper()
	got, err := pipe.Receive[string](s.Conn)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// Dies kills it, and waits for its end.
func (s Started) Dies(t testing.TB) {
	t.Helper()
	require.NoError(t, s.Kill())
	require.NoError(t, s.Join(Within(t)))
}
