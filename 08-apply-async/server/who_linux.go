package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// whoListens returns the pid of a process that listens on the port, or 0. /proc/net/tcp says
// which socket it is, and /proc/PID/fd who has it; of strangers' processes we do not see that.
func whoListens(port uint16) int {
	sockets := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		file, err := os.Open(table)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(file); lines.Scan(); {
			const local, state, inode, listening = 1, 3, 9, "0A"
			fields := strings.Fields(lines.Text())
			if len(fields) > inode && fields[state] == listening && strings.HasSuffix(fields[local], fmt.Sprintf(":%04X", port)) {
				sockets["socket:["+fields[inode]+"]"] = true
			}
		}
		_ = file.Close()
	}
	all, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, path := range all {
		if target, err := os.Readlink(path); err == nil && sockets[target] {
			pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
			return pid
		}
	}
	return 0
}
