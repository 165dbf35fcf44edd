package selector_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
)

func exit(t *testing.T, p *os.Process) *selector.Exited {
	t.Helper()
	e, err := selector.Exit(p)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { e.Close() })
	return e
}

// One wait for what a process says and for its end.
func TestTheEndOfAProcess(t *testing.T) {
	s := newSelector(t)
	c, cmd := withRole(t, "wait", nil)
	e := exit(t, cmd.Process)
	require.NoError(t, s.Register(c, "message"))
	require.NoError(t, s.Register(e, "exit"))
	nothing(t, s)
	require.NoError(t, cmd.Process.Kill())
	for got := sel(t, s); len(got) < 2; got = sel(t, s) {
		require.NotEmpty(t, got) // the two come in any order, and both stay
	}
	require.Equal(t, []string{"message", "exit"}, sel(t, s))
	require.Error(t, cmd.Wait()) // it is still ours to wait for
	require.Equal(t, []string{"message", "exit"}, sel(t, s))
	_, err := selector.Exit(cmd.Process)
	require.ErrorIs(t, err, os.ErrProcessDone)
}

// The child has ended before anybody asked, and is a zombie.
func TestTheEndThatHasComeAlready(t *testing.T) {
	c, cmd := withRole(t, "wait", nil)
	first := exit(t, cmd.Process)
	require.NoError(t, c.Close())
	require.NoError(t, first.Wait(t.Context()))
	second := exit(t, cmd.Process)
	require.NoError(t, second.Wait(t.Context()))
	require.NoError(t, second.Wait(past(t)))
	require.NoError(t, cmd.Wait())
}

func TestWaitGivesUpWithItsContext(t *testing.T) {
	c, cmd := withRole(t, "wait", nil)
	e := exit(t, cmd.Process)
	ctx, cancel := context.WithTimeout(t.Context(), short)
	defer cancel()
	require.ErrorIs(t, e.Wait(ctx), pipe.ErrTimeout)
	require.ErrorIs(t, e.Wait(past(t)), pipe.ErrTimeout)
	require.NoError(t, c.Close())
	require.NoError(t, e.Wait(context.Background())) // without a Selector
	require.NoError(t, cmd.Wait())
	require.NoError(t, e.Close())
	require.Error(t, e.Wait(context.Background()))
}

// Somebody waits for the process at the very moment at which its end is news.
func TestExitAndWaitAtOnce(t *testing.T) {
	leaktest.Check(t)
	for range 20 {
		c, cmd := withRole(t, "wait", nil)
		e := exit(t, cmd.Process)
		waited := make(chan error, 2)
		go func() { waited <- cmd.Wait() }()
		go func() { waited <- e.Wait(context.Background()) }()
		require.NoError(t, c.Close())
		for range 2 {
			select {
			case err := <-waited:
				require.NoError(t, err)
			case <-time.After(patience):
				t.Fatal("the end was not noticed")
			}
		}
		require.NoError(t, e.Close())
	}
}
