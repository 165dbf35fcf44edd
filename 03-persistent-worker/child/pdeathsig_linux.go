package child

import "syscall"

// dieWithParent asks the kernel to kill the program when we end. See starter.go
// for why that is less simple than it looks.
func dieWithParent(attr *syscall.SysProcAttr) {
	if attr.Pdeathsig == 0 {
		attr.Pdeathsig = syscall.SIGKILL
	}
}
