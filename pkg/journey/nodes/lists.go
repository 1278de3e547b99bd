package nodes

import (
	"fmt"
	"slices"
)

// checkList refuses a list that decides nothing: an empty one, and one with an element that nothing can equal.
func checkList(setting string, values []string) error {
	switch at := slices.Index(values, ""); {
	case len(values) == 0:
		return fmt.Errorf("%s: list at least one", setting)
	case at >= 0:
		return fmt.Errorf("%s[%d]: is empty", setting, at)
	}
	return nil
}
