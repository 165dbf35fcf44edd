package process

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// CPUCount returns how many processors this process can keep busy: those that it
// may use (sched_setaffinity(2), asked when the program started), or fewer if its
// control group has a smaller share of their time, as in a container. At least 1.
//
// It is not runtime.GOMAXPROCS, which anybody can set, and not the number of
// processors in the machine.
func CPUCount() int {
	n := runtime.NumCPU()
	if share := cgroupShare(os.ReadFile); share < float64(n) {
		n = int(math.Ceil(share))
	}
	return max(n, 1)
}

// cgroupShare returns how many processors' time the control group may use, the
// smallest limit on the way from ours to the root; infinity if there is none. See
// cgroups(7): cpu.max of version 2 holds "max 100000" or "150000 100000",
// microseconds per period.
func cgroupShare(read func(string) ([]byte, error)) float64 {
	share := math.Inf(1)
	text, err := read("/proc/self/cgroup")
	if err != nil {
		return share
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		switch {
		case fields[0] == "0" && fields[1] == "":
			for dir := filepath.Clean(fields[2]); ; dir = filepath.Dir(dir) {
				quota, period := numbers(read(filepath.Join("/sys/fs/cgroup", dir, "cpu.max")))
				share = min(share, ratio(quota, period))
				if dir == "/" || dir == "." {
					break
				}
			}
		case strings.Contains(","+fields[1]+",", ",cpu,"): // version 1
			dir := filepath.Join("/sys/fs/cgroup/cpu", fields[2])
			quota, _ := numbers(read(filepath.Join(dir, "cpu.cfs_quota_us")))
			period, _ := numbers(read(filepath.Join(dir, "cpu.cfs_period_us")))
			share = min(share, ratio(quota, period))
		}
	}
	return share
}

func ratio(quota, period float64) float64 {
	if quota <= 0 || period <= 0 {
		return math.Inf(1)
	}
	return quota / period
}

// numbers returns the first two numbers in a file, 0 for what is none.
func numbers(text []byte, err error) (first, second float64) {
	if err != nil {
		return 0, 0
	}
	fields := append(strings.Fields(string(text)), "", "")
	first, _ = strconv.ParseFloat(fields[0], 64)
	second, _ = strconv.ParseFloat(fields[1], 64)
	return first, second
}
