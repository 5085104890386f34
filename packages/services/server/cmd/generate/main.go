// Command generate writes the Go code of ../protos to build/, which git ignores. It parses the files itself, so that no
// protoc is needed.
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/pluginpb"
)

const module = "github.com/resty-ffi/resty-ffi/packages/services/server/"

// packages says where the code of each file goes; the files name no package of Go's, since five languages use them.
var packages = map[string]string{
	"echo.proto":        "build/echo",
	"helloworld.proto":  "build/helloworld",
	"route_guide.proto": "build/routeguide",
}

func main() {
	log.SetFlags(0)
	request, err := parse()
	if err != nil {
		log.Fatal(err)
	}
	for _, plugin := range []string{"protoc-gen-go", "protoc-gen-go-grpc"} {
		if err := run(plugin, request); err != nil {
			log.Fatalf("%s: %v", plugin, err)
		}
	}
}

func parse() (*pluginpb.CodeGeneratorRequest, error) {
	compiler := protocompile.Compiler{
		Resolver:       &protocompile.SourceResolver{ImportPaths: []string{"../protos"}},
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	request := &pluginpb.CodeGeneratorRequest{Parameter: proto.String("module=" + module[:len(module)-1])}
	for name, folder := range packages {
		request.FileToGenerate = append(request.FileToGenerate, name)
		*request.Parameter += ",M" + name + "=" + module + folder
	}
	files, err := compiler.Compile(context.Background(), request.FileToGenerate...)
	for _, file := range files {
		request.ProtoFile = append(request.ProtoFile, protoutil.ProtoFromFileDescriptor(file))
	}
	return request, err
}

func run(plugin string, request *pluginpb.CodeGeneratorRequest) error {
	input, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	command := exec.Command("go", "tool", plugin)
	command.Stdin = bytes.NewReader(input)
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return err
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(output, &response); err != nil {
		return err
	}
	if response.Error != nil {
		return fmt.Errorf("%s", *response.Error)
	}
	for _, file := range response.File {
		if err := write(file.GetName(), file.GetContent()); err != nil {
			return err
		}
	}
	return nil
}

// write leaves a file alone that is as it should be: a build or a check may be reading it.
func write(name, content string) error {
	if old, err := os.ReadFile(name); err == nil && string(old) == content {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(content), 0o644)
}
