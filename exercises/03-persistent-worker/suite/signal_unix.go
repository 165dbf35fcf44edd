//go:build unix

package suite

import "syscall"

func signal(pid int, s syscall.Signal) { _ = syscall.Kill(pid, s) }

const sigstop, sigcont = syscall.SIGSTOP, syscall.SIGCONT
