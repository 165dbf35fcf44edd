//go:build unix

package pool

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A call is taken back before its worker has seen it: the writer has not come to it yet. The
// worker will say nothing about it, and nobody must wait for that.
func TestTakenBackUnsent(t *testing.T) {
	p := newTestPool(t, Config{Workers: 1}, service)
	a := give(t, p, double, 1)
	a.has(t, 2)
	arg, err := double.Append(nil, 3)
	require.NoError(t, err)
	a = &awaited{done: make(chan struct{})}
	a.Call = Call{Name: double.Name(), Tasks: 1, Args: AppendArg(nil, arg), Result: a.result}
	p.mu.Lock()
	w := p.workers[0]
	w.writing = true // so that give leaves it to the writer, which waits for the lock
	p.ledger.Submitted++
	p.open++
	w.give(&job{Call: &a.Call, end: 1, args: a.Args})
	p.takeBack(w)
	w.writing = false
	p.dispatch()
	p.mu.Unlock()
	a.has(t, 6)
}
