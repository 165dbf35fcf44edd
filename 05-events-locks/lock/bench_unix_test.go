//go:build unix

package lock_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/05-events-locks/lock"
)

type contest struct {
	Lock  *lock.File // nil: flock(2) alone
	Path  string
	Times int
}

// contend locks and unlocks, many times, when the parent says so.
var contend = process.Service("contend", func(_ context.Context, c contest, front *pipe.Conn) error {
	if _, err := pipe.Receive[string](front); err != nil {
		return err
	}
	begin := time.Now()
	if c.Lock != nil {
		for range c.Times {
			if _, err := c.Lock.Acquire(context.Background()); err != nil {
				return err
			}
			if err := c.Lock.Release(); err != nil {
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

// BenchmarkLock is one lock and unlock, by 1, 2 or 4 processes at once.
// BenchmarkLock/bare is what flock(2) alone costs, without the guarantees.
func BenchmarkLock(b *testing.B) {
	for _, kind := range []string{"", "bare/"} {
		for _, n := range []int{1, 2, 4} {
			b.Run(fmt.Sprintf("%sprocs=%d", kind, n), func(b *testing.B) { benchmarkLock(b, n, kind != "") })
		}
	}
}

func benchmarkLock(b *testing.B, n int, bare bool) {
	c := contest{Path: filepath.Join(b.TempDir(), "lock"), Times: max(b.N/n, 1)}
	if !bare {
		c.Lock = open(b, c.Path)
	}
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
