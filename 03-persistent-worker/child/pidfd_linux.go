package child

import (
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// tryPidfd has package os find out, before its first start of a process, whether the kernel has
// pidfds. It does that with a child of its own, which lives for some microseconds, shares our
// memory as after vfork(2), and, other than in a real start, may get signals (go1.26.8,
// os.checkClonePidfd). Ctrl-C reaches it, too, since it is in our group. If we have heard that
// meanwhile, and want to hear no second one, it dies of the signal in the middle of a handler;
// and what the handler had put into the memory of the thread is ours: "fatal: morestack on
// gsignal". So it is done once here, with all signals blocked: a child inherits that.
var tryPidfd = sync.OnceFunc(func() {
	runtime.LockOSThread() // a mask is that of a thread
	defer runtime.UnlockOSThread()
	var all, before unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	if unix.PthreadSigmask(unix.SIG_SETMASK, &all, &before) != nil {
		return
	}
	defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) }()
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		_ = p.Release()
	}
})
