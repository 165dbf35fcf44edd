//go:build unix

package queue_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/06-queue/queue"
)

type kernelStream struct {
	Queue *queue.Kernel[[]byte]
	Times int
}

var pourStream = process.Service("pour stream", func(ctx context.Context, s kernelStream, front *pipe.Conn) error {
	if _, err := pipe.Receive[string](front); err != nil {
		return err
	}
	for range s.Times {
		if err := s.Queue.Put(ctx, item); err != nil {
			return err
		}
	}
	return nil
})

var drinkStream = process.Service("drink stream", func(ctx context.Context, s kernelStream, front *pipe.Conn) error {
	for range s.Times {
		if _, err := s.Queue.Get(ctx); err != nil {
			return err
		}
	}
	return pipe.Send(front, "done")
})

func benchmarkKernel(b *testing.B, n int, c queue.KernelConfig) {
	k := newKernel[[]byte](b, c)
	s := kernelStream{k, max(b.N/n, 1)}
	var from, to []processtest.Started
	for range n {
		from, to = append(from, processtest.Start(b, pourStream, s)), append(to, processtest.Start(b, drinkStream, s))
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
