package hub

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

// ErrGone: nobody is at the path any more, or the process that was there has ended.
// It is [pipe.ErrGone] too.
var ErrGone = fmt.Errorf("the process that keeps it has ended, or has closed it (%w)", pipe.ErrGone)

// Dial connects to the hub at a path. [os.ErrNotExist] says that there is none, and
// [ErrGone] that its process has ended without removing it. If ctx ends before, or
// after 15 s (the other process may be stopped), it is [pipe.ErrTimeout] or the
// context's cause. With a ctx that has ended already it takes a second at most: who only
// wants to look has to get there.
func Dial(ctx context.Context, path, kind string) (*pipe.Conn, error) {
	asked, limit := ctx, patience
	if ctx.Err() != nil {
		ctx, limit = context.WithoutCancel(ctx), time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := dial(ctx, path, kind)
	switch {
	case err == nil:
		return conn, nil
	case asked.Err() != nil && errors.Is(err, pipe.ErrTimeout):
		err = pipe.Cause(asked)
	case errors.Is(err, syscall.ECONNREFUSED):
		err = ErrGone // a name without a listener behind it
	}
	return nil, fmt.Errorf("%s at %s: %w", kind, path, Explain(err))
}

func dial(ctx context.Context, path, kind string) (*pipe.Conn, error) {
	conn, err := connect(ctx, path)
	if err != nil {
		return nil, err
	}
	var answer []byte
	err = conn.Within(ctx, func() error {
		if err := conn.SendFrame([]byte(kind)); err != nil {
			return err
		}
		answer, err = conn.ReceiveFrame()
		return err
	})
	if err == nil && string(answer) != kind {
		err = errors.New("there is something else there")
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// Explain turns the end of a connection to a hub, in whatever form it comes, into
// [ErrGone], and leaves all other errors as they are.
func Explain(err error) error {
	if isEnd(err) {
		return ErrGone
	}
	return err
}

// A Handle is what a client has of a hub: its path, and a connection that is made at
// the first use. Its zero value is not useful; see UnmarshalText. All methods are
// safe for concurrent use.
type Handle struct {
	kind string
	path string

	mu     sync.Mutex
	conn   *pipe.Conn
	closed bool
}

// Name makes h the handle of what is kept at path. It does not connect: a handle may
// travel through a process that does not use it.
func (h *Handle) Name(path, kind string) error {
	path, err := absolute(path)
	if err != nil {
		return err
	}
	h.path, h.kind = path, kind
	return nil
}

// Path returns the path; empty if the handle has none.
func (h *Handle) Path() string { return h.path }

// MarshalText returns the path.
func (h *Handle) MarshalText() ([]byte, error) {
	if h.path == "" {
		return nil, errors.New("this handle was not opened")
	}
	return []byte(h.path), nil
}

// Conn returns the connection, and calls setUp with a new one before anybody gets it.
// A first connect that has failed is tried again by the next call; a connection that
// has ended is not, since what comes later at the same path is something else.
func (h *Handle) Conn(ctx context.Context, setUp func(*pipe.Conn) error) (*pipe.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.path == "":
		return nil, errors.New("this handle was not opened")
	case h.closed:
		return nil, pipe.ErrClosed
	case h.conn != nil:
		return h.conn, nil
	}
	conn, err := Dial(ctx, h.path, h.kind)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	if err := setUp(conn); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("%s at %s: %w", h.kind, h.path, Explain(err))
	}
	_ = conn.SetDeadline(time.Time{})
	h.conn = conn
	return conn, nil
}

// Close ends the connection. A second Close does nothing.
func (h *Handle) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	h.closed = true
	if h.conn == nil {
		return nil
	}
	return h.conn.Close()
}

// Closed tells whether Close was called.
func (h *Handle) Closed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}
