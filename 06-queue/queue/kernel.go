//go:build unix

package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/05-events-locks/hub"
)

// MaxKernelItem is how many bytes an item of a [Kernel] queue may have when it is encoded.
const MaxKernelItem = 64 << 10

// A Kernel queue has no broker: the items are in the kernel, in a pair of sockets of which
// everybody who takes part has both ends. A socket of the kind SOCK_SEQPACKET, see
// unix(7), keeps what was written in one piece in one piece, and the kernel lets one at a
// time write, and read. That is a queue, and nobody who dies can be in the middle of it:
// there is no middle.
//
// It is much quicker than a [Queue], and promises less: there is no lease, no length and
// no Join; an item may have [MaxKernelItem] bytes; how many there is room for is for the
// kernel to say (some hundred); who waits first need not get first; and what is in it is
// lost when the process that has made it ends. All methods are safe for concurrent use.
//
// It travels to another process as its path, like a Queue.
type Kernel[T any] struct {
	hub    *hub.Hub // nil: another process has made it
	handle hub.Handle

	mu      sync.Mutex
	in, out *packets
	closed  bool
}

// NewKernel makes a queue that the kernel keeps. [errors.ErrUnsupported] on a system
// without such sockets, which macOS is.
func NewKernel[T any]() (*Kernel[T], error) {
	fds, err := packetPair()
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	k := &Kernel[T]{in: newPackets(os.NewFile(uintptr(fds[0]), "in")), out: newPackets(os.NewFile(uintptr(fds[1]), "out"))}
	k.hub, err = hub.New(kernelKind, func(client *pipe.Conn) {
		if client.SendFile(k.in.file) == nil && client.SendFile(k.out.file) == nil {
			_, _ = client.ReceiveFrame() // until it ends
		}
	})
	if err != nil {
		closeBoth(k.in, k.out, err)
		return nil, fmt.Errorf("queue: %w", err)
	}
	return k, k.UnmarshalText([]byte(k.hub.Path()))
}

const kernelKind = "kernel queue"

// MarshalText returns the path.
func (k *Kernel[T]) MarshalText() ([]byte, error) {
	text, err := k.handle.MarshalText()
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	return text, nil
}

// UnmarshalText makes it the handle of the queue at this path. It does not connect yet.
func (k *Kernel[T]) UnmarshalText(path []byte) error {
	if err := k.handle.Name(string(path), kernelKind); err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	return nil
}

func (k *Kernel[T]) connected(ctx context.Context) (in, out *packets, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, nil, pipe.ErrClosed
	}
	if k.in != nil {
		return k.in, k.out, nil
	}
	_, err = k.handle.Conn(ctx, func(c *pipe.Conn) error {
		in, err := c.ReceiveFile()
		if err != nil {
			return err
		}
		out, err := c.ReceiveFile()
		if err != nil {
			_ = in.Close()
			return err
		}
		k.in, k.out = newPackets(in), newPackets(out)
		go func(in, out *packets) {
			// The connection says nothing. When it ends, so has the one who made the queue.
			_, err := c.ReceiveFrame()
			if !errors.Is(err, pipe.ErrClosed) {
				err = hub.ErrGone
			}
			closeBoth(in, out, err)
		}(k.in, k.out)
		return nil
	})
	return k.in, k.out, err
}

// Put puts an item at the end, and waits as long as there is no room. If ctx ends before,
// it returns [pipe.ErrTimeout] or the context's cause, and nothing was put. [ErrClosed]
// after Close.
func (k *Kernel[T]) Put(ctx context.Context, item T) error {
	// The first byte says that it is an item: an empty packet would look like the end.
	b, err := process.Append([]byte{0}, item)
	if err == nil && len(b) > MaxKernelItem {
		err = fmt.Errorf("the item has %d bytes, and the limit is %d; a Queue takes more", len(b)-1, MaxKernelItem-1)
	}
	if err != nil {
		return fmt.Errorf("queue: put: %w", err)
	}
	in, _, err := k.connected(ctx)
	if err == nil {
		err = in.put(ctx, b)
	}
	return k.explain("put", err)
}

// Get takes the first item, and waits as long as there is none. If ctx ends before, it
// returns [pipe.ErrTimeout] or the context's cause. [ErrClosed] when the queue is closed
// and empty.
func (k *Kernel[T]) Get(ctx context.Context) (item T, err error) {
	_, out, err := k.connected(ctx)
	if err != nil {
		return item, k.explain("get", err)
	}
	b, err := out.take(ctx)
	if err == nil {
		item, err = process.Decode[T](b)
	}
	return item, k.explain("get", err)
}

// All returns the items, as [Queue.All] does.
func (k *Kernel[T]) All(ctx context.Context) iter.Seq2[T, error] { return all(ctx, k.Get) }

