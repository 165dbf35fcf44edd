//go:build unix

package hub_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
	"example.com/multiprocessing/05-events-locks/hub"
)

// echo sends back what comes.
func echo(c *pipe.Conn) {
	for {
		b, err := c.ReceiveFrame()
		if err != nil || c.SendFrame(b) != nil {
			return
		}
	}
}

func closed(t *testing.T, h *hub.Hub) {
	t.Helper()
	require.NoError(t, h.Close())
	require.NoError(t, h.Close())
	require.NoFileExists(t, h.Path())
}

func speak(t *testing.T, path, word string) {
	t.Helper()
	c, err := hub.Dial(processtest.Within(t), path, "echo")
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SendFrame([]byte(word)))
	answer, err := c.ReceiveFrame()
	require.NoError(t, err)
	require.Equal(t, word, string(answer))
}

func TestManyClients(t *testing.T) {
	h, err := hub.New("echo", echo)
	require.NoError(t, err)
	defer closed(t, h)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			c, err := hub.Dial(context.Background(), h.Path(), "echo")
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			word := fmt.Sprint(i)
			if err := c.SendFrame([]byte(word)); err != nil {
				t.Error(err)
			}
			if got, err := c.ReceiveFrame(); err != nil || string(got) != word {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Wait()
}

func TestForItsUserAlone(t *testing.T) {
	t.Setenv("HOME", "/nonexistent") // nothing is ever put there
	h, err := hub.New("echo", echo)
	require.NoError(t, err)
	defer closed(t, h)
	info, err := os.Stat(filepath.Dir(h.Path()))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700)|os.ModeDir, info.Mode())
	info, err = os.Stat(h.Path())
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600)|os.ModeSocket, info.Mode())
}

// A connection is a lease: serve hears of its end, and Close waits for serve.
func TestAConnectionIsALease(t *testing.T) {
	var inside atomic.Int32
	ended := make(chan struct{}, 10)
	h, err := hub.New("echo", func(c *pipe.Conn) {
		inside.Add(1)
		echo(c)
		inside.Add(-1)
		ended <- struct{}{}
	})
	require.NoError(t, err)
	defer closed(t, h)
	speak(t, h.Path(), "one")
	<-ended
	require.Zero(t, inside.Load())

	c, err := hub.Dial(processtest.Within(t), h.Path(), "echo")
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SendFrame([]byte("there")))
	_, err = c.ReceiveFrame()
	require.NoError(t, err)
	require.Equal(t, int32(1), inside.Load())
	require.NoError(t, h.Close())
	require.Zero(t, inside.Load())
	_, err = c.ReceiveFrame()
	require.ErrorIs(t, hub.Explain(err), hub.ErrGone)
	require.ErrorIs(t, hub.Explain(err), pipe.ErrGone)
	_, err = hub.Dial(processtest.Within(t), h.Path(), "echo")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, h.Path())
}

func TestAnotherKind(t *testing.T) {
	h, err := hub.New("tea", echo)
	require.NoError(t, err)
	defer closed(t, h)
	_, err = hub.Dial(processtest.Within(t), h.Path(), "echo")
	require.ErrorContains(t, err, "echo at "+h.Path()+": there is something else there")
}

func TestPaths(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 50), strings.Repeat("longer", 40))
	require.NoError(t, os.MkdirAll(long, 0o700))
	for _, path := range []string{
		filepath.Join(t.TempDir(), "with space, 'quotes' and ünïcode\n"),
		filepath.Join(long, "s"),
		filepath.Join(long, strings.Repeat("s", 200)),
	} {
		h, err := hub.Listen(path, "echo", echo)
		require.NoError(t, err)
		require.Equal(t, path, h.Path())
		speak(t, path, "hello")
		_, err = hub.Listen(path, "echo", echo)
		require.ErrorIs(t, err, hub.ErrInUse)
		require.ErrorContains(t, err, path)
		speak(t, path, "still there")
		closed(t, h)
	}
	t.Chdir(t.TempDir()) // a relative path means the directory of now
	h, err := hub.Listen("here", "echo", echo)
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	speak(t, h.Path(), "hello")
	closed(t, h)
}

