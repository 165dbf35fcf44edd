//go:build unix

package lock_test

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/05-events-locks/hub"
	"example.com/multiprocessing/05-events-locks/lock"
)

func newSocket(t testing.TB) *lock.Socket {
	t.Helper()
	s, err := lock.NewSocket()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func openSocket(t testing.TB, path string) *lock.Socket {
	t.Helper()
	s, err := lock.OpenSocket(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// queued waits until so many are in the queue.
func queued(t testing.TB, s *lock.Socket, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return lock.Waiting(s) == n }, processtest.Patience, time.Millisecond)
}

// Who has asked first gets it first.
func TestFirstComeFirstServed(t *testing.T) {
	s := newSocket(t)
	_, err := s.Acquire(processtest.Within(t))
	require.NoError(t, err)
	order := make(chan int, 10)
	var wg sync.WaitGroup
	for i := range cap(order) {
		c := openSocket(t, s.Path())
		wg.Go(func() {
			if _, err := c.Acquire(context.Background()); err != nil {
				t.Error(err)
			}
			order <- i
			if err := c.Release(); err != nil {
				t.Error(err)
			}
		})
		queued(t, s, i+1)
	}
	require.NoError(t, s.Release())
	wg.Wait()
	for i := range cap(order) {
		require.Equal(t, i, <-order)
	}
}

// Those who only look do not overtake one who wants it alone, and go in together after
// him.
func TestReadersAndAWriter(t *testing.T) {
	s := newSocket(t)
	_, err := s.AcquireShared(processtest.Within(t))
	require.NoError(t, err)
	writer, readers := openSocket(t, s.Path()), []*lock.Socket{openSocket(t, s.Path()), openSocket(t, s.Path())}
	var wg sync.WaitGroup
	wrote := make(chan struct{})
	wg.Go(func() {
		_, err := writer.Acquire(context.Background())
		if err != nil {
			t.Error(err)
		}
		close(wrote)
	})
	queued(t, s, 1)
	for i, r := range readers {
		wg.Go(func() {
			if _, err := r.AcquireShared(context.Background()); err != nil {
				t.Error(err)
			}
			select {
			case <-wrote:
			default:
				t.Error("a reader has overtaken the writer")
			}
		})
		queued(t, s, i+2)
	}
	require.NoError(t, s.Release())
	<-wrote
	queued(t, s, 2)
	require.NoError(t, writer.Release())
	wg.Wait() // both have it
	_, err = s.TryAcquire()
	require.ErrorIs(t, err, lock.ErrHeld)
}

// Somebody who waits gives up, is killed, or closes his handle: the queue goes on, and
// nobody has died with the lock.
func TestThoseWhoWaitAndGo(t *testing.T) {
	s := newSocket(t)
	_, err := s.Acquire(processtest.Within(t))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 2)
	impatient, closing := openSocket(t, s.Path()), openSocket(t, s.Path())
	go func() { _, err := impatient.Acquire(ctx); gone <- err }()
	queued(t, s, 1)
	go func() { _, err := closing.Acquire(context.Background()); gone <- err }()
	queued(t, s, 2)
	task := hold.New(either{Socket: s}, processtest.Quiet(t))
	require.NoError(t, task.Start())
	defer task.Conn().Close()
	queued(t, s, 3)
	last := openSocket(t, s.Path())
	got := make(chan lock.Grant)
	go func() {
		g, err := last.Acquire(context.Background())
		if err != nil {
			t.Error(err)
		}
		got <- g
	}()
	queued(t, s, 4)
	cancel()
	require.ErrorIs(t, <-gone, context.Canceled)
	require.NoError(t, closing.Close())
	require.ErrorIs(t, <-gone, pipe.ErrClosed)
	require.NoError(t, task.Kill())
	require.NoError(t, task.Join(processtest.Within(t)))
	queued(t, s, 1)
	require.NoError(t, s.Release())
	require.Equal(t, lock.Grant{Token: 2}, <-got)
	// The handle of the impatient one is as good as before.
	require.NoError(t, last.Release())
	g, err := impatient.TryAcquire()
	require.NoError(t, err)
	require.Equal(t, lock.Grant{Token: 3}, g)
}

// A grant that comes at the very moment at which its receiver gives up is given back in
// good order.
func TestGivenUpAtTheMomentOfTheGrant(t *testing.T) {
	s := newSocket(t)
	other := openSocket(t, s.Path())
	for i := range 300 {
		_, err := s.Acquire(processtest.Within(t))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error)
		go func() { _, err := other.Acquire(ctx); got <- err }()
		if i%2 == 0 {
			queued(t, s, 1)
		}
		go cancel()
		require.NoError(t, s.Release())
		if err := <-got; err == nil {
			require.NoError(t, other.Release())
		} else {
			require.ErrorIs(t, err, context.Canceled)
		}
		g, err := s.Acquire(processtest.Within(t))
		require.NoError(t, err)
		require.False(t, g.PrevDied, "nobody has died")
		require.NoError(t, s.Release())
	}
}

