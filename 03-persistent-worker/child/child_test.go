package child_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/02-selector-timeout/selector"
	"example.com/multiprocessing/03-persistent-worker/child"
)

func TestHowItEnds(t *testing.T) {
	for args, want := range map[string]int{"0": 0, "1": 1, "42 last words": 42, "255": 255} {
		c := start(t, command("exit", strings.Fields(args)...), child.Options{Name: "x"})
		died := end(t, c)
		require.Equal(t, want, died.ExitCode)
		require.Zero(t, died.Signal)
		require.Equal(t, c.PID(), died.PID)
		require.Equal(t, fmt.Sprintf("exit status %d", want), died.Status())
		if want == 42 {
			require.EqualError(t, died, fmt.Sprintf("worker %q (pid %d): exit status 42: External Process Failed:\n\nlast words", "x", c.PID()))
		}
	}
	c := start(t, command("panic"), child.Options{})
	died := end(t, c)
	require.Equal(t, 2, died.ExitCode)
	require.Contains(t, died.Error(), "panic: on purpose")
	require.Equal(t, filepath.Base(os.Args[0]), c.Name())
}

func TestKill(t *testing.T) {
	front, c := withChannel(t, command("until-eof"), child.Options{Name: "x"})
	require.Nil(t, c.Died())
	_, err := front.ReceiveLine()
	require.NoError(t, err)
	c.Kill()
	died := end(t, c)
	if runtime.GOOS != "windows" {
		require.Equal(t, -9, died.ExitCode)
		require.Equal(t, syscall.SIGKILL, died.Signal)
		require.Equal(t, "signal: killed", died.Status())
		require.NotZero(t, died.Rusage.MaxRSS)
	}
	died.Task = "task 7"
	require.Contains(t, died.Error(), "task 7: worker \"x\" (pid ")
	require.Contains(t, died.Error(), "(it has written nothing to stderr)")
	c.Kill() // there is nobody any more, and nobody else gets the signal
	require.NoError(t, c.Stop(t.Context()))
}

// It answers and is dead at once. The answer counts.
func TestNoAnswerIsLost(t *testing.T) {
	runs := 200
	if testing.Short() {
		runs = 20
	}
	for i := range runs {
		how := []string{"kill", "exit", "return"}[i%3]
		front, c := withChannel(t, command("answer", how), child.Options{})
		require.NoError(t, pipe.Send(front, i))
		if i%2 == 0 {
			<-c.Done() // the answer waits for us, not we for the answer
		}
		got, err := pipe.Receive[int](front)
		require.NoError(t, err, "run %d: %v", i, c.Stderr())
		require.Equal(t, i*i, got)
		_, err = pipe.Receive[int](front)
		require.Error(t, err)
		end(t, c)
		require.NoError(t, front.Close())
	}
}

func TestTheLadder(t *testing.T) {
	t.Run("the end of the input", func(t *testing.T) {
		front, c := withChannel(t, command("until-eof"), child.Options{Grace: patience})
		_, err := front.ReceiveLine()
		require.NoError(t, err)
		require.Equal(t, "exit status 0", stop(t, c).Status())
		require.NoError(t, c.Stop(t.Context())) // again
	})
	if runtime.GOOS == "windows" {
		t.Skip("there are no signals here")
	}
	started := func(t *testing.T, role string, grace time.Duration) *child.Child {
		c := start(t, command(role), child.Options{Grace: grace})
		for !strings.Contains(c.Stdout(), "ready") {
			time.Sleep(time.Millisecond)
		}
		return c
	}
	t.Run("SIGTERM", func(t *testing.T) {
		require.Equal(t, "exit status 7", stop(t, started(t, "polite", patience)).Status())
	})
	t.Run("SIGKILL", func(t *testing.T) {
		require.Equal(t, "signal: killed", stop(t, started(t, "deaf", 50*time.Millisecond)).Status())
	})
	t.Run("no grace", func(t *testing.T) {
		require.Equal(t, "signal: killed", stop(t, started(t, "polite", -1)).Status())
	})
	t.Run("many stop it", func(t *testing.T) {
		c := started(t, "polite", patience)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() { _ = c.Stop(context.Background()); c.Kill() })
		}
		group.Wait()
		end(t, c)
	})
	t.Run("the context ends first", func(t *testing.T) {
		c := started(t, "deaf", 100*time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.ErrorIs(t, c.Stop(ctx), pipe.ErrTimeout)
		require.Equal(t, "signal: killed", end(t, c).Status()) // and the ladder has gone on
	})
}

func TestOutput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stderr")
	var forwarded strings.Builder
	for range 2 {
		cmd := command("print", "to stdout", "to stderr\n")
		cmd.Stderr = &forwarded
		c := start(t, cmd, child.Options{StderrFile: file})
		end(t, c)
		require.Equal(t, "to stdout", c.Stdout())
		require.Equal(t, "to stderr\n", c.Stderr())
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "to stderr\nto stderr\n", string(text)) // appended: no run erases the other
	require.Equal(t, "to stderr\nto stderr\n", forwarded.String())

	_, err = child.Start(command("print", "", ""), child.Options{StderrFile: "/no/such/dir/file"})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// Nobody reads it, and the program is not blocked. The end of it is kept.
