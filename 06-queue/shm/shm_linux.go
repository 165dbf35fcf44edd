package shm

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

func create(size int) (*os.File, error) {
	fd, err := unix.MemfdCreate("multiprocessing", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	file := os.NewFile(uintptr(fd), "shared memory")
	if err = file.Truncate(int64(size)); err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%d bytes: %w", size, err)
	}
	return file, nil
}

func cannotShrink(file *os.File) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	got := 0
	if cerr := raw.Control(func(fd uintptr) { got, err = unix.FcntlInt(fd, unix.F_GET_SEALS, 0) }); cerr != nil {
		return cerr
	}
	if err != nil || got&seals != seals {
		return fmt.Errorf("%s is not sealed, so it was not made by New", file.Name())
	}
	return nil
}
