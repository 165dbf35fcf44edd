package selector

import (
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/windows"

	"example.com/multiprocessing/01-pipes/pipe"
)

// exited is a copy of the handle of a process, which Windows can wait for.
type exited struct{ *processHandle }

type processHandle struct {
	mu     sync.Mutex
	handle windows.Handle // 0: closed
}

func newExited(p *os.Process) (exited, error) {
	e := exited{&processHandle{}}
	var err error
	herr := p.WithHandle(func(handle uintptr) {
		self := windows.CurrentProcess()
		err = windows.DuplicateHandle(self, windows.Handle(handle), self, &e.handle, windows.SYNCHRONIZE, false, 0)
	})
	if herr != nil {
		return exited{}, herr
	}
	return e, err
}

// SyscallConn implements [Source].
func (e exited) SyscallConn() (syscall.RawConn, error) {
	return e.processHandle, e.Control(func(uintptr) {})
}

func (h *processHandle) Control(f func(uintptr)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.handle == 0 {
		return pipe.ErrClosed
	}
	f(uintptr(h.handle))
	return nil
}

func (h *processHandle) Read(func(uintptr) bool) error  { return syscall.EWINDOWS }
func (h *processHandle) Write(func(uintptr) bool) error { return syscall.EWINDOWS }

// Close frees the handle. It does nothing to the process.
func (e exited) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.handle == 0 {
		return nil
	}
	err := windows.CloseHandle(e.handle)
	e.handle = 0
	return err
}

func (e exited) waitDirectly() (bool, error) { return false, nil }
