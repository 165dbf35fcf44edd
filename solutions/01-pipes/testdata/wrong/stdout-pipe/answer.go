// Misconception: StdoutPipe makes the pipe, so os/exec looks after all its ends. It
// closes the reading end in Wait, and not before: until the writer has ended,
// its reader is alive, namely here.
//
// Rejected by: early-end
package answer

import (
	"context"
	"os"
	"os/exec"
)

// Run passes the core: it closes each writing end in time.
func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	last := len(stages) - 1
	stages[0].Stdin = in
	stages[last].Stdout = out
	for i, stage := range stages[:last] {
		r, err := stage.StdoutPipe()
		if err != nil {
			return nil, err
		}
		stages[i+1].Stdin = r
	}
	for _, stage := range stages {
		if err := stage.Start(); err != nil {
			return nil, err
		}
	}
	statuses := make([]int, len(stages))
	for i, stage := range stages {
		_ = stage.Wait()
		statuses[i] = stage.ProcessState.ExitCode()
	}
	return statuses, nil
}