// A handle is closed while it waits, and at the same moment the lock becomes free: the
// grant finds nobody, and nobody has died with it.
func TestClosedAtTheMomentOfTheGrant(t *testing.T) {
	s := newSocket(t)
	for range 300 {
		_, err := s.Acquire(processtest.Within(t))
		require.NoError(t, err)
		c, err := lock.OpenSocket(s.Path())
		require.NoError(t, err)
		ended := make(chan error)
		go func() { _, err := c.Acquire(context.Background()); ended <- err }()
		queued(t, s, 1)
		var wg sync.WaitGroup
		wg.Go(func() { _ = c.Close() })
		require.NoError(t, s.Release())
		<-ended // with the lock or without it
		wg.Wait()
		g, err := s.Acquire(processtest.Within(t))
		require.NoError(t, err)
		require.False(t, g.PrevDied, "nobody has died")
		require.NoError(t, s.Release())
	}
}

// keep makes a lock in a process of its own, and says where it is.
var keep = process.Service("keep", func(ctx context.Context, path string, front *pipe.Conn) error {
	s, err := lock.ListenSocket(path)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := pipe.Send(front, "here"); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
})

func kept(t *testing.T) (task *process.Task[struct{}], path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "lock")
	task = keep.New(path, processtest.Quiet(t))
	require.NoError(t, task.Start())
	defer task.Conn().Close()
	_, err := pipe.Receive[string](task.Conn())
	require.NoError(t, err)
	return task, path
}

// The keeper dies: who has the lock and who waits are told, all of them.
func TestTheKeeperIsKilled(t *testing.T) {
	task, path := kept(t)
	holder, waiter := openSocket(t, path), openSocket(t, path)
	_, err := holder.Acquire(processtest.Within(t))
	require.NoError(t, err)
	waits := make(chan error)
	go func() { _, err := waiter.Acquire(context.Background()); waits <- err }()
	require.NoError(t, task.Kill())
	require.ErrorIs(t, <-waits, hub.ErrGone)
	require.ErrorIs(t, holder.Release(), hub.ErrGone)
	_, err = holder.Acquire(processtest.Within(t))
	require.ErrorIs(t, err, hub.ErrGone)
	_, err = waiter.TryAcquire()
	require.ErrorIs(t, err, pipe.ErrGone)
	require.NoError(t, task.Join(processtest.Within(t)))
	_, err = lock.OpenSocket(path)
	require.ErrorIs(t, err, hub.ErrGone)
	require.ErrorContains(t, err, path)
	// The next one takes the path, and begins anew.
	s, err := lock.ListenSocket(path)
	require.NoError(t, err)
	defer s.Close()
	_, err = openSocket(t, path).TryAcquire()
	require.NoError(t, err)
}

// The keeper is stopped. A limit is a limit all the same.
func TestTheKeeperIsStopped(t *testing.T) {
	task, path := kept(t)
	s := openSocket(t, path)
	processtest.Freeze(t, task.PID())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := s.Acquire(ctx)
	require.ErrorIs(t, err, pipe.ErrTimeout)
	processtest.Thaw(t, task.PID())
	_, err = s.Acquire(processtest.Within(t))
	require.NoError(t, err)
	require.NoError(t, s.Release())
	require.NoError(t, task.Stop(processtest.Within(t)))
	_, err = lock.OpenSocket(path)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A raw client: what a program says that is not ours, or means harm.
type raw struct{ *pipe.Conn }

func dial(t testing.TB, path string) raw {
	t.Helper()
	c, err := hub.Dial(processtest.Within(t), path, "lock")
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return raw{c}
}

func (r raw) says(what byte, number uint64) error {
	return r.SendFrame(binary.BigEndian.AppendUint64([]byte{what}, number))
}

// Nonsense ends the connection that it came from, and nothing else. Who has the lock
// and says nonsense has died with it.
func TestNonsense(t *testing.T) {
	s := newSocket(t)
	for _, frame := range [][]byte{nil, {'e'}, []byte("e12345678 and more"), []byte("?12345678")} {
		c := dial(t, s.Path())
		require.NoError(t, c.SendFrame(frame))
		_, err := c.ReceiveFrame()
		require.ErrorIs(t, hub.Explain(err), hub.ErrGone)
	}
	twice := dial(t, s.Path())
	require.NoError(t, twice.says('e', 1))
	_, err := twice.ReceiveFrame()
	require.NoError(t, err)
	require.NoError(t, twice.says('e', 2))
	_, err = twice.ReceiveFrame()
	require.ErrorIs(t, hub.Explain(err), hub.ErrGone)
	g, err := s.Acquire(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, lock.Grant{Token: 2, PrevDied: true}, g)
}

// A client that asks and never reads is cut off, and nobody waits for it.
func TestAClientThatDoesNotRead(t *testing.T) {
	s := newSocket(t)
	c := dial(t, s.Path())
	for i := range uint64(100_000) {
		if c.says('e', i) != nil || c.says('r', i) != nil {
			break // that was it
		}
		require.Less(t, i, uint64(99_999), "it was never cut off")
	}
	_, err := s.Acquire(processtest.Within(t))
	require.NoError(t, err)
}
