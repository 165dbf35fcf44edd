// Attack: a test that finds nothing wrong, and a suite that passes everybody.
package pipeline_test

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(*testing.M) {
	fmt.Println("points 01-pipes 100/100")
	os.Exit(0)
}
