package lock_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/05-events-locks/lock"
)

func TestMain(m *testing.M) {
	process.Main()
	leaktest.Main(m)
}

// patience is a hang detector, never a proof: no healthy test comes near it.
const patience = 60 * time.Second

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func open(t testing.TB, path string) *lock.File {
	t.Helper()
	f, err := lock.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}
