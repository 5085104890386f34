/**
 * What the JSON half of protobuf's conformance suite asks of a parser and of a printer, as far as Lua's values can say it:
 * by the names of its cases, with data of our own. What is a matter of JSON's syntax alone is left out, and what differs
 * is in `DIFFERENT`.
 */

/** A name, the message in JSON, what is read of the answer, and what that is: as show() prints it. */
export type Accepted = [name: string, json: string, read: string, result: string];
/** A name, the message in JSON, and what the error says. */
export type Refused = [name: string, json: string, error: string];

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

const one = (name: string, field: string, json: string, result: string): Accepted => [
  name,
  `{"${field}": ${json}}`,
  `res.${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
  result,
];
const no = (name: string, field: string, json: string, error: string): Refused => [
  name,
  `{"${field}": ${json}}`,
  error,
];

const MAX = "9223372036854775807";
const U_MAX = "18446744073709551615";

export const ACCEPTED: Accepted[] = [
  one("Int32FieldMaxValue", "optionalInt32", "2147483647", "2147483647"),
  one("Int32FieldMinValue", "optionalInt32", "-2147483648", "-2147483648"),
  one("Uint32FieldMaxValue", "optionalUint32", "4294967295", "4294967295"),
  one("Int64FieldMaxValue", "optionalInt64", `"${MAX}"`, `"${MAX}"`),
  one("Int64FieldMinValue", "optionalInt64", '"-9223372036854775808"', '"-9223372036854775808"'),
  one("Uint64FieldMaxValue", "optionalUint64", `"${U_MAX}"`, `"${U_MAX}"`),
  one("Int64FieldMaxValueNotQuoted", "optionalInt64", "9223372036854774784", '"9223372036854774784"'),
  one("Int64FieldMinValueNotQuoted", "optionalInt64", "-9223372036854775808", '"-9223372036854775808"'),
  one("Uint64FieldMaxValueNotQuoted", "optionalUint64", "18446744073709549568", '"18446744073709549568"'),
  one("Int32FieldStringValue", "optionalInt32", '"2147483647"', "2147483647"),
  one("Int32FieldStringValueZero", "optionalInt32", '"0"', "0"),
  one("Int32FieldQuotedExponentialValue", "optionalInt32", '"1e5"', "100000"),
  one("Int32FieldFloatTrailingZero", "optionalInt32", "100000.000", "100000"),
  one("Int32FieldExponentialFormat", "optionalInt32", "1e5", "100000"),
  one("Int32FieldMaxFloatValue", "optionalInt32", "2.147483647e9", "2147483647"),
  one("Int32FieldMinFloatValue", "optionalInt32", "-2.147483648e9", "-2147483648"),
  one("Uint32FieldMaxFloatValue", "optionalUint32", "4.294967295e9", "4294967295"),
  one("FloatFieldMinPositiveValue", "optionalFloat", "1.175494e-38", "1.1754939304327e-38"),
  one("FloatFieldMaxPositiveValue", "optionalFloat", "3.402823e+38", "3.4028230607371e+38"),
  one("FloatFieldQuotedValue", "optionalFloat", '"1"', "1"),
  one("FloatFieldQuotedExponentialValue", "optionalFloat", '"1.175494e-38"', "1.1754939304327e-38"),
  one("FloatFieldNan", "optionalFloat", '"NaN"', "nan"),
  one("FloatFieldInfinity", "optionalFloat", '"Infinity"', "inf"),
  one("FloatFieldNegativeInfinity", "optionalFloat", '"-Infinity"', "-inf"),
  one("DoubleFieldMinPositiveValue", "optionalDouble", "2.22507e-308", "2.22507e-308"),
  one("DoubleFieldMinNegativeValue", "optionalDouble", "-1.79769e+308", "-1.79769e+308"),
  one("DoubleFieldQuotedValue", "optionalDouble", '"1"', "1"),
  one("DoubleFieldQuotedExponentialValue", "optionalDouble", '"2.22507e-308"', "2.22507e-308"),
  one("DoubleFieldNan", "optionalDouble", '"NaN"', "nan"),
  one("DoubleFieldInfinity", "optionalDouble", '"Infinity"', "inf"),
  one("BoolFieldTrue", "optionalBool", "true", "true"),
  one("BoolFieldFalse", "optionalBool", "false", "false"),
  one("EnumField", "optionalNestedEnum", '"FOO"', '"FOO"'),
  one("EnumFieldNumericValueZero", "optionalNestedEnum", "0", '"FOO"'),
  one("EnumFieldNumericValueNonZero", "optionalNestedEnum", "1", '"BAR"'),
  one("EnumFieldUnknownValue", "optionalNestedEnum", "123", "123"),
  one("EnumFieldWithAlias", "optionalAliasedEnum", '"ALIAS_BAZ"', '"ALIAS_BAZ"'),
  one("EnumFieldWithAliasUseAlias", "optionalAliasedEnum", '"MOO"', '"ALIAS_BAZ"'),
  one("EnumFieldWithAliasLowerCase", "optionalAliasedEnum", '"moo"', '"ALIAS_BAZ"'),
  one("EnumFieldWithAliasDifferentCase", "optionalAliasedEnum", '"bAz"', '"ALIAS_BAZ"'),
  one("StringField", "optionalString", '"Hello world!"', '"Hello world!"'),
  one("StringFieldUnicode", "optionalString", '"谷歌"', '"\\232\\176\\183\\230\\173\\140"'),
  one("StringFieldSurrogatePair", "optionalString", '"\\uD83D\\uDE01"', '"\\240\\159\\152\\129"'),
  one("StringFieldEmbeddedNull", "optionalString", '"a\\u0000b"', '"a\\0b"'),
  one("PrimitiveRepeatedField", "repeatedInt32", "[1, 2, 3, 4]", "{1,2,3,4}"),
  one("EnumRepeatedField", "repeatedNestedEnum", '["FOO", "BAR", "BAZ"]', '{"FOO","BAR","BAZ"}'),
  one("StringRepeatedField", "repeatedString", '["Hello", "world"]', '{"Hello","world"}'),
  one("MessageRepeatedField", "repeatedNestedMessage", '[{"a": 1234}, {"a": 5678}]', "{{a=1234},{a=5678}}"),
  ["Int32MapField", '{"mapInt32Int32": {"1": 2, "3": 4}}', "res.map_int32_int32[1], res.map_int32_int32[3]", "2 4"],
  ["Uint32MapField", '{"mapUint32Uint32": {"1": 2, "3": 4}}', "res.map_uint32_uint32[3]", "4"],
  ["Int64MapField", '{"mapInt64Int64": {"1": 2, "3": 4}}', "res.map_int64_int64[3]", "4"],
  ["Uint64MapField", '{"mapUint64Uint64": {"1": 2, "3": 4}}', "res.map_uint64_uint64[3]", "4"],
  ["BoolMapField", '{"mapBoolBool": {"true": true, "false": false}}', "res.map_bool_bool", "{false=false,true=true}"],
  [
    "MessageMapField",
    '{"mapStringNestedMessage": {"hello": {"a": 1234}, "world": {"a": 5678}}}',
    "res.map_string_nested_message",
    "{hello={a=1234},world={a=5678}}",
  ],
  ["OneofFieldNullFirst", '{"oneofUint32": null, "oneofString": "t"}', "res.oneof_uint32, res.oneof_string", 'nil "t"'],
  [
    "OneofFieldNullSecond",
    '{"oneofString": "t", "oneofUint32": null}',
    "res.oneof_uint32, res.oneof_string",
    'nil "t"',
  ],
  one("OneofZeroUint32", "oneofUint32", "0", "0"),
  one("OneofZeroMessage", "oneofNestedMessage", "{}", "{a=0}"),
  one("OneofZeroString", "oneofString", '""', '""'),
  one("OneofZeroBytes", "oneofBytes", '""', '""'),
  one("OneofZeroBool", "oneofBool", "false", "false"),
  one("OneofZeroUint64", "oneofUint64", "0", "0"),
  one("OneofZeroFloat", "oneofFloat", "0.0", "0"),
  one("OneofZeroDouble", "oneofDouble", "0.0", "0"),
  one("OneofZeroEnum", "oneofEnum", '"FOO"', '"FOO"'),
  one("NullValueInOtherOneofOldFormat", "oneofNullValue", '"NULL_VALUE"', "null"),
  one("NullValueInOtherOneofNewFormat", "oneofNullValue", "null", "null"),
  [
    "AllFieldAcceptNull",
    '{"optionalInt32": null, "repeatedInt32": null, "mapBoolBool": null, "optionalNestedMessage": null, "optionalBytes": null, "optionalNestedEnum": null}',
    "res.optional_int32, res.optional_nested_message",
    "0 nil",
  ],
  [
    "FieldNameInSnakeCase",
    '{"fieldname1": 1, "fieldName2": 2, "FieldName3": 3, "fieldName4": 4}',
    "res.fieldname1, res.field_name2, res._field_name3, res.field__name4_",
    "1 2 3 4",
  ],
  ["FieldNameWithNumbers", '{"field0name5": 5, "field0Name6": 6}', "res.field0name5, res.field_0_name6", "5 6"],
  [
    "FieldNameWithMixedCases",
    '{"fieldName7": 7, "FieldName8": 8, "fieldName9": 9, "FieldName10": 10, "FIELDNAME11": 11, "FIELDName12": 12}',
    "res.fieldName7, res.FieldName8, res.field_Name9, res.Field_Name10, res.FIELD_NAME11, res.FIELD_name12",
    "7 8 9 10 11 12",
  ],
  [
    "FieldNameWithDoubleUnderscores",
    '{"FieldName13": 13, "FieldName14": 14, "fieldName15": 15, "fieldName16": 16, "fieldName17": 17, "FieldName18": 18}',
    "res.__field_name13, res.__Field_name14, res.field__name15, res.field__Name16, res.field_name17__, res.Field_name18__",
    "13 14 15 16 17 18",
  ],
  ["OriginalProtoFieldName", '{"_field_name3": 3, "FIELD_name12": 12}', "res._field_name3, res.FIELD_name12", "3 12"],
  one("OptionalBoolWrapper", "optionalBoolWrapper", "false", "false"),
  ["OptionalInt32Wrapper", '{"optionalInt32Wrapper": 0}', "res.optional_int32_wrapper", "0"],
  ["OptionalInt64Wrapper", '{"optionalInt64Wrapper": "1"}', "res.optional_int64_wrapper", "1"],
  ["OptionalUint64Wrapper", '{"optionalUint64Wrapper": 0}', "res.optional_uint64_wrapper", "0"],
  one("OptionalFloatWrapper", "optionalFloatWrapper", "0", "0"),
  one("OptionalStringWrapper", "optionalStringWrapper", '""', '""'),
  one("OptionalBytesWrapper", "optionalBytesWrapper", '""', '""'),
  one("RepeatedBoolWrapper", "repeatedBoolWrapper", "[true, false]", "{true,false}"),
  ["RepeatedInt64Wrapper", '{"repeatedInt64Wrapper": [0, "1"]}', "res.repeated_int64_wrapper", "{0,1}"],
  [
    "WrapperTypesWithNullValue",
    '{"optionalBoolWrapper": null, "repeatedBoolWrapper": null}',
    "res.optional_bool_wrapper",
    "nil",
  ],
  one("DurationRepeatedValue", "repeatedDuration", '["1.5s", "-1.5s"]', '{"1.500s","-1.500s"}'),
  one("DurationNull", "optionalDuration", "null", "nil"),
  one("DurationHasZeroFractionalDigit", "optionalDuration", '"1.000000000s"', '"1s"'),
  one("DurationHas3FractionalDigits", "optionalDuration", '"1.010000000s"', '"1.010s"'),
  one("DurationHas6FractionalDigits", "optionalDuration", '"1.000010000s"', '"1.000010s"'),
  one("DurationHas9FractionalDigits", "optionalDuration", '"1.000000010s"', '"1.000000010s"'),
  one("TimestampNull", "optionalTimestamp", "null", "nil"),
  one("TimestampZeroNormalized", "optionalTimestamp", '"1969-12-31T16:00:00-08:00"', '"1970-01-01T00:00:00Z"'),
  one(
    "TimestampHasZeroFractionalDigit",
    "optionalTimestamp",
    '"1970-01-01T00:00:00.000000000Z"',
    '"1970-01-01T00:00:00Z"',
  ),
  one(
    "TimestampHas3FractionalDigits",
    "optionalTimestamp",
    '"1970-01-01T00:00:00.010000000Z"',
    '"1970-01-01T00:00:00.010Z"',
  ),
  one(
    "TimestampHas6FractionalDigits",
    "optionalTimestamp",
    '"1970-01-01T00:00:00.000010000Z"',
    '"1970-01-01T00:00:00.000010Z"',
  ),
  one(
    "TimestampHas9FractionalDigits",
    "optionalTimestamp",
    '"1970-01-01T00:00:00.000000010Z"',
    '"1970-01-01T00:00:00.000000010Z"',
  ),
  one("FieldMask", "optionalFieldMask", '"foo,barBaz"', '"foo,barBaz"'),
  one("EmptyFieldMask", "optionalFieldMask", '""', '""'),
  one("ValueAcceptInteger", "optionalValue", "1", "1"),
  one("ValueAcceptFloat", "optionalValue", "1.5", "1.5"),
  one("ValueAcceptBool", "optionalValue", "false", "false"),
  one("ValueAcceptNull", "optionalValue", "null", "null"),
  one("ValueAcceptString", "optionalValue", '"hello"', '"hello"'),
  one("ValueAcceptList", "optionalValue", '[0, "hello"]', '{0,"hello"}'),
  one("ValueAcceptObject", "optionalValue", '{"value": 1}', "{value=1}"),
  one("RepeatedValue", "repeatedValue", '[["a"]]', '{{"a"}}'),
  one("RepeatedListValue", "repeatedListValue", '[["a"]]', '{{"a"}}'),
  [
    "Struct",
    '{"optionalStruct": {"n": null, "i": 1234, "b": true, "d": 1234.5678, "s": "Hello", "l": [1234, "5678"], "o": {"v": 0}}}',
    "res.optional_struct",
    '{b=true,d=1234.5678,i=1234,l={1234,"5678"},n=null,o={v=0},s="Hello"}',
  ],
  [
    "StructWithEmptyListValue",
    '{"optionalStruct": {"listValue": []}}',
    'getmetatable(res.optional_struct.listValue) == require "resty.ffi.lists".mt',
    "true",
  ],
  one(
    "ListValueDeepNesting25",
    "optionalValue",
    `${"[".repeat(25)}1${"]".repeat(25)}`,
    `${"{".repeat(25)}1${"}".repeat(25)}`,
  ),
  one(
    "ValueDeepNesting25",
    "optionalValue",
    `${'{"n":'.repeat(25)}1${"}".repeat(25)}`,
    `${"{n=".repeat(25)}1${"}".repeat(25)}`,
  ),
  one("Any", "optionalAny", '{"@type": "t/json.Nested", "a": 5}', '{@type="t/json.Nested",a=5}'),
  one("AnyUnorderedTypeTag", "optionalAny", '{"a": 5, "@type": "t/json.Nested"}', '{@type="t/json.Nested",a=5}'),
  one(
    "AnyNested",
    "optionalAny",
    '{"@type": "t/google.protobuf.Any", "value": {"@type": "t/json.Nested", "a": 5}}',
    '{@type="t/google.protobuf.Any",value={@type="t/json.Nested",a=5}}',
  ),
  ...(
    [
      ["AnyWithInt32ValueWrapper", "Int32Value", "12345", "12345"],
      ["AnyWithDuration", "Duration", '"1.5s"', '"1.500s"'],
      ["AnyWithTimestamp", "Timestamp", '"1970-01-01T00:00:00Z"', '"1970-01-01T00:00:00Z"'],
      ["AnyWithFieldMask", "FieldMask", '"foo,barBaz"', '"foo,barBaz"'],
      ["AnyWithStruct", "Struct", '{"foo": 1}', "{foo=1}"],
      ["AnyWithValueForJsonObject", "Value", '{"foo": 1}', "{foo=1}"],
      ["AnyWithValueForInteger", "Value", "1", "1"],
      ["AnyWithValueForNull", "Value", "null", "null"],
    ] as const
  ).map(([name, type, json, text]) =>
    one(
      name,
      "optionalAny",
      `{"@type": "type.googleapis.com/google.protobuf.${type}", "value": ${json}}`,
      `{@type="type.googleapis.com/google.protobuf.${type}",value=${text}}`,
    ),
  ),
  one("AnyWithNoType", "optionalAny", "{}", "{}"),
  one("AnyNull", "optionalAny", "null", "nil"),
  one("AnyEmpty", "optionalAny", '{"@type": "t/google.protobuf.Empty"}', '{@type="t/google.protobuf.Empty"}'),
];

const TIME = "must be a time such as";
const DURATION = "must be seconds such as";
const INT = "or its decimal text, not";

export const REFUSED: Refused[] = [
  no(
    "Int32FieldTooLarge",
    "optionalInt32",
    "2147483648",
    "optional_int32: must be an int32 or its decimal text, not the number 2147483648",
  ),
  no("Int32FieldTooSmall", "optionalInt32", "-2147483649", INT),
  no("Uint32FieldTooLarge", "optionalUint32", "4294967296", INT),
  no("Int64FieldTooLarge", "optionalInt64", '"9223372036854775808"', INT),
  no("Int64FieldTooSmall", "optionalInt64", '"-9223372036854775809"', INT),
  no("Uint64FieldTooLarge", "optionalUint64", '"18446744073709551616"', INT),
  no("Uint64QuotedExponentFieldTooLarge", "optionalUint64", '"1e536870000"', 'not the text "1e536870000"'),
  no("Int32FieldNotInteger", "optionalInt32", "0.5", INT),
  no("Int64FieldNotInteger", "optionalInt64", '"0.5"', INT),
  no("Int32FieldTrueValue", "optionalInt32", "true", "not a boolean"),
  no("Int32FieldStringValuePartiallyNumeric", "optionalInt32", '"12abc"', INT),
  no("Int32FieldStringValuePartiallyNumericSpace", "optionalInt32", '"12 34"', INT),
  no("Int32FieldStringValuePartiallyNumericComma", "optionalInt32", '"12,34"', INT),
  no("Int32FieldStringValuePartiallyNumericUnicode", "optionalInt32", '"12谷34"', INT),
  no("Int32FieldStringValueNonNumeric", "optionalInt32", '"abc"', INT),
  no("Int32FieldStringValueArabicIndicDigits", "optionalInt32", '"١٢٣"', INT),
  no("Int64FieldStringValueFullwidthDigits", "optionalInt64", '"１２３"', INT),
  no("Int32FieldEmptyString", "optionalInt32", '""', INT),
  no("Uint64FieldEmptyString", "optionalUint64", '""', INT),
  no("Int32FieldNotNumber", "optionalInt32", '"3x3"', INT),
  no("Int32FieldPlusSign, quoted", "optionalInt32", '"+1"', INT),
  no("Int32FieldLeadingZero, quoted", "optionalInt32", '"01"', INT),
  no("Int32FieldNegativeWithLeadingZero, quoted", "optionalInt32", '"-01"', INT),
  no("Int32FieldLeadingSpace", "optionalInt32", '" 1"', INT),
  no("Int32FieldTrailingSpace", "optionalInt32", '"1 "', INT),
  no("FloatFieldTooSmall", "optionalFloat", "-3.502823e+38", "optional_float: must be a float"),
  no("FloatFieldTooLarge", "optionalFloat", "3.502823e+38", "optional_float: must be a float"),
  no("FloatFieldEmptyString", "optionalFloat", '""', INT),
  no("FloatFieldStringValuePartiallyNumeric", "optionalFloat", '"12abc"', INT),
  no("FloatFieldTrueValue", "optionalFloat", "true", "not a boolean"),
  no("FloatFieldNan, in other letters", "optionalFloat", '"nan"', INT),
  no("FloatFieldInfinity, in other letters", "optionalFloat", '"inf"', INT),
  no("DoubleFieldTooLarge, quoted", "optionalDouble", '"1.89769e+308"', INT),
  no("DoubleFieldEmptyString", "optionalDouble", '""', INT),
  no("DoubleFieldFalseValue", "optionalDouble", "false", "not a boolean"),
  no("BoolFieldIntegerZero", "optionalBool", "0", "optional_bool: must be a boolean, not the number 0"),
  no("BoolFieldIntegerOne", "optionalBool", "1", "must be a boolean"),
  no("BoolFieldDoubleQuotedTrue", "optionalBool", '"true"', "must be a boolean"),
  no("EnumFieldSingleElementArrayEnumName", "optionalNestedEnum", '["FOO"]', "must be a value of json.NestedEnum"),
  no("EnumFieldTrueValue", "optionalNestedEnum", "true", "must be a value of json.NestedEnum"),
  no("RejectUnknownEnumStringValueInOptionalField", "optionalNestedEnum", '"PINK"', 'or its number, not "PINK"'),
  no(
    "RejectUnknownEnumStringValueInRepeatedField",
    "repeatedNestedEnum",
    '["PINK"]',
    "repeated_nested_enum[1]: must be",
  ),
  no(
    "RejectUnknownEnumStringValueInMapValue",
    "mapStringNestedEnum",
    '{"key": "PINK"}',
    'map_string_nested_enum["key"]: ',
  ),
  no("StringFieldNotAString", "optionalString", "12345", "optional_string: must be a string"),
  no(
    "RepeatedFieldWrongElementTypeExpectingIntegersGotBool",
    "repeatedInt32",
    "[1, false, 3]",
    "repeated_int32[2]: must",
  ),
  no(
    "RepeatedFieldWrongElementTypeExpectingIntegersGotString",
    "repeatedInt32",
    '[1, "name"]',
    "repeated_int32[2]: must",
  ),
  no("RepeatedFieldWrongElementTypeExpectingIntegersGotMessage", "repeatedInt32", '[1, {"a": 4}]', "not a table"),
  no("RepeatedFieldWrongElementTypeExpectingStringsGotInt", "repeatedString", '["1", 2]', "repeated_string[2]: must"),
  no(
    "RepeatedFieldWrongElementTypeExpectingMessagesGotInt",
    "repeatedNestedMessage",
    '[{"a": 1}, 2]',
    "message[2]: must",
  ),
  no("SingleValueForRepeatedFieldInt32", "repeatedInt32", "1", "repeated_int32: must be a list"),
  no(
    "SingleValueForRepeatedFieldMessage",
    "repeatedNestedMessage",
    '{"a": 1}',
    "must be a list, whose keys are 1, 2, 3",
  ),
  no("RepeatedFieldPrimitiveElementIsNull", "repeatedInt32", "[1, null]", "repeated_int32[2]: must"),
  no("RepeatedFieldMessageElementIsNull", "repeatedNestedMessage", '[{"a": 1}, null]', "message[2]: must"),
  no("MapFieldValueIsNull", "mapInt32Int32", '{"0": null}', 'map_int32_int32["0"]: must'),
  no("a key of another type", "mapInt32Int32", '{"x": 1}', "map_int32_int32: the key must be an int32"),
  no("OneofFieldDuplicate", "oneofUint32", '1, "oneofString": "test"', "exclude each other (oneof oneof_field)"),
  no("FieldNameDuplicateDifferentCasing1", "optional_int32", '1, "optionalInt32": 2', "optional_int32: is given twice"),
  no("DurationMissingS", "optionalDuration", '"1"', DURATION),
  no("DurationJsonInputTooSmall", "optionalDuration", '"-315576000001.000000000s"', DURATION),
  no("DurationJsonInputTooLarge", "optionalDuration", '"315576000001.000000000s"', `optional_duration: ${DURATION}`),
  ...(
    [
      ["TimestampJsonInputTooSmall", "0000-01-01T00:00:00Z"],
      ["TimestampJsonInputTooLarge", "10000-01-01T00:00:00Z"],
      ["TimestampJsonInputMissingZ", "0001-01-01T00:00:00"],
      ["TimestampJsonInputMissingT", "0001-01-01 00:00:00Z"],
      ["TimestampJsonInputLowercaseZ", "0001-01-01T00:00:00z"],
      ["TimestampJsonInputLowercaseT", "0001-01-01t00:00:00Z"],
      ["TimestampWithMissingColonInOffset", "1970-01-01T08:00:01+0800"],
      ["TimestampJsonInputMonthTooLarge", "1970-13-01T00:00:00Z"],
      ["TimestampJsonInputDayTooLarge", "1970-01-32T00:00:00Z"],
      ["TimestampJsonInputHourTooLarge", "1970-01-01T24:00:00Z"],
      ["TimestampJsonInputMinuteTooLarge", "1970-01-01T00:60:00Z"],
      ["TimestampJsonInputSecondTooLarge", "1970-01-01T00:00:60Z"],
      ["TimestampJsonInputInvalidOffsetHour", "1970-01-01T00:00:00+24:00"],
      ["TimestampJsonInputOffsetBoundaryUnderflow", "0001-01-01T00:00:00+00:01"],
      ["TimestampJsonInputOffsetBoundaryOverflow", "9999-12-31T23:59:59-00:01"],
      ["TimestampJsonInputInvalidNanos", "1970-01-01T00:00:00.1234567890Z"],
      ["TimestampJsonInputInvalidCharsInNanos", "1970-01-01T00:00:00.123aZ"],
      ["TimestampJsonInputYearTooShort", "999-01-01T00:00:00Z"],
      ["TimestampJsonInputMonthTooShort", "1970-1-01T00:00:00Z"],
      ["TimestampJsonInputNonLeapFeb29", "2001-02-29T00:00:00Z"],
      ["a date without a time", "2001-02-28"],
    ] as const
  ).map(([name, text]) => no(name, "optionalTimestamp", `"${text}"`, `optional_timestamp: ${TIME}`)),
  no("FieldMaskInvalidCharacter", "optionalFieldMask", '"foo,bar_bar"', 'and "bar_bar" is none: a table such as'),
  no("an empty path", "optionalFieldMask", '"foo,,bar"', "must be paths in lowerCamelCase"),
  no(
    "AnyWktRepresentationWithEmptyTypeAndValue",
    "optionalAny",
    '{"@type": "", "value": ""}',
    'optional_any["@type"]: must be a URL',
  ),
  no(
    "AnyWktRepresentationWithBadType",
    "optionalAny",
    '{"@type": "not_a_url", "value": ""}',
    'optional_any["@type"]: must be a URL',
  ),
  no(
    "a field beside the value",
    "optionalAny",
    '{"@type": "t/google.protobuf.Duration", "value": "1s", "a": 1}',
    "optional_any: must have no other keys",
  ),
  no(
    "a value that does not fit",
    "optionalAny",
    '{"@type": "t/google.protobuf.Duration", "value": 1}',
    "optional_any.value: must be",
  ),
  no(
    "a field that does not fit",
    "optionalNestedMessage",
    '{"corecursive": {"repeatedDuration": ["1s", "x"]}}',
    "optional_nested_message.corecursive.repeated_duration[2]: must be seconds",
  ),
];

/** What is on the wire: the answer is read as a `Raw`. */
export const ON_THE_WIRE: Accepted[] = [
  one("DurationMinValue", "optionalDuration", '"-315576000000.999999999s"', "{nanos=-999999999,seconds=-315576000000}"),
  one("DurationMaxValue", "optionalDuration", '"315576000000.999999999s"', "{nanos=999999999,seconds=315576000000}"),
  one("DurationNegativeSeconds", "optionalDuration", '"-5s"', "{nanos=0,seconds=-5}"),
  one("DurationNegativeNanos", "optionalDuration", '"-0.5s"', "{nanos=-500000000,seconds=0}"),
  one("TimestampMinValue", "optionalTimestamp", '"0001-01-01T00:00:00Z"', "{nanos=0,seconds=-62135596800}"),
  one(
    "TimestampMaxValue",
    "optionalTimestamp",
    '"9999-12-31T23:59:59.999999999Z"',
    "{nanos=999999999,seconds=253402300799}",
  ),
  one(
    "TimestampNanoBeforeEpochValue",
    "optionalTimestamp",
    '"1969-12-31T23:59:59.999999999Z"',
    "{nanos=999999999,seconds=-1}",
  ),
  one(
    "TimestampLittleBeforeEpochValue",
    "optionalTimestamp",
    '"1969-12-31T23:59:58.999999999Z"',
    "{nanos=999999999,seconds=-2}",
  ),
  one(
    "TimestampTenAndHalfSecondsBeforeEpochValue",
    "optionalTimestamp",
    '"1969-12-31T23:59:49.500Z"',
    "{nanos=500000000,seconds=-11}",
  ),
  one("TimestampLeap", "optionalTimestamp", '"1993-02-10T00:00:00.000Z"', "{nanos=0,seconds=729302400}"),
  one("TimestampWithPositiveOffset", "optionalTimestamp", '"1970-01-01T08:00:01+08:00"', "{nanos=0,seconds=1}"),
  one("TimestampWithNegativeOffset", "optionalTimestamp", '"1969-12-31T16:00:01-08:00"', "{nanos=0,seconds=1}"),
  one("TimestampWithComplexOffset", "optionalTimestamp", '"1970-01-01T00:00:00-11:30"', "{nanos=0,seconds=41400}"),
  one(
    "TimestampWithOffsetBoundaryInBoundsMax",
    "optionalTimestamp",
    '"9999-12-31T23:59:59+00:01"',
    "{nanos=0,seconds=253402300739}",
  ),
  one("FieldMask", "optionalFieldMask", '"foo,barBaz"', '{paths={"foo","bar_baz"}}'),
  one("ValueAcceptNull", "optionalValue", "null", "{null_value=0}"),
  one("ValueAcceptBool", "optionalValue", "false", "{bool_value=false}"),
  one("RepeatedListValue", "repeatedListValue", '[["a"]]', '{{values={{string_value="a"}}}}'),
  one(
    "Struct",
    "optionalStruct",
    '{"a": [1, null]}',
    "{fields={a={list_value={values={{number_value=1},{null_value=0}}}}}}",
  ),
  one("StructWithEmptyListValue", "optionalStruct", '{"a": []}', "{fields={a={list_value={values={}}}}}"),
  ["OptionalInt32Wrapper", '{"optionalInt32Wrapper": 0}', "res.optional_int32_wrapper", "{value=0}"],
  one(
    "AnyWithDuration",
    "optionalAny",
    '{"@type": "t/google.protobuf.Duration", "value": "1s"}',
    '{type_url="t/google.protobuf.Duration",value="\\8\\1\\16\\0"}',
  ),
];

/** What a JSON printer has to refuse, and Lua gets: the message is a `Raw`, and the answer an `All`. */
export const DIFFERENT: Accepted[] = [
  one(
    "TimestampProtoInputTooSmall",
    "optionalTimestamp",
    '{"seconds": -62135596801}',
    "{nanos=0,seconds=-62135596801}",
  ),
  one(
    "TimestampProtoInputTooLarge",
    "optionalTimestamp",
    '{"seconds": 253402300800}',
    "{nanos=0,seconds=253402300800}",
  ),
  one("TimestampProtoNegativeNanos", "optionalTimestamp", '{"seconds": 5000, "nanos": -1}', "{nanos=-1,seconds=5000}"),
  one("TimestampProtoNanoTooLarge", "optionalTimestamp", '{"nanos": 1000000000}', "{nanos=1000000000,seconds=0}"),
  one(
    "DurationProtoInputTooSmall",
    "optionalDuration",
    '{"seconds": -315576000001}',
    "{nanos=0,seconds=-315576000001}",
  ),
  one("DurationProtoInputTooLarge", "optionalDuration", '{"seconds": 315576000001}', "{nanos=0,seconds=315576000001}"),
  one("DurationProtoNanosWrongSign", "optionalDuration", '{"seconds": 1, "nanos": -1}', "{nanos=-1,seconds=1}"),
  one("DurationProtoNanosTooLarge", "optionalDuration", '{"nanos": 1000000000}', "{nanos=1000000000,seconds=0}"),
  one("FieldMaskPathsDontRoundTrip", "optionalFieldMask", '{"paths": ["fooBar"]}', '{paths={"fooBar"}}'),
  one("FieldMaskNumbersDontRoundTrip", "optionalFieldMask", '{"paths": ["foo_3_bar"]}', '{paths={"foo_3_bar"}}'),
  one("FieldMaskTooManyUnderscore", "optionalFieldMask", '{"paths": ["foo__bar"]}', '{paths={"foo__bar"}}'),
  one("ValueRejectNanNumberValue", "optionalValue", '{"numberValue": "NaN"}', "nan"),
  one("ValueRejectInfNumberValue", "optionalValue", '{"numberValue": "Infinity"}', "inf"),
];
