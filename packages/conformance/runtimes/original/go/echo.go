// An echo as for lua-resty-ffi: cgo, the three functions of version 1, a goroutine that polls. It answers "config" with
// its configuration, as a C string without a length.
package main

/*
#cgo LDFLAGS: -shared
#include <stdlib.h>
#include <string.h>
void *ngx_http_lua_ffi_task_poll(void *tq);
char *ngx_http_lua_ffi_get_req(void *tsk, int *len);
void ngx_http_lua_ffi_respond(void *tsk, int rc, char *rsp, int rsp_len);
*/
import "C"

import "unsafe"

func serve(tq unsafe.Pointer, config string) {
	for {
		task := C.ngx_http_lua_ffi_task_poll(tq)
		if task == nil {
			return
		}
		var length C.int
		request := C.ngx_http_lua_ffi_get_req(task, &length)
		if C.GoStringN(request, length) == "config" {
			C.ngx_http_lua_ffi_respond(task, 0, C.CString(config), 0)
			continue
		}
		answer := C.malloc(C.size_t(length))
		C.memcpy(answer, unsafe.Pointer(request), C.size_t(length))
		C.ngx_http_lua_ffi_respond(task, 0, (*C.char)(answer), length)
	}
}

//export libffi_init
func libffi_init(cfg *C.char, tq unsafe.Pointer) C.int {
	go serve(tq, C.GoString(cfg))
	return 0
}

func main() {}
