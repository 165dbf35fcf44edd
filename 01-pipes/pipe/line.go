package pipe

import (
	"bytes"
	"fmt"
	"io"
)

// SendLine sends one line. A newline is added if the line has none at its end;
// one anywhere else is an error, because it would make two messages of one.
//
// The line has reached the kernel when SendLine returns: there is no buffer on
// this side, and so nothing to flush and nothing to forget.
func (c *Conn) SendLine(line []byte) error {
	text := bytes.TrimSuffix(line, newline)
	if bytes.Contains(text, newline) {
		return fmt.Errorf("pipe: send line: there is a newline inside the line; send two lines, or a frame")
	}
	if err := c.beginSend("send line", len(text)+1); err != nil {
		return err
	}
	defer c.writeMu.Unlock()
	return c.finishSend("send line", text, newline)
}

var newline = []byte("\n")

// ReceiveLine waits for one line and returns it with its newline.
//
// It returns [io.EOF] when the other end is finished, every time it is called,
// and [io.ErrUnexpectedEOF] when it finished inside a line. The last line of a
// process that died is not shorter than it was meant to be by luck: of `257\n`
// only `25` may have arrived, and 25 is a wrong number, not a short one.
func (c *Conn) ReceiveLine() ([]byte, error) {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	line, err := c.nextLine()
	return bytes.Clone(line), readError("receive line", err)
}

// nextLine returns the next line, newline included. The slice is valid until
// the next read. The caller holds readMu.
func (c *Conn) nextLine() ([]byte, error) {
	if err := c.canRead(); err != nil {
		return nil, err
	}
	for {
		// Look into the buffer before asking the kernel: the read that brought
		// the last line may have brought this one as well. A program that waits
		// for the descriptor instead waits for ever, with its message in hand.
		unread := c.buf[c.r:c.w]
		if i := bytes.IndexByte(unread[c.noNewline:], '\n'); i >= 0 {
			return c.take(c.noNewline + i + 1), nil
		}
		c.noNewline = len(unread) // do not look at these twice
		c.seen = len(unread)
		if len(unread) > c.maxMessage() {
			return nil, c.condemnRead(tooLarge("a line", len(unread), c.maxMessage()))
		}
		if err := c.fill(); err == io.EOF && len(unread) > 0 {
			return nil, fmt.Errorf("%w: the other end went away inside a line, after %d bytes of it", io.ErrUnexpectedEOF, len(unread))
		} else if err != nil {
			return nil, err
		}
	}
}

// LeftUnread reports, after [io.EOF] on an end made by [Pair], whether the other
// side has gone without reading all that was sent to it. On Linux the kernel
// tells: the connection was reset. Elsewhere the answer is always false.
func (c *Conn) LeftUnread() bool { return c.in != nil && c.in.refused.Load() }
