package ropcd

// These draw without a server.
var (
	DrawText    = drawText
	DrawMermaid = drawMermaid
)
