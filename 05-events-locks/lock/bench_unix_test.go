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
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
)

type contest struct {
	Lock  either // neither: flock(2) alone
	Path  string
	Times int
}

// contend locks and unlocks, many times, when the parent says so.
var contend = process.Service("contend", func(_ context.Context, c contest, front *pipe.Conn) error {
	if _, err := pipe.Receive[string](front); err != nil {
		return err
	}
	begin := time.Now()
	if c.Lock != (either{}) {
		l := c.Lock.lock()
		for range c.Times {
			if _, err := l.Acquire(context.Background()); err != nil {
				return err
			}
			if err := l.Release(); err != nil {
				return err
			}
		}
		return pipe.Send(front, time.Since(begin))
	}
	file, err := os.OpenFile(c.Path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	fd := int(file.Fd())
	for range c.Times {
		if err := unix.Flock(fd, unix.LOCK_EX); err != nil {
			return err
		}
		if err := unix.Flock(fd, unix.LOCK_UN); err != nil {
			return err
		}
	}
	return pipe.Send(front, time.Since(begin))
})

// BenchmarkLock is one lock and unlock, by 1, 2 or 4 processes at once, of a File.
// BenchmarkLock/socket is that of a Socket, BenchmarkLock/bare is what flock(2) alone
// costs, without the guarantees, and BenchmarkLock/cpython a multiprocessing.Lock.
func BenchmarkLock(b *testing.B) {
	for _, n := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("procs=%d", n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "lock")
			benchmarkLock(b, n, contest{Path: path, Lock: of(open(b, path))})
		})
		b.Run(fmt.Sprintf("bare/procs=%d", n), func(b *testing.B) {
			benchmarkLock(b, n, contest{Path: filepath.Join(b.TempDir(), "lock")})
		})
		b.Run(fmt.Sprintf("socket/procs=%d", n), func(b *testing.B) { benchmarkLock(b, n, contest{Lock: of(newSocket(b))}) })
		b.Run(fmt.Sprintf("cpython/procs=%d", n), func(b *testing.B) { benchmarkPython(b, n) })
	}
}

func benchmarkPython(b *testing.B, n int) {
	path, err := exec.LookPath("python3")
	if err != nil {
		b.Skipf("no python3 here to compare with: %v", err)
	}
	times := max(b.N/n, 1000)
	cmd := exec.Command(path, "testdata/cpython.py", strconv.Itoa(n), strconv.Itoa(times))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(b, err)
	elapsed, err := time.ParseDuration(strings.TrimSpace(string(out)) + "s")
	require.NoError(b, err)
	b.ReportMetric(float64(elapsed)/float64(n*times), "ns/op")
}

func benchmarkLock(b *testing.B, n int, c contest) {
	c.Times = max(b.N/n, 1)
	var tasks []*process.Task[struct{}]
	for range n {
		task := contend.New(c, process.Config{})
		require.NoError(b, task.Start())
		require.NoError(b, task.Ready(context.Background()))
		defer task.Conn().Close()
		tasks = append(tasks, task)
	}
	b.ResetTimer()
	for _, task := range tasks {
		require.NoError(b, pipe.Send(task.Conn(), "go"))
	}
	for _, task := range tasks {
		_, err := pipe.Receive[time.Duration](task.Conn())
		require.NoError(b, err)
	}
	b.StopTimer()
	for _, task := range tasks {
		require.NoError(b, task.Join(context.Background()))
	}
}
