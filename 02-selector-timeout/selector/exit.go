package selector

import (
	"context"
	"fmt"
	"os"
)

// Exited is a [Source] that is ready when a process has ended; see [Exit]. It
// stays ready. All methods are safe for concurrent use.
type Exited struct{ exited }

// Exit returns a source that becomes ready when p ends, dies, or is killed. p
// must be a child of this process, or on Linux any process, for which nobody has
// waited yet. It does not wait for p in the sense of wait(2): that is still to be
// done, with [os.Process.Wait], or p stays as a zombie. Close the source when it
// is no longer needed.
//
// On Linux this is a pidfd, see pidfd_open(2); on macOS a kqueue, see
// kqueue(2); on Windows the handle of the process. Elsewhere Exit returns
// [errors.ErrUnsupported], and [os.ErrProcessDone] if p has been waited for.
func Exit(p *os.Process) (*Exited, error) {
	e, err := newExited(p)
	if err != nil {
		return nil, fmt.Errorf("selector: exit of pid %d: %w", p.Pid, err)
	}
	return &Exited{e}, nil
}

// Buffered returns 0: nothing is ever read from it.
func (e *Exited) Buffered() int { return 0 }

// Wait waits until the process has ended, or until ctx ends: then it returns the
// same errors as [Selector.Select].
func (e *Exited) Wait(ctx context.Context) error {
	if ctx.Done() == nil {
		if waited, err := e.waitDirectly(); waited {
			return err
		}
	}
	s, err := New[struct{}]()
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Register(e, struct{}{}); err != nil {
		return err
	}
	_, err = s.Select(ctx)
	return err
}