func TestAFloodBlocksNobody(t *testing.T) {
	front, c := withChannel(t, command("flood", "lines", "500000"), child.Options{Tail: 1000})
	got, err := pipe.Receive[string](front)
	require.NoError(t, err)
	require.Equal(t, "done", got)
	end(t, c)
	tail := c.Stderr()
	require.Regexp(t, `(?s)^… \(\d+ bytes before\)\n.*line 499999\n$`, tail)
	require.Less(t, len(tail), 1100)

	front, c = withChannel(t, command("flood", "bytes", fmt.Sprint(16<<20)), child.Options{Tail: -1})
	_, err = pipe.Receive[string](front)
	require.NoError(t, err)
	end(t, c)
	require.Empty(t, c.Stderr())
	require.Empty(t, c.Stdout())
}

func TestWhatCannotBeStarted(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	require.NoError(t, os.WriteFile(plain, []byte("text"), 0o600))
	temp := filepath.Join(dir, "temp")
	for path, want := range map[string]string{
		filepath.Join(dir, "nosuch"): "no such file or directory",
		dir:                          "permission denied",
		plain:                        "permission denied",
	} {
		require.NoError(t, os.MkdirAll(temp, 0o700))
		front, back, err := pipe.Pair()
		require.NoError(t, err)
		_, err = child.Start(exec.Command(path), child.Options{Name: "x", Channel: back, TempDir: temp})
		require.Error(t, err)
		if runtime.GOOS != "windows" {
			require.ErrorContains(t, err, `"x": start: `)
			require.ErrorContains(t, err, want)
		}
		require.NoDirExists(t, temp)
		require.NoError(t, front.SetReadDeadline(time.Now().Add(patience)))
		_, err = front.ReceiveLine() // nobody has the other end
		require.EqualError(t, err, "EOF")
		front.Close()
	}
	_, err := child.Start(exec.Command("no-such-program-anywhere"), child.Options{})
	require.ErrorIs(t, err, exec.ErrNotFound)
}

func TestTheTempDirGoesWithIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "temp")
	require.NoError(t, os.Mkdir(dir, 0o700))
	cmd := command("working-dir")
	cmd.Dir = dir
	c := start(t, cmd, child.Options{TempDir: dir})
	end(t, c)
	require.Equal(t, filepath.Base(dir), filepath.Base(c.Stdout()))
	require.NoDirExists(t, dir)
}

func TestAChildIsASource(t *testing.T) {
	s, err := selector.New[string]()
	require.NoError(t, err)
	defer s.Close()
	front, c := withChannel(t, command("until-eof"), child.Options{})
	require.NoError(t, s.Register(front, "channel"))
	require.NoError(t, s.Register(c, "child"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	keys, err := s.Select(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"channel"}, keys)
	_, err = front.ReceiveLine()
	require.NoError(t, err)
	s.Unregister(front)
	c.Kill()
	keys, err = s.Select(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"child"}, keys)
	end(t, c)
	keys, err = s.Select(ctx) // and it stays so
	require.NoError(t, err)
	require.Equal(t, []string{"child"}, keys)

	dead := start(t, command("exit", "0"), child.Options{})
	end(t, dead)
	require.NoError(t, s.Register(dead, "dead"))
	keys, err = s.Select(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"child", "dead"}, keys)
}

// From anywhere, all at once; nothing is left (see TestMain).
func TestManyAtOnce(t *testing.T) {
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			runtime.LockOSThread() // this thread ends with the goroutine, and the child must not
			c, err := child.Start(command("exit", fmt.Sprint(i)), child.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if i%4 == 0 {
				c.Kill()
			}
			<-c.Done()
			if got := c.Died().ExitCode; got != i && i%4 != 0 {
				t.Errorf("child %d: exit status %d", i, got)
			}
		})
	}
	group.Wait()
}

// The thread that asked for the start ends. On Linux that would kill the child,
// had that thread started it.
func TestTheThreadThatStartedItEnds(t *testing.T) {
	type pair struct {
		front *pipe.Conn
		c     *child.Child
	}
	result := make(chan pair)
	go func() {
		runtime.LockOSThread()
		front, c := withChannel(t, command("until-eof"), child.Options{Grace: patience})
		result <- pair{front, c}
	}()
	p := <-result
	_, err := p.front.ReceiveLine()
	require.NoError(t, err)
	require.NoError(t, p.front.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err = p.front.ReceiveLine()
	require.ErrorIs(t, err, pipe.ErrTimeout) // it lives
	require.Equal(t, "exit status 0", stop(t, p.c).Status())
}
