//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
)

// exclusive makes the file, and fails if it is there: who has made it has the lock.
// This lock is not freed by the kernel, since the kernel does not know of it.
func exclusive(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

var holdByFile = process.Service("hold-by-file", func(ctx context.Context, path string, front *pipe.Conn) error {
	if err := exclusive(path); err != nil {
		return err
	}
	defer os.Remove(path)
	if err := pipe.Send(front, "held"); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
})

func stale(ctx context.Context, out io.Writer) error {
	return inDir(func(dir string) error {
		path := filepath.Join(dir, "program.lock")
		task := holdByFile.New(path, process.Config{})
		if err := task.Start(); err != nil {
			return err
		}
		defer task.Stop(context.WithoutCancel(ctx))
		defer task.Conn().Close()
		if _, err := pipe.Receive[string](task.Conn()); err != nil {
			return err
		}
		fmt.Fprintf(out, "a process has made the file; another one can: %t\n", exclusive(path) == nil)
		if err := task.Kill(); err != nil {
			return err
		}
		if err := task.Join(ctx); err != nil {
			return err
		}
		fmt.Fprintf(out, "it was killed; another one can: %t, today, tomorrow and next year\n", exclusive(path) == nil)
		return nil
	})
}

// flocked opens a file and locks it, or says that it is locked.
func flocked(path string) (*os.File, bool, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err != nil && !errors.Is(err, unix.EWOULDBLOCK) {
		file.Close()
		return nil, false, err
	}
	return file, err == nil, nil
}

func unlinked(_ context.Context, out io.Writer) error {
	return inDir(func(dir string) error {
		path := filepath.Join(dir, "lock")
		a, hasA, err := flocked(path)
		if err != nil {
			return err
		}
		defer a.Close()
		fmt.Fprintf(out, "A has the lock: %t\n", hasA)
		if err := os.Remove(path); err != nil { // somebody tidies up
			return err
		}
		b, hasB, err := flocked(path)
		if err != nil {
			return err
		}
		defer b.Close()
		fmt.Fprintf(out, "the file is removed; B has the lock: %t. That makes two\n", hasB)
		return nil
	})
}

// posix shows fcntl(2) locks, which belong to the process and the file: closing any
// descriptor of the file in this process frees them.
func posix(ctx context.Context, out io.Writer) error {
	return inDir(func(dir string) error {
		path := filepath.Join(dir, "lock")
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		whole := unix.Flock_t{Type: unix.F_WRLCK}
		if err := unix.FcntlFlock(file.Fd(), unix.F_SETLK, &whole); err != nil {
			return err
		}
		free, err := asOther(ctx, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "locked with fcntl; another process can have it: %t\n", free)
		if _, err := os.ReadFile(path); err != nil { // some library looks into the file
			return err
		}
		free, err = asOther(ctx, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "somebody in this process has read the file; another process can have it: %t\n", free)
		return nil
	})
}

var tryFcntl = process.Func("try-fcntl", func(_ context.Context, path string) (bool, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer file.Close()
	whole := unix.Flock_t{Type: unix.F_WRLCK}
	err = unix.FcntlFlock(file.Fd(), unix.F_SETLK, &whole)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return false, nil
	}
	return err == nil, err
})

func asOther(ctx context.Context, path string) (bool, error) {
	task := tryFcntl.New(path, process.Config{})
	if err := task.Start(); err != nil {
		return false, err
	}
	free, err := task.Result(ctx)
	return free, errors.Join(err, task.Join(context.WithoutCancel(ctx)))
}

// inherited gives the locked descriptor to a child, as a program does that does not
// set close-on-exec. flock(2) belongs to the open file, and that is open in two
// processes then.
func inherited(_ context.Context, out io.Writer) error {
	return inDir(func(dir string) error {
		path := filepath.Join(dir, "lock")
		file, _, err := flocked(path)
		if err != nil {
			return err
		}
		child := exec.Command("sleep", "3600")
		child.ExtraFiles = []*os.File{file}
		if err := child.Start(); err != nil {
			return err
		}
		defer child.Wait()
		defer child.Process.Kill()
		if err := file.Close(); err != nil { // the holder has gone
			return err
		}
		again, has, err := flocked(path)
		if err != nil {
			return err
		}
		defer again.Close()
		fmt.Fprintf(out, "the holder has closed the file; another one gets the lock: %t\n", has)
		if err := child.Process.Kill(); err != nil {
			return err
		}
		_ = child.Wait()
		third, has, err := flocked(path)
		if err != nil {
			return err
		}
		defer third.Close()
		fmt.Fprintf(out, "its child has ended too; another one gets the lock: %t\n", has)
		return nil
	})
}