func (k *Kernel[T]) explain(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("queue: %s: %s: %w", op, k.handle.Path(), err)
}

// Close closes the queue, if this process has made it: from now on Put returns
// [ErrClosed], and so does Get when nothing is left. In any other process it gives up the
// handle; those that wait with it get [pipe.ErrClosed].
func (k *Kernel[T]) Close() error {
	if k.hub != nil {
		return k.in.finish()
	}
	return k.giveUp()
}

// Destroy ends the queue for all, with what is in it: they get [hub.ErrGone].
func (k *Kernel[T]) Destroy() error {
	err := k.giveUp()
	if k.hub != nil {
		err = errors.Join(err, k.hub.Close())
	}
	return err
}

func (k *Kernel[T]) giveUp() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	if k.in != nil {
		closeBoth(k.in, k.out, pipe.ErrClosed)
	}
	return k.handle.Close()
}

// packets is an end of the pair.
type packets struct {
	file *os.File
	turn chan struct{} // one at a time waits; the kernel would let more, our deadlines not
	why  atomic.Pointer[error]
	buf  []byte
}

func newPackets(f *os.File) *packets { return &packets{file: f, turn: make(chan struct{}, 1)} }

// closeBoth closes both ends, and says why: the end of one looks like the end of the
// queue to who waits at the other.
func closeBoth(in, out *packets, why error) {
	for _, p := range []*packets{in, out} {
		p.why.CompareAndSwap(nil, &why)
	}
	_ = in.file.Close()
	_ = out.file.Close()
}

// finish lets nobody write any more; what was written can still be read. To shut down
// writing alone would do that too, but would not wake those who wait for room.
func (p *packets) finish() error {
	raw, err := p.file.SyscallConn()
	if err != nil {
		return pipe.ErrClosed
	}
	if cerr := raw.Control(func(fd uintptr) { err = unix.Shutdown(int(fd), unix.SHUT_RDWR) }); cerr != nil {
		return pipe.ErrClosed
	}
	return os.NewSyscallError("shutdown", err)
}

func (p *packets) put(ctx context.Context, b []byte) error {
	err := p.wait(ctx, p.file.SetWriteDeadline, true, func(fd int) error {
		_, err := unix.Write(fd, b)
		return err
	})
	if errors.Is(err, unix.EPIPE) {
		return p.reason(ErrClosed)
	}
	return err
}

func (p *packets) take(ctx context.Context) (item []byte, err error) {
	err = p.wait(ctx, p.file.SetReadDeadline, false, func(fd int) error {
		if p.buf == nil {
			p.buf = make([]byte, MaxKernelItem)
		}
		n, err := unix.Read(fd, p.buf)
		switch {
		case err != nil:
			return err
		case n == 0:
			return io.EOF
		}
		item = append([]byte(nil), p.buf[1:n]...)
		return nil
	})
	if errors.Is(err, io.EOF) {
		return nil, p.reason(ErrClosed)
	}
	return item, err
}

// wait tries until it is not EAGAIN, and waits in the runtime's poller in between.
func (p *packets) wait(ctx context.Context, setDeadline func(time.Time) error, writing bool, try func(fd int) error) error {
	select {
	case p.turn <- struct{}{}:
	default: // somebody waits; and only then does it matter whether ctx has ended
		select {
		case p.turn <- struct{}{}:
		case <-ctx.Done():
			return pipe.Cause(ctx)
		}
	}
	defer func() { <-p.turn }()
	raw, err := p.file.SyscallConn()
	if err != nil {
		return p.reason(err)
	}
	again := func() bool { return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) }
	// Once without the poller: what can be done is done, also when ctx has ended.
	if cerr := raw.Control(func(fd uintptr) { err = try(int(fd)) }); cerr != nil {
		return p.reason(cerr)
	}
	if !again() {
		return err
	}
	if ctx.Done() != nil {
		fired := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			_ = setDeadline(time.Unix(1, 0)) // long ago: who waits stops waiting
			close(fired)
		})
		defer func() {
			if !stop() {
				<-fired
				_ = setDeadline(time.Time{})
			}
		}()
	}
	step := func(fd uintptr) bool {
		err = try(int(fd))
		return !again()
	}
	var cerr error
	if writing {
		cerr = raw.Write(step)
	} else {
		cerr = raw.Read(step)
	}
	switch {
	case errors.Is(cerr, os.ErrDeadlineExceeded):
		return pipe.Cause(ctx)
	case cerr != nil:
		return p.reason(cerr)
	}
	return err
}

func (p *packets) reason(err error) error {
	if why := p.why.Load(); why != nil {
		return *why
	}
	return err
}
