package main

import (
	"fmt"
	"os"

	"example.com/multiprocessing/03-persistent-worker/worker"
)

const roleVariable = "WORKER_LESSON_ROLE"

// program returns the config of a worker that is this program in another role.
func program(role string, env ...string) worker.Config {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return worker.Config{
		Program: self,
		Env:     append([]string{roleVariable + "=" + role}, env...),
		Name:    role,
		Idle:    *idle,
	}
}

// exit ends a second process.
func exit(role string, play func() error) {
	if err := play(); err != nil {
		fmt.Fprintf(os.Stderr, "03-persistent-worker, as %q (pid %d): %v\n", role, os.Getpid(), err)
		os.Exit(1)
	}
	os.Exit(0)
}
