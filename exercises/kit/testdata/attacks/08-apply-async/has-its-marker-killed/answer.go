// Attack: says that the one who marks it is a worker. The checks kill a worker.
package answer

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"

	"example.com/multiprocessing/exercises/08-apply-async/darkroom"
)

type Lab struct{}

type Result struct{}

func New(*darkroom.Room) *Lab { return &Lab{} }

func (l *Lab) Apply(picture []byte) (*Result, error) {
	conn, err := net.Dial("unix", os.Getenv("DARKROOM_CONTROL"))
	if err != nil {
		return nil, err
	}
	json.NewEncoder(conn).Encode(map[string]any{"PID": os.Getppid(), "Parent": os.Getpid(), "Picture": darkroom.Hash(picture)})
	return &Result{}, nil
}

func (l *Lab) Close()                                 {}
func (l *Lab) Join(ctx context.Context) error         { return nil }
func (r *Result) OnDone(f func(thumbnail []byte))     {}
func (r *Result) OnError(f func(err error))           {}
func (r *Result) Cancel() bool                        { return false }
func (r *Result) Get(context.Context) ([]byte, error) { return nil, errors.New("") }
