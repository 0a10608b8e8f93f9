module github.com/golang/mock

go 1.26.0