func TestWhatIsWrongWithThePath(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("precious"), 0o600))
	for path, why := range map[string]string{
		"":                            "the path is empty",
		filepath.Join(dir, "no", "s"): "no such file or directory",
		filepath.Join(file, "s"):      "not a directory",
		file:                          "it is not a socket",
		dir:                           "it is not a socket",
		filepath.Join(dir, strings.Repeat("x", 300)): "file name too long",
	} {
		_, err := hub.Listen(path, "echo", echo)
		require.ErrorContains(t, err, why)
		require.ErrorContains(t, err, path)
		if path == "" {
			continue
		}
		_, err = hub.Dial(processtest.Within(t), path, "echo")
		require.ErrorContains(t, err, path)
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "precious", string(text))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is left behind")
}

// keep is a process that has a hub, at a path or a private one.
var keep = process.Service("keep", func(ctx context.Context, path string, front *pipe.Conn) error {
	h, err := hub.New("echo", echo)
	if path != "" {
		h, err = hub.Listen(path, "echo", echo)
	}
	if err != nil {
		return err
	}
	defer h.Close()
	if err := pipe.Send(front, h.Path()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
})

func kept(t *testing.T, path string) (*process.Task[struct{}], string) {
	t.Helper()
	task := keep.New(path, process.Config{Stdout: t.Output(), Stderr: t.Output()})
	require.NoError(t, task.Start())
	defer task.Conn().Close()
	path, err := pipe.Receive[string](task.Conn())
	require.NoError(t, err)
	return task, path
}

// Its process is killed. The clients hear of it, and the next one takes the path.
func TestTheProcessOfTheHubIsKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for range 3 {
		task, _ := kept(t, path)
		c, err := hub.Dial(processtest.Within(t), path, "echo")
		require.NoError(t, err)
		require.NoError(t, task.Kill())
		_, err = c.ReceiveFrame()
		require.ErrorIs(t, hub.Explain(err), hub.ErrGone)
		require.NoError(t, c.Close())
		require.NoError(t, task.Join(processtest.Within(t)))
		require.FileExists(t, path)
		_, err = hub.Dial(processtest.Within(t), path, "echo")
		require.ErrorIs(t, err, hub.ErrGone)
	}
	h, err := hub.Listen(path, "echo", echo)
	require.NoError(t, err)
	speak(t, path, "hello")
	closed(t, h)
}

// Many processes want the path of a dead one, at the same time: one gets it.
func TestOneOfManyTakesThePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for range 20 {
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		require.NoError(t, err)
		require.NoError(t, syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}))
		require.NoError(t, syscall.Close(fd)) // as a dead process leaves it
		var got atomic.Pointer[hub.Hub]
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				h, err := hub.Listen(path, "echo", echo)
				if errors.Is(err, hub.ErrInUse) {
					return
				}
				if err != nil {
					t.Error(err)
				}
				if !got.CompareAndSwap(nil, h) {
					t.Error("two have the path")
					_ = h.Close()
				}
			})
		}
		wg.Wait()
		speak(t, path, "hello")
		closed(t, got.Load())
	}
}

// What a killed process has left in the temporary directory is removed by the next
// one; what is in use, or was made by others, stays.
func TestAbandonedDirectories(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	alive, alivePath := kept(t, "")
	dead, deadPath := kept(t, "")
	require.NoError(t, dead.Kill())
	require.NoError(t, dead.Join(processtest.Within(t)))
	require.FileExists(t, deadPath)
	foreign := filepath.Join(tmp, "mp-go-foreign")
	require.NoError(t, os.Mkdir(foreign, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(foreign, "file"), nil, 0o600))

	h, err := hub.New("echo", echo)
	require.NoError(t, err)
	require.NoDirExists(t, filepath.Dir(deadPath))
	require.DirExists(t, foreign)
	speak(t, alivePath, "alive")
	closed(t, h)
	require.NoDirExists(t, filepath.Dir(h.Path()))
	require.NoError(t, alive.Stop(processtest.Within(t)))
	require.NoFileExists(t, alivePath)
}

// Many make private directories while many look for abandoned ones.
func TestDirectoriesAtOnce(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				h, err := hub.New("echo", echo)
				if err != nil {
					t.Error(err)
					return
				}
				if c, err := hub.Dial(context.Background(), h.Path(), "echo"); err != nil {
					t.Error(err)
				} else {
					_ = c.Close()
				}
				if err := h.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	entries, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, entries)
}

