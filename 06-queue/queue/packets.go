//go:build unix

package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
)

// packets is an end of a Kernel queue: a descriptor that all processes share.
//
// It is not an os.File, because that would put it into the poller of the Go runtime. Each
// item would then wake the poller of each process that has the descriptor, also of those
// that do not want anything. This one is looked at by those who wait, as long as they do.
type packets struct {
	slot int // 0: a packet has the size it has
	turn chan struct{}
	buf  []byte // for who has the turn
	bell bell   // ends a wait, for who has the turn
	why  atomic.Pointer[error]

	mu     sync.RWMutex // read: the descriptor is in use
	fd     int
	closed bool
}

// newPackets makes both ends.
func newPackets(slot int) (in, out *packets, err error) {
	if slot < 0 || slot > pipeBuf || slot > 0 && slot <= slotHead {
		return nil, nil, fmt.Errorf("a slot of %d bytes; at least %d, and at most %d are possible", slot, slotHead+1, pipeBuf)
	}
	r, w, err := -1, -1, errors.ErrUnsupported
	if slot == 0 {
		if r, w, err = packetPair(); errors.Is(err, errors.ErrUnsupported) {
			slot = pipeBuf
		}
	}
	if slot > 0 {
		r, w, err = pipePair()
	}
	if err != nil {
		return nil, nil, err
	}
	if in, err = wrap(w, slot); err != nil {
		_ = unix.Close(r)
		return nil, nil, err
	}
	if out, err = wrap(r, slot); err != nil {
		in.close(err)
		return nil, nil, err
	}
	return in, out, nil
}

const slotHead = 2 // bytes, for the length

// wrap makes an end of a descriptor, which belongs to it from then on.
func wrap(fd, slot int) (*packets, error) {
	b, err := newBell()
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &packets{fd: fd, slot: slot, bell: b, turn: make(chan struct{}, 1)}, nil
}

// sendTo gives the descriptor to another process. An os.File is needed for that, and a
// copy is good enough.
func (p *packets) sendTo(client *pipe.Conn) error {
	p.mu.RLock()
	fd, err := unix.FcntlInt(uintptr(p.fd), unix.F_DUPFD_CLOEXEC, 0)
	p.mu.RUnlock()
	if err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(fd), "packets")
	defer file.Close()
	return client.SendFile(file)
}

// receivePackets takes what sendTo has sent.
func receivePackets(c *pipe.Conn, slot int) (*packets, error) {
	file, err := c.ReceiveFile()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	if cerr := raw.Control(func(f uintptr) { fd, err = unix.FcntlInt(f, unix.F_DUPFD_CLOEXEC, 0) }); cerr != nil {
		return nil, cerr
	}
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return wrap(fd, slot)
}

// closeBoth closes both ends, and says why, before anything happens: the end of one looks
// like the end of the queue to who waits at the other.
func closeBoth(in, out *packets, why error) {
	out.why.CompareAndSwap(nil, &why)
	in.close(why)
	out.close(why)
}

// close closes the end. Who waits with it is woken first: the descriptor of a closed file
// may be another file a moment later.
func (p *packets) close(why error) {
	p.why.CompareAndSwap(nil, &why)
	p.bell.ring()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	_ = unix.Close(p.fd)
	p.bell.close()
}

// finish lets nobody write any more; what was written can still be read. Of a socket the
// kernel does that for all at once. (To shut down writing alone would not wake those who
// wait for room.) A pipe ends when everybody has closed it; see Kernel.serve.
func (p *packets) finish() error {
	if p.slot > 0 {
		p.close(ErrClosed)
		return nil
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return p.reason(pipe.ErrClosed)
	}
	return os.NewSyscallError("shutdown", unix.Shutdown(p.fd, unix.SHUT_RDWR))
}

func (p *packets) reason(otherwise error) error {
	if why := p.why.Load(); why != nil {
		return *why
	}
	return otherwise
}

