/** Messages with a field of each kind, for the cases of json_cases.ts and json_refused.ts. */

const FIELDS = `
  int32 optional_int32 = 1; int64 optional_int64 = 2; uint32 optional_uint32 = 3; uint64 optional_uint64 = 4;
  float optional_float = 11; double optional_double = 12; bool optional_bool = 13; string optional_string = 14;
  bytes optional_bytes = 15; Nested optional_nested_message = 18; NestedEnum optional_nested_enum = 21;
  AliasedEnum optional_aliased_enum = 23;
  repeated int32 repeated_int32 = 31; repeated string repeated_string = 44; repeated bytes repeated_bytes = 45;
  repeated Nested repeated_nested_message = 48; repeated NestedEnum repeated_nested_enum = 51;
  map<int32, int32> map_int32_int32 = 56; map<int64, int64> map_int64_int64 = 57; map<uint32, uint32> map_uint32_uint32 = 58;
  map<uint64, uint64> map_uint64_uint64 = 59; map<bool, bool> map_bool_bool = 68;
  map<string, Nested> map_string_nested_message = 71; map<string, NestedEnum> map_string_nested_enum = 73;
  int32 fieldname1 = 401; int32 field_name2 = 402; int32 _field_name3 = 403; int32 field__name4_ = 404;
  int32 field0name5 = 405; int32 field_0_name6 = 406; int32 fieldName7 = 407; int32 FieldName8 = 408;
  int32 field_Name9 = 409; int32 Field_Name10 = 410; int32 FIELD_NAME11 = 411; int32 FIELD_name12 = 412;
  int32 __field_name13 = 413; int32 __Field_name14 = 414; int32 field__name15 = 415; int32 field__Name16 = 416;
  int32 field_name17__ = 417; int32 Field_name18__ = 418;`;

/** `Raw` has the same fields as `All`, but none of its types has a form of its own. */
export const PROTO = `
syntax = "proto3";
package json;
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
service Echo {
  rpc Echo (All) returns (All);
  rpc ToRaw (All) returns (Raw);
  rpc FromRaw (Raw) returns (All);
}
enum NestedEnum { FOO = 0; BAR = 1; BAZ = 2; NEG = -1; }
enum AliasedEnum { option allow_alias = true; ALIAS_FOO = 0; ALIAS_BAR = 1; ALIAS_BAZ = 2; MOO = 2; moo = 2; bAz = 2; }
message Nested { int32 a = 1; All corecursive = 2; }
message All {${FIELDS}
  oneof oneof_field {
    uint32 oneof_uint32 = 111; Nested oneof_nested_message = 112; string oneof_string = 113; bytes oneof_bytes = 114;
    bool oneof_bool = 115; uint64 oneof_uint64 = 116; float oneof_float = 117; double oneof_double = 118;
    NestedEnum oneof_enum = 119; google.protobuf.NullValue oneof_null_value = 120;
  }
  google.protobuf.BoolValue optional_bool_wrapper = 201; google.protobuf.Int32Value optional_int32_wrapper = 202;
  google.protobuf.Int64Value optional_int64_wrapper = 203; google.protobuf.UInt32Value optional_uint32_wrapper = 204;
  google.protobuf.UInt64Value optional_uint64_wrapper = 205; google.protobuf.FloatValue optional_float_wrapper = 206;
  google.protobuf.DoubleValue optional_double_wrapper = 207; google.protobuf.StringValue optional_string_wrapper = 208;
  google.protobuf.BytesValue optional_bytes_wrapper = 209; repeated google.protobuf.BoolValue repeated_bool_wrapper = 211;
  repeated google.protobuf.Int64Value repeated_int64_wrapper = 213;
  google.protobuf.Duration optional_duration = 301; google.protobuf.Timestamp optional_timestamp = 302;
  google.protobuf.FieldMask optional_field_mask = 303; google.protobuf.Struct optional_struct = 304;
  google.protobuf.Any optional_any = 305; google.protobuf.Value optional_value = 306;
  google.protobuf.NullValue optional_null_value = 307; repeated google.protobuf.Duration repeated_duration = 311;
  repeated google.protobuf.Timestamp repeated_timestamp = 312; repeated google.protobuf.Value repeated_value = 316;
  repeated google.protobuf.ListValue repeated_list_value = 317; google.protobuf.Empty optional_empty = 318;
}
message RawTime { int64 seconds = 1; int32 nanos = 2; }
message RawMask { repeated string paths = 1; }
message RawAny { string type_url = 1; bytes value = 2; }
message RawValue {
  oneof kind { int32 null_value = 1; double number_value = 2; string string_value = 3; bool bool_value = 4;
               RawStruct struct_value = 5; RawList list_value = 6; }
}
message RawList { repeated RawValue values = 1; }
message RawStruct { map<string, RawValue> fields = 1; }
message RawInt { optional int32 value = 1; }
message Raw {${FIELDS}
  RawInt optional_int32_wrapper = 202;
  RawTime optional_duration = 301; RawTime optional_timestamp = 302; RawMask optional_field_mask = 303;
  RawStruct optional_struct = 304; RawAny optional_any = 305; RawValue optional_value = 306;
  repeated RawTime repeated_duration = 311; repeated RawTime repeated_timestamp = 312;
  repeated RawList repeated_list_value = 317;
}`;
