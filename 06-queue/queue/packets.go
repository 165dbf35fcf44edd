//go:build unix

package queue

import (
	"context"
	"encoding/binary"
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
	layout
	turn chan struct{}
	buf  []byte // for who has the turn
	bell bell   // ends a wait, for who has the turn
	why  atomic.Pointer[error]

	mu     sync.RWMutex // read: the descriptor is in use
	fd     int
	closed bool
}

// A layout says what the descriptors are, and how the packets look.
type layout struct {
	Socket bool // or a pipe
	Slot   int  // what each packet has; 0: it has the size it has
	Max    int  // bytes of a packet, with its head
}

// The layouts that keep packets apart, from the quickest to the most able.
func sockets() layout       { return layout{Socket: true, Max: MaxKernelItem + 1} }
func packetPipe() layout    { return layout{Max: pipeBuf} }
func slots(size int) layout { return layout{Slot: size, Max: size} }

func layoutOf(c KernelConfig) (layout, error) {
	switch {
	case c.Slot < 0 || c.Slot > pipeBuf || c.Slot > 0 && c.Slot <= slotHead:
		return layout{}, fmt.Errorf("a slot of %d bytes; at least %d, and at most %d are possible", c.Slot, slotHead+1, pipeBuf)
	case c.MaxItem < 0 || c.MaxItem > MaxKernelItem || c.Slot > 0 && c.MaxItem > c.Slot-slotHead:
		return layout{}, fmt.Errorf("items of %d bytes; at most %d are possible, and %d less than a slot", c.MaxItem, MaxKernelItem, slotHead)
	case c.Slot > 0:
		return slots(c.Slot), nil
	case !hasPackets && c.MaxItem <= pipeBuf-slotHead:
		return slots(pipeBuf), nil
	case c.MaxItem < pipeBuf:
		return packetPipe(), nil
	}
	return sockets(), nil
}

// newPackets makes both ends.
func newPackets(l layout) (in, out *packets, err error) {
	var r, w int
	if l.Socket {
		r, w, err = packetPair()
	} else {
		r, w, err = pipePair(l.Slot == 0)
	}
	if err != nil {
		return nil, nil, err
	}
	if in, err = wrap(w, l); err != nil {
		_ = unix.Close(r)
		return nil, nil, err
	}
	if out, err = wrap(r, l); err != nil {
		in.close(err)
		return nil, nil, err
	}
	return in, out, nil
}

const slotHead = 2 // bytes, for the length

// wrap makes an end of a descriptor, which belongs to it from then on.
func wrap(fd int, l layout) (*packets, error) {
	b, err := newBell()
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &packets{layout: l, fd: fd, bell: b, turn: make(chan struct{}, 1)}, nil
}

// copied returns the descriptor once more, to be sent to another process: an os.File is
// needed for that. [ErrClosed] if the end is closed; its number may be another file's by
// now.
func (p *packets) copied() (*os.File, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return nil, p.reason(ErrClosed)
	}
	fd, err := unix.FcntlInt(uintptr(p.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), "packets"), nil
}

// receivePackets takes what copied has made.
func receivePackets(c *pipe.Conn, l layout) (*packets, error) {
	file, err := c.ReceiveFile()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	fd, err := duplicate(file)
	if err != nil {
		return nil, err
	}
	return wrap(fd, l)
}

// duplicate returns one more descriptor of an open file.
func duplicate(file *os.File) (fd int, err error) {
	raw, err := file.SyscallConn() // not Fd(): that would change the file
	if err != nil {
		return -1, err
	}
	if cerr := raw.Control(func(f uintptr) { fd, err = unix.FcntlInt(f, unix.F_DUPFD_CLOEXEC, 0) }); cerr != nil {
		return -1, cerr
	}
	return fd, os.NewSyscallError("fcntl", err)
}

// closedPackets is an end to which nobody can write any more.
func closedPackets(l layout) *packets {
	why := error(ErrClosed)
	p := &packets{layout: l, closed: true, turn: make(chan struct{}, 1)}
	p.why.Store(&why)
	return p
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
	if !p.Socket {
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
	b := append(p.buf[:0], 0)
	if p.Slot > 0 {
		b = append(b, 0)
	}
	head := len(b)
	b, err := encode(b)
	switch {
	case err != nil:
		return err
	case len(b) > p.Max:
		return fmt.Errorf("the item has %d bytes, and the limit is %d; see KernelConfig, and a Queue takes more", len(b)-head, p.Max-head)
	}
	if p.Slot > 0 {
		binary.NativeEndian.PutUint16(b, uint16(len(b)-head))
		b = append(b, make([]byte, p.Slot-len(b))...)
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
		p.buf = make([]byte, p.Max)
	}
	buf := p.buf
	n, err := p.do(ctx, unix.POLLIN, unix.Read, buf)
	switch {
	case err != nil:
		return err
	case n == 0:
		return p.reason(ErrClosed)
	case p.Slot == 0:
		return decode(buf[1:n])
	}
	size := int(binary.NativeEndian.Uint16(buf))
	if n != p.Slot || slotHead+size > n {
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

// ready waits until it is worth a try, or the end is closed.
func (p *packets) ready(events int16) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed || p.why.Load() != nil {
		return p.reason(pipe.ErrClosed)
	}
	return p.wait(context.Background(), events)
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
