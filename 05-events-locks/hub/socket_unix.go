//go:build unix

package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A listener is the socket at the path.
type listener struct {
	file *os.File
	raw  syscall.RawConn
	id   unix.Stat_t // of the path; zero if the directory is ours and goes with it
}

// listen makes it. A socket's path is a file, and unlike a lock or a port it stays
// when its process dies: bind(2) says "address already in use", for ever. To look
// whether somebody is behind it, and then to replace it, are two steps, and two
// processes might take them at the same time. So the directory is locked meanwhile.
func listen(path string) (*listener, error) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if err := flock(dir, unix.LOCK_EX); err != nil {
		return nil, err
	}
	if err := vacant(path); err != nil {
		return nil, err
	}
	// Bound to another name first: at the path itself there is to be a socket only
	// when somebody listens to it.
	hidden := filepath.Join(filepath.Dir(path), fmt.Sprintf(".mp-%08x", rand.Uint32()))
	l, err := bind(hidden)
	if err != nil {
		return nil, err
	}
	if err = os.Rename(hidden, path); err == nil {
		err = unix.Lstat(path, &l.id)
	}
	if err != nil {
		_ = os.Remove(hidden)
		_ = l.file.Close()
		return nil, err
	}
	return l, nil
}

// vacant says nil if a socket can be put at the path.
func vacant(path string) error {
	var stat unix.Stat_t
	switch err := unix.Lstat(path, &stat); {
	case err == unix.ENOENT:
		return nil
	case err != nil:
		return os.NewSyscallError("lstat", err)
	case stat.Mode&unix.S_IFMT != unix.S_IFSOCK:
		return errors.New("there is a file, and it is not a socket; choose another path, or remove it")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := connect(ctx, path)
	if errors.Is(err, unix.ECONNREFUSED) {
		return nil // the socket of a dead process
	}
	if err == nil {
		_ = conn.Close()
	}
	return ErrInUse
}

func bind(path string) (*listener, error) {
	fd, err := socket()
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), path) // non-blocking, so the runtime's poller waits for it
	fail := func(call string, err error) (*listener, error) {
		_ = file.Close()
		return nil, os.NewSyscallError(call, err)
	}
	name, release, err := socketName(path)
	if err != nil {
		return fail("bind", err)
	}
	err = unix.Bind(fd, &unix.SockaddrUnix{Name: name})
	release()
	if err != nil {
		return fail("bind", err)
	}
	// Nobody can connect before listen, so nobody comes in before this.
	if err := os.Chmod(path, 0o600); err != nil {
		return fail("chmod", err)
	}
	if err := unix.Listen(fd, unix.SOMAXCONN); err != nil {
		return fail("listen", err)
	}
	raw, err := file.SyscallConn()
	return &listener{file: file, raw: raw}, err
}

func (l *listener) accept() (*pipe.Conn, error) {
	var fd int
	var err error
	if rerr := l.raw.Read(func(listening uintptr) bool {
		fd, err = accept(int(listening))
		return err != unix.EAGAIN && err != unix.EINTR && err != unix.ECONNABORTED
	}); rerr != nil {
		return nil, os.ErrClosed
	}
	if err != nil {
		return nil, os.NewSyscallError("accept", err)
	}
	return asConn(fd)
}

// close removes the path, unless somebody has put something else there.
func (l *listener) close(path string) error {
	var there unix.Stat_t
	if err := unix.Lstat(path, &there); err == nil && there.Ino == l.id.Ino && there.Dev == l.id.Dev {
		_ = os.Remove(path)
	}
	return l.file.Close()
}

func connect(ctx context.Context, path string) (*pipe.Conn, error) {
	name, release, err := socketName(path)
	if err != nil {
		return nil, err
	}
	defer release()
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		fd, err := socket()
		if err != nil {
			return nil, err
		}
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: name})
		if err == nil {
			return asConn(fd)
		}
		_ = unix.Close(fd)
		if err != unix.EAGAIN && err != unix.EINTR {
			return nil, os.NewSyscallError("connect", err)
		}
		// So many wait to be let in that the queue is full, and the kernel tells
		// nobody when there is room again.
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, pipe.Cause(ctx)
		}
	}
}

func asConn(fd int) (*pipe.Conn, error) {
	file := os.NewFile(uintptr(fd), "hub")
	conn, err := pipe.Files(file, file)
	if err != nil {
		_ = file.Close()
	}
	return conn, err
}

func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, pipe.ErrGone)
}

func flock(file *os.File, how int) error {
	for {
		if err := unix.Flock(int(file.Fd()), how); err != unix.EINTR {
			return os.NewSyscallError("flock", err)
		}
	}
}
