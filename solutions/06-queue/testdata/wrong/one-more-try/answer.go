// Misconception: when its context ends, it tries once more.
// Rejected by: waits

//go:build unix

package answer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// A Maildir is a queue that is nothing but a directory, with three more in it: tmp, new
// and cur. They are there already. Many processes put and take at the same time.
type Maildir struct {
	Dir string
}

// An Item is what Take has taken.
type Item struct {
	Data []byte

	queue Maildir
	name  string
	file  *os.File // it has the lock; the kernel gives that back when we die
}

// Put puts what comes from data into the queue, as one item.
func (m Maildir) Put(data io.Reader) error {
	m.tidy()
	file, err := m.create()
	if err != nil {
		return err
	}
	defer file.Close()
	hidden := file.Name()
	if _, err = io.Copy(file, data); err == nil {
		// The time makes the names of different processes come in order. Two that put
		// in the same nanosecond have the random part of the name to differ by.
		name := fmt.Sprintf("%020d.%s", time.Now().UnixNano(), filepath.Base(hidden))
		err = os.Rename(hidden, m.path("new", name)) // all of it at once, or nothing
	}
	if err != nil {
		os.Remove(hidden)
	}
	return err
}

// create makes a file where nobody looks for items, and locks it, so that it is not taken
// for what a killed Put has left.
func (m Maildir) create() (*os.File, error) {
	for {
		file, err := os.CreateTemp(m.path("tmp", ""), "")
		if err != nil {
			return nil, err
		}
		if lock(file) == nil && same(file, file.Name()) {
			return file, nil
		}
		file.Close() // another one's tidy was quicker than our lock
	}
}

// tidy removes from tmp what nobody has locked: its process is dead.
func (m Maildir) tidy() {
	names, _ := names(m.path("tmp", ""))
	for _, name := range names {
		path := m.path("tmp", name)
		file, err := os.Open(path)
		if err != nil {
			continue // it is in new by now
		}
		if lock(file) == nil && same(file, path) {
			os.Remove(path)
		}
		file.Close()
	}
}

// Take takes the first item, and waits as long as there is none.
func (m Maildir) Take(ctx context.Context) (*Item, error) {
	for {
		item, err := m.try()
		if item != nil || err != nil {
			return item, err
		}
		select { // the kernel could tell (inotify), but not on every system
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			if item, err := m.try(); item != nil {
				return item, err
			}
			time.Sleep(20 * time.Millisecond)
			if item, err := m.try(); item != nil {
				return item, err
			}
			return nil, errors.New("nothing there")
		}
	}
}

// try takes the first item that can be had. What is in cur can be had if its process is
// dead, and then it has no lock.
func (m Maildir) try() (*Item, error) {
	type place struct{ name, dir string }
	var places []place
	for _, dir := range []string{"new", "cur"} {
		found, err := names(m.path(dir, ""))
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			places = append(places, place{name, dir})
		}
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	for _, p := range places {
		item, err := m.claim(p.dir, p.name)
		if item != nil || err != nil {
			return item, err
		}
	}
	return nil, nil
}

// claim takes this item, or returns nil if it is somebody else's. The lock comes before
// the name: from the first moment in which it is in cur, it is locked.
func (m Maildir) claim(dir, name string) (*Item, error) {
	from, to := m.path(dir, name), m.path("cur", name)
	file, err := os.Open(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	// Between the opening and the lock somebody may have taken it, done his work and
	// removed it. Then we have locked a file that nobody will ever see again.
	if lock(file) != nil || !same(file, from) {
		return nil, file.Close()
	}
	err = os.Rename(from, to)
	var data []byte
	if err == nil {
		data, err = io.ReadAll(file)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return &Item{Data: data, queue: m, name: name, file: file}, nil
}

// Ack says that the work is done: the item is gone.
func (i *Item) Ack() error {
	defer i.file.Close() // after the name is gone; before that, another one could take it
	return os.Remove(i.queue.path("cur", i.name))
}

// Nack gives the item back.
func (i *Item) Nack() error {
	defer i.file.Close()
	return os.Rename(i.queue.path("cur", i.name), i.queue.path("new", i.name))
}

func (m Maildir) path(dir, name string) string { return filepath.Join(m.Dir, dir, name) }

func names(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// lock takes the lock of a file, or says that somebody else has it.
func lock(file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR {
			return err
		}
	}
}

// same tells whether path is still the name of this file.
func same(file *os.File, path string) bool {
	mine, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(mine, there)
}
