package child

import (
	"errors"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Most programs are started by one thread that never ends.
//
// On Linux a child can ask for a signal when its parent dies (PR_SET_PDEATHSIG,
// see prctl(2)). But the kernel sends it when the *thread* dies that has started
// the child, and Go ends a thread whose goroutine returns while locked to it. A
// healthy child would be killed, by luck, some day (golang/go#27505). So the
// goroutine below is locked to its thread and never returns.
//
// It also starts those that may use only some processors: they inherit that from the
// thread, too. All others are started where we are: to wake another thread, and to be
// woken by it, takes some tens of microseconds.
var starter = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go startThread(jobs)
	return jobs
})

func startThread(jobs <-chan func()) {
	runtime.LockOSThread()
	for job := range jobs {
		job()
	}
}

func startOnce(cmd *exec.Cmd, cpus []int) error {
	tryPidfd()
	if len(cpus) == 0 && !tiedToThread(cmd.SysProcAttr) {
		return cmd.Start()
	}
	result := make(chan error, 1)
	starter() <- func() {
		result <- onCPUs(cpus, cmd.Start)
	}
	return <-result
}

// startBusy starts cmd, and tries again as long as the kernel says "text file
// busy". It says so of a program's file that somebody has open for writing, and
// that somebody may be a child which is just being started by another goroutine:
// between its fork and its exec it has a copy of everything that we had open,
// and one of those was the file, when we wrote it (golang/go#22315).
func startBusy(cmd *exec.Cmd, cpus ...int) error {
	for pause := time.Millisecond; ; pause *= 2 {
		unused := *cmd // a Cmd that has failed to start cannot be started again
		err := startOnce(cmd, cpus)
		if !errors.Is(err, syscall.ETXTBSY) || pause > 512*time.Millisecond {
			return err
		}
		*cmd = unused
		time.Sleep(pause)
	}
}
