package queue

import (
	"context"
	"errors"
	"os"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/06-queue/shm"
)

// There is no queue on Windows yet: hub.New says so.

type intake struct{}

func (b *broker) openIntake()  {}
func (b *broker) closeIntake() {}

func (i *intake) next() []byte                  { return nil }
func (i *intake) sendTo(*pipe.Conn) error       { return errors.ErrUnsupported }
func newCell() (*shm.Memory, error)             { return nil, errors.ErrUnsupported }
func duplicates([]*os.File) ([]*os.File, error) { return nil, errors.ErrUnsupported }

type packets struct{}

type layout struct{}

func sockets() layout { return layout{} }

func receivePackets(*pipe.Conn, layout) (*packets, error) { return nil, errors.ErrUnsupported }

func (p *packets) put(context.Context, func([]byte) ([]byte, error)) error {
	return errors.ErrUnsupported
}

func (p *packets) close(error) {}
