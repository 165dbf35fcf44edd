//go:build unix

package lock_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/05-events-locks/lock"
)

// One of two, of which one is nil: what it is has to be said, since an interface
// cannot travel. Each travels as its path.
type either struct {
	File   *lock.File
	Socket *lock.Socket
}

func of(l lock.Lock) (e either) {
	e.File, _ = l.(*lock.File)
	e.Socket, _ = l.(*lock.Socket)
	return e
}

func (e either) lock() lock.Lock {
	if e.File != nil {
		return e.File
	}
	return e.Socket
}

type work struct {
	Lock  either
	File  string
	Times int
}

func forBoth(t *testing.T, test func(t *testing.T, l lock.Lock)) {
	for kind, opener := range kinds {
		t.Run(kind, func(t *testing.T) { test(t, opener(t)()) })
	}
}

// count adds one to the number in a file, many times, reading and writing.
var count = process.Func("count", func(ctx context.Context, w work) (int, error) {
	l := w.Lock.lock()
	defer l.Close()
	for range w.Times {
		err := l.With(ctx, func(lock.Grant) error {
			text, err := os.ReadFile(w.File)
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(string(text))
			if err != nil {
				return err
			}
			return os.WriteFile(w.File, []byte(strconv.Itoa(n+1)), 0o600)
		})
		if err != nil {
			return 0, err
		}
	}
	return w.Times, nil
})

func TestNoUpdateIsLost(t *testing.T) { forBoth(t, noUpdateIsLost) }

func noUpdateIsLost(t *testing.T, l lock.Lock) {
	w := work{of(l), filepath.Join(t.TempDir(), "number"), 100}
	require.NoError(t, os.WriteFile(w.File, []byte("0"), 0o600))
	const processes = 4
	var tasks []*process.Task[int]
	for range processes {
		task := count.New(w, processtest.Quiet(t))
		require.NoError(t, task.Start())
		tasks = append(tasks, task)
	}
	for _, task := range tasks {
		_, err := task.Result(processtest.Within(t))
		require.NoError(t, err)
		require.NoError(t, task.Join(processtest.Within(t)))
	}
	text, err := os.ReadFile(w.File)
	require.NoError(t, err)
	require.Equal(t, "400", string(text))
	g, err := l.Acquire(processtest.Within(t))
	require.NoError(t, err)
	require.Equal(t, lock.Grant{Token: 401}, g)
}

// later gets its lock when it runs already.
var later = process.Service("later", func(ctx context.Context, _ struct{}, front *pipe.Conn) error {
	for range 2 {
		e, err := pipe.Receive[either](front)
		if err != nil {
			return err
		}
		defer e.lock().Close()
		g, err := e.lock().Acquire(ctx)
		if err != nil {
			return err
		}
		if err := pipe.Send(front, g); err != nil {
			return err
		}
	}
	return nil
})

// A lock may be made before the process that uses it, or after.
func TestMadeAtAnyTime(t *testing.T) {
	for kind, opener := range kinds {
		t.Run(kind, func(t *testing.T) {
			before := opener(t)()
			task := later.New(struct{}{}, processtest.Quiet(t))
			require.NoError(t, task.Start())
			defer task.Conn().Close()
			after := opener(t)()
			for _, l := range []lock.Lock{before, after} {
				require.NoError(t, pipe.Send(task.Conn(), of(l)))
				g, err := pipe.Receive[lock.Grant](task.Conn())
				require.NoError(t, err)
				require.Equal(t, lock.Grant{Token: 1}, g)
			}
			_, err := task.Result(processtest.Within(t))
			require.NoError(t, err)
			require.NoError(t, task.Join(processtest.Within(t)))
			for _, l := range []lock.Lock{before, after} {
				g, err := l.Acquire(processtest.Within(t))
				require.NoError(t, err)
				require.Equal(t, lock.Grant{Token: 2}, g)
			}
		})
	}
}

// hold takes the lock, says so, and keeps it.
var hold = process.Service("hold", func(ctx context.Context, e either, front *pipe.Conn) error {
	g, err := e.lock().Acquire(ctx)
	if err != nil {
		return err
	}
	if err := pipe.Send(front, g); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
})

// The holder is killed. The next one gets the lock, and is told.
func TestTheHolderIsKilled(t *testing.T) { forBoth(t, theHolderIsKilled) }

func theHolderIsKilled(t *testing.T, f lock.Lock) {
	for i := range 10 {
		task := hold.New(of(f), processtest.Quiet(t))
		require.NoError(t, task.Start())
		c := task.Conn()
		g, err := pipe.Receive[lock.Grant](c)
		require.NoError(t, err)
		require.Equal(t, uint64(2*i+1), g.Token)
		_, err = f.TryAcquire()
		require.ErrorIs(t, err, lock.ErrHeld)
		got := make(chan lock.Grant, 1)
		go func() {
			ctx := context.Context(processtest.Within(t))
			if i%2 == 0 {
				ctx = context.Background()
			}
			g, err := f.Acquire(ctx)
			if err != nil {
				t.Error(err)
			}
			got <- g
		}()
		require.NoError(t, task.Kill())
		require.Equal(t, lock.Grant{Token: uint64(2*i + 2), PrevDied: true}, <-got)
		require.NoError(t, f.Release())
		require.NoError(t, task.Join(processtest.Within(t)))
		require.NoError(t, c.Close())
	}
	g, err := f.AcquireShared(processtest.Within(t))
	require.NoError(t, err)
	require.False(t, g.PrevDied, "it was told once, and has released the lock since")
}

// A child that is started while the lock is held does not keep it: the descriptor is
// close-on-exec.
func TestAChildDoesNotKeepTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	a, b := open(t, path), open(t, path)
	_, err := a.Acquire(processtest.Within(t))
	require.NoError(t, err)
	sleep := exec.Command("sleep", "3600")
	require.NoError(t, sleep.Start())
	defer sleep.Wait()
	defer sleep.Process.Kill()
	require.NoError(t, a.Close())
	_, err = b.TryAcquire()
	require.NoError(t, err)
}

// Any program can take part.
func TestPythonTakesPart(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skipf("no python3 here: %v", err)
	}
	f := open(t, filepath.Join(t.TempDir(), "lock"))
	cmd := exec.CommandContext(t.Context(), python, "-c", `
import fcntl, sys
f = open(sys.argv[1], "r+b")
fcntl.flock(f, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.readline()
`, f.Path())
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var word string
	_, err = fmt.Fscan(out, &word)
	require.NoError(t, err)
	require.Equal(t, "held", word)
	_, err = f.TryAcquire()
	require.ErrorIs(t, err, lock.ErrHeld)
	require.NoError(t, in.Close())
	require.NoError(t, cmd.Wait())
	_, err = f.TryAcquire()
	require.NoError(t, err)
}

func TestAReadOnlyFile(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write to it all the same")
	}
	path := filepath.Join(t.TempDir(), "lock")
	require.NoError(t, os.WriteFile(path, nil, 0o400))
	_, err := lock.Open(path)
	require.ErrorIs(t, err, os.ErrPermission)
}

func TestNoRegularFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if out, err := exec.CommandContext(t.Context(), "mkfifo", path).CombinedOutput(); err != nil {
		t.Skipf("no mkfifo here: %s", out)
	}
	_, err := lock.Open(path)
	require.ErrorContains(t, err, "it is not a regular file")
	require.True(t, strings.Contains(err.Error(), path))
}
