// Package kit builds, runs, watches and marks the answers to the exercises.
//
// An answer is one file. The kit builds the exercise's driver, a small program,
// around it and watches that program and its children from outside: who is
// alive, whose child it is, what it has open, how it ended. The answer is never
// part of the process that judges it. What is linked into a test binary can make
// it say "ok" in one line, func init() { os.Exit(0) }; what runs beside it can
// only do well or badly.
//
// The interface for grading is go test:
//
//	ANSWER=path/answer.go GRADE=1 go test -json ./exercises/01-pipes
//
// marks that file. Each check is a subtest, the last line of output is
// "points 01-pipes 70/100", and the exit status is 0 only for full points.
// Without GRADE an untouched answer is skipped, visibly, and not failed.
//
// What the kit promises: true marks against mistakes and against the cheats
// kept in testdata/attacks. It is no sandbox: code by people whom you do not
// trust belongs in a container or a throw-away account.
package kit

import "errors"

// ErrTODO is what an untouched answer returns. The kit takes it to mean "not
// attempted", whatever else the answer does.
var ErrTODO = errors.New("not attempted: this function is still to be written")
