package answer_test

import (
	"testing"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/exercises/08-apply-async/suite"
	"example.com/multiprocessing/exercises/kit"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestAuthor(t *testing.T) { kit.TestAuthor(t, suite.Exercise) }
