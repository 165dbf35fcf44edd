//go:build unix

package selector

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
)

// waitReadable waits until a read from c would not wait, or until the time is
// over. "Readable" includes the end of the input: a read returns at once then.
//
// The thread sleeps in the kernel meanwhile. For one descriptor that is fine;
// for hundreds there is [Selector].
func waitReadable(c *pipe.Conn, until time.Time) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	for {
		var ready bool
		// At least one look, however late it is: what is there counts.
		left := max(time.Until(until), 0)
		cerr := raw.Control(func(fd uintptr) { ready, err = poll(int(fd), left) })
		switch {
		case cerr != nil:
			return pipe.ErrClosed
		case err == unix.EINTR:
			continue // a signal came; the rest of the time is still ours
		case err != nil:
			return fmt.Errorf("wait for input: %w", os.NewSyscallError("poll", err))
		case ready:
			return nil
		case left == 0:
			return pipe.ErrTimeout
		}
	}
}

// milliseconds rounds up: rounded down, the last part of a millisecond would be
// spent in a busy loop.
func milliseconds(d time.Duration) int {
	const longest = 24 * time.Hour // poll takes an int; the caller comes back
	return int((min(d, longest) + time.Millisecond - 1) / time.Millisecond)
}
