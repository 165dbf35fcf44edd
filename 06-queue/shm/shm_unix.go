//go:build unix

package shm

import (
	"os"

	"golang.org/x/sys/unix"
)

func mmap(file *os.File, size int) (b []byte, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	if cerr := raw.Control(func(fd uintptr) {
		b, err = unix.Mmap(int(fd), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}); cerr != nil {
		return nil, cerr
	}
	return b, os.NewSyscallError("mmap", err)
}

func munmap(b []byte) error { return os.NewSyscallError("munmap", unix.Munmap(b)) }
