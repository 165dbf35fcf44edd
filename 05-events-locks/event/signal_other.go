//go:build unix && (!linux || eventpipe)

package event

import (
	"os"

	"example.com/multiprocessing/01-pipes/pipe"
)

// newCounter makes a pipe, where there is no eventfd: readable when there is something
// in it, and who clears it takes it out. Both ends are handed out. (os.Pipe makes them
// non-blocking, and that goes with them.)
func newCounter() (r, w *os.File, err error) { return os.Pipe() }

func receiveSignal(c *pipe.Conn) (*signal, error) {
	r, err := c.ReceiveFile()
	if err != nil {
		return nil, err
	}
	w, err := c.ReceiveFile()
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	return &signal{r, w}, nil
}
