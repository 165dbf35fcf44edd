//go:build unix

package queue_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/06-queue/queue"
)

// does puts a number ("+"), gets one ("-") or dies ("!"), as it is told.
var does = process.Service("does", func(ctx context.Context, q *queue.Queue[int], front *pipe.Conn) error {
	for n := 0; ; n++ {
		what, err := pipe.Receive[string](front)
		if err != nil {
			return nil
		}
		answer := n
		if what == "+" {
			err = q.Put(ctx, n)
		} else {
			answer, err = q.Get(ctx)
		}
		if err != nil {
			return err
		}
		if err := pipe.Send(front, answer); err != nil {
			return err
		}
	}
})

// tell tells it so, so many times, and returns what it says.
func tell(t testing.TB, s processtest.Started, what string, times int) (said []int) {
	t.Helper()
	for range times {
		require.NoError(t, pipe.Send(s.Conn, what))
		n, err := pipe.Receive[int](s.Conn)
		require.NoError(t, err)
		said = append(said, n)
	}
	return said
}

// drainAll takes what there is.
func drainAll(t testing.TB, q *queue.Queue[int]) (items []int) {
	t.Helper()
	for {
		item, err := q.TryGet()
		if errors.Is(err, queue.ErrEmpty) {
			return items
		}
		require.NoError(t, err)
		items = append(items, item)
	}
}

func numbers(from, to int) (all []int) {
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

// What was put without asking counts at once, also if its process is dead by then.
func TestCreditCounts(t *testing.T) {
	q := newQueue[int](t, queue.Config{})
	s := processtest.Start(t, does, q)
	for n := 1; n <= 300; n++ {
		tell(t, s, "+", 1)
		holds(t, q, n, false)
	}
	s.Dies(t)
	holds(t, q, 300, false)
	require.Equal(t, numbers(0, 300), drainAll(t, q))
}

// Leave to put keeps nobody else from putting, not even that of a process that stands
// still; and there are never more items than the capacity.
func TestCreditOfSomebodyWhoIsStopped(t *testing.T) {
	q := newQueue[int](t, queue.Config{Capacity: 10})
	s := processtest.Start(t, does, q)
	tell(t, s, "+", 2)
	processtest.Freeze(t, s.PID())
	for n := 3; n <= 10; n++ {
		require.NoError(t, q.TryPut(0))
		holds(t, q, n, n == 10)
	}
	require.ErrorIs(t, q.TryPut(0), queue.ErrFull)
	processtest.Thaw(t, s.PID())
	require.NoError(t, pipe.Send(s.Conn, "+"))
	get(t, q)
	n, err := pipe.Receive[int](s.Conn)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	holds(t, q, 10, true)
}

// Of two who put in turns nobody overtakes the other, and nobody gets what another one has
// to get before.
func TestOrderOfTwo(t *testing.T) {
	q := newQueue[int](t, queue.Config{})
	a, b := processtest.Start(t, does, q), processtest.Start(t, does, q)
	var want []int
	for i := range 100 {
		s := a
		if i%3 == 0 {
			s = b
		}
		want = append(want, tell(t, s, "+", 1)...)
	}
	var got []int
	for i := range 100 {
		s := a
		if i%10 == 9 { // a gets some after the other, and then has some ahead
			s = b
		}
		got = append(got, tell(t, s, "-", 1)...)
	}
	require.Equal(t, want, got)
}

// What somebody has ahead is everybody's, as long as he has not taken it; also if he is
// stopped, or dead.
func TestAheadOfSomebodyElse(t *testing.T) {
	for _, dies := range []bool{false, true} {
		q := newQueue[int](t, queue.Config{})
		require.NoError(t, q.Put(processtest.Within(t), numbers(0, 100)...))
		s := processtest.Start(t, does, q)
		require.Equal(t, numbers(0, 20), tell(t, s, "-", 20)) // it has some ahead by now
		holds(t, q, 80, false)
		if dies {
			s.Dies(t)
			holds(t, q, 80, false)
			l, err := q.Lease(processtest.Within(t))
			require.NoError(t, err)
			require.Equal(t, 20, l.Value)
			require.Equal(t, 1, l.Deliveries)
			require.NoError(t, l.Nack())
		} else {
			processtest.Freeze(t, s.PID())
		}
		require.Equal(t, numbers(20, 100), drainAll(t, q))
	}
}

// Who waits for room, or for the end, hears of what is taken from ahead.
func TestTakenFromAhead(t *testing.T) {
	q := newQueue[int](t, queue.Config{Capacity: 50})
	require.NoError(t, q.Put(processtest.Within(t), numbers(0, 50)...))
	s := processtest.Start(t, does, q)
	tell(t, s, "-", 20)
	require.NoError(t, q.Put(processtest.Within(t), numbers(50, 70)...))
	holds(t, q, 50, true)
	put := make(chan error)
	for n := 70; n < 80; n++ {
		go func() { put <- q.Put(context.Background(), n) }()
		tell(t, s, "-", 1)
		require.NoError(t, <-put)
		holds(t, q, 50, true)
	}
	joined := make(chan error)
	go func() { joined <- q.Join(context.Background()) }()
	tell(t, s, "-", 49)
	select {
	case err := <-joined:
		t.Fatal("one is left, and Join returns ", err)
	default:
	}
	tell(t, s, "-", 1)
	require.NoError(t, <-joined)
	require.NoError(t, q.Close())
	require.Empty(t, drainUntilClosed(t, q))
}

func drainUntilClosed(t testing.TB, q *queue.Queue[int]) (items []int) {
	t.Helper()
	for item, err := range q.All(processtest.Within(t)) {
		require.NoError(t, err)
		items = append(items, item)
	}
	return items
}

// After Close nobody has credit any more, and what was put before is there.
func TestCloseWithCredit(t *testing.T) {
	q := newQueue[int](t, queue.Config{})
	s := processtest.Start(t, does, q)
	tell(t, s, "+", 10)
	require.NoError(t, q.Close())
	require.NoError(t, pipe.Send(s.Conn, "+"))
	_, err := pipe.Receive[int](s.Conn)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, numbers(0, 10), drainUntilClosed(t, q))
}

