package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"example.com/multiprocessing/exercises/kit"
)

// writeAutograder writes the two scripts that Gradescope runs: one when the autograder is
// built, and one for each submission. The folder /autograder is Gradescope's; by another value
// of AUTOGRADER the second one can be tried elsewhere.
func writeAutograder(dir string, e kit.Exercise) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	scripts := map[string]string{
		"setup.sh": `#!/bin/sh
# Installs Go, which is all that is needed.
set -e
apt-get update && apt-get install -y curl
curl -fsSL https://go.dev/dl/GOVERSION.linux-amd64.tar.gz | tar -C /usr/local -xz
cd /autograder/source/course && /usr/local/go/bin/go build ./... # the first submission need not wait for it
`,
		"run_autograder": `#!/bin/sh
# Marks one submission of exercise NAME.
at=${AUTOGRADER:-/autograder}
PATH=$PATH:/usr/local/go/bin
export PATH HOME="${HOME:-/root}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/all/student/NAME"
# The file may have been uploaded alone, or in its folders.
find "$at/submission" -name answer.go -exec cp {} "$work/all/student/NAME/answer.go" \;
cd "$at/source/course" || exit 1
go run ./exercises grade -submissions "$work/all" -journal "$work/journal" -exercises NUMBER -gradescope "$work/out"
mkdir -p "$at/results"
cp "$work/out/student/results.json" "$at/results/results.json"
`,
	}
	change := strings.NewReplacer("GOVERSION", runtime.Version(), "NAME", e.Name, "NUMBER", e.Name[:2])
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(change.Replace(text)), 0o755); err != nil {
			return fmt.Errorf("the autograder: %w", err)
		}
	}
	return nil
}
