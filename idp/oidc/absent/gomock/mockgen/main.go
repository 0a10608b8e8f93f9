// Command mockgen does nothing: `go mod tidy` looks for it on behalf of fosite's
// list of tools.
package main

func main() {}
