// Package pipe lets two processes talk in whole messages.
//
// The kernel moves bytes. It does not know where one message ends and the
// next begins, it may hand over half a message, and it reports "the other
// side is gone" in four different ways. A [Conn] adds the little that turns
// bytes into messages: one JSON value per line ([Send], [Receive]) for
// programs in any language, or raw bytes behind their length
// ([Conn.SendFrame], [Conn.ReceiveFrame]) for programs that trust each other
// to count.
//
// Guarantees. A message arrives whole or not at all. After a time limit the
// Conn is as good as before: bytes that came early stay in it, and a later
// call returns the whole message. Any number of goroutines may send on one
// Conn and messages never mix; any number may receive and each message goes to
// one of them. Four things that a reader must tell apart are four errors:
// nothing came in time ([ErrTimeout]), the other side is finished ([io.EOF]),
// it ended in the middle of a message ([io.ErrUnexpectedEOF]), this side was
// closed here ([ErrClosed]).
//
// Limits. The caller reads and writes: there is no goroutine inside, so a Conn
// that nobody reads fills up, and then its writer waits. Two processes that
// both write before they read can wait for each other for ever; the lesson's
// README shows it. Several *processes* that share one writing end are not
// kept apart by a Conn: give each its own.
package pipe

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// A Conn is one end of a pipe: the reading end or the writing end made by
// [New], or one of the two ends made by [Pair], which do both.
//
// All methods are safe for concurrent use. Close it when the exchange is over.
type Conn struct {
	in, out *end // where bytes come from and go to; nil where there is no such direction

	readMu sync.Mutex // one reader at a time
	reader            // see read.go

	writeMu sync.Mutex // one writer at a time, or messages would mix
	writer             // see write.go

	deadlines       // see deadline.go
	limit     limit // see limit.go
	given     given // see give.go
}

// New returns the two ends of a one-way pipe, see pipe(7): what is sent on w is
// received on r, in order. The kernel keeps what has been sent and not yet
// received, 64 KiB on Linux; when that is full, w waits.
//
// Both ends belong to this process until one is given to a child ([Conn.Give]).
func New() (r, w *Conn, err error) {
	in, out, err := newPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("pipe: make a pipe: %w", err)
	}
	return newConn(in, nil), newConn(nil, out), nil
}

// Pair returns the two ends of a duplex pipe, front and back: what one sends
// the other receives. It is a socketpair(2), made without a name and without a
// server, so nobody else can connect to it. By custom the front stays in the
// parent and the back goes to the child.
func Pair() (front, back *Conn, err error) {
	a, b, err := newPair()
	if err != nil {
		return nil, nil, fmt.Errorf("pipe: make a pair: %w", err)
	}
	return newConn(a, a), newConn(b, b), nil
}

// Files returns a Conn that reads from r and writes to w: stdin and stdout, or
// the parent's ends of a child's stdin and stdout. Either may be nil. The Conn
// owns both from now on; closing it closes them.
//
// Deadlines work if the files have them. Stdin and stdout of a Go program have
// none: the call that sets one returns [os.ErrNoDeadline].
func Files(r, w *os.File) (*Conn, error) {
	in, err := fileEnd(r)
	if err != nil {
		return nil, fmt.Errorf("pipe: read from %s: %w", r.Name(), err)
	}
	if r == w {
		return newConn(in, in), nil // one descriptor has one owner
	}
	out, err := fileEnd(w)
	if err != nil {
		return nil, fmt.Errorf("pipe: write to %s: %w", w.Name(), err)
	}
	return newConn(in, out), nil
}

func newConn(in, out *end) *Conn {
	c := &Conn{in: in, out: out}
	c.SetLimit(DefaultLimit)
	return c
}

// Close closes this end. The other end receives what was sent before and then
// [io.EOF]; what was not yet received here is lost. A call that waits on this
// Conn in another goroutine returns [ErrClosed], with one exception, described
// at [Conn.SetBlocking]. A second Close does nothing and returns nil.
func (c *Conn) Close() error {
	err := c.in.close()
	if c.out != c.in {
		if werr := c.out.close(); err == nil {
			err = werr
		}
	}
	return err
}

// CloseWrite tells the other end that nothing more will be sent, while this end
// goes on receiving: the other end receives [io.EOF] after the last message.
// This is how a client says "that was all, now answer".
func (c *Conn) CloseWrite() error {
	if c.out == nil {
		return wrongEnd("close for writing", "reading")
	}
	if c.out != c.in {
		return c.out.close()
	}
	return c.out.closeWrite()
}

// CloseRead says that this end receives nothing more, while it may go on sending. A receive
// that waits, in another goroutine, returns [io.EOF] or [io.ErrUnexpectedEOF], also after
// [Conn.SetBlocking]; what the other end sends from now on fails there. It is for one end of
// [Pair]; elsewhere, and on Windows, it returns [errors.ErrUnsupported].
func (c *Conn) CloseRead() error {
	if c.in == nil || c.in != c.out {
		return fmt.Errorf("pipe: close for reading: %w", errors.ErrUnsupported)
	}
	return c.in.closeRead()
}

func wrongEnd(op, which string) error {
	return fmt.Errorf("pipe: %s: this is the %s end of a one-way pipe; use its other end, or a Pair", op, which)
}
