//go:build unix

package queue_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/05-events-locks/hub"
	"example.com/multiprocessing/06-queue/queue"
)

type job struct {
	Queue *queue.Queue[string]
	Items []string
}

// putAndDie puts items and does not come to anything else.
var putAndDie = process.Service("put and die", func(ctx context.Context, j job, _ *pipe.Conn) error {
	if err := j.Queue.Put(ctx, j.Items...); err != nil {
		return err
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	return nil
})

// When Put has returned, the item is there, whatever becomes of the one who has put it.
func TestPutHasHappened(t *testing.T) {
	q := newQueue[string](t, queue.Config{})
	for i := range 20 {
		item := fmt.Sprint(i)
		s := processtest.Start(t, putAndDie, job{q, []string{item, item}})
		require.NoError(t, s.Join(processtest.Within(t)))
		holds(t, q, 2, false)
		require.Equal(t, item, get(t, q))
		require.Equal(t, item, get(t, q))
	}
}

// takes takes an item, in the way that it is told, says so, and stays.
var takes = process.Service("takes", func(ctx context.Context, j job, front *pipe.Conn) error {
	var value string
	var err error
	switch j.Items[0] {
	case "get":
		value, err = j.Queue.Get(ctx)
	case "lease":
		var l *queue.Lease[string]
		if l, err = j.Queue.Lease(ctx); err == nil {
			value = l.Value
		}
	case "wait":
		err = pipe.Send(front, "waits")
		if err == nil {
			_, err = j.Queue.Get(ctx)
		}
	case "put":
		err = pipe.Send(front, "waits")
		if err == nil {
			err = j.Queue.Put(ctx, strings.Repeat("x", 1<<20))
		}
	}
	if err != nil {
		return err
	}
	if err := pipe.Send(front, value); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
})

// What a dead consumer had on lease goes to another one, at once. What it has taken with
// Get it has taken along.
func TestTheConsumerIsKilled(t *testing.T) {
	q := newQueue[string](t, queue.Config{})
	require.NoError(t, q.Put(processtest.Within(t), "one", "two"))
	s := processtest.Start(t, takes, job{q, []string{"lease"}})
	s.Says(t, "one")
	s.Dies(t)
	l, err := q.Lease(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, "one", l.Value)
	require.Equal(t, 2, l.Deliveries)
	require.NoError(t, l.Ack())
	s = processtest.Start(t, takes, job{q, []string{"get"}})
	s.Says(t, "two")
	s.Dies(t)
	require.NoError(t, q.Join(processtest.Within(t)))
	holds(t, q, 0, false)
}

// Those who wait, to put or to get, and are killed or stopped, block nobody.
func TestThoseWhoWaitAndDie(t *testing.T) {
	q := newQueue[string](t, queue.Config{Capacity: 1})
	getter, stopped := processtest.Start(t, takes, job{q, []string{"wait"}}), processtest.Start(t, takes, job{q, []string{"wait"}})
	getter.Says(t, "waits")
	stopped.Says(t, "waits")
	require.NoError(t, syscall.Kill(stopped.PID(), syscall.SIGSTOP))
	getter.Dies(t)
	// What the broker hands to the stopped one, that one has. It may have been stopped
	// before it had asked.
	require.NoError(t, q.Put(processtest.Within(t), "one"))
	if err := q.TryPut("two"); err != nil {
		require.ErrorIs(t, err, queue.ErrFull)
	}
	stopped.Dies(t)
	for {
		if _, err := q.TryGet(); err != nil {
			break
		}
	}
	require.NoError(t, q.Put(processtest.Within(t), "full"))
	putter := processtest.Start(t, takes, job{q, []string{"put"}})
	putter.Says(t, "waits")
	putter.Dies(t)
	require.Equal(t, "full", get(t, q))
	require.NoError(t, q.Put(processtest.Within(t), "and on"))
	for item := get(t, q); item != "and on"; item = get(t, q) {
		require.Len(t, item, 1<<20, "whole, or not at all")
	}
}

// own makes a queue in a process of its own and says where it is.
var own = process.Service("own", func(ctx context.Context, _ struct{}, front *pipe.Conn) error {
	q, err := queue.New[string](queue.Config{Capacity: 1})
	if err != nil {
		return err
	}
	defer q.Destroy()
	if err := pipe.Send(front, q); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
})

func TestTheBrokerIsKilled(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // a killed process leaves its directory there
	owner := processtest.Start(t, own, struct{}{})
	q, err := pipe.Receive[*queue.Queue[string]](owner.Conn)
	require.NoError(t, err)
	defer q.Close()
	require.NoError(t, q.Put(processtest.Within(t), "one"))
	l, err := q.Lease(processtest.Within(t))
	require.NoError(t, err)
	ended := make(chan error, 2)
	go func() { _, err := q.Get(context.Background()); ended <- err }()
	go func() { ended <- q.Join(context.Background()) }()
	owner.Dies(t)
	require.ErrorIs(t, <-ended, hub.ErrGone)
	require.ErrorIs(t, <-ended, hub.ErrGone)
	require.ErrorIs(t, l.Ack(), hub.ErrGone)
	require.ErrorIs(t, q.Put(processtest.Within(t), "two"), hub.ErrGone)
}

type worker struct {
	Queue   *queue.Queue[string]
	Journal string
	Name    string
	Times   int
}

func (w worker) open() (func(format string, args ...any), func(), error) {
	f, err := os.OpenFile(w.Journal, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, nil, err
	}
	// One write with O_APPEND is one line, whole and in order.
	return func(format string, args ...any) { fmt.Fprintf(f, format+"\n", args...) }, func() { f.Close() }, nil
}

// produce puts items, in batches, and writes down each before and after.
var produce = process.Func("produce", func(ctx context.Context, w worker) (struct{}, error) {
	note, done, err := w.open()
	if err != nil {
		return struct{}{}, err
	}
	defer done()
	defer w.Queue.Close()
	for i := 0; i < w.Times; {
		var batch []string
		for range 1 + rand.IntN(10) {
			batch = append(batch, fmt.Sprintf("%s.%d", w.Name, i))
			i++
		}
		note("begins %s", strings.Join(batch, ","))
		if err := w.Queue.Put(ctx, batch...); err != nil {
			return struct{}{}, err
		}
		note("put %s", strings.Join(batch, ","))
	}
	return struct{}{}, nil
})

// consume takes items on lease, and writes down each.
var consume = process.Func("consume", func(ctx context.Context, w worker) (struct{}, error) {
	note, done, err := w.open()
	if err != nil {
		return struct{}{}, err
	}
	defer done()
	defer w.Queue.Close()
	for {
		l, err := w.Queue.Lease(ctx)
		if err != nil {
			return struct{}{}, nil // closed, or told to stop
		}
		note("took %s %d", l.Value, l.Deliveries)
		if err := l.Ack(); err != nil {
			return struct{}{}, err
		}
	}
})

// TestLedger counts: many items, through four producers and four consumers, of which some
// are killed at any moment. Every item that was put is taken. It is taken twice only if
// somebody was killed with it, and then the second one is told.
func TestLedger(t *testing.T) {
	items := 100_000
	switch {
	case os.Getenv("SOAK") != "":
		items = 1_000_000
	case testing.Short():
		items = 4_000
	}
	q := newQueue[string](t, queue.Config{Capacity: 100})
	journal := filepath.Join(t.TempDir(), "journal")
	require.NoError(t, os.WriteFile(journal, nil, 0o600))
	var serial int
	begin := func(target *process.Target[worker, struct{}], times int) *process.Task[struct{}] {
		serial++
		task := target.New(worker{q, journal, fmt.Sprint(serial), times}, processtest.Quiet(t))
		require.NoError(t, task.Start())
		return task
	}
	var producers, consumers []*process.Task[struct{}]
	for range 4 {
		producers = append(producers, begin(produce, items/4))
		consumers = append(consumers, begin(consume, 0))
	}
	defer func() {
		for _, task := range append(producers, consumers...) {
			_ = task.Kill()
			<-task.Done()
		}
	}()
	// Kill a consumer whenever a part of the work is done, and twice a producer.
	const kills = 10
	for n := range kills {
		for {
			info, err := os.Stat(journal)
			require.NoError(t, err)
			if info.Size() > int64(items)*15*int64(n)/kills {
				break
			}
			select {
			case <-producers[0].Done(): // all is put: the rest is killed in a row
			default:
				time.Sleep(time.Millisecond)
				continue
			}
			break
		}
		i := n % 4
		require.NoError(t, consumers[i].Kill())
		require.NoError(t, consumers[i].Join(processtest.Within(t)))
		consumers[i] = begin(consume, 0)
		if n == 3 || n == 6 {
			require.NoError(t, producers[i].Kill())
			require.NoError(t, producers[i].Join(processtest.Within(t)))
			producers[i] = begin(produce, items/4)
		}
	}
	for _, task := range producers {
		_, err := task.Result(t.Context())
		require.NoError(t, err)
		require.NoError(t, task.Join(processtest.Within(t)))
	}
	require.NoError(t, q.Join(t.Context()))
	require.NoError(t, q.Close())
	for _, task := range consumers {
		require.NoError(t, task.Join(processtest.Within(t)))
	}

	text, err := os.ReadFile(journal)
	require.NoError(t, err)
	begun, put, took := map[string]bool{}, map[string]bool{}, map[string]int{}
	again := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch fields[0] {
		case "begins", "put":
			for item := range strings.SplitSeq(fields[1], ",") {
				begun[item] = true
				if fields[0] == "put" {
					put[item] = true
				}
			}
		case "took":
			if took[fields[1]]++; took[fields[1]] > 1 {
				require.NotEqual(t, "1", fields[2], "twice, and nobody was told: %s", line)
				again++
			}
		}
	}
	for item := range put {
		require.Positive(t, took[item], "lost: %s", item)
	}
	for item := range took {
		require.True(t, begun[item], "nobody has put it: %s", item)
	}
	t.Logf("%d put, %d taken, %d of them twice, since somebody was killed with it", len(put), len(took), again)
	require.GreaterOrEqual(t, len(put), items)
	require.LessOrEqual(t, again, kills)
}
