//go:build unix

package kit

import "maps"

// A Load is what a process takes together with its descendants.
type Load struct {
	Processes int
	Memory    int64 // bytes that are resident; 0 where the system does not tell
}

// LoadOf looks how much that is now.
func LoadOf(pid int) Load {
	all := tree(pid)
	l := Load{Processes: len(all)}
	for _, p := range all {
		l.Memory += residentMemory(p.pid)
	}
	return l
}

// KillDescendants ends all descendants of a process, but not the process itself.
func KillDescendants(pid int) { killDescendants(pid) }

// EndStrays ends all children of this process but these, with their descendants, and waits
// for them: whoever is a child and not on the list has lost its own parent. Nobody may start
// a process meanwhile.
func EndStrays(but map[int]bool) { reapStrays(maps.Clone(but)) }

// Children are the children of this very process.
func Children() map[int]bool { return childrenOfOurs() }
