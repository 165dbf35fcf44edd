//go:build unix

package process_test

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/process/processtest"
)

// A frontend as a program would have one.
type echoFront struct{ *process.Task[struct{}] }

func newEchoFront(t *testing.T) func() *echoFront {
	return func() *echoFront { return &echoFront{echo.New("", quiet(t, process.Config{}))} }
}

func (f *echoFront) say(s string) (string, error) {
	if err := pipe.Send(f.Conn(), s); err != nil {
		return "", err
	}
	return pipe.Receive[string](f.Conn())
}

func (f *echoFront) Stop(ctx context.Context) error {
	defer f.Conn().Close()
	return f.Task.Stop(ctx)
}

func TestACacheOfTen(t *testing.T) {
	cache, err := process.NewCache(10, newEchoFront(t))
	require.NoError(t, err)
	var mu sync.Mutex
	pids := map[int]int{}
	var wg sync.WaitGroup
	for range 30 { // three for each
		wg.Go(func() {
			f, err := cache.Take(within(t))
			if !isNil(t, err) {
				return
			}
			answer, err := f.say("hello")
			if isNil(t, err) && answer != "hello" {
				t.Errorf("it says %q", answer)
			}
			mu.Lock()
			pids[f.PID()]++
			mu.Unlock()
			cache.Return(f)
		})
	}
	wg.Wait()
	require.LessOrEqual(t, len(pids), 10, "no process was started for a single use")
	require.NoError(t, cache.Close(within(t)))
	require.NoError(t, cache.Close(within(t)))
	_, err = cache.Take(within(t))
	require.ErrorIs(t, err, pipe.ErrClosed)
}

func TestADeadOneIsReplaced(t *testing.T) {
	cache, err := process.NewCache(1, newEchoFront(t))
	require.NoError(t, err)
	f, err := cache.Take(within(t))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = cache.Take(ctx)
	require.ErrorIs(t, err, pipe.ErrTimeout)

	require.NoError(t, f.Kill())
	require.Equal(t, -9, join(t, f))
	cache.Return(f)
	fresh, err := cache.Take(ctx) // ready beats expired
	require.NoError(t, err)
	require.NotEqual(t, f.PID(), fresh.PID())
	answer, err := fresh.say("still here")
	require.NoError(t, err)
	require.Equal(t, "still here", answer)

	waiting := make(chan error)
	go func() { _, err := cache.Take(within(t)); waiting <- err }()
	require.NoError(t, cache.Close(within(t))) // also one that is taken
	require.ErrorIs(t, <-waiting, pipe.ErrClosed)
	require.False(t, fresh.IsAlive())
	cache.Return(fresh)
	require.Panics(t, func() { cache.Return(fresh) })
}

func TestACacheThatCannotStart(t *testing.T) {
	_, err := process.NewCache(0, newEchoFront(t))
	require.ErrorContains(t, err, "at least one")
	n := 0
	_, err = process.NewCache(3, func() *process.Task[struct{}] {
		cfg := quiet(t, process.Config{})
		if n++; n == 3 {
			cfg.Dir = "/no/such/directory"
		}
		return echo.New("", cfg)
	})
	require.ErrorContains(t, err, "no such file")
}

// R03-31: what the log of a process object tells.
func TestTheLog(t *testing.T) {
	var log processtest.Buffer
	process.SetLogger(process.NewLogger(&log))
	defer process.SetLogger(nil)
	task := start(t, square.New(3, quiet(t, process.Config{Name: "logged", Stderr: &log})))
	y, err := task.Result(within(t))
	require.NoError(t, err)
	require.Equal(t, 9, y)
	require.Zero(t, join(t, task))
	process.Logger().Info("done with it")

	text := regexp.MustCompile(`time=\S+ level=INFO `).ReplaceAllString(log.String(), "")
	text = regexp.MustCompile(`(pid|child|id)=\d+`).ReplaceAllString(text, "$1=N")
	// Parent and child write at the same time: each of them in its own order.
	var parent, child []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, "process=main ") {
			parent = append(parent, line)
		} else {
			child = append(child, line)
		}
	}
	require.Equal(t, `msg=created process=main pid=N id=N object=logged target=square by=main
msg=received process=main pid=N id=N object=logged what=Start from=main
msg=started process=main pid=N id=N object=logged child=N command=/proc/self/exe args=logged argument_bytes=8
msg=received process=main pid=N id=N object=logged what=Returned from=logged bytes=8
msg=destroyed process=main pid=N id=N object=logged exit=0
msg="done with it" process=main pid=N
`, strings.Replace(strings.Join(parent, ""), regexp.MustCompile(`command=\S+`).FindString(strings.Join(parent, "")), "command=/proc/self/exe", 1))
	require.Equal(t, `msg=created process=logged pid=N object=logged target=square by=main
msg=destroyed process=logged pid=N object=logged exit=0
`, strings.Join(child, ""))
}
