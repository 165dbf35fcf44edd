//go:build unix

package event_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/05-events-locks/event"
	"example.com/multiprocessing/05-events-locks/hub"
)

func newEvent(t testing.TB) *event.Event {
	t.Helper()
	e, err := event.New()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

func open(t testing.TB, path string) *event.Event {
	t.Helper()
	e, err := event.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

func is(t testing.TB, e *event.Event, want bool) {
	t.Helper()
	set, err := e.IsSet()
	require.NoError(t, err)
	require.Equal(t, want, set)
}

// Two handles in one process are like two processes: the second one has come through
// the hub.
func TestSetAndClear(t *testing.T) {
	a := newEvent(t)
	b := open(t, a.Path())
	for range 3 {
		for _, e := range []*event.Event{a, b} {
			is(t, a, false)
			is(t, b, false)
			require.ErrorIs(t, e.Wait(processtest.Past(t)), pipe.ErrTimeout)
			require.NoError(t, e.Clear()) // it is not set: nothing happens
			require.NoError(t, e.Set())
			require.NoError(t, e.Set()) // it is set: nothing happens
			is(t, a, true)
			is(t, b, true)
			require.NoError(t, a.Wait(processtest.Within(t)))
			require.NoError(t, b.Wait(processtest.Past(t)), "ready beats expired")
			require.NoError(t, e.Clear())
		}
	}
}

func TestTimedWait(t *testing.T) {
	e := newEvent(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := e.Wait(ctx)
	require.ErrorIs(t, err, pipe.ErrTimeout)
	require.ErrorContains(t, err, "event: wait for "+e.Path()+": ")
	cancelled, stop := context.WithCancelCause(t.Context())
	stop(errors.New("enough"))
	require.ErrorContains(t, e.Wait(cancelled), "enough")
	require.NoError(t, e.Set())
	require.NoError(t, e.Wait(cancelled))
}

// Goroutines that share a handle, and some with handles of their own: all wake.
func TestOneSetWakesAll(t *testing.T) {
	e := newEvent(t)
	other := open(t, e.Path())
	for range 5 {
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if err := []*event.Event{e, other}[i%2].Wait(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		require.NoError(t, other.Set())
		wg.Wait()
		require.NoError(t, e.Clear())
	}
}

// The event is set and cleared all the time, by both; whoever wants to see it set
// does, sooner or later, and whoever waits is not lost.
func TestToAndFro(t *testing.T) {
	leaktest.Check(t)
	a, b := newEvent(t), newEvent(t)
	ctx := processtest.Within(t)
	var wg sync.WaitGroup
	run := func(waits, sets *event.Event) {
		for range 500 {
			if err := errors.Join(waits.Wait(ctx), waits.Clear(), sets.Set()); err != nil {
				t.Error(err)
				return
			}
		}
	}
	wg.Go(func() { run(a, open(t, b.Path())) })
	wg.Go(func() { run(b, open(t, a.Path())) })
	require.NoError(t, a.Set())
	wg.Wait()
}

func TestByName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "start")
	e, err := event.Listen(path)
	require.NoError(t, err)
	defer e.Close()
	require.Equal(t, path, e.Path())
	require.NoError(t, open(t, path).Set())
	is(t, e, true)
	_, err = event.Listen(path)
	require.ErrorIs(t, err, hub.ErrInUse)
	require.NoError(t, e.Close())
	_, err = event.Open(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, path)
	again, err := event.Listen(path)
	require.NoError(t, err)
	is(t, again, false)
	require.NoError(t, again.Close())
}

func TestWhatIsWrongWithThePath(t *testing.T) {
	dir := t.TempDir()
	for path, why := range map[string]string{
		"":                               "the path is empty",
		filepath.Join(dir, "no", "such"): "no such file or directory",
		dir:                              "it is not a socket",
	} {
		_, err := event.Listen(path)
		require.ErrorContains(t, err, why)
		require.ErrorContains(t, err, path)
		_, err = event.Open(path)
		require.ErrorContains(t, err, path)
	}
	odd := filepath.Join(dir, strings.Repeat("it's long ", 20))
	e, err := event.Listen(odd)
	require.NoError(t, err)
	require.NoError(t, open(t, odd).Set())
	require.NoError(t, e.Close())
	h, err := hub.New("tea", func(*pipe.Conn) {})
	require.NoError(t, err)
	defer h.Close()
	_, err = event.Open(h.Path())
	require.ErrorContains(t, err, "there is something else there")
}

func TestClose(t *testing.T) {
	e := newEvent(t)
	other := open(t, e.Path())
	third := open(t, e.Path())
	waits := func(e *event.Event) <-chan error {
		ended := make(chan error, 1)
		go func() { ended <- e.Wait(context.Background()) }()
		return ended
	}
	of := waits(other)
	require.NoError(t, other.Close())
	require.NoError(t, other.Close())
	require.ErrorIs(t, <-of, pipe.ErrClosed)
	require.ErrorIs(t, other.Set(), pipe.ErrClosed)
	is(t, third, false) // one handle less: that is all

	mine, theirs := waits(e), waits(third)
	require.NoError(t, e.Close())
	require.ErrorIs(t, <-mine, pipe.ErrClosed)
	require.ErrorIs(t, <-theirs, hub.ErrGone)
	for _, err := range []error{third.Set(), third.Clear(), third.Wait(processtest.Past(t))} {
		require.ErrorIs(t, err, hub.ErrGone)
		require.ErrorIs(t, err, pipe.ErrGone)
	}
	_, err := third.IsSet()
	require.ErrorIs(t, err, hub.ErrGone)
	_, err = e.IsSet()
	require.ErrorIs(t, err, pipe.ErrClosed)
	require.NoFileExists(t, e.Path())

	var none event.Event
	require.ErrorContains(t, none.Set(), "not opened")
	require.ErrorContains(t, none.Wait(processtest.Past(t)), "not opened")
	_, err = none.SyscallConn()
	require.Error(t, err)
	_, err = none.MarshalText()
	require.Error(t, err)
	require.NoError(t, none.Close())
}

// What was set stays set, also when its maker has gone: it has happened.
func TestSetBeforeTheEnd(t *testing.T) {
	e := newEvent(t)
	other := open(t, e.Path())
	require.NoError(t, e.Set())
	require.NoError(t, e.Close())
	require.NoError(t, other.Wait(processtest.Past(t)))
	is(t, other, true)
	require.ErrorIs(t, other.Clear(), hub.ErrGone)
}

// Who only wants to look need not have looked before.
func TestTheFirstLook(t *testing.T) {
	e := newEvent(t)
	text, err := e.MarshalText()
	require.NoError(t, err)
	for _, want := range []error{pipe.ErrTimeout, nil} {
		other := &event.Event{}
		require.NoError(t, other.UnmarshalText(text)) // not connected yet
		require.ErrorIs(t, other.Wait(processtest.Past(t)), want)
		require.NoError(t, other.Close())
		require.NoError(t, e.Set())
	}
}

// One wait for an event and a message.
func TestSource(t *testing.T) {
	e := newEvent(t)
	other := open(t, e.Path())
	r, w, err := pipe.New()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	s, err := selector.New[string]()
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Register(other, "event"))
	require.NoError(t, s.Register(r, "message"))
	ready := func(ctx context.Context) []string {
		found, err := s.Select(ctx)
		if err != nil {
			require.ErrorIs(t, err, pipe.ErrTimeout)
		}
		return found
	}
	for range 3 {
		require.Empty(t, ready(processtest.Past(t)))
		require.NoError(t, e.Set())
		require.Equal(t, []string{"event"}, ready(processtest.Within(t)))
		require.Equal(t, []string{"event"}, ready(processtest.Within(t)), "it stays ready")
		require.NoError(t, pipe.Send(w, "hello"))
		require.Equal(t, []string{"event", "message"}, ready(processtest.Within(t)))
		require.NoError(t, e.Clear())
		require.Equal(t, []string{"message"}, ready(processtest.Within(t)))
		_, err = pipe.Receive[string](r)
		require.NoError(t, err)
	}
	go e.Set()
	require.Equal(t, []string{"event"}, ready(context.Background()))
	require.NoError(t, e.Clear())
	require.NoError(t, e.Close())
	if found := ready(processtest.Past(t)); len(found) > 0 { // where a selector can see the end
		require.Equal(t, []string{"event"}, found)
		_, err := other.IsSet()
		require.ErrorIs(t, err, hub.ErrGone)
	}
	s.Unregister(other)
}
