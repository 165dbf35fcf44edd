//go:build unix && !linux

package child

import "syscall"

// dieWithParent does nothing: only Linux has it. The lifeline does the work.
func dieWithParent(*syscall.SysProcAttr, bool) {}

func tiedToThread(*syscall.SysProcAttr) bool { return false }
