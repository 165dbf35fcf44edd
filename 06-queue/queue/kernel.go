//go:build unix

package queue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"sync"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/05-events-locks/hub"
)

// MaxKernelItem is how many bytes an item of a [Kernel] queue may have when it is encoded,
// if it is made for that; see [KernelConfig].
const MaxKernelItem = 64<<10 - 1

// A Kernel queue has no broker: the items are in the kernel, in a pair of descriptors of
// which everybody who takes part has both. The kernel keeps what was written in one piece
// in one piece, and lets one at a time write, and read. That is a queue, and nobody who
// dies can be in the middle of it: there is no middle. Three things of the kernel are like
// that:
//
//   - a pipe in packet mode, see O_DIRECT in pipe(2), for items of any size up to 4095
//     bytes;
//   - a pair of sockets of the kind SOCK_SEQPACKET, see unix(7), up to [MaxKernelItem];
//   - any pipe, if all that is written to it has one size, and that is at most PIPE_BUF, see
//     pipe(7): what is read with that size is what was written. That is the quickest, and
//     the only one that macOS has.
//
// It is much quicker than a [Queue], and promises less: there is no lease, no length and
// no Join; items are small; how many there is room for is for the kernel to say (some
// hundred); who waits first need not get first; an item is lost if its consumer dies; and
// what is in it is lost when the process that has made it ends. All methods are safe for
// concurrent use. A goroutine that waits costs a thread as long as it does.
//
// It travels to another process as its path, like a Queue.
type Kernel[T any] struct {
	hub    *hub.Hub // nil: another process has made it
	handle hub.Handle
	ended  chan struct{} // closed by Close of the one who has made it

	mu      sync.Mutex
	in, out *packets
	closed  bool
}

// KernelConfig is how a Kernel queue is made. Its zero value is useful.
type KernelConfig struct {
	// MaxItem is how many bytes an item has at most, when it is encoded. 0 means 4095,
	// and more is possible up to MaxKernelItem. Where the system has only slots it is 510,
	// and more is an error.
	MaxItem int

	// Slot, if not 0, is how many bytes each item takes in a pipe, two of which are for its
	// length: at most 4096 on Linux, 512 elsewhere.
	Slot int
}

// NewKernel makes a queue that the kernel keeps. Close it when it is no longer needed.
func NewKernel[T any](c KernelConfig) (*Kernel[T], error) {
	l, err := layoutOf(c)
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	in, out, err := newPackets(l)
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	k := &Kernel[T]{in: in, out: out, ended: make(chan struct{})}
	if k.hub, err = hub.New(kernelKind, k.serve); err != nil {
		closeBoth(k.in, k.out, err)
		return nil, fmt.Errorf("queue: %w", err)
	}
	return k, k.UnmarshalText([]byte(k.hub.Path()))
}

// A welcome is what a handle hears first. Then come the descriptors: both, or, when a queue
// of pipes was closed, only the one to take from.
type welcome struct {
	Layout layout
	Closed bool
}

// serve hands the descriptors out. Then it says nothing, until the queue is closed.
func (k *Kernel[T]) serve(client *pipe.Conn) {
	var files []*os.File
	w := welcome{Layout: k.in.layout}
	k.mu.Lock() // so that Close comes before this or after it
	in, err := k.in.copied()
	if err == nil {
		files = append(files, in)
	}
	w.Closed = errors.Is(err, ErrClosed)
	out, err := k.out.copied()
	if err == nil {
		files = append(files, out)
	}
	k.mu.Unlock()
	if err == nil {
		err = pipe.Send(client, w)
	}
	for _, file := range files {
		if err == nil {
			err = client.SendFile(file)
		}
		_ = file.Close()
	}
	if err != nil {
		return
	}
	left := make(chan struct{})
	go func() {
		_, _ = client.ReceiveFrame()
		close(left)
	}()
	select {
	case <-k.ended:
		if client.SendFrame(nil) == nil {
			<-left
		}
	case <-left:
	}
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
		w, err := pipe.Receive[welcome](c)
		if err != nil {
			return err
		}
		in := closedPackets(w.Layout)
		if !w.Closed {
			if in, err = receivePackets(c, w.Layout); err != nil {
				return err
			}
		}
		out, err := receivePackets(c, w.Layout)
		if err != nil {
			in.close(err)
			return err
		}
		k.in, k.out = in, out
		go func() {
			_, err := c.ReceiveFrame()
			if err == nil { // the queue was closed. There is an end when nobody can write any more.
				in.close(ErrClosed)
				_, err = c.ReceiveFrame()
			}
			if !errors.Is(err, pipe.ErrClosed) {
				err = hub.ErrGone
			}
			closeBoth(in, out, err)
		}()
		return nil
	})
	return k.in, k.out, err
}

// Put puts an item at the end, and waits as long as there is no room. If ctx ends before,
// it returns [pipe.ErrTimeout] or the context's cause, and nothing was put. [ErrClosed]
// after Close.
func (k *Kernel[T]) Put(ctx context.Context, item T) error {
	in, _, err := k.connected(ctx)
	if err == nil {
		err = in.put(ctx, func(b []byte) ([]byte, error) { return process.Append(b, item) })
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
	err = out.take(ctx, func(b []byte) (err error) {
		item, err = process.Decode[T](b)
		return err
	})
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
// [ErrClosed], and so does Get when nothing is left. (In a queue of pipes, it does as
// soon as all who can put have heard of it; one that is stopped keeps that from
// happening.) In any other process it gives up the handle; those that wait with it get
// [pipe.ErrClosed]. A second Close does nothing.
func (k *Kernel[T]) Close() error {
	if k.hub == nil {
		return k.giveUp()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case <-k.ended:
		return nil
	default:
		close(k.ended)
	}
	return k.in.finish()
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
