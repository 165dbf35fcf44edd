//go:build unix

package queue_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/05-events-locks/hub"
	"example.com/multiprocessing/06-queue/queue"
)

func newKernel[T any](t testing.TB, config queue.KernelConfig) *queue.Kernel[T] {
	t.Helper()
	k, err := queue.NewKernel[T](config)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, k.Destroy()) })
	return k
}

// another returns a handle of the same queue, as another process has it.
func another[T any](t testing.TB, k *queue.Kernel[T]) *queue.Kernel[T] {
	t.Helper()
	text, err := k.MarshalText()
	require.NoError(t, err)
	other := &queue.Kernel[T]{}
	require.NoError(t, other.UnmarshalText(text))
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	return other
}

// allKinds runs a test with sockets, and with slots in a pipe.
func allKinds(t *testing.T, test func(t *testing.T, c queue.KernelConfig)) {
	t.Run("sockets", func(t *testing.T) { test(t, queue.KernelConfig{}) })
	t.Run("slots", func(t *testing.T) { test(t, queue.KernelConfig{Slot: 512}) })
}

func TestKernelQueue(t *testing.T) { allKinds(t, testKernelQueue) }

func testKernelQueue(t *testing.T, config queue.KernelConfig) {
	a := newKernel[[]byte](t, config)
	most := 4095
	switch {
	case config.MaxItem > 0:
		most = config.MaxItem
	case config.Slot > 0 || a.Put(processtest.Within(t), make([]byte, most)) != nil: // the system has only slots
		most = 510
	default:
		_, err := a.Get(processtest.Within(t))
		require.NoError(t, err)
	}
	sizes, tooLarge, large := []int{0, 1, 64, most - 1, most}, most+1, 100
	b := another(t, a)
	_, err := b.Get(processtest.Past(t))
	require.ErrorIs(t, err, pipe.ErrTimeout)
	for _, size := range sizes {
		item := bytes.Repeat([]byte("x"), size)
		require.NoError(t, a.Put(processtest.Within(t), item))
		got, err := b.Get(processtest.Within(t))
		require.NoError(t, err)
		require.True(t, bytes.Equal(item, got), size)
	}
	require.ErrorContains(t, a.Put(processtest.Within(t), make([]byte, tooLarge)), "a Queue takes more")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = b.Get(ctx)
	require.ErrorIs(t, err, pipe.ErrTimeout)
	require.NoError(t, a.Put(processtest.Past(t), []byte("ready")))
	got, err := b.Get(processtest.Past(t))
	require.NoError(t, err)
	require.Equal(t, "ready", string(got))

	// Until it is full. Then one is taken, and there is room again.
	n := 0
	for ; err == nil; n++ {
		err = b.Put(processtest.Past(t), make([]byte, large))
	}
	require.ErrorIs(t, err, pipe.ErrTimeout)
	require.Greater(t, n, 10)
	put := make(chan error)
	go func() { put <- b.Put(context.Background(), []byte("last")) }()
	require.NoError(t, a.Close())
	require.ErrorIs(t, <-put, queue.ErrClosed)
	require.ErrorIs(t, a.Put(processtest.Within(t), nil), queue.ErrClosed)
	late := another(t, a)
	require.ErrorIs(t, late.Put(processtest.Within(t), nil), queue.ErrClosed)
	_, err = late.Get(processtest.Within(t))
	require.NoError(t, err, "who comes late can take what is left")
	n--
	for item, err := range b.All(processtest.Within(t)) {
		require.NoError(t, err)
		require.Len(t, item, large)
		n--
	}
	require.Equal(t, 1, n)
	_, err = a.Get(processtest.Within(t))
	require.ErrorIs(t, err, queue.ErrClosed)
}

func TestKernelQueueDestroyed(t *testing.T) { allKinds(t, testKernelQueueDestroyed) }

