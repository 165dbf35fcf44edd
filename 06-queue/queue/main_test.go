//go:build unix

package queue_test

import (
	"context"
	"testing"
	"time"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/04-fork-order/process"
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
