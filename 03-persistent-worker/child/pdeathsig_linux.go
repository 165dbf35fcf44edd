package child

import "syscall"

// dieWithParent asks the kernel for a signal when we end. See starter.go for why
// that is less simple than it looks.
//
// One that watches its lifeline kills its whole group then, so it must live to do
// it: SIGKILL would come first and leave the rest of the group alone. What it needs
// is to be awake. SIGCONT does nothing to a program that runs, and wakes one that
// is stopped.
func dieWithParent(attr *syscall.SysProcAttr, watchesLifeline bool) {
	switch {
	case attr.Pdeathsig != 0:
	case watchesLifeline:
		attr.Pdeathsig = syscall.SIGCONT
	default:
		attr.Pdeathsig = syscall.SIGKILL
	}
}
