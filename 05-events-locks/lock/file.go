package lock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A File is a handle of the lock that belongs to a path, see [Lock].
//
// A handle travels to another process as text, which is its path; it opens the file
// at its first use there.
type File struct {
	path string
	turn turn

	mu      sync.Mutex // guards what follows
	held    bool
	shared  bool
	closed  bool
	*region      // nil: not opened yet, or replaced
	blocked bool // somebody waits for it in the kernel
}

// Open returns a handle of the lock at this path. The file is created if there is
// none, for its user alone (mode 0600); its directory must exist. It stays there for
// ever, 16 bytes: a lock file that is removed while others have it open is two locks
// (see the lesson's README). If somebody does remove or replace it, the next Acquire
// notices, and goes on with the new one.
//
// What is wrong with the path is said here, at once.
func Open(path string) (*File, error) {
	f := &File{}
	if err := f.UnmarshalText([]byte(path)); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	return f, nil
}

// UnmarshalText makes f the handle of the lock at this path. It does not open it
// yet. It is for a File that is not in use.
func (f *File) UnmarshalText(path []byte) error {
	if len(path) == 0 {
		return errors.New("lock: the path is empty")
	}
	absolute, err := filepath.Abs(string(path)) // the working directory may change
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	f.path, f.turn = absolute, newTurn()
	return nil
}

// MarshalText returns the path.
func (f *File) MarshalText() ([]byte, error) {
	if f.path == "" {
		return nil, errors.New("lock: this handle was not opened")
	}
	return []byte(f.path), nil
}

// Path returns the path, absolute.
func (f *File) Path() string { return f.path }

// Acquire waits until it has the lock. If ctx ends before, it returns
// [pipe.ErrTimeout] or the context's cause; a lock that is free is given also when
// ctx has ended.
//
// With a context that can end it looks again and again, at intervals of 1 to 10 ms,
// since the kernel has no way to wait for a lock with a limit. With one that cannot,
// such as context.Background, the kernel wakes it.
func (f *File) Acquire(ctx context.Context) (Grant, error) { return f.acquire(ctx, "acquire", false) }

// AcquireShared is Acquire for those who only look: any number of handles may have
// the lock so at the same time, while nobody has it alone.
func (f *File) AcquireShared(ctx context.Context) (Grant, error) {
	return f.acquire(ctx, "acquire shared", true)
}

// TryAcquire takes the lock if it is free, and otherwise returns [ErrHeld], without
// waiting.
func (f *File) TryAcquire() (Grant, error) {
	if f.turn == nil {
		return Grant{}, errNotOpened
	}
	if !f.turn.try() {
		return Grant{}, explain("try to acquire", f.path, ErrHeld)
	}
	grant, err := f.try(false)
	if err != nil {
		f.turn.pass()
	}
	return grant, explain("try to acquire", f.path, err)
}

func (f *File) acquire(ctx context.Context, op string, shared bool) (Grant, error) {
	if f.turn == nil {
		return Grant{}, errNotOpened
	}
	if err := f.turn.take(ctx); err != nil {
		return Grant{}, explain(op, f.path, err)
	}
	grant, err := f.wait(ctx, shared)
	if err != nil {
		f.turn.pass()
	}
	return grant, explain(op, f.path, err)
}

func (f *File) wait(ctx context.Context, shared bool) (Grant, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 10*time.Millisecond) {
		grant, err := f.try(shared)
		if !errors.Is(err, ErrHeld) {
			return grant, err
		}
		if ctx.Done() == nil {
			if grant, err := f.block(shared); err != errReplaced {
				return grant, err
			}
			continue
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return Grant{}, pipe.Cause(ctx)
		}
	}
}

// try takes the lock if it is free, for a caller who has the turn.
func (f *File) try(shared bool) (Grant, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		if f.closed {
			return Grant{}, pipe.ErrClosed
		}
		if f.region == nil {
			if err := f.open(); err != nil {
				return Grant{}, err
			}
		}
		if err := f.region.lock(shared, false); err != nil {
			return Grant{}, err
		}
		if grant, err := f.locked(shared); err != errReplaced {
			return grant, err
		}
	}
}

// block waits in the kernel, without the mutex, so that Close need not wait.
func (f *File) block(shared bool) (Grant, error) {
	f.mu.Lock()
	r := f.region
	f.blocked = true
	f.mu.Unlock()
	err := r.lock(shared, true)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blocked = false
	if f.closed {
		r.close() // Close has left that to us
		return Grant{}, pipe.ErrClosed
	}
	if err != nil {
		return Grant{}, err
	}
	return f.locked(shared)
}

var errReplaced = errors.New("the file was replaced")

// locked makes sure that what was locked is the file that is at the path. If
// somebody has removed or replaced it, nobody will find the one that we have locked:
// two would hold "the" lock. Then the next try takes the one that is there now.
func (f *File) locked(shared bool) (Grant, error) {
	same, err := f.region.isAt(f.path)
	if err == nil && same {
		f.held, f.shared = true, shared
		return f.region.grant(shared), nil
	}
	f.region.close()
	f.region = nil
	if err == nil {
		err = errReplaced
	}
	return Grant{}, err
}

// Release gives the lock back. It returns [ErrNotHeld] if this handle does not have
// it, and [pipe.ErrClosed] after Close.
func (f *File) Release() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return explain("release", f.path, pipe.ErrClosed)
	case !f.held:
		return explain("release", f.path, ErrNotHeld)
	}
	err := f.release()
	f.turn.pass()
	return explain("release", f.path, err)
}

func (f *File) release() error {
	f.held = false
	if !f.shared {
		f.region.clean()
	}
	return f.region.unlock()
}

// With acquires the lock, calls do, and releases it, also when do returns an error
// or panics.
func (f *File) With(ctx context.Context, do func(Grant) error) error { return with(ctx, f, do) }

// Close gives the handle up, and the lock if it has it. The file stays. Whoever
// waits in Acquire with this handle gets [pipe.ErrClosed]; with a context that cannot
// end, not before the lock is free. A second Close does nothing.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.turn == nil {
		return nil
	}
	f.closed = true
	if f.region == nil || f.blocked {
		return nil
	}
	var err error
	if f.held {
		err = f.release()
		f.turn.pass()
	}
	f.region.close()
	f.region = nil
	return err
}

// open opens the file and maps it.
func (f *File) open() error {
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600) // close-on-exec, as all files of Go
	if err != nil {
		return err
	}
	r, err := newRegion(file)
	if err != nil {
		file.Close()
		return &os.PathError{Op: "lock", Path: f.path, Err: err}
	}
	f.region = r
	return nil
}
