package process

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A process of ours has its name as argument 0, which ps shows. What top shows is the
// name of its first thread, see prctl(2), PR_SET_NAME, of which the kernel keeps 15
// bytes. Initialisation runs in that thread; later, nobody can know.
func init() {
	if os.Getenv(processVariable) == "" {
		return
	}
	var name [16]byte
	copy(name[:15], os.Args[0])
	_ = unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name)), 0, 0, 0) // a name is no reason to fail
}
