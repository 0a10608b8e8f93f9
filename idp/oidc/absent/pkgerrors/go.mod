module github.com/pkg/errors

go 1.26.0
