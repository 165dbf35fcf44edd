//go:build unix

package queue_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/05-events-locks/hub"
	"example.com/multiprocessing/06-queue/queue"
)

func newQueue[T any](t testing.TB, cfg queue.Config) *queue.Queue[T] {
	t.Helper()
	q, err := queue.New[T](cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Destroy()) })
	return q
}

func open[T any](t testing.TB, path string) *queue.Queue[T] {
	t.Helper()
	q, err := queue.Open[T](path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	return q
}

func get[T any](t testing.TB, q *queue.Queue[T]) T {
	t.Helper()
	item, err := q.Get(processtest.Within(t))
	require.NoError(t, err)
	return item
}

// holds wants the queue to say what is in it, at once.
func holds[T any](t testing.TB, q *queue.Queue[T], n int, full bool) {
	t.Helper()
	length, err := q.Len()
	require.NoError(t, err)
	require.Equal(t, n, length)
	isEmpty, err := q.Empty()
	require.NoError(t, err)
	require.Equal(t, n == 0, isEmpty)
	isFull, err := q.Full()
	require.NoError(t, err)
	require.Equal(t, full, isFull)
}

func TestFirstInFirstOut(t *testing.T) {
	a := newQueue[int](t, queue.Config{Capacity: 4})
	b := open[int](t, a.Path())
	holds(t, b, 0, false)
	_, err := b.TryGet()
	require.ErrorIs(t, err, queue.ErrEmpty)
	require.NoError(t, a.Put(processtest.Within(t), 1, 2))
	holds(t, b, 2, false)
	require.NoError(t, b.Put(processtest.Within(t), 3))
	require.NoError(t, b.Put(processtest.Within(t)))
	require.NoError(t, a.TryPut(4))
	holds(t, a, 4, true)
	require.ErrorIs(t, a.TryPut(5), queue.ErrFull)
	require.Equal(t, 1, get(t, a))
	require.Equal(t, 2, get(t, b))
	many, err := a.GetMany(processtest.Within(t), 10)
	require.NoError(t, err)
	require.Equal(t, []int{3, 4}, many)
	holds(t, a, 0, false)
}

func TestWaiting(t *testing.T) {
	q := newQueue[string](t, queue.Config{Capacity: 1})
	_, err := q.Get(processtest.Past(t))
	require.ErrorIs(t, err, pipe.ErrTimeout)
	require.ErrorContains(t, err, "queue: get: "+q.Path())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = q.Get(ctx)
	require.ErrorIs(t, err, pipe.ErrTimeout)
	require.NoError(t, q.Put(processtest.Past(t), "one"), "there is room: nothing to wait for")
	require.ErrorIs(t, q.Put(processtest.Past(t), "two"), pipe.ErrTimeout)
	cancelled, stop := context.WithCancelCause(t.Context())
	stop(errors.New("enough"))
	require.ErrorContains(t, q.Put(cancelled, "two"), "enough")
	item, err := q.Get(processtest.Past(t))
	require.NoError(t, err, "it is there: nothing to wait for")
	require.Equal(t, "one", item)
	holds(t, q, 0, false)
	require.ErrorIs(t, q.Join(ctx), nil)

	// A getter waits, and a putter waits, each for the other kind.
	got := make(chan string)
	go func() { got <- get(t, q) }()
	require.NoError(t, q.Put(processtest.Within(t), "three"))
	require.Equal(t, "three", <-got)
	require.NoError(t, q.Put(processtest.Within(t), "four"))
	put := make(chan error)
	go func() { put <- q.Put(processtest.Within(t), "five", "six") }() // more than the capacity: when it is empty
	require.Equal(t, "four", get(t, q))
	require.NoError(t, <-put)
	require.Equal(t, "five", get(t, q))
	require.Equal(t, "six", get(t, q))
}

// Who only wants to look need not have looked before.
func TestTheFirstLook(t *testing.T) {
	q := newQueue[int](t, queue.Config{})
	text, err := q.MarshalText()
	require.NoError(t, err)
	for i := range 3 {
		other := &queue.Queue[int]{}
		require.NoError(t, other.UnmarshalText(text)) // not connected yet
		require.NoError(t, other.Put(processtest.Past(t), i))
		got, err := other.Get(processtest.Past(t))
		require.NoError(t, err)
		require.Equal(t, i, got)
		require.NoError(t, other.Close())
	}
}

// To give up and to get at the same moment: an item is either there or here.
func TestGivenUpAtTheMomentOfThePut(t *testing.T) {
	q := newQueue[int](t, queue.Config{})
	for i := range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error, 1)
		var item int
		go func() {
			var err error
			item, err = q.Get(ctx)
			got <- err
		}()
		go cancel()
		require.NoError(t, q.Put(processtest.Within(t), i))
		if err := <-got; err != nil {
			require.ErrorIs(t, err, context.Canceled)
			item = get(t, q)
		}
		require.Equal(t, i, item)
		holds(t, q, 0, false)
	}
}