func (p *packets) put(ctx context.Context, encode func([]byte) ([]byte, error)) error {
	if err := p.begin(ctx); err != nil {
		return err
	}
	defer p.end()
	// The head: in a slot the length, and in a packet a 0, since an empty packet would
	// look like the end.
	b, limit := append(p.buf[:0], 0), MaxKernelItem+1
	if p.slot > 0 {
		b, limit = append(b, 0), p.slot
	}
	head := len(b)
	b, err := encode(b)
	switch {
	case err != nil:
		return err
	case len(b) > limit:
		return fmt.Errorf("the item has %d bytes, and the limit is %d; a Queue takes more", len(b)-head, limit-head)
	}
	if p.slot > 0 {
		binary.NativeEndian.PutUint16(b, uint16(len(b)-head))
		b = append(b, make([]byte, p.slot-len(b))...)
	}
	p.buf = b
	_, err = p.do(ctx, unix.POLLOUT, unix.Write, b) // all of it, or nothing
	return err
}

func (p *packets) take(ctx context.Context, decode func([]byte) error) error {
	if err := p.begin(ctx); err != nil {
		return err
	}
	defer p.end()
	if p.buf == nil {
		p.buf = make([]byte, max(p.slot, MaxKernelItem+1))
	}
	buf := p.buf
	if p.slot > 0 {
		buf = buf[:p.slot] // the kernel does not know where one ends
	}
	n, err := p.do(ctx, unix.POLLIN, unix.Read, buf)
	switch {
	case err != nil:
		return err
	case n == 0:
		return p.reason(ErrClosed)
	case p.slot == 0:
		return decode(buf[1:n])
	}
	size := int(binary.NativeEndian.Uint16(buf))
	if n != p.slot || slotHead+size > n {
		return fmt.Errorf("%d bytes that are no slot; somebody else writes to this pipe", n)
	}
	return decode(buf[slotHead:][:size])
}

// begin waits until no other goroutine uses this end. Only if one does, it matters
// whether ctx has ended.
func (p *packets) begin(ctx context.Context) error {
	select {
	case p.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case p.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return pipe.Cause(ctx)
	}
}

func (p *packets) end() { <-p.turn }

// do tries until it is not EAGAIN. What can be done is done, also when ctx has ended.
func (p *packets) do(ctx context.Context, events int16, try func(fd int, b []byte) (int, error), b []byte) (int, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for {
		if p.closed || p.why.Load() != nil {
			return 0, p.reason(pipe.ErrClosed)
		}
		n, err := try(p.fd, b)
		switch err {
		case nil:
			return n, nil
		case unix.EPIPE:
			return 0, p.reason(ErrClosed)
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			err = p.wait(ctx, events)
		}
		if err != nil {
			return 0, err
		}
	}
}

// wait waits until it is worth another try. Another process may be quicker: that it is
// ready says nothing for sure.
func (p *packets) wait(ctx context.Context, events int16) error {
	if ctx.Err() != nil {
		return pipe.Cause(ctx)
	}
	rung := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		p.bell.ring()
		close(rung)
	})
	fds := []unix.PollFd{{Fd: int32(p.fd), Events: events}, {Fd: int32(p.bell.fd), Events: unix.POLLIN}}
	_, err := unix.Poll(fds, -1)
	if !stop() {
		<-rung
		p.bell.silence() // it is not for the next one
	}
	if err == unix.EINTR {
		err = nil
	}
	return os.NewSyscallError("poll", err)
}

// A bell ends a poll(2).
type bell struct {
	r, w *os.File
	fd   int // of r
}

func newBell() (b bell, err error) {
	if b.r, b.w, err = os.Pipe(); err != nil {
		return b, err
	}
	raw, err := b.r.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { b.fd = int(fd) })
	}
	if err != nil {
		b.close()
	}
	return b, err
}

func (b bell) ring() { _, _ = b.w.Write([]byte{0}) }

func (b bell) silence() { _, _ = b.r.Read(make([]byte, 1)) }

func (b bell) close() {
	_ = b.r.Close()
	_ = b.w.Close()
}
