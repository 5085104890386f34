module github.com/hashicorp/go-uuid

go 1.24.0