func TestClose(t *testing.T) {
	q := newQueue[int](t, queue.Config{Capacity: 2})
	other := open[int](t, q.Path())
	require.NoError(t, q.Put(processtest.Within(t), 1, 2))
	put := make(chan error)
	go func() { put <- other.Put(context.Background(), 3) }()
	require.NoError(t, q.Close())
	require.NoError(t, q.Close())
	require.ErrorIs(t, <-put, queue.ErrClosed)
	require.ErrorIs(t, other.Put(processtest.Within(t), 3), queue.ErrClosed)
	require.ErrorIs(t, q.TryPut(3), queue.ErrClosed)
	var got []int
	for item, err := range other.All(processtest.Within(t)) {
		require.NoError(t, err)
		got = append(got, item)
	}
	require.Equal(t, []int{1, 2}, got)
	_, err := other.Get(processtest.Within(t))
	require.ErrorIs(t, err, queue.ErrClosed)
	_, err = q.TryGet()
	require.ErrorIs(t, err, queue.ErrClosed)
	require.NoError(t, q.Join(processtest.Past(t)))

	// Somebody has the last one on lease. It may come back, so the others wait.
	q = newQueue[int](t, queue.Config{})
	require.NoError(t, q.Put(processtest.Within(t), 1))
	l, err := q.Lease(processtest.Within(t))
	require.NoError(t, err)
	require.NoError(t, q.Close())
	_, err = q.TryGet()
	require.ErrorIs(t, err, queue.ErrEmpty)
	waiting := make(chan error)
	go func() { _, err := q.Get(context.Background()); waiting <- err }()
	require.ErrorIs(t, q.Join(processtest.Past(t)), pipe.ErrTimeout)
	require.NoError(t, l.Ack())
	require.ErrorIs(t, <-waiting, queue.ErrClosed)
	require.NoError(t, q.Join(processtest.Within(t)))
}

func TestDestroy(t *testing.T) {
	q := newQueue[int](t, queue.Config{})
	other := open[int](t, q.Path())
	waits := func(q *queue.Queue[int]) <-chan error {
		ended := make(chan error, 1)
		go func() { _, err := q.Get(context.Background()); ended <- err }()
		return ended
	}
	third := open[int](t, q.Path())
	of := waits(third)
	require.NoError(t, third.Close()) // one handle less: that is all
	require.ErrorIs(t, <-of, pipe.ErrClosed)
	require.ErrorIs(t, third.Put(processtest.Within(t), 1), pipe.ErrClosed)
	mine, theirs := waits(q), waits(other)
	require.NoError(t, q.Destroy())
	require.ErrorIs(t, <-mine, pipe.ErrClosed)
	require.ErrorIs(t, <-theirs, hub.ErrGone)
	require.ErrorIs(t, other.Put(processtest.Within(t), 1), os.ErrNotExist)
	require.NoFileExists(t, q.Path())
	var none queue.Queue[int]
	require.ErrorContains(t, none.Put(processtest.Within(t), 1), "not opened")
	require.NoError(t, none.Close())
}

