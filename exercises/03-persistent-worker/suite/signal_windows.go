package suite

import "syscall"

func signal(int, syscall.Signal) {}

const sigstop, sigcont = syscall.Signal(0), syscall.Signal(0)
