//go:build unix

package pipe

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

var errNotPair = errors.New("an open file travels only over a Pair; send its path instead")

// sendMessage sends the first part of the message and the file with it. The
// kernel ties the file to the first byte; once it has taken one, the rest goes
// as usual.
func (e *end) sendMessage(fd int) (int, error) {
	if !e.socket {
		return 0, errNotPair
	}
	raw, err := e.writing.file.SyscallConn() // not Fd(): that would change the file
	if err != nil {
		return 0, err
	}
	n := 0
	cerr := raw.Control(func(file uintptr) {
		n, err = unix.SendmsgN(fd, e.writing.parts[0], unix.UnixRights(int(file)), nil, 0)
	})
	if cerr != nil {
		return 0, cerr
	}
	if n > 0 {
		e.writing.file = nil
	}
	return n, err
}

// receiveMessage reads bytes and any file that came with them. read(2) would
// return the same bytes, and the kernel would close the file without a word.
func (e *end) receiveMessage(fd int, p []byte) (int, error) {
	control := e.reading.control[:] // the kernel drops files that do not fit in
	n, controlLen, err := recvmsg(fd, p, control)
	if err == nil && controlLen > 0 {
		e.arrived.add(control[:controlLen])
	}
	return n, err
}

func (a *arrived) add(control []byte) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue // some other kind of message
		}
		a.mu.Lock()
		for _, fd := range fds {
			// One read brings at most one file, and the frame that announces it
			// ends right there. Who sends more wants to use up our descriptors.
			if a.done || len(a.files) >= 8 {
				_ = unix.Close(fd)
				continue
			}
			a.files = append(a.files, fd)
		}
		a.mu.Unlock()
	}
}

func (e *end) takeFile(name string) (*os.File, error) {
	a := &e.arrived
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done {
		return nil, ErrClosed
	}
	if len(a.files) == 0 {
		return nil, errors.New("a file was announced and did not arrive; this process may have as many open files as it is allowed (ulimit -n)")
	}
	fd := a.files[0]
	a.files = a.files[1:]
	return os.NewFile(uintptr(fd), name), nil
}

func (e *end) dropFile() {
	if f, err := e.takeFile(""); err == nil {
		_ = f.Close()
	}
}

func (a *arrived) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done = true
	for _, fd := range a.files {
		_ = unix.Close(fd)
	}
	a.files = nil
}
