//go:build unix

package queue_test

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/06-queue/queue"
)

type stream struct {
	Queue *queue.Queue[[]byte]
	Times int
	Batch int
}

var item = make([]byte, 64)

// pour puts items when it is told to.
var pour = process.Service("pour", func(ctx context.Context, s stream, front *pipe.Conn) error {
	if _, err := pipe.Receive[string](front); err != nil {
		return err
	}
	batch := make([][]byte, s.Batch)
	for i := range batch {
		batch[i] = item
	}
	for n := s.Times; n > 0; n -= s.Batch {
		if err := s.Queue.Put(ctx, batch[:min(n, s.Batch)]...); err != nil {
			return err
		}
	}
	return nil
})

// drink takes items and says when it has so many.
var drink = process.Service("drink", func(ctx context.Context, s stream, front *pipe.Conn) error {
	for n := s.Times; n > 0; {
		items, err := s.Queue.GetMany(ctx, min(n, s.Batch))
		if err != nil {
			return err
		}
		n -= len(items)
	}
	return pipe.Send(front, "done")
})

// BenchmarkQueue is one item of 64 bytes on its way from one process to another. batch is
// with a hundred in each call.
func BenchmarkQueue(b *testing.B) {
	b.Run("kernel/1to1", func(b *testing.B) { benchmarkKernel(b, 1, queue.KernelConfig{}) })
	b.Run("kernel/2to2", func(b *testing.B) { benchmarkKernel(b, 2, queue.KernelConfig{}) })
	b.Run("kernel/sockets/1to1", func(b *testing.B) { benchmarkKernel(b, 1, queue.KernelConfig{MaxItem: queue.MaxKernelItem}) })
	b.Run("kernel/sockets/2to2", func(b *testing.B) { benchmarkKernel(b, 2, queue.KernelConfig{MaxItem: queue.MaxKernelItem}) })
	b.Run("kernel/slots/1to1", func(b *testing.B) { benchmarkKernel(b, 1, queue.KernelConfig{Slot: 80}) })
	b.Run("kernel/slots/2to2", func(b *testing.B) { benchmarkKernel(b, 2, queue.KernelConfig{Slot: 80}) })
	b.Run("broker/1to1", func(b *testing.B) { benchmarkQueue(b, 1, 1) })
	b.Run("broker/2to2", func(b *testing.B) { benchmarkQueue(b, 2, 1) })
	b.Run("broker/batch/1to1", func(b *testing.B) { benchmarkQueue(b, 1, 100) })
}

func benchmarkQueue(b *testing.B, n, batch int) {
	q := newQueue[[]byte](b, queue.Config{})
	s := stream{q, max(b.N/n, 1), batch}
	var from, to []processtest.Started
	for range n {
		from, to = append(from, processtest.Start(b, pour, s)), append(to, processtest.Start(b, drink, s))
	}
	for i := range n {
		require.NoError(b, from[i].Ready(context.Background()))
		require.NoError(b, to[i].Ready(context.Background()))
	}
	b.ResetTimer()
	for _, s := range from {
		require.NoError(b, pipe.Send(s.Conn, "go"))
	}
	for _, s := range to {
		s.Says(b, "done")
	}
	b.StopTimer()
}

// BenchmarkCPython is the same with Python's multiprocessing.Queue.
func BenchmarkCPython(b *testing.B) {
	path, err := exec.LookPath("python3")
	if err != nil {
		b.Skipf("no python3 here to compare with: %v", err)
	}
	for _, n := range []int{1, 2} {
		b.Run(strconv.Itoa(n)+"to"+strconv.Itoa(n), func(b *testing.B) {
			times := max(b.N/n, 1000)
			cmd := exec.Command(path, "testdata/cpython.py", strconv.Itoa(n), strconv.Itoa(times))
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			require.NoError(b, err)
			elapsed, err := time.ParseDuration(strings.TrimSpace(string(out)) + "s")
			require.NoError(b, err)
			b.ReportMetric(float64(elapsed)/float64(n*times), "ns/op")
		})
	}
}
