//go:build unix

package suite

import (
	"os"
	"path/filepath"
	"syscall"
)

func kill(pid int) { _ = syscall.Kill(pid, syscall.SIGKILL) }

// take takes the lock of an account, as any other program could; nil if somebody else
// has it.
func take(dir, account string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, account+".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err {
		case nil:
			return f, nil
		case syscall.EINTR:
		case syscall.EWOULDBLOCK:
			return nil, f.Close()
		default:
			_ = f.Close()
			return nil, err
		}
	}
}
