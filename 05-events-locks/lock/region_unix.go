//go:build unix

package lock

import (
	"errors"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

var pid = uint64(os.Getpid()) // a system call, and it never changes

// A region is an open lock file. It has two numbers, mapped into memory: the last
// token, and whether an exclusive holder has it. They are written only by who has
// the lock. In memory they cost nothing; two pwrite(2) would cost more than the
// lock.
type region struct {
	file  *os.File
	fd    int
	words *[2]uint64
	ctime unix.Timespec // of the file, when it was last seen to be the one at its path
}

const (
	wordToken  = 0
	wordHeld   = 1
	regionSize = 16 // bytes
)

func newRegion(file *os.File) (*region, error) {
	r := &region{file: file, fd: int(file.Fd())}
	var stat unix.Stat_t
	if err := unix.Fstat(r.fd, &stat); err != nil {
		return nil, err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, errors.New("it is not a regular file")
	}
	// Memory behind the end of a file is a fault, so make it long enough first. Two
	// who do it at the same time do the same.
	if stat.Size < regionSize {
		if err := unix.Ftruncate(r.fd, regionSize); err != nil {
			return nil, err
		}
	}
	memory, err := unix.Mmap(r.fd, 0, regionSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	r.words = (*[2]uint64)(unsafe.Pointer(unsafe.SliceData(memory)))
	return r, nil
}

// lock takes the lock with flock(2). It belongs to the open file, not to the
// process: that is why two handles in one process exclude each other, and why
// closing the file elsewhere does not release it, as it would with fcntl(2).
func (r *region) lock(shared, wait bool) error {
	how := unix.LOCK_EX
	if shared {
		how = unix.LOCK_SH
	}
	if !wait {
		how |= unix.LOCK_NB
	}
	for {
		switch err := unix.Flock(r.fd, how); err {
		case nil:
			return nil
		case unix.EINTR:
		case unix.EWOULDBLOCK:
			return ErrHeld
		default:
			return os.NewSyscallError("flock", err)
		}
	}
}

func (r *region) unlock() error {
	return os.NewSyscallError("flock", unix.Flock(r.fd, unix.LOCK_UN))
}

// isAt tells whether the file is the one that is at the path. To ask for the path
// each time would cost as much as the lock; but whatever removes or renames a file
// changes its ctime (see inode(7)), and that is told by the descriptor.
func (r *region) isAt(path string) (bool, error) {
	var mine, there unix.Stat_t
	if err := unix.Fstat(r.fd, &mine); err != nil {
		return false, os.NewSyscallError("fstat", err)
	}
	if mine.Nlink == 0 || mine.Size < regionSize {
		return false, nil
	}
	if mine.Ctim == r.ctime {
		return true, nil
	}
	if err := unix.Stat(path, &there); err != nil {
		if err == unix.ENOENT {
			return false, nil
		}
		return false, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if mine.Dev != there.Dev || mine.Ino != there.Ino {
		return false, nil
	}
	// The clock of a file system ticks in milliseconds, some in seconds. What happens
	// within the same tick does not change the time, so do not trust a young one.
	tick := 100 * time.Millisecond
	if mine.Ctim.Nsec == 0 {
		tick = 2 * time.Second
	}
	if time.Since(time.Unix(mine.Ctim.Unix())) > tick {
		r.ctime = mine.Ctim
	}
	return true, nil
}

// grant is for who has the lock.
func (r *region) grant(shared bool) Grant {
	g := Grant{PrevDied: atomic.LoadUint64(&r.words[wordHeld]) != 0}
	if shared {
		g.Token = atomic.LoadUint64(&r.words[wordToken])
		return g
	}
	g.Token = atomic.AddUint64(&r.words[wordToken], 1)
	atomic.StoreUint64(&r.words[wordHeld], pid)
	return g
}

// clean notes that the holder goes in good order.
func (r *region) clean() { atomic.StoreUint64(&r.words[wordHeld], 0) }

func (r *region) close() {
	_ = unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(r.words)), regionSize))
	r.words = nil
	_ = r.file.Close()
}
