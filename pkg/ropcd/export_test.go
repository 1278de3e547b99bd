package ropcd

import "io"

// DrawQR is open to be looked at without a terminal.
func DrawQR(w io.Writer, text string, columns int, colours bool) error {
	return drawQR(w, text, screen{columns: columns, colours: colours})
}
