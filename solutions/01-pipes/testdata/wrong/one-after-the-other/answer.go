// Misconception: a pipeline runs its stages one after the other, each over what the
// one before it has left.
//
// Rejected by: together
package answer

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
)

// Run passes the whole output of each stage to the next one.
func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	var statuses []int
	var data io.Reader = in
	for i, stage := range stages {
		var output bytes.Buffer
		stage.Stdin, stage.Stdout = data, &output
		if i == len(stages)-1 {
			stage.Stdout = out
		}
		if err := stage.Run(); stage.ProcessState == nil {
			return nil, err
		}
		statuses = append(statuses, stage.ProcessState.ExitCode())
		data = &output
	}
	return statuses, nil
}
