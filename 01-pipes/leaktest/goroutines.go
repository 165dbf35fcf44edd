package leaktest

import (
	"runtime"
	"strings"
)

// immortal are goroutines that, once started, stay for the life of the process
// by design, known by a function on their stack.
var immortal = []string{
	"os/signal.loop",     // started by the first signal.Notify
	"/child.startThread", // lesson 03: the thread that starts all programs
}

// goroutines returns all goroutines of the program but the caller's and the
// immortal ones: id, and where each is and who started it.
func goroutines() map[string]string {
	buf := make([]byte, 1<<16)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	found := map[string]string{}
	// The text is that of a panic: stanzas apart by an empty line, the
	// caller's first, each beginning with "goroutine 7 [chan receive]:".
	for i, stanza := range strings.Split(string(buf), "\n\n") {
		head, stack, _ := strings.Cut(stanza, "\n")
		if i == 0 || isImmortal(stack) {
			continue
		}
		id, state, _ := strings.Cut(strings.TrimPrefix(head, "goroutine "), " ")
		found[id] = state + " " + inOneLine(stack)
	}
	return found
}

func isImmortal(stack string) bool {
	for _, name := range immortal {
		if strings.Contains(stack, name+"(") || strings.Contains(stack, "created by "+name) {
			return true
		}
	}
	return false
}

// inOneLine keeps the functions of a stack and drops the arguments.
func inOneLine(stack string) string {
	var names []string
	for line := range strings.Lines(stack) {
		if strings.HasPrefix(line, "\t") { // file and line number
			continue
		}
		name := strings.TrimSpace(line)
		if by, ok := strings.CutPrefix(name, "created by "); ok {
			name = "started by " + strings.Fields(by)[0]
		} else if i := strings.LastIndex(name, "("); i > 0 {
			name = name[:i]
		}
		names = append(names, name)
	}
	return strings.Join(names, " < ")
}
