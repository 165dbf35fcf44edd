//go:build unix

package main

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"example.com/multiprocessing/exercises/kit"
)

// system looks at what only a Unix system has.
func system() []finding {
	findings := []finding{
		{"256 open files or more", limit(unix.RLIMIT_NOFILE, 256), "Ask for more: ulimit -n 1024", true},
		{"the checks see processes from outside", observes(), "They believe what the programs report; messages have less to say.", false},
	}
	if runtime.GOOS == "linux" {
		findings = append(findings, finding{"descriptors for processes (Linux 5.4 or later)", pidfd(), "Lesson 02 waits for the end of a process in another way then.", false},
			finding{"answers can be kept in when they are marked (Landlock)", confines(), "grade cannot keep them from changing your files; it notices, and puts them right.", false})
	}
	return findings
}

func limit(which int, want uint64) error {
	var l unix.Rlimit
	if err := unix.Getrlimit(which, &l); err != nil {
		return err
	}
	if uint64(l.Max) < want {
		return fmt.Errorf("the limit is %d", l.Max)
	}
	return nil
}

func observes() error {
	if !kit.Observes() {
		return fmt.Errorf("%s does not show them", runtime.GOOS)
	}
	return nil
}

func confines() error {
	if files, signals := kit.Confines(); !files {
		return fmt.Errorf("this kernel does not do that")
	} else if !signals {
		return fmt.Errorf("this kernel cannot keep signals in (Linux 6.12 can)")
	}
	return nil
}
