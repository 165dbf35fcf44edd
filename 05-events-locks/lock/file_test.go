package lock_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/05-events-locks/lock"
)

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
				_, err := old.Acquire(processtest.Within(t))
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
					_, err := waiting.Acquire(processtest.Within(t))
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
	_, err := a.Acquire(processtest.Within(t))
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
