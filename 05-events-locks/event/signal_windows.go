package event

import (
	"errors"
	"syscall"

	"example.com/multiprocessing/01-pipes/pipe"
)

type signal struct{}

func newSignal() (*signal, error)                     { return nil, errors.ErrUnsupported }
func receiveSignal(*pipe.Conn) (*signal, error)       { return nil, errors.ErrUnsupported }
func ended(*pipe.Conn) bool                           { return true }
func (*signal) set() error                            { return errors.ErrUnsupported }
func (*signal) clear() error                          { return errors.ErrUnsupported }
func (*signal) isSet() (bool, error)                  { return false, errors.ErrUnsupported }
func (*signal) SyscallConn() (syscall.RawConn, error) { return nil, errors.ErrUnsupported }
func (*signal) Buffered() int                         { return 0 }
func (*signal) close()                                {}
func (*signal) handOut(*pipe.Conn)                    {}
