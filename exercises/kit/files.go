package kit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// The checks share a folder with the answer, and have more rights than it. So they must not go
// where it points: [os.Root] follows no symbolic link that leads out of the folder. And a name
// may stand for something that one can wait for as long as one likes (a FIFO) or that has no end.

// filesLimit is the most that is read of a file, in bytes.
const filesLimit = 256 << 20

// open opens a file of the trial's folder, for nothing but a regular file.
func (t *Trial) open(name string, flag int) (*os.File, error) {
	f, err := t.Files.OpenFile(name, flag|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is no file", name), err, f.Close())
	}
	return f, nil
}

// Read reads a file of the trial's folder.
func (t *Trial) Read(name string) (string, error) {
	f, err := t.open(name, os.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, filesLimit))
	return string(text), err
}

// Write writes a file of the trial's folder, or fails the trial.
func (t *Trial) Write(name, text string) {
	f, err := t.open(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Failf("The checks cannot write %s: %v", name, err)
	}
}