func testKernelQueueDestroyed(t *testing.T, config queue.KernelConfig) {
	a := newKernel[int](t, config)
	b, c := another(t, a), another(t, a)
	require.NoError(t, b.Put(processtest.Within(t), 1))
	require.NoError(t, c.Put(processtest.Within(t), 2))
	for _, want := range []int{1, 2} {
		got, err := a.Get(processtest.Within(t))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	waits := func(k *queue.Kernel[int]) <-chan error {
		ended := make(chan error, 1)
		go func() { _, err := k.Get(context.Background()); ended <- err }()
		return ended
	}
	of := waits(b)
	require.NoError(t, b.Close())
	require.ErrorIs(t, <-of, pipe.ErrClosed)
	mine, theirs := waits(a), waits(c)
	require.NoError(t, a.Destroy())
	require.ErrorIs(t, <-mine, pipe.ErrClosed)
	require.ErrorIs(t, <-theirs, hub.ErrGone)
	require.ErrorIs(t, c.Put(processtest.Within(t), 3), hub.ErrGone)
	var none queue.Kernel[int]
	require.Error(t, none.Put(processtest.Within(t), 1))
	require.NoError(t, none.Close())
}

type kernelJob struct {
	Queue *queue.Kernel[int]
	Times int
}

// pourKernel puts numbers until it is killed, or has put so many.
var pourKernel = process.Service("pour kernel", func(ctx context.Context, j kernelJob, front *pipe.Conn) error {
	defer j.Queue.Close()
	for n := range j.Times {
		if err := j.Queue.Put(ctx, n); err != nil {
			return err
		}
	}
	return pipe.Send(front, "done")
})

var drinkKernel = process.Service("drink kernel", func(ctx context.Context, j kernelJob, front *pipe.Conn) error {
	defer j.Queue.Close()
	n, sum := 0, 0
	for item, err := range j.Queue.All(ctx) {
		if err != nil {
			return err
		}
		n, sum = n+1, sum+item
	}
	return pipe.Send(front, [2]int{n, sum})
})

// Four processes put and four take, beside some that are killed: nothing is lost, nothing
// comes twice, and nobody stands still.
func TestKernelQueueOfProcesses(t *testing.T) { allKinds(t, testKernelQueueOfProcesses) }

func testKernelQueueOfProcesses(t *testing.T, config queue.KernelConfig) {
	k := newKernel[int](t, config)
	const times = 2000
	var from, to []processtest.Started
	for range 4 {
		from = append(from, processtest.Start(t, pourKernel, kernelJob{k, times}))
		to = append(to, processtest.Start(t, drinkKernel, kernelJob{k, 0}))
	}
	for _, s := range from {
		s.Says(t, "done")
	}
	// Some wait for items, and are killed.
	dead := processtest.Start(t, drinkKernel, kernelJob{k, 0})
	require.NoError(t, dead.Ready(processtest.Within(t)))
	dead.Dies(t)
	require.NoError(t, k.Close())
	n, sum := 0, 0
	for _, s := range to {
		got, err := pipe.Receive[[2]int](s.Conn)
		require.NoError(t, err)
		n, sum = n+got[0], sum+got[1]
	}
	if n < 4*times { // the killed one may have taken some along
		t.Logf("%d taken along", 4*times-n)
		require.Greater(t, n, 4*times-1000)
		return
	}
	require.Equal(t, 4*times, n)
	require.Equal(t, 4*times*(times-1)/2, sum)
}

func TestKernelQueueOfGoroutines(t *testing.T) { allKinds(t, testKernelQueueOfGoroutines) }

func testKernelQueueOfGoroutines(t *testing.T, config queue.KernelConfig) {
	k := newKernel[int](t, config)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				if err := k.Put(context.Background(), i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sum := 0
	for range 800 {
		item, err := k.Get(processtest.Within(t))
		require.NoError(t, err)
		sum += item
	}
	wg.Wait()
	require.Equal(t, 4*19900, sum)
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() { _, err := k.Get(ctx); ended <- err }()
	cancel(errors.New("enough"))
	require.ErrorContains(t, <-ended, "enough")
}
