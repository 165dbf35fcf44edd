package lock_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/05-events-locks/lock"
)

// A suite that both kinds pass. open returns a new handle, always of the same lock.
var suite = map[string]func(t *testing.T, open func() lock.Lock){
	"TwoHandlesExcludeEachOther": suiteTwoHandlesExcludeEachOther,
	"ATimedAcquire":              suiteATimedAcquire,
	"SharedHolders":              suiteSharedHolders,
	"With":                       suiteWith,
	"GoroutinesWithOneHandle":    suiteGoroutinesWithOneHandle,
	"Close":                      suiteClose,
}

func TestSuite(t *testing.T) {
	for kind, opener := range kinds {
		t.Run(kind, func(t *testing.T) {
			for name, test := range suite {
				t.Run(name, func(t *testing.T) { test(t, opener(t)) })
			}
		})
	}
}

func path(t *testing.T, l lock.Lock) string {
	t.Helper()
	text, err := l.MarshalText()
	require.NoError(t, err)
	return string(text)
}

func suiteTwoHandlesExcludeEachOther(t *testing.T, open func() lock.Lock) {
	a, b := open(), open()
	first, err := a.Acquire(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, lock.Grant{Token: 1}, first)
	_, err = b.TryAcquire()
	require.ErrorIs(t, err, lock.ErrHeld)
	require.ErrorContains(t, err, path(t, b))
	_, err = a.TryAcquire() // nor does the same handle get it twice
	require.ErrorIs(t, err, lock.ErrHeld)
	require.ErrorIs(t, b.Release(), lock.ErrNotHeld) // and who has it not, cannot release it

	got := make(chan lock.Grant)
	go func() {
		g, err := b.Acquire(context.Background()) // waits in the kernel
		if err != nil {
			t.Error(err)
		}
		got <- g
	}()
	require.NoError(t, a.Release())
	require.Equal(t, lock.Grant{Token: 2}, <-got)
	require.ErrorIs(t, a.Release(), lock.ErrNotHeld)
	require.NoError(t, b.Release())
	third, err := a.TryAcquire()
	require.NoError(t, err)
	require.Equal(t, lock.Grant{Token: 3}, third)
}

func suiteATimedAcquire(t *testing.T, open func() lock.Lock) {
	a, b := open(), open()
	_, err := a.Acquire(processtest.Within(t))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = b.Acquire(ctx)
	require.ErrorIs(t, err, pipe.ErrTimeout)
	require.ErrorContains(t, err, "lock: acquire "+path(t, b))
	cancelled, stop := context.WithCancelCause(t.Context())
	stop(errors.New("enough"))
	_, err = b.Acquire(cancelled)
	require.ErrorContains(t, err, "enough")
	// Goroutines that share a handle take turns, and give up in the same way.
	_, err = a.Acquire(ctx)
	require.ErrorIs(t, err, pipe.ErrTimeout)
	// Ready beats expired.
	require.NoError(t, a.Release())
	_, err = b.Acquire(ctx)
	require.NoError(t, err)
}

func suiteSharedHolders(t *testing.T, open func() lock.Lock) {
	a, b, c := open(), open(), open()
	ctx := processtest.Within(t)
	_, err := c.Acquire(ctx)
	require.NoError(t, err)
	require.NoError(t, c.Release())
	ga, err := a.AcquireShared(ctx)
	require.NoError(t, err)
	gb, err := b.AcquireShared(ctx)
	require.NoError(t, err)
	require.Equal(t, lock.Grant{Token: 1}, ga)
	require.Equal(t, ga, gb)
	_, err = c.TryAcquire()
	require.ErrorIs(t, err, lock.ErrHeld)
	require.NoError(t, a.Release())
	_, err = c.TryAcquire()
	require.ErrorIs(t, err, lock.ErrHeld)
	require.NoError(t, b.Release())
	gc, err := c.TryAcquire()
	require.NoError(t, err)
	require.Equal(t, lock.Grant{Token: 2}, gc)
}

func suiteWith(t *testing.T, open func() lock.Lock) {
	f := open()
	free := func() {
		t.Helper()
		_, err := f.TryAcquire()
		require.NoError(t, err)
		require.NoError(t, f.Release())
	}
	require.NoError(t, f.With(processtest.Within(t), func(g lock.Grant) error {
		require.Equal(t, uint64(1), g.Token)
		_, err := f.TryAcquire()
		require.ErrorIs(t, err, lock.ErrHeld)
		return nil
	}))
	free()
	wrong := errors.New("wrong")
	require.ErrorIs(t, f.With(processtest.Within(t), func(lock.Grant) error { return wrong }), wrong)
	free()
	require.PanicsWithValue(t, "on purpose", func() { _ = f.With(processtest.Within(t), func(lock.Grant) error { panic("on purpose") }) })
	free()
	require.ErrorIs(t, f.With(processtest.Within(t), func(lock.Grant) error { return f.Release() }), lock.ErrNotHeld)
	free()
}

func suiteGoroutinesWithOneHandle(t *testing.T, open func() lock.Lock) {
	f := open()
	n := 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if err := f.With(context.Background(), func(lock.Grant) error { n++; return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, 800, n)
}

func suiteClose(t *testing.T, open func() lock.Lock) {
	b, a := open(), open() // b is the first one: with a Socket it keeps the lock
	_, err := a.Acquire(processtest.Within(t))
	require.NoError(t, err)
	for _, ctx := range []context.Context{processtest.Within(t), context.Background()} {
		c := open()
		waiting := make(chan error)
		go func() { _, err := c.Acquire(ctx); waiting <- err }()
		require.NoError(t, c.Close())
		require.NoError(t, c.Close())
		if _, file := c.(*lock.File); file && ctx.Done() == nil {
			require.NoError(t, a.Release()) // the kernel has it, and hears of that when the lock is free
		}
		require.ErrorIs(t, <-waiting, pipe.ErrClosed)
		require.ErrorIs(t, c.Release(), pipe.ErrClosed)
		_, err = c.TryAcquire()
		require.ErrorIs(t, err, pipe.ErrClosed)
	}
	if _, err = a.TryAcquire(); err != nil {
		require.ErrorIs(t, err, lock.ErrHeld) // by a itself, still
	}
	require.NoError(t, a.Close()) // and the lock with it, in good order
	g, err := b.TryAcquire()
	require.NoError(t, err)
	require.False(t, g.PrevDied)
}

func TestTheZeroValue(t *testing.T) {
	for _, none := range []lock.Lock{&lock.File{}, &lock.Socket{}} {
		_, err := none.TryAcquire()
		require.ErrorContains(t, err, "not opened")
		_, err = none.Acquire(processtest.Within(t))
		require.ErrorContains(t, err, "not opened")
		require.Error(t, none.Release())
		require.NoError(t, none.Close())
		_, err = none.MarshalText()
		require.Error(t, err)
	}
}
