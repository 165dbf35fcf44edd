package process

import (
	"os"
	"strings"
)

// processVariable tells a program that it is to be a process of ours, and at which
// depth.
const (
	processVariable = "MULTIPROCESSING_PROCESS"
	depthVariable   = "MULTIPROCESSING_DEPTH" // for a command: how deep it is
	logVariable     = "MULTIPROCESSING_LOG"   // for a command: log, under this name
	ourVariables    = "MULTIPROCESSING_"
)

// environment returns that of the new process. What our own parent has told us is
// not meant for it.
func environment(more []string) []string {
	var env []string
	for _, variable := range append(os.Environ(), more...) {
		if !strings.HasPrefix(variable, ourVariables) {
			env = append(env, variable)
		}
	}
	return env
}
