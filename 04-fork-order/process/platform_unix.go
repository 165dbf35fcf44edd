//go:build unix

package process

import (
	"os"
	"os/signal"
	"syscall"
)

func supported() error { return nil }

// dieOfSIGTERM ends the process as the signal does in a program that does not
// catch it, so that the exit status says what it was.
func dieOfSIGTERM() {
	signal.Reset(syscall.SIGTERM)
	_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	select {} // the signal is on its way
}
