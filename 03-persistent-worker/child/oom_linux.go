package child

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// An oomWatch tells whether the kernel has killed for lack of memory meanwhile.
// It counts such kills for each control group, see memory.events in cgroups(7);
// programs that we start are in ours. That is a hint, no proof: another one of
// the group may have been meant.
type oomWatch struct {
	file   string
	before int
}

func (o *oomWatch) begin() {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			o.file = filepath.Join("/sys/fs/cgroup", path, "memory.events")
		}
	}
	o.before = oomKills(o.file)
}

func (o *oomWatch) happened() bool { return o.file != "" && oomKills(o.file) > o.before }

func oomKills(file string) int {
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
