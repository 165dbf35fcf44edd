package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"example.com/multiprocessing/05-events-locks/lock"
)

// temporary makes a temporary folder. Call remove at the end. If this program is killed before
// that, the next one that comes along removes it: beside each folder is a lock, which is held by
// who uses it, and the kernel takes locks away from the dead.
func temporary() (dir string, remove func(), err error) {
	sweep()
	// Short: sockets live in it, and their paths have room for about a hundred bytes.
	dir = filepath.Join(os.TempDir(), fmt.Sprintf("%s%x", temporaryPrefix, rand.Uint32()))
	l, err := lock.Open(dir + ".lock")
	if err != nil {
		return "", nil, err
	}
	remove = func() {
		_ = os.RemoveAll(dir)
		_ = os.Remove(l.Path()) // while it is held: nobody else shall have it
		_ = l.Close()
	}
	if _, err = l.TryAcquire(); err == nil {
		err = os.Mkdir(dir, 0o700) // an error if there is one: nobody has prepared it for us
	}
	if err != nil {
		_ = l.Close()
		return "", nil, err
	}
	return dir, remove, nil
}

const temporaryPrefix = "mpgo-"

// sweep removes what the killed have left.
func sweep() {
	found, _ := filepath.Glob(filepath.Join(os.TempDir(), temporaryPrefix+"*.lock"))
	for _, name := range found {
		if l, err := lock.Open(name); err == nil {
			if _, err := l.TryAcquire(); err == nil { // nobody has it
				_ = os.RemoveAll(strings.TrimSuffix(name, ".lock"))
				_ = os.Remove(name)
			}
			_ = l.Close()
		}
	}
}
