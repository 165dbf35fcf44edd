package pipe

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/windows"
)

// connect returns two sockets that are connected to each other, over a listener
// that exists only for them.
func connect() (front, back windows.Handle, err error) {
	if err := startWinsock(); err != nil {
		return 0, 0, err
	}
	listener, err := newSocket()
	if err != nil {
		return 0, 0, err
	}
	defer windows.Closesocket(listener)
	if err := windows.Bind(listener, &windows.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, 0, fmt.Errorf("bind: %w", err)
	}
	if err := windows.Listen(listener, 16); err != nil {
		return 0, 0, fmt.Errorf("listen: %w", err)
	}
	address, err := windows.Getsockname(listener)
	if err != nil {
		return 0, 0, fmt.Errorf("getsockname: %w", err)
	}
	if back, err = newSocket(); err != nil {
		return 0, 0, err
	}
	if err := windows.Connect(back, address); err != nil {
		windows.Closesocket(back)
		return 0, 0, fmt.Errorf("connect: %w", err)
	}
	for range 16 {
		front, err = accept(listener)
		if err != nil {
			break
		}
		// Any program of this machine may connect to the port. This is ours if
		// the address at its other side is that of the socket we connected.
		if ours(front, back) {
			return front, back, nil
		}
		windows.Closesocket(front)
		err = errors.New("other programs keep connecting to our loopback port")
	}
	windows.Closesocket(back)
	return 0, 0, err
}

// startWinsock must come before any use of sockets. Package net does it too, but
// this one can do without net.
var startWinsock = sync.OnceValue(func() error {
	var data windows.WSAData
	return os.NewSyscallError("WSAStartup", windows.WSAStartup(0x202, &data))
})

func newSocket() (windows.Handle, error) {
	s, err := windows.WSASocket(windows.AF_INET, windows.SOCK_STREAM, windows.IPPROTO_TCP, nil, 0,
		windows.WSA_FLAG_OVERLAPPED|windows.WSA_FLAG_NO_HANDLE_INHERIT)
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	return s, nil
}

// accept is missing in x/sys/windows, and net's Accept gives the socket to the
// poller.
var winsockAccept = windows.NewLazySystemDLL("ws2_32.dll").NewProc("accept")

func accept(listener windows.Handle) (windows.Handle, error) {
	s, _, err := winsockAccept.Call(uintptr(listener), 0, 0)
	if windows.Handle(s) == windows.InvalidHandle {
		return 0, fmt.Errorf("accept: %w", err)
	}
	return windows.Handle(s), nil
}

func ours(accepted, connected windows.Handle) bool {
	remote, err := windows.Getpeername(accepted)
	local, err2 := windows.Getsockname(connected)
	if err != nil || err2 != nil {
		return false
	}
	r, ok := remote.(*windows.SockaddrInet4)
	l, ok2 := local.(*windows.SockaddrInet4)
	return ok && ok2 && r.Addr == l.Addr && r.Port == l.Port
}

// give lets the child inherit the handle. os/exec has no ExtraFiles here, but
// it passes on the handles in this list, under the numbers that they have.
func (e *end) give(cmd *exec.Cmd) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed.Load() {
		return 0, ErrClosed
	}
	if e.stream != nil {
		return 0, errors.New("this end has been used here; on Windows only an unused end can go to a child")
	}
	if err := windows.SetHandleInformation(e.socket, windows.HANDLE_FLAG_INHERIT, windows.HANDLE_FLAG_INHERIT); err != nil {
		return 0, err
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.AdditionalInheritedHandles = append(cmd.SysProcAttr.AdditionalInheritedHandles, syscall.Handle(e.socket))
	return int(e.socket), nil
}

func inheritedEnds(number uintptr, _ bool) (in, out *end, err error) {
	if err := startWinsock(); err != nil {
		return nil, nil, err
	}
	socket := windows.Handle(number)
	if t, err := windows.GetFileType(socket); err != nil || t != windows.FILE_TYPE_PIPE { // sockets are of that type too
		return nil, nil, errors.Join(err, errors.New("it is not a socket"))
	}
	e := &end{socket: socket}
	return e, e, nil
}
