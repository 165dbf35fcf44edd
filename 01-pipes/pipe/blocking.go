package pipe

import (
	"fmt"
	"syscall"
)

// SetBlocking gives up time limits for speed: the thread that receives sits in
// read(2), and nobody has to wake a goroutine first. A worker that does nothing
// but wait for its next request gains by it. There is no way back.
//
// SetDeadline and Within return [os.ErrNoDeadline] afterwards. Close still wakes
// a waiting receive on an end made by [Pair], but not on a one-way pipe: there
// the receive returns when the other end sends or closes.
//
// On Windows there is no such mode, and SetBlocking returns
// [errors.ErrUnsupported].
func (c *Conn) SetBlocking() error {
	for _, e := range []*end{c.in, c.out} {
		if e == nil {
			continue
		}
		if err := e.setBlocking(); err != nil {
			return fmt.Errorf("pipe: set blocking: %w", err)
		}
	}
	return nil
}

// SyscallConn returns access to the descriptor that this end receives from (or
// sends to, if it does not receive), so that a program can wait for many at
// once. Do not read from it, write to it or close it. See also [Conn.Buffered].
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if c.in != nil {
		return c.in.syscallConn()
	}
	return c.out.syscallConn()
}
