//go:build unix

package suite

import "syscall"

func kill(pid int) { _ = syscall.Kill(pid, syscall.SIGKILL) }
