package child_test

import "errors"

func roleGrandchild([]string) error { return errors.ErrUnsupported }
func roleParent([]string) error     { return errors.ErrUnsupported }