// A client that says nothing, or something else, does not keep the others out.
func TestStrangersAtTheDoor(t *testing.T) {
	h, err := hub.New("echo", echo)
	require.NoError(t, err)
	defer closed(t, h)
	for _, words := range []string{"", "GET / HTTP/1.0\r\n\r\n", "\xff\xff\xff\xff"} {
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		require.NoError(t, err)
		defer syscall.Close(fd)
		require.NoError(t, syscall.Connect(fd, &syscall.SockaddrUnix{Name: h.Path()}))
		_, err = syscall.Write(fd, []byte(words))
		require.NoError(t, err)
	}
	speak(t, h.Path(), "hello")
}

// No descriptors are left for a while: those who knock are let in later.
func TestNoDescriptorsLeft(t *testing.T) {
	leaktest.Check(t)
	h, err := hub.New("echo", echo)
	require.NoError(t, err)
	defer closed(t, h)
	var old syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old))
	c, err := hub.Dial(processtest.Within(t), h.Path(), "echo") // opens what is opened once
	require.NoError(t, err)
	require.NoError(t, c.Close())
	task := knock.New(h.Path(), process.Config{Stdout: t.Output(), Stderr: t.Output()})
	require.NoError(t, task.Start())
	defer task.Conn().Close()
	require.NoError(t, task.Ready(processtest.Within(t)))
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: old.Max}))
	err = pipe.Send(task.Conn(), "go")
	connected, err2 := pipe.Receive[string](task.Conn()) // it is in the kernel's queue
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old))
	require.NoError(t, errors.Join(err, err2))
	require.Equal(t, "connected", connected)
	_, err = task.Result(processtest.Within(t))
	require.NoError(t, err)
	require.NoError(t, task.Join(processtest.Within(t)))
}

var knock = process.Service("knock", func(ctx context.Context, path string, front *pipe.Conn) error {
	if _, err := pipe.Receive[string](front); err != nil {
		return err
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		return err
	}
	if err := pipe.Send(front, "connected"); err != nil {
		return err
	}
	if _, err := syscall.Write(fd, []byte("\x00\x00\x00\x04echo")); err != nil {
		return err
	}
	var b [8]byte
	n, err := syscall.Read(fd, b[:])
	if err == nil && string(b[:n]) != "\x00\x00\x00\x04echo" {
		err = fmt.Errorf("%q", b[:n])
	}
	return err
})

func TestHandle(t *testing.T) {
	h, err := hub.New("echo", echo)
	require.NoError(t, err)
	defer closed(t, h)
	var handle hub.Handle
	_, err = handle.Conn(processtest.Within(t), nil)
	require.Error(t, err)
	_, err = handle.MarshalText()
	require.Error(t, err)
	require.Error(t, handle.Name("", "echo"))
	require.NoError(t, handle.Name(h.Path(), "echo"))
	text, err := handle.MarshalText()
	require.NoError(t, err)
	require.Equal(t, h.Path(), string(text))
	wrong := errors.New("wrong")
	_, err = handle.Conn(processtest.Within(t), func(*pipe.Conn) error { return wrong })
	require.ErrorIs(t, err, wrong)
	n := 0
	setUp := func(*pipe.Conn) error { n++; return nil }
	one, err := handle.Conn(processtest.Within(t), setUp)
	require.NoError(t, err)
	two, err := handle.Conn(processtest.Within(t), setUp)
	require.NoError(t, err)
	require.Same(t, one, two)
	require.Equal(t, 1, n)
	require.False(t, handle.Closed())
	require.NoError(t, handle.Close())
	require.NoError(t, handle.Close())
	require.True(t, handle.Closed())
	_, err = handle.Conn(processtest.Within(t), setUp)
	require.ErrorIs(t, err, pipe.ErrClosed)
}

// The hub's process is stopped: whoever connects gives up when its context says so.
func TestTheProcessOfTheHubIsStopped(t *testing.T) {
	task, path := kept(t, "")
	processtest.Freeze(t, task.PID())
	ctx, cancel := context.WithCancel(processtest.Within(t))
	failed := make(chan error)
	go func() {
		_, err := hub.Dial(ctx, path, "echo")
		failed <- err
	}()
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	processtest.Thaw(t, task.PID())
	speak(t, path, "hello")
	require.NoError(t, task.Stop(processtest.Within(t)))
}
