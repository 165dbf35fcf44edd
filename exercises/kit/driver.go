package kit

import (
	"errors"
	"io"
	"os"

	"example.com/multiprocessing/01-pipes/pipe"
)

// Serve is for a driver: it does what the suite asks for until that closes the pipe.
func Serve[Q any](suite *pipe.Conn, do func(request Q) error) error {
	for {
		request, err := pipe.Receive[Q](suite)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = do(request)
		}
		if err != nil {
			return err
		}
	}
}

// Tell is for a driver: it sends a report. If the suite is gone, the program ends.
func Tell[R any](suite *pipe.Conn, report R) {
	if err := pipe.Send(suite, report); err != nil {
		os.Exit(1)
	}
}
