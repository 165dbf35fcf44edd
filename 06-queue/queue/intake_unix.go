//go:build unix

package queue

import (
	"context"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/06-queue/shm"
)

// An intake is the socket into which items are put on credit: a Kernel queue of which only
// the broker takes.
type intake struct {
	in, out *packets
	ended   sync.WaitGroup
	buf     []byte
}

func (b *broker) openIntake() {
	in, out, err := newPackets(sockets())
	if err != nil {
		return // it works without
	}
	i := &intake{in: in, out: out, buf: make([]byte, MaxKernelItem+1)}
	b.intake = i
	i.ended.Go(func() {
		for i.out.ready(unix.POLLIN) == nil {
			b.mu.Lock()
			b.drain()
			b.match()
			b.mu.Unlock()
		}
	})
}

func (b *broker) closeIntake() {
	if b.intake != nil {
		closeBoth(b.intake.in, b.intake.out, pipe.ErrClosed)
		b.intake.ended.Wait()
	}
}

// next returns what has come in next, until it is called again; nil if there is nothing.
func (i *intake) next() []byte {
	n, err := i.out.do(over, unix.POLLIN, unix.Read, i.buf)
	if err != nil || n < 1 {
		return nil
	}
	return i.buf[1:n]
}

// over is a context that has ended.
var over = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func (i *intake) sendTo(conn *pipe.Conn) error {
	file, err := i.in.copied()
	if err != nil {
		return err
	}
	defer file.Close()
	return conn.SendFile(file)
}

func newCell() (*shm.Memory, error) { return shm.New(os.Getpagesize()) }

// duplicates returns files with descriptors of their own.
func duplicates(files []*os.File) (others []*os.File, err error) {
	for _, file := range files {
		fd, err := duplicate(file)
		if err != nil {
			dropFiles(others)
			return nil, err
		}
		others = append(others, os.NewFile(uintptr(fd), file.Name()))
	}
	return others, nil
}
