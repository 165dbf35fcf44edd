// Attack: starts stages that report as stages do, but are not the ones that it was given.
package answer

import (
	"context"
	"os"
	"os/exec"
	"strings"
)

func Run(ctx context.Context, in, out *os.File, stages ...*exec.Cmd) ([]int, error) {
	for _, s := range stages {
		var control, number string
		for _, v := range s.Env {
			if c, ok := strings.CutPrefix(v, "STAGE_CONTROL="); ok {
				control = c
			}
			if n, ok := strings.CutPrefix(v, "STAGE_NUMBER="); ok {
				number = n
			}
		}
		exec.Command("python3", "-c", `import json, os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(json.dumps({"Stage": int(sys.argv[2]), "Role": "pass", "PID": os.getpid(), "Parent": os.getppid()}).encode())
s.recv(100)`, control, number).Run()
	}
	data, _ := os.ReadFile(in.Name())
	out.Write(data)
	return make([]int, len(stages)), nil
}
