package child

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A capture reads an output of the program, always, whatever comes: if nobody
// did, the pipe would be full after 64 KiB and the program would stand still in
// the middle of a log message. It keeps the end of it and forgets the rest.
type capture struct {
	w       *os.File // the program's end
	r       *pipe.Conn
	forward io.Writer // nil: to nowhere
	file    io.WriteCloser
	done    chan struct{}

	mu        sync.Mutex
	kept      []byte
	size      int
	lost      int64
	finishing bool
}

func newCapture(size int, forward io.Writer, file io.WriteCloser) (*capture, error) {
	switch {
	case size == 0:
		size = DefaultTail
	case size < 0:
		size = 0
	}
	c := &capture{size: size, forward: forward, file: file, done: make(chan struct{})}
	r, w, err := os.Pipe()
	if err != nil {
		c.abandon()
		return nil, err
	}
	c.w = w
	c.r, err = pipe.Files(r, nil)
	return c, err
}

func (c *capture) begin() {
	if c != nil {
		go c.copy()
	}
}

func (c *capture) copy() {
	defer close(c.done)
	buf := make([]byte, 1<<10)
	for room := int64(maxPipe); room > 0; {
		n, err := c.r.Read(buf)
		if n > 0 && c.add(buf[:n]) {
			room -= int64(n)
		}
		if err != nil {
			return // the end of the output, or finish has set a limit
		}
		if n == len(buf) && n < 32<<10 {
			buf = make([]byte, 32<<10) // it has more to say
		}
	}
}

// A pipe on Linux holds 64 KiB, and at most this after a request for more. What
// comes beyond it after the program's end is not from the program.
const maxPipe = 1 << 20

// add keeps p and tells whether the program has ended by now.
func (c *capture) add(p []byte) (finishing bool) {
	if c.file != nil {
		_, _ = c.file.Write(p) // a full disk must not stop the program
	}
	if c.forward != nil {
		_, _ = c.forward.Write(p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, p...)
	if len(c.kept) > 2*c.size { // move now and then, not each time
		n := len(c.kept) - c.size
		c.lost += int64(n)
		c.kept = append(c.kept[:0], c.kept[n:]...)
	}
	return c.finishing
}

func (c *capture) text() string {
	if c == nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, lost := c.kept, c.lost
	if n := len(kept) - c.size; n > 0 {
		kept, lost = kept[n:], lost+int64(n)
	}
	if lost > 0 && c.size > 0 {
		return fmt.Sprintf("… (%d bytes before)\n%s", lost, kept)
	}
	return string(kept)
}

func (c *capture) closeTheirs() {
	if c != nil && c.w != nil {
		_ = c.w.Close()
	}
}

// finish takes what is still in the pipe, and does not wait for more: a
// descendant that got away may hold the other end for ever.
func (c *capture) finish() {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.finishing = true
	c.mu.Unlock()
	// Ready beats expired: what is there is read, however late it is.
	_ = c.r.SetReadDeadline(time.Unix(1, 0)) // on Windows there is no such limit, hence the next one
	select {
	case <-c.done:
	case <-time.After(time.Second): // whoever it is forwarded to takes it too slowly
	}
	c.abandon()
}

func (c *capture) abandon() {
	if c == nil {
		return
	}
	if c.r != nil {
		_ = c.r.Close()
	}
	if c.file != nil {
		_ = c.file.Close()
	}
}
