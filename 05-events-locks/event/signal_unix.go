//go:build unix

package event

import (
	"encoding/binary"
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A signal is a descriptor that is readable as long as the event is set. All the
// processes have the same one: what one writes, all see. Nobody ever waits in it, so
// nobody who dies can be in the middle of anything.
type signal struct{ r, w *os.File } // the same, where there is eventfd(2)

func newSignal() (*signal, error) {
	r, w, err := newCounter()
	return &signal{r, w}, err
}

// set writes a 1. The counter adds it to what it has; a pipe keeps it. If there is no
// room, the event is set a thousand times over.
func (s *signal) set() error {
	err := control(s.w, func(fd int) error {
		_, err := unix.Write(fd, binary.NativeEndian.AppendUint64(nil, 1))
		return os.NewSyscallError("write", err)
	})
	if again(err) {
		return nil
	}
	return err
}

// clear takes what there is. Nothing there means that it was not set.
func (s *signal) clear() error {
	err := control(s.r, func(fd int) error {
		var b [4096]byte // a counter gives 8 bytes and is 0 then
		for {
			if n, err := unix.Read(fd, b[:]); err != nil || n < len(b) {
				return os.NewSyscallError("read", err)
			}
		}
	})
	if again(err) {
		return nil
	}
	return err
}

func (s *signal) isSet() (set bool, err error) {
	err = control(s.r, func(fd int) error {
		set = readable(fd)
		return nil
	})
	return set, err
}

// SyscallConn and Buffered make it a selector.Source.
func (s *signal) SyscallConn() (syscall.RawConn, error) { return s.r.SyscallConn() }

func (s *signal) Buffered() int { return 0 }

func (s *signal) close() {
	_ = s.r.Close()
	_ = s.w.Close() // a second time, if it is the same: that does nothing
}

// handOut is the hub's side: each client gets the descriptor. Then the connection is
// there only for the client to see its end.
func (s *signal) handOut(client *pipe.Conn) {
	if client.SendFile(s.r) != nil || s.w != s.r && client.SendFile(s.w) != nil {
		return
	}
	_, _ = client.ReceiveFrame()
}

// ended tells whether the process at the other end of the connection has gone. It
// never sends anything, so what there is to read is the end. nil is this process.
func ended(conn *pipe.Conn) (ended bool) {
	if conn == nil {
		return false
	}
	raw, err := conn.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { ended = readable(int(fd)) })
	}
	return ended || err != nil
}

func readable(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, 0)
		if err != unix.EINTR {
			return n > 0
		}
	}
}

func control(file *os.File, do func(fd int) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return pipe.ErrClosed
	}
	if cerr := raw.Control(func(fd uintptr) { err = do(int(fd)) }); cerr != nil {
		return pipe.ErrClosed
	}
	return err
}

func again(err error) bool { return errors.Is(err, unix.EAGAIN) }