type bigJob struct {
	Queue *queue.Queue[[]byte]
	Size  int
}

// putBig puts some large items.
var putBig = process.Service("put big", func(ctx context.Context, j bigJob, front *pipe.Conn) error {
	for n := range 4 {
		if err := j.Queue.Put(ctx, bytes.Repeat([]byte(strconv.Itoa(n)), j.Size)); err != nil {
			return err
		}
	}
	return pipe.Send(front, "done")
})

// leaseBig leases one.
var leaseBig = process.Service("lease big", func(ctx context.Context, j bigJob, front *pipe.Conn) error {
	l, err := j.Queue.Lease(ctx)
	if err != nil {
		return err
	}
	if err := pipe.Send(front, string(l.Value[:1])); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
})

// Large items do not go through the broker, which is in this process here.
func TestLargeItems(t *testing.T) {
	size := 100 << 20
	if testing.Short() {
		size = 8 << 20
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	q := newQueue[[]byte](t, queue.Config{})
	s := processtest.Start(t, putBig, bigJob{q, size})
	s.Says(t, "done")
	dies := processtest.Start(t, leaseBig, bigJob{q, size})
	dies.Says(t, "0")
	dies.Dies(t)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size)/2)
	l, err := q.Lease(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, 2, l.Deliveries)
	require.Len(t, l.Value, size)
	require.NoError(t, l.Nack())
	for n := range 2 {
		item, err := q.Get(processtest.Within(t))
		require.NoError(t, err)
		require.Len(t, item, size)
		require.Equal(t, byte('0'+n), item[size-1])
	}
	l, err = q.Lease(processtest.Within(t))
	require.NoError(t, err)
	require.NoError(t, l.Ack())
	holds(t, q, 1, false) // and that one ends with the queue
}
