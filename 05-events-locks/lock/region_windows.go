package lock

import (
	"encoding/binary"
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// A region is an open lock file. The lock itself is on bytes far behind its end, see
// LockFileEx: on Windows a lock keeps others from reading what is locked.
type region struct{ file *os.File }

const lockedAt = 1 << 30

func newRegion(file *os.File) (*region, error) {
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	return &region{file}, err
}

func overlapped() *windows.Overlapped { return &windows.Overlapped{OffsetHigh: lockedAt} }

func (r *region) lock(shared, wait bool) error {
	var flags uint32
	if !shared {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	if !wait {
		flags |= windows.LOCKFILE_FAIL_IMMEDIATELY
	}
	err := windows.LockFileEx(windows.Handle(r.file.Fd()), flags, 0, 1, 0, overlapped())
	if err == windows.ERROR_LOCK_VIOLATION || err == windows.ERROR_IO_PENDING {
		return ErrHeld
	}
	return os.NewSyscallError("LockFileEx", err)
}

func (r *region) unlock() error {
	return os.NewSyscallError("UnlockFileEx", windows.UnlockFileEx(windows.Handle(r.file.Fd()), 0, 1, 0, overlapped()))
}

// isAt tells whether the file is the one that is at the path.
func (r *region) isAt(path string) (bool, error) {
	mine, err := r.file.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(path)
	if os.IsNotExist(err) {
		return false, nil
	}
	return err == nil && os.SameFile(mine, there), err
}

func (r *region) words() (words [2]uint64) {
	var b [16]byte
	_, _ = r.file.ReadAt(b[:], 0) // a new file is empty: zeros
	return [2]uint64{binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])}
}

func (r *region) write(words [2]uint64) {
	b := binary.LittleEndian.AppendUint64(nil, words[0])
	_, _ = r.file.WriteAt(binary.LittleEndian.AppendUint64(b, words[1]), 0)
}

func (r *region) grant(shared bool) Grant {
	words := r.words()
	g := Grant{Token: words[0], PrevDied: words[1] != 0}
	if !shared {
		g.Token++
		r.write([2]uint64{g.Token, uint64(os.Getpid())})
	}
	return g
}

func (r *region) clean() { r.write([2]uint64{r.words()[0], 0}) }

func (r *region) close() { _ = r.file.Close() }
