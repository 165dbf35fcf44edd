package process

import "os"

// setTitle sets the name that top shows; ps shows it too, since it is also
// argument 0. The kernel keeps 15 bytes of it, see proc(5), comm. (The file stands
// for the first thread of the process, whichever thread writes to it.)
func setTitle(name string) {
	_ = os.WriteFile("/proc/self/comm", []byte(name), 0) // a name is no reason to fail
}
