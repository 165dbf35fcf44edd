package main

import (
	"fmt"
	"os"
	"os/exec"
)

const roleVariable = "SELECTOR_LESSON_ROLE"

// command returns the command that runs this program a second time, see lesson 01.
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

// exit ends a second process.
func exit(role string, play func() error) {
	if err := play(); err != nil {
		fmt.Fprintf(os.Stderr, "02-selector-timeout, as %q (pid %d): %v\n", role, os.Getpid(), err)
		os.Exit(1)
	}
	os.Exit(0)
}
