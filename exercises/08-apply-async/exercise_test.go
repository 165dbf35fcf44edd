package thumbnails_test

import (
	"testing"

	"example.com/multiprocessing/exercises/08-apply-async/suite"
	"example.com/multiprocessing/exercises/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

// TestAnswer marks your answer, or the file that the environment variable ANSWER
// names. Each check is a subtest.
func TestAnswer(t *testing.T) { kit.Test(t, suite.Exercise) }
