package pipe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// deadlines are the time limits as the user set them.
type deadlines struct {
	deadlineMu  sync.Mutex
	read, write time.Time
}

// SetDeadline sets the moment at which calls that wait give up with
// [ErrTimeout], for receiving and for sending, as in net.Conn. It holds for
// calls that wait already and for all later ones; the zero time means no limit.
//
// A limit is for waiting. What is already there is returned even when the
// deadline has passed: with a deadline in the past, a receive is a poll. It
// covers the whole message, not the first byte of it.
//
// A Conn without deadlines returns [os.ErrNoDeadline]: stdin, or one in
// blocking mode.
func (c *Conn) SetDeadline(t time.Time) error {
	if c.in == nil {
		return c.SetWriteDeadline(t)
	}
	if err := c.SetReadDeadline(t); err != nil || c.out == nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline is [Conn.SetDeadline] for receiving.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.in == nil {
		return wrongEnd("set read deadline", "writing")
	}
	c.deadlineMu.Lock()
	defer c.deadlineMu.Unlock()
	if err := c.in.setReadDeadline(t); err != nil {
		return fmt.Errorf("pipe: set read deadline: %w", err)
	}
	c.deadlines.read = t
	return nil
}

// SetWriteDeadline is [Conn.SetDeadline] for sending. A send that is cut off in
// the middle of its message spoils the Conn, see [ErrCutShort].
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.out == nil {
		return wrongEnd("set write deadline", "reading")
	}
	c.deadlineMu.Lock()
	defer c.deadlineMu.Unlock()
	if err := c.out.setWriteDeadline(t); err != nil {
		return fmt.Errorf("pipe: set write deadline: %w", err)
	}
	c.deadlines.write = t
	return nil
}

// Within calls do, and makes what do sends and receives on c give up when ctx
// ends: with [ErrTimeout] if its time is over, with [context.Cause] if it was
// cancelled. What is already there is received even if ctx has ended before.
// Deadlines that were set before hold again afterwards.
//
// The limit belongs to the Conn, not to the caller: another goroutine that
// receives or sends on c meanwhile gives up as well.
func (c *Conn) Within(ctx context.Context, do func() error) error {
	if ctx.Done() == nil {
		return do()
	}
	if err := c.probeDeadline(); err != nil {
		return err
	}
	fired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.wakeAll(time.Unix(1, 0)) // long ago: whoever waits stops waiting
		close(fired)
	})
	err := do()
	if !stop() {
		<-fired // or the alarm would go off in the next call
		c.restoreDeadlines()
		if errors.Is(err, ErrTimeout) {
			err = ended(ctx, err)
		}
	}
	return err
}

// ended turns the time-out that a context has caused into what it means.
func ended(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case cause == context.DeadlineExceeded:
		return err
	case ctx.Err() == context.DeadlineExceeded: // with a cause of the caller's
		return fmt.Errorf("%w: %w", err, cause)
	case errors.Is(err, ErrCutShort):
		return fmt.Errorf("%w: %w", cause, ErrCutShort)
	}
	return fmt.Errorf("pipe: %w", cause)
}

// Cause says why ctx has ended: [ErrTimeout] if its time is over, otherwise
// [context.Cause]; nil if it has not ended. Every package of this course that
// waits returns these words.
func Cause(ctx context.Context) error {
	switch cause := context.Cause(ctx); {
	case cause == context.DeadlineExceeded:
		return ErrTimeout
	case ctx.Err() == context.DeadlineExceeded: // with a cause of the caller's
		return fmt.Errorf("%w: %w", ErrTimeout, cause)
	default:
		return cause
	}
}

// Await waits until done is closed. If ctx ends before, it returns [Cause]. What has
// happened already is seen, also when ctx has ended: select chooses at random among
// what is ready, so somebody has to look first.
func Await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	default:
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return Cause(ctx)
	}
}

// probeDeadline finds out whether a deadline would work, before anyone waits
// for one that never comes.
func (c *Conn) probeDeadline() error {
	c.deadlineMu.Lock()
	defer c.deadlineMu.Unlock()
	for _, e := range []*end{c.in, c.out} {
		if e != nil && !e.hasDeadline() {
			return fmt.Errorf("pipe: no context can end this wait: %w", os.ErrNoDeadline)
		}
	}
	return nil
}

func (c *Conn) wakeAll(t time.Time) {
	c.deadlineMu.Lock()
	defer c.deadlineMu.Unlock()
	// An error can only mean that the Conn is closed, and then nobody waits.
	if c.in != nil {
		_ = c.in.setReadDeadline(t)
	}
	if c.out != nil {
		_ = c.out.setWriteDeadline(t)
	}
}

func (c *Conn) restoreDeadlines() {
	c.deadlineMu.Lock()
	defer c.deadlineMu.Unlock()
	if c.in != nil {
		_ = c.in.setReadDeadline(c.deadlines.read)
	}
	if c.out != nil {
		_ = c.out.setWriteDeadline(c.deadlines.write)
	}
}