func TestLease(t *testing.T) {
	q := newQueue[string](t, queue.Config{})
	other := open[string](t, q.Path())
	require.NoError(t, q.Put(processtest.Within(t), "one", "two"))
	l, err := other.Lease(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, "one", l.Value)
	require.Equal(t, 1, l.Deliveries)
	holds(t, q, 1, false)
	require.NoError(t, l.Nack())
	require.Error(t, l.Ack())
	l, err = q.Lease(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, "one", l.Value, "it goes to the front")
	require.Equal(t, 2, l.Deliveries)
	second, err := q.Lease(processtest.Within(t)) // one handle may have many
	require.NoError(t, err)
	require.Equal(t, "two", second.Value)
	require.NoError(t, l.Ack())
	require.NoError(t, second.Ack())
	require.Error(t, l.Nack())
	require.NoError(t, q.Join(processtest.Within(t)))

	// The handle is given up: what it has leased comes back.
	require.NoError(t, q.Put(processtest.Within(t), "three"))
	_, err = other.Lease(processtest.Within(t))
	require.NoError(t, err)
	require.NoError(t, other.Close())
	l, err = q.Lease(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, "three", l.Value)
	require.Equal(t, 2, l.Deliveries)
	require.NoError(t, l.Ack())
}

func TestWhatCannotTravel(t *testing.T) {
	type strange struct{ X float64 }
	q := newQueue[strange](t, queue.Config{})
	require.ErrorContains(t, q.Put(processtest.Within(t), strange{1}, strange{math.NaN()}), "item 1: ")
	holds(t, q, 0, false)
	require.NoError(t, q.Put(processtest.Within(t), strange{1}))
	other := open[[]int](t, q.Path()) // another type: the error is that Get's alone
	_, err := other.Get(processtest.Within(t))
	require.ErrorContains(t, err, "queue: get: ")
	require.NoError(t, q.Put(processtest.Within(t), strange{2}))
	_, err = other.Lease(processtest.Within(t))
	require.ErrorContains(t, err, "acknowledged: <nil>")
	require.NoError(t, q.Put(processtest.Within(t), strange{3}))
	require.Equal(t, strange{3}, get(t, q))
}

func TestSizes(t *testing.T) {
	q := newQueue[[]byte](t, queue.Config{Capacity: 3})
	other := open[[]byte](t, q.Path())
	sizes := []int{0, 10, 4 << 10, 64 << 10, 1 << 20, 20 << 20}
	if !testing.Short() {
		sizes = append(sizes, 100<<20)
	}
	for _, size := range sizes {
		item := bytes.Repeat([]byte("x"), size)
		require.NoError(t, q.Put(processtest.Within(t), item))
		got := get(t, other)
		require.True(t, bytes.Equal(item, got), size)
		require.NoError(t, other.Put(processtest.Within(t), item))
		l, err := q.Lease(processtest.Within(t))
		require.NoError(t, err)
		require.True(t, bytes.Equal(item, l.Value), size)
		require.NoError(t, l.Ack())
	}
}

func TestByName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs")
	q := newQueue[int](t, queue.Config{Path: path})
	require.Equal(t, path, q.Path())
	require.NoError(t, open[int](t, path).Put(processtest.Within(t), 7))
	require.Equal(t, 7, get(t, q))
	_, err := queue.New[int](queue.Config{Path: path})
	require.ErrorIs(t, err, hub.ErrInUse)
	_, err = queue.Open[int](path + "s")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, path+"s")
	_, err = queue.Open[int]("")
	require.ErrorContains(t, err, "the path is empty")
}

// Goroutines that share one handle: nobody waits for another who waits.
func TestGoroutinesWithOneHandle(t *testing.T) {
	q := newQueue[int](t, queue.Config{Capacity: 3})
	var wg sync.WaitGroup
	sum := make(chan int, 4)
	for range 4 {
		wg.Go(func() {
			n := 0
			for item, err := range q.All(context.Background()) {
				if err != nil {
					t.Error(err)
				}
				n += item
			}
			sum <- n
		})
	}
	var putters sync.WaitGroup
	for range 4 {
		putters.Go(func() {
			for i := range 100 {
				if err := q.Put(context.Background(), i, i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	putters.Wait()
	require.NoError(t, q.Close())
	wg.Wait()
	require.Equal(t, 4*2*4950, <-sum+<-sum+<-sum+<-sum)
}
