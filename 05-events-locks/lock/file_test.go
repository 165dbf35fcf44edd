package lock_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/05-events-locks/lock"
)

func TestTwoHandlesExcludeEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	a, b := open(t, path), open(t, path)
	first, err := a.Acquire(within(t))
	require.NoError(t, err)
	require.Equal(t, lock.Grant{Token: 1}, first)
	_, err = b.TryAcquire()
	require.ErrorIs(t, err, lock.ErrHeld)
	require.ErrorContains(t, err, path)
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

func TestATimedAcquire(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	a, b := open(t, path), open(t, path)
	_, err := a.Acquire(within(t))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = b.Acquire(ctx)
	require.ErrorIs(t, err, pipe.ErrTimeout)
	require.ErrorContains(t, err, "lock: acquire "+path)
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

func TestSharedHolders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	a, b, c := open(t, path), open(t, path), open(t, path)
	ctx := within(t)
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

func TestWith(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "lock"))
	free := func() {
		t.Helper()
		_, err := f.TryAcquire()
		require.NoError(t, err)
		require.NoError(t, f.Release())
	}
	require.NoError(t, f.With(within(t), func(g lock.Grant) error {
		require.Equal(t, uint64(1), g.Token)
		_, err := f.TryAcquire()
		require.ErrorIs(t, err, lock.ErrHeld)
		return nil
	}))
	free()
	wrong := errors.New("wrong")
	require.ErrorIs(t, f.With(within(t), func(lock.Grant) error { return wrong }), wrong)
	free()
	require.PanicsWithValue(t, "on purpose", func() { _ = f.With(within(t), func(lock.Grant) error { panic("on purpose") }) })
	free()
	require.ErrorIs(t, f.With(within(t), func(lock.Grant) error { return f.Release() }), lock.ErrNotHeld)
	free()
}

func TestGoroutinesWithOneHandle(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "lock"))
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

// Somebody removes or replaces the file. There must not be two holders of what both
// believe to be the same lock.
func TestTheFileIsReplaced(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("on Windows an open file cannot be removed")
	}
	replace := map[string]func(t *testing.T, path string){
		"removed":      func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) },
		"renamed away": func(t *testing.T, path string) { require.NoError(t, os.Rename(path, path+".old")) },
		"renamed over": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path+".new", nil, 0o600))
			require.NoError(t, os.Rename(path+".new", path))
		},
		"truncated": func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 0)) },
	}
	for name, replace := range replace {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lock")
			old, waiting := open(t, path), open(t, path)
			for range 3 {
				_, err := old.Acquire(within(t))
				require.NoError(t, err)
				if name != "truncated" { // who holds it uses the memory, see the README
					got := make(chan error)
					go func() {
						_, err := waiting.Acquire(context.Background())
						got <- err
					}()
					replace(t, path)
					require.NoError(t, old.Release())
					require.NoError(t, <-got)
				} else {
					require.NoError(t, old.Release())
					replace(t, path)
					_, err := waiting.Acquire(within(t))
					require.NoError(t, err)
				}
				fresh := open(t, path)
				_, err = fresh.TryAcquire()
				require.ErrorIs(t, err, lock.ErrHeld, "two have the lock")
				_, err = old.TryAcquire()
				require.ErrorIs(t, err, lock.ErrHeld, "two have the lock")
				require.NoError(t, waiting.Release())
				_, err = fresh.TryAcquire()
				require.NoError(t, err)
				_, err = old.TryAcquire()
				require.ErrorIs(t, err, lock.ErrHeld, "two have the lock")
				require.NoError(t, fresh.Release())
			}
		})
	}
}

// With flock, unlike fcntl, another descriptor of the file means nothing.
func TestClosingTheFileElsewhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	a, b := open(t, path), open(t, path)
	_, err := a.Acquire(within(t))
	require.NoError(t, err)
	_, err = os.ReadFile(path) // opens and closes it
	require.NoError(t, err)
	c, err := lock.Open(path)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	_, err = b.TryAcquire()
	require.ErrorIs(t, err, lock.ErrHeld)
}

func TestWhatIsWrongWithThePath(t *testing.T) {
	dir := t.TempDir()
	for path, why := range map[string]string{
		"":                               "the path is empty",
		filepath.Join(dir, "no", "such"): "no such file or directory",
		dir:                              "is a directory",
		filepath.Join(dir, strings.Repeat("x", 300)): "file name too long",
	} {
		if runtime.GOOS == "windows" && path != "" {
			why = "lock: "
		}
		_, err := lock.Open(path)
		require.ErrorContains(t, err, why)
		require.ErrorContains(t, err, path)
	}
	// Any other path will do, also one that is longer than that of a socket may be.
	odd := dir
	for range 5 {
		odd = filepath.Join(odd, `it's odd `+strings.Repeat("long", 20))
	}
	require.NoError(t, os.MkdirAll(odd, 0o700))
	f := open(t, filepath.Join(odd, "lock"))
	_, err := f.TryAcquire()
	require.NoError(t, err)
}

func TestCreatedForItsUserAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	open(t, path)
	info, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, os.FileMode(0o600), info.Mode())
	}
}

func TestClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	a, b := open(t, path), open(t, path)
	_, err := a.Acquire(within(t))
	require.NoError(t, err)
	for _, ctx := range []context.Context{within(t), context.Background()} {
		c, err := lock.Open(path)
		require.NoError(t, err)
		waiting := make(chan error)
		go func() { _, err := c.Acquire(ctx); waiting <- err }()
		require.NoError(t, c.Close())
		require.NoError(t, c.Close())
		if ctx.Done() == nil { // the kernel has it: it hears of that when the lock is free
			require.NoError(t, a.Release())
		}
		require.ErrorIs(t, <-waiting, pipe.ErrClosed)
		require.ErrorIs(t, c.Release(), pipe.ErrClosed)
		_, err = c.TryAcquire()
		require.ErrorIs(t, err, pipe.ErrClosed)
	}
	_, err = a.Acquire(within(t))
	require.NoError(t, err)
	require.NoError(t, a.Close()) // and the lock with it, in good order
	g, err := b.TryAcquire()
	require.NoError(t, err)
	require.False(t, g.PrevDied)
	var none lock.File
	_, err = none.TryAcquire()
	require.ErrorContains(t, err, "not opened")
	_, err = none.Acquire(within(t))
	require.ErrorContains(t, err, "not opened")
	require.NoError(t, none.Close())
	_, err = none.MarshalText()
	require.Error(t, err)
}
