//go:build unix

package child_test

import (
	"fmt"
	"os/exec"

	"example.com/multiprocessing/03-persistent-worker/child"
)

// A program that fails: how it has ended, and its last words.
func ExampleStart() {
	c, err := child.Start(exec.Command("sh", "-c", "echo no licence found >&2; exit 3"), child.Options{Name: "solver"})
	if err != nil {
		fmt.Println(err)
		return
	}
	<-c.Done()
	died := c.Died()
	fmt.Printf("%s: %s: %s", died.Name, died.Status(), died.StderrTail)
	// Output: solver: exit status 3: no licence found
}
