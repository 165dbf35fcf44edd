package ring

import (
	"context"
	"fmt"
	"io"
	"slices"
	"syscall"

	"example.com/multiprocessing/01-pipes/pipe"
)

var errClosed = pipe.ErrClosed

// A Reader takes frames out of the ring. All methods are safe for concurrent use; calls
// of Read take turns.
//
// It is a [selector.Source].
type Reader struct {
	*side
	next, lost uint64
}

// Reader makes this process the reader, and waits as long as another one is. It begins
// with the oldest frame that nobody has taken. If ctx ends before, it returns
// [pipe.ErrTimeout] or the context's cause.
func (r *Ring) Reader(ctx context.Context) (*Reader, error) {
	s, err := r.join(ctx, roleReader)
	if err != nil {
		return nil, fmt.Errorf("ring: reader: %w", err)
	}
	s.deaths = s.state.writersKilled.Load()
	return &Reader{side: s, next: s.state.head.Load()}, nil
}

// Read takes the next frame and returns it in buf, which it uses if it is large enough
// (nil: a new one). It waits as long as there is none. [io.EOF] says that the writer has
// closed and nothing is left. If ctx ends before, it returns [pipe.ErrTimeout] or the
// context's cause; with an ended ctx it still returns what is there. [ErrDied] says once
// that the writer was killed, [hub.ErrGone] that the process that has made the ring has
// ended. A frame whose reader is killed while it reads goes to the next one.
func (r *Reader) Read(ctx context.Context, buf []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	frame, err := r.read(ctx, buf)
	if err == io.EOF { // as it is, like that of an io.Reader
		return frame, err
	}
	return frame, r.explain("read", err)
}

func (r *Reader) read(ctx context.Context, buf []byte) ([]byte, error) {
	if r.closed.Load() {
		return buf, errClosed
	}
	s := r.state
	for {
		finished := s.finished.Load() != 0 // before the look: what comes after a look comes after that
		head, n, err := r.used()
		switch {
		case err != nil:
			return buf, err
		case n == 0 && finished:
			return buf, io.EOF
		case n == 0:
			if err := r.sleep(ctx, r.data, &s.readerSleeps, r.empty, &s.writersKilled); err != nil {
				return buf, err
			}
			continue
		}
		slot := r.slot(head)
		size := length(slot)
		if size > s.maxFrame {
			if s.head.Load() == head {
				return buf, fmt.Errorf("its memory was written to by somebody else: a frame of %d bytes", size)
			}
			continue // overwritten while we looked
		}
		buf = slices.Grow(buf[:0], int(size))[:size]
		copyFrame(buf, slot[lengthSize:lengthSize+size])
		// From here on the slot is the writer's. If head is not what it was, the writer
		// has overwritten the frame in the meantime, and the copy may be half of one and
		// half of another. The operation is a release, so that the copy was made before
		// it; and the writer touches the slot only after it has seen the new head, or has
		// set it.
		if !s.head.CompareAndSwap(head, head+1) {
			continue
		}
		r.lost += head - r.next
		r.next = head + 1
		wake(r.room, &s.writerSleeps)
		return buf, nil
	}
}

func (r *Reader) empty() bool {
	_, n, err := r.used()
	return err == nil && n == 0 && r.state.finished.Load() == 0
}

// Lost returns how many frames this reader has missed, because they were overwritten.
func (r *Reader) Lost() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

// SyscallConn makes a Reader a [selector.Source].
func (r *Reader) SyscallConn() (syscall.RawConn, error) {
	if r.closed.Load() {
		return nil, r.explain("register", errClosed)
	}
	return r.data.SyscallConn()
}

// Buffered returns how many frames there are, and 1 if Read would return at once for
// another reason. If there is nothing, it sees to it that the writer tells when there is:
// a selector asks this right before it goes to sleep.
func (r *Reader) Buffered() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed.Load() {
		return 0
	}
	if r.empty() {
		_ = r.data.Clear() // it may be from a frame that was taken already
		r.state.readerSleeps.Store(1)
	}
	if _, n, err := r.used(); err == nil && n > 0 {
		return int(n)
	}
	if !r.empty() || r.state.writersKilled.Load() != r.deaths {
		return 1
	}
	return 0
}

// Close gives the place up. What was not read is for the next reader. A second Close does
// nothing.
func (r *Reader) Close() error { return r.close(func() {}) }
