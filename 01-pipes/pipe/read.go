package pipe

import (
	"fmt"
	"io"
)

// reader is what the reading side remembers. readMu guards it.
type reader struct {
	buf        []byte // bytes from the kernel; buf[r:w] are not yet taken
	r, w       int
	filled     bool         // by the last fill, to its end
	seen       int          // of those, the part that a call has looked at in vain
	noNewline  int          // of those, the part known to hold no newline
	fillAtMost int          // the next fill reads no more than this; 0: as much as fits
	wait       func() error // called before a wait, see ReceiveAfter
	dead       error        // set once the stream cannot be understood any more

	frame     []byte // a frame that a time limit interrupted, else nil
	frameSize int
	frameFile bool
}

// A buffer of bufferSize holds a whole pipe full of small messages, so one system
// call fetches hundreds of them. Who gets a short message now and then does not need
// it: it begins with firstSize, and grows when a read has filled it.
const (
	firstSize  = 4 << 10
	bufferSize = 64 << 10
)

// canRead reports why this Conn cannot receive a new message, if so.
func (c *Conn) canRead() error {
	switch {
	case c.in == nil:
		return wrongEnd("receive", "writing")
	case c.in.closed.Load():
		return ErrClosed
	case c.isGiven():
		return errGiven
	case c.dead != nil:
		return c.dead
	case c.frame != nil:
		return fmt.Errorf("half a frame has been received; go on with ReceiveFrame")
	}
	return nil
}

// fill reads once from the kernel into the buffer and waits if nothing is
// there. It makes room first: a line may be longer than the buffer.
func (c *Conn) fill() error {
	switch {
	case c.buf == nil:
		c.buf = make([]byte, firstSize)
	case c.filled && len(c.buf) < bufferSize: // there is more where that came from
		buf := make([]byte, bufferSize)
		c.w = copy(buf, c.buf[c.r:c.w])
		c.r, c.buf = 0, buf
	case c.w < len(c.buf):
		// There is room.
	case c.r > 0:
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	default:
		c.buf = append(c.buf, make([]byte, len(c.buf))...) // twice as much
	}
	room := c.buf[c.w:]
	if c.fillAtMost > 0 && c.fillAtMost < len(room) {
		room = room[:c.fillAtMost]
	}
	c.fillAtMost = 0
	n, err := c.readKernel(room)
	c.w += n
	c.filled = c.w == len(c.buf)
	return err
}

func (c *Conn) readKernel(p []byte) (int, error) {
	if c.wait == nil {
		return c.in.read(p)
	}
	return c.in.readAfter(c.wait, p)
}

// take removes the first n bytes from the buffer and returns them.
func (c *Conn) take(n int) []byte {
	taken := c.buf[c.r : c.r+n]
	c.r += n
	c.seen, c.noNewline = 0, 0
	if c.r == c.w {
		c.r, c.w = 0, 0
		if len(c.buf) > 16*bufferSize {
			c.buf = nil // one huge line must not stay in memory for ever
		}
	}
	return taken
}

// condemnRead ends receiving for good: after a message that cannot be taken
// nobody knows where the next one begins.
func (c *Conn) condemnRead(err error) error {
	c.dead = err
	return err
}

// readError names the operation, and lets io.EOF through as it is: that one is
// not a failure, and loops compare it with ==.
func readError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return fmt.Errorf("pipe: %s: %w", op, err)
}

// Read reads bytes, whatever messages they belong to: what is in the buffer
// first, then what the kernel has. It makes a Conn an [io.Reader]. Errors are
// those of [Conn.ReceiveLine], but a stream has no middle of a message.
func (c *Conn) Read(p []byte) (int, error) {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	if err := c.canRead(); err != nil {
		return 0, readError("read", err)
	}
	if c.r < c.w {
		n := copy(p, c.buf[c.r:c.w])
		c.take(n)
		return n, nil
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.in.read(p)
	return n, readError("read", err)
}

// Buffered returns the number of bytes that have left the kernel and that no
// call has looked at yet. While it is not 0, waiting for the descriptor would be
// a mistake: the next message may be here already. The bytes of a message that
// is known to be incomplete do not count, since only the descriptor can bring
// the rest.
func (c *Conn) Buffered() int {
	if !c.readMu.TryLock() {
		return 0 // somebody is receiving, and will look at them
	}
	defer c.readMu.Unlock()
	return c.w - c.r - c.seen
}
