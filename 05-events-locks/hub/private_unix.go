//go:build unix

package hub

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A private directory is for one hub. Its process has it locked as long as it lives,
// with flock(2), so everybody can see whether it is still in use.
type private struct {
	dir  string
	lock *os.File
}

const privateName = "mp-go-*"

func newPrivate() (*private, error) {
	removeAbandoned()
	for {
		dir, err := os.MkdirTemp("", privateName) // mode 0700
		if err != nil {
			return nil, err
		}
		file, err := lockDirectory(dir)
		if err == nil {
			return &private{dir, file}, nil
		}
		// Between the two lines another process may have taken it for abandoned.
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, os.ErrNotExist) {
			_ = os.Remove(dir)
			return nil, err
		}
	}
}

// lockDirectory locks it, and makes sure that it is still the one of that name.
func lockDirectory(dir string) (*os.File, error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err = flock(file, unix.LOCK_EX|unix.LOCK_NB); err == nil {
		var mine, there os.FileInfo
		if mine, err = file.Stat(); err == nil {
			if there, err = os.Lstat(dir); err == nil && os.SameFile(mine, there) {
				return file, nil
			}
			if err == nil {
				err = os.ErrNotExist
			}
		}
	}
	_ = file.Close()
	return nil, err
}

// removeAbandoned removes the directories of hubs whose process was killed: whoever
// can lock one knows that nobody uses it. Those of other users cannot be opened.
func removeAbandoned() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), privateName))
	for _, dir := range dirs {
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
			continue // not one of ours
		}
		if file, err := lockDirectory(dir); err == nil {
			removeAsEmpty(dir)
			_ = file.Close()
		}
	}
}

func (p *private) remove() {
	removeAsEmpty(p.dir)
	_ = p.lock.Close()
}

// removeAsEmpty removes a directory with nothing in it but a hub's socket. A
// directory of that name that somebody else has made for his files stays.
func removeAsEmpty(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.Type()&os.ModeSocket == 0 {
			return
		}
	}
	for _, e := range entries {
		_ = os.Remove(filepath.Join(dir, e.Name()))
	}
	_ = os.Remove(dir)
}
