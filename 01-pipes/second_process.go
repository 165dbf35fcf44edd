package main

import (
	"fmt"
	"os"
	"os/exec"

	"example.com/multiprocessing/01-pipes/pipe"
)

const roleVariable = "PIPES_ROLE"

// command returns the command that runs this program a second time. Go has no
// fork(2): the new process does not continue here with a copy of our variables,
// it starts at main with fresh ones. All that it knows is in its arguments, its
// environment and its descriptors.
func command(role string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// start starts the second process with channel as its end of the pipe. Closing
// that end here, afterwards, is the caller's business, and scene "kept" shows
// why it matters.
func start(role string, channel *pipe.Conn) (*exec.Cmd, error) {
	cmd, err := command(role)
	if err != nil {
		return nil, err
	}
	channel.Give(cmd)
	return cmd, cmd.Start()
}

// exit ends a second process.
func exit(role string, play func() error) {
	if err := play(); err != nil {
		fmt.Fprintf(os.Stderr, "01-pipes, as %q (pid %d): %v\n", role, os.Getpid(), err)
		os.Exit(1)
	}
	os.Exit(0)
}
