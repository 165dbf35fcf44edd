package pipe

import (
	"errors"
	"fmt"
)

// writer is what the writing side remembers. writeMu guards it.
type writer struct {
	cutShort error // set once a message has left only in part

	// Memory that every send uses again.
	header  [headerSize]byte
	scratch []byte
	parts   [2][]byte
}

// ErrCutShort: a time limit struck when a part of a message had left. The other
// end waits for the rest, and would take the beginning of the next message for
// it, so this send and every later one return this error. Close the Conn. A
// send that timed out before its first byte does no harm and can be repeated.
var ErrCutShort = errors.New("a message was cut off in the middle; close this end and start again with a new pipe")

// beginSend checks that a message of this size may be sent and takes the lock
// that keeps messages apart. The caller unlocks writeMu unless there is an error.
func (c *Conn) beginSend(op string, size int) error {
	if c.out == nil {
		return wrongEnd(op, "reading")
	}
	if size > c.maxMessage() {
		return fmt.Errorf("pipe: %s: %w", op, tooLarge("a message", size, c.maxMessage()))
	}
	c.writeMu.Lock()
	err := c.cutShort
	if c.isGiven() {
		err = errGiven
	}
	if err != nil {
		c.writeMu.Unlock()
		return fmt.Errorf("pipe: %s: %w", op, err)
	}
	return nil
}

// finishSend hands the message, given in one part or two, to the kernel. What it
// returns is told to the sender at once: there is no background writer that
// could swallow an error.
func (c *Conn) finishSend(op string, first, second []byte) error {
	// Small parts are copied together, large ones are not copied at all
	// (writev): both leave with one system call.
	if small := len(first)+len(second) <= directSize; small && second != nil {
		c.scratch = append(append(c.scratch[:0], first...), second...)
		first, second = c.scratch, nil
	}
	c.parts = [2][]byte{first, second}
	parts := c.parts[:2]
	if second == nil {
		parts = parts[:1]
	}
	n, err := c.out.write(parts)
	c.parts = [2][]byte{}
	return c.sent(op, n, err)
}

// sent judges a send that has handed n bytes to the kernel.
func (c *Conn) sent(op string, n int, err error) error {
	if err == nil {
		return nil
	}
	if n > 0 && errors.Is(err, ErrTimeout) {
		c.cutShort = ErrCutShort
		return fmt.Errorf("pipe: %s: %w after %d bytes: %w", op, err, n, ErrCutShort)
	}
	return fmt.Errorf("pipe: %s: %w", op, err)
}

// Write sends p as it is, whole, as one message of the caller's own making. It
// makes a Conn an [io.Writer].
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.beginSend("write", 0); err != nil { // a stream has no size
		return 0, err
	}
	defer c.writeMu.Unlock()
	c.parts[0] = p
	n, err := c.out.write(c.parts[:1])
	c.parts[0] = nil
	return n, c.sent("write", n, err)
}
