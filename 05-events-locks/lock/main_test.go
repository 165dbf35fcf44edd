package lock_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/05-events-locks/lock"
)

func TestMain(m *testing.M) { processtest.Main(m) }

// kinds are the ways to get handles of one lock.
var kinds = map[string]func(t testing.TB) func() lock.Lock{
	"File": func(t testing.TB) func() lock.Lock {
		path := filepath.Join(t.TempDir(), "lock")
		return func() lock.Lock { return open(t, path) }
	},
	"Socket": func(t testing.TB) func() lock.Lock {
		var first *lock.Socket
		return func() lock.Lock {
			s, err := (*lock.Socket)(nil), error(nil)
			if first == nil {
				s, err = lock.NewSocket()
				first = s
			} else {
				s, err = lock.OpenSocket(first.Path())
			}
			if errors.Is(err, errors.ErrUnsupported) {
				t.Skip(err)
			}
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			return s
		}
	},
}

func open(t testing.TB, path string) *lock.File {
	t.Helper()
	f, err := lock.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}
