package queue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/05-events-locks/hub"
)

// clients are the connections of a handle. A request takes one for itself, as long as it
// lasts: so a goroutine that waits for an item keeps nobody from putting one. There are
// as many as there ever were requests at the same time.
type clients struct {
	handle hub.Handle // for its path

	mu     sync.Mutex
	idle   []*client
	all    map[*client]bool
	intake *packets // nil: not received yet, or there is none
	closed bool
}

// A client is one connection.
type client struct {
	*pipe.Conn
	number  uint64   // of the last request
	pending *message // an answer of which not all files are here yet
	quick
}

// patience is how long the broker may take to answer what it can answer at once.
const patience = 15 * time.Second

// Path returns the path, absolute.
func (c *clients) Path() string { return c.handle.Path() }

// MarshalText returns the path.
func (c *clients) MarshalText() ([]byte, error) {
	text, err := c.handle.MarshalText()
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	return text, nil
}

// UnmarshalText makes it the handle of the queue at this path. It does not connect yet. It
// is for a Queue that is not in use.
func (c *clients) UnmarshalText(path []byte) error {
	if err := c.handle.Name(string(path), kind); err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	return nil
}

// take takes a connection that nobody uses, or makes one.
func (c *clients) take(ctx context.Context) (*client, error) {
	c.mu.Lock()
	closed := c.closed
	if n := len(c.idle); n > 0 && !closed {
		one := c.idle[n-1]
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		return one, nil
	}
	c.mu.Unlock()
	switch {
	case closed:
		return nil, pipe.ErrClosed
	case c.handle.Path() == "":
		return nil, errors.New("this handle was not opened; see New and Open")
	}
	one, err := c.connect(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed: // meanwhile; then why the hub does not answer does not matter
		if err == nil {
			one.end()
		}
		return nil, pipe.ErrClosed
	case err != nil:
		return nil, err
	}
	if c.all == nil {
		c.all = map[*client]bool{}
	}
	c.all[one] = true
	return one, nil
}

func (c *clients) connect(ctx context.Context) (*client, error) {
	conn, err := hub.Dial(ctx, c.handle.Path(), kind)
	if err != nil {
		return nil, err
	}
	conn.SetLimit(frameLimit)
	one := &client{Conn: conn}
	if err := c.greet(ctx, one); err != nil {
		one.end()
		return nil, hub.Explain(err)
	}
	return one, nil
}

// frameLimit is for one item at least, and for many small ones.
const frameLimit = MaxItem + 1<<20

// give gives it back, or ends it if it was spoiled.
func (c *clients) give(one *client, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || c.closed {
		one.end()
		delete(c.all, one)
		return
	}
	c.idle = append(c.idle, one)
}

func (c *clients) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for one := range c.all {
		_ = one.Close() // wakes who waits with it, and gives it back
	}
	for _, one := range c.idle {
		one.end()
	}
	if c.intake != nil {
		c.intake.close(pipe.ErrClosed)
	}
	c.all, c.idle = nil, nil
	return nil
}

// request asks the broker, on a connection that nobody else uses meanwhile.
func (c *clients) request(ctx context.Context, op string, what byte, payload []byte, files ...*os.File) (message, error) {
	one, err := c.take(ctx)
	if err != nil {
		return message{}, c.explain(op, err)
	}
	a, err := one.request(ctx, what, payload, files...)
	c.give(one, err)
	return a, c.explain(op, c.judge(ctx, what, a, err))
}

// judge says what an answer means.
func (c *clients) judge(ctx context.Context, what byte, a message, err error) error {
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.closed {
			return pipe.ErrClosed
		}
		return hub.Explain(err)
	}
	switch a.what {
	case sayDone, sayItems:
		return nil
	case sayClosed:
		return ErrClosed
	case sayCancelled:
		return pipe.Cause(ctx)
	case sayNotNow:
		if what&^sayNow == sayPut {
			return ErrFull
		}
		return ErrEmpty
	}
	return errNonsense
}

func (c *clients) explain(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case c.handle.Path() == "":
		return fmt.Errorf("queue: %s: %w", op, err)
	}
	return fmt.Errorf("queue: %s: %s: %w", op, c.handle.Path(), err)
}

// request says something and waits for the answer. When ctx ends, it says that it will
// not wait any more, and waits for the answer to that: only the broker knows whether the
// item was put, or given, before.
func (c *client) request(ctx context.Context, what byte, payload []byte, files ...*os.File) (a message, err error) {
	if err := c.ask(what, payload, files); err != nil {
		return a, err
	}
	err = c.Within(ctx, func() error {
		a, err = c.receive()
		return err
	})
	if err == nil || ctx.Err() == nil {
		return a, err
	}
	if err := c.SendFrame(message{what: sayCancel, number: c.number}.head()); err != nil {
		return a, err
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if a, err = c.receive(); err != nil {
		return a, err
	}
	return a, c.SetReadDeadline(time.Time{})
}

func (c *client) ask(what byte, payload []byte, files []*os.File) error {
	c.number++
	head := message{what: what, number: c.number}.head()
	if err := c.SendFrame(append(head, payload...)); err != nil {
		return err
	}
	for _, file := range files {
		if err := c.SendFile(file); err != nil {
			return err
		}
	}
	return nil
}

// receive receives the answer. It may be interrupted, and goes on then.
func (c *client) receive() (message, error) {
	a, err := receiveMessage(c.Conn, &c.pending)
	if err == nil && a.number != c.number {
		err = errNonsense
	}
	return a, err
}

// receiveMessage receives a frame, and the files that come behind it. What was received
// when there is an error is in pending, for the next call.
func receiveMessage(conn *pipe.Conn, pending **message) (message, error) {
	m := *pending
	if m == nil {
		frame, err := conn.ReceiveFrame()
		if err != nil {
			return message{}, err
		}
		one, err := readMessage(frame)
		if err != nil {
			return message{}, err
		}
		m = &one
	}
	*pending = m
	for n := m.countFiles(); len(m.files) < n; {
		file, err := conn.ReceiveFile()
		if err != nil {
			return message{}, err
		}
		m.files = append(m.files, file)
	}
	*pending = nil
	return *m, nil
}
