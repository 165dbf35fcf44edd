//go:build unix

package pool_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/07-pool-map/pool"
)

// A mark is a task that can be counted from outside.
type mark struct {
	Journal string
	Number  int
	Spin    int
}

// marks writes its number and its pid into the journal, at its beginning.
var marks = process.Func("marks", func(_ context.Context, m mark) (int, error) {
	f, err := os.OpenFile(m.Journal, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	b := binary.BigEndian.AppendUint32(nil, uint32(m.Number))
	if _, err := f.Write(binary.BigEndian.AppendUint32(b, uint32(os.Getpid()))); err != nil {
		return 0, err
	}
	busy := 0
	for range m.Spin {
		busy += time.Now().Nanosecond()
	}
	if busy < 0 {
		return busy, nil
	}
	return m.Number * 2, nil
})

// TestChaos kills a random worker again and again while there is work. Nothing hangs, no
// value is wrong, nothing is done twice, and the ledger is exact.
func TestChaos(t *testing.T) {
	lasts, every := 10*time.Second, 50*time.Millisecond
	switch {
	case os.Getenv("SOAK") != "":
		lasts = 3 * time.Minute
	case testing.Short():
		lasts = time.Second
	}
	journal := filepath.Join(t.TempDir(), "journal")
	require.NoError(t, os.WriteFile(journal, nil, 0o600))
	p := newPool(t, pool.Config{Workers: 3, Name: "chaos"})
	over := make(chan struct{})
	var kills int
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(every):
				if pids := processtest.Children(t, "chaos-"); len(pids) > 0 {
					_ = syscall.Kill(pids[rand.IntN(len(pids))], syscall.SIGKILL)
					kills++
				}
			}
		}
	})
	next, lost, failed := 0, 0, 0
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		in := make([]mark, rand.IntN(2000))
		for i := range in {
			in[i] = mark{journal, next + i, rand.IntN(500)}
		}
		out, err := pool.Map(processtest.Within(t), p, marks, in, pool.Chunk(1+rand.IntN(100)))
		bad := map[int]bool{}
		for _, err := range errorsOf(err) {
			e, ok := errors.AsType[*pool.TaskError](err)
			require.True(t, ok, err)
			require.False(t, bad[e.Task], "one error for each")
			bad[e.Task] = true
			switch _, died := errors.AsType[*child.DiedError](err); {
			case errors.Is(err, pool.ErrLost):
				lost++
			case died:
				failed++
			default:
				t.Fatal(err)
			}
		}
		for i, value := range out {
			if want := 2 * (next + i); !bad[i] && value != want {
				t.Fatalf("task %d: got %d, want %d", i, value, want)
			}
		}
		next += len(in)
	}
	close(over)
	wg.Wait()
	text, err := os.ReadFile(journal)
	require.NoError(t, err)
	seen := make([]bool, next)
	for ; len(text) > 0; text = text[8:] {
		n := binary.BigEndian.Uint32(text)
		require.False(t, seen[n], "task %d was run twice", n)
		seen[n] = true
	}
	p.Close()
	ledger, err := p.Join(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, pool.Ledger{Submitted: next, Done: next - lost - failed, Failed: failed, Lost: lost}, ledger)
	t.Logf("%d tasks, %d workers killed: %d tasks failed, %d lost", next, kills, failed, lost)
}

func errorsOf(err error) []error {
	if err == nil {
		return nil
	}
	return err.(interface{ Unwrap() []error }).Unwrap()
}
