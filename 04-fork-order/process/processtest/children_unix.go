//go:build unix

package processtest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Children returns the pids of this process's children that are alive and whose name begins
// like that: victims. Without /proc it skips the test.
func Children(t testing.TB, name string) (pids []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil || len(entries) == 0 {
		t.Skip("without /proc there is nobody to kill")
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue // it has gone
		}
		text := string(stat)
		end := strings.LastIndex(text, ")")
		fields := strings.Fields(text[end+1:])
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) && strings.Contains(text[:end], "("+name) && fields[0] != "Z" {
			pids = append(pids, pid)
		}
	}
	return pids
}
