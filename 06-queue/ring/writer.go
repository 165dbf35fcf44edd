package ring

import (
	"context"
	"fmt"
)

// A Writer puts frames into the ring. All methods are safe for concurrent use; calls of
// Write take turns.
type Writer struct{ *side }

// Writer makes this process the writer, and waits as long as another one is. If ctx ends
// before, it returns pipe.ErrTimeout or the context's cause.
func (r *Ring) Writer(ctx context.Context) (*Writer, error) {
	s, err := r.join(ctx, roleWriter)
	if err != nil {
		return nil, fmt.Errorf("ring: writer: %w", err)
	}
	s.deaths = s.state.readersKilled.Load()
	s.state.finished.Store(0) // it goes on
	return &Writer{s}, nil
}

// Write puts a copy of the frame into the ring, and waits as long as all slots are full;
// with Config.Overwrite it never waits. If ctx ends before, it returns [pipe.ErrTimeout]
// or the context's cause, and nothing was written. With an ended ctx it still writes if
// there is room. [ErrDied] says once that the reader was killed, [hub.ErrGone] that the
// process that has made the ring has ended.
func (w *Writer) Write(ctx context.Context, frame []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.explain("write", w.write(ctx, frame))
}

func (w *Writer) write(ctx context.Context, frame []byte) error {
	if w.closed.Load() {
		return errClosed
	}
	s := w.state
	if uint64(len(frame)) > s.maxFrame {
		return fmt.Errorf("the frame has %d bytes, and a slot of this ring takes %d; see Config.MaxFrame", len(frame), s.maxFrame)
	}
	for w.full() {
		if s.overwrite != 0 {
			// The oldest frame goes. Of writer and reader one gets it: who is the
			// first to count head up. Only after that are its bytes touched, and a
			// reader that is just copying them will not be able to count, and throws
			// its copy away.
			oldest := s.tail.Load() - s.slots
			s.head.CompareAndSwap(oldest, oldest+1)
			continue
		}
		if err := w.sleep(ctx, w.room, &s.writerSleeps, w.full, &s.readersKilled); err != nil {
			return err
		}
	}
	n := s.tail.Load()
	slot := w.slot(n)
	putLength(slot, len(frame))
	copyFrame(slot[lengthSize:], frame)
	// From here on the frame is there. The store is a release, and the reader's load of
	// tail an acquire: who sees the new number sees all that was written before it, also
	// on processors that reorder stores (arm64). A writer that is killed before this line
	// has written nothing.
	s.tail.Store(n + 1)
	wake(w.data, &s.readerSleeps)
	return nil
}

func (w *Writer) full() bool {
	_, n, err := w.used()
	return err == nil && n == w.state.slots // nonsense is told by the reader
}

// Close says that no frame will come any more: the reader gets io.EOF when it has taken
// those that are there. Another writer may still come. A second Close does nothing.
func (w *Writer) Close() error {
	return w.close(func() { w.state.finished.Store(1) })
}
