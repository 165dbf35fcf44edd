package worker

import (
	"os"

	"example.com/multiprocessing/01-pipes/pipe"
)

// serverChannel returns where the caller talks to us: the handle that we were
// given, or stdin and stdout.
func serverChannel() (*pipe.Conn, error) {
	if os.Getenv("MULTIPROCESSING_CHANNEL") != "" {
		return pipe.Inherited()
	}
	in, out := os.Stdin, os.Stdout
	os.Stdout = os.Stderr // what prints from now on
	return pipe.Files(in, out)
}
