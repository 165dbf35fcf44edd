package worker

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

var peekNamedPipe = windows.NewLazySystemDLL("kernel32.dll").NewProc("PeekNamedPipe")

// unread returns how many bytes are in a pipe; 0 if that cannot be found out.
func unread(f *os.File) int {
	var available uint32
	if raw, err := f.SyscallConn(); err == nil {
		_ = raw.Control(func(handle uintptr) {
			_, _, _ = peekNamedPipe.Call(handle, 0, 0, 0, uintptr(unsafe.Pointer(&available)), 0)
		})
	}
	return int(available)
}
