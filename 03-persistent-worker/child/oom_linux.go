package child

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// An oomWatch tells whether the kernel has killed for lack of memory meanwhile.
// It counts such kills for each control group, see memory.events in cgroups(7);
// programs that we start are in ours. That is a hint, no proof: another one of
// the group may have been meant.
type oomWatch struct{ before int }

func (o *oomWatch) begin() { o.before = oomKills() }

func (o *oomWatch) happened() bool { return oomKills() > o.before }

// memoryEvents is that file; empty: there is none. A group is seldom left for another.
var memoryEvents = sync.OnceValue(func() string {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return filepath.Join("/sys/fs/cgroup", path, "memory.events")
		}
	}
	return ""
})

func oomKills() int {
	file := memoryEvents()
	if file == "" {
		return 0
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(line, "oom_kill "); ok {
			kills, _ := strconv.Atoi(strings.TrimSpace(n))
			return kills
		}
	}
	return 0
}
