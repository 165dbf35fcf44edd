package child

import "syscall"

// dieWithParent asks the kernel for a signal when we end. See starter.go for why
// that is less simple than it looks.
//
// One that watches its lifeline needs no such signal: the kernel kills its whole group
// then, see killWithLifeline. SIGKILL for the program alone would come first, and leave
// the rest of the group.
func dieWithParent(attr *syscall.SysProcAttr, watchesLifeline bool) {
	if attr.Pdeathsig == 0 && !watchesLifeline {
		attr.Pdeathsig = syscall.SIGKILL
	}
}

// tiedToThread reports whether the program's life depends on that of the thread which
// starts it.
func tiedToThread(attr *syscall.SysProcAttr) bool { return attr != nil && attr.Pdeathsig != 0 }
