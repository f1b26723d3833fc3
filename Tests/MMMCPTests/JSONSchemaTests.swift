import MMCore
import TestSupport
import Testing

@testable import MMMCP

@Suite("JSON Schema", .timeLimit(.minutes(5)))
struct JSONSchemaTests {
    private func problems(_ schema: JSONObject, _ value: JSONValue) throws -> [String] {
        try JSONSchema(schema).problems(of: value).map(\.description)
    }

    static let fits: [(JSONObject, JSONValue, Bool)] = [
        (["type": "integer"], 3, true),
        (["type": "integer"], 3.0, true),
        (["type": "integer"], 3.5, false),
        (["type": "integer"], .number("18446744073709551616"), true),
        (["type": "number"], 1, true),
        (["type": ["string", "null"]], nil, true),
        (["type": ["string", "null"]], 1, false),
        (["enum": [1, "a", nil]], 1.0, true),
        (["enum": [1, "a", nil]], "b", false),
        (["const": ["a": 1]], ["a": 1.0], true),
        (["minimum": 2], 2, true),
        (["minimum": 2], 1, false),
        (["minimum": 2], "x", true),
        (["minLength": 2], "é", false),
        (["maxLength": 1], "😀", true),
        (["items": ["type": "string"], "minItems": 1], ["a"], true),
        (["minItems": 1], [], false),
        (["required": ["a"]], ["a": nil], true),
        (["required": ["a"]], ["b": 1], false),
        (["additionalProperties": ["type": "integer"]], ["y": "1"], false),
        (["anyOf": [["type": "string"], ["minimum": 5]]], 6, true),
        (["anyOf": [["type": "string"], ["minimum": 5]]], 4, false),
        (["oneOf": [["minimum": 1], ["maximum": 3]]], 2, false),
        (["oneOf": [["minimum": 1], ["maximum": 3]]], 5, true),
        (["allOf": [["minimum": 1], ["maximum": 3]]], 2, true),
        (["if": ["const": 1], "then": ["type": "string"], "else": ["type": "integer"]], 1, false),
        (["if": ["const": 1], "then": false, "else": ["type": "integer"]], 2, true),
        (["$ref": "#/$defs/a~1b", "$defs": ["a/b": ["type": "string"]]], "x", true),
        (["$ref": "#name", "$defs": ["n": ["$anchor": "name", "type": "string"]]], 1, false),
        (["format": "date"], "2024-02-29", true),
        (["format": "date"], "2023-02-29", false),
        (["format": "date-time"], "2026-07-28T10:00:00.5+02:00", true),
        (["format": "date-time"], "2026-07-28", false),
        (["format": "email"], "a@b.c", true),
        (["format": "email"], "a@", false),
        (["format": "uri"], "mm://x", true),
        (["format": "uri"], "no blank", false),
        (["format": "uuid"], "123e4567-e89b-42d3-a456-426614174000", true),
        (["format": "uuid"], "123e4567", false),
        (["format": "anything"], "x", true),
        (["properties": ["a": false]], ["a": 1], false),
        (["properties": ["a": true]], ["a": 1], true),
    ]

    @Test("each keyword works as the standard says", arguments: fits.indices)
    func keywords(_ index: Int) throws {
        let (schema, value, isFine) = Self.fits[index]
        let found = try problems(schema, value)
        #expect(found.isEmpty == isFine, "\(JSONValue.object(schema)) and \(value): \(found)")
    }

    @Test("a recursive schema is applied at every level")
    func recursion() throws {
        let schema = try JSONSchema(["type": "object", "properties": ["next": ["$ref": "#"]], "required": ["v"]])
        #expect(schema.problems(of: ["v": 1, "next": ["v": 2, "next": ["x": 1]]]).map(\.path) == ["next.next.v"])
    }

    @Test("problems name the place, the value found, the allowed values and the probable intention")
    func messages() throws {
        let schema: JSONObject = [
            "type": "object", "additionalProperties": false,
            "properties": [
                "connection": ["type": "string"], "module": ["enum": ["exo", "azure", "teams"]],
                "top": ["type": "integer", "minimum": 1],
                "to": ["type": "array", "items": ["type": "object", "properties": ["kind": ["const": "mail"]]]],
            ],
            "required": ["connection"],
        ]
        #expect(
            try problems(schema, ["conection": "x"]) == [
                #"conection: is unknown; did you mean "connection"? Known: "connection", "module", "top", "to""#,
                #"connection: is missing; is "conection" a misspelling of it?"#,
            ])
        #expect(
            try problems(schema, ["connection": "c", "module": "azur", "top": 0]) == [
                #"module: is "azur"; allowed: "exo", "azure", "teams"; did you mean "azure"?"#,
                "top: is 0; it must be at least 1",
            ])
        #expect(
            try problems(schema, ["connection": 5, "to": [[:], ["kind": "fax"]]]) == [
                "connection: must be a string, not a number", #"to[1].kind: must be "mail", not "fax""#,
            ])
        #expect(try problems(["type": "object"], .array([])) == ["must be an object, not an array"])
    }

    @Test("a null is left out where the schema neither admits nor requires one")
    func unset() throws {
        let schema: JSONObject = [
            "type": "object", "required": ["name"],
            "properties": [
                "name": ["type": "string"], "top": ["type": "integer"], "mail": ["type": ["string", "null"]],
                "body": true, "kind": ["anyOf": [["const": "a"], ["type": "integer"]]],
            ],
        ]
        let sent: JSONObject = ["name": nil, "top": nil, "mail": nil, "body": nil, "kind": nil, "other": nil]
        #expect(
            try JSONSchema(schema).inForm(sent) == ["name": nil, "mail": nil, "body": nil, "other": nil])
    }

    @Test(
        "the text of a number or boolean is one where the schema takes no text; what can't be read stays",
        arguments: [
            ("n", "5", 5), ("n", "-1", -1), ("n", "many", "many"), ("n", "1.5", "1.5"), ("n", "[5]", "[5]"),
            ("n", "true", "true"), ("size", "1.5", 1.5), ("some", "5", 5), ("some", "five", "five"),
            ("flag", "true", true), ("flag", "True", true), ("flag", "FALSE", false), ("flag", "1", "1"),
            ("flag", "yes", "yes"), ("text", "True", "True"), ("any", "True", "True"), ("text", "5", "5"),
            ("either", "5", "5"), ("any", "5", "5"), ("other", "5", "5"), ("code", "5", "5"),
        ] as [(String, JSONValue, JSONValue)])
    func written(name: String, sent: JSONValue, plain: JSONValue) throws {
        let schema: JSONObject = [
            "type": "object", "required": ["n"],
            "properties": [
                "n": ["type": "integer", "minimum": 1], "size": ["type": "number"], "flag": ["type": "boolean"],
                "some": ["anyOf": [["type": "integer"], ["type": "null"]]], "text": ["type": "string"],
                "either": ["type": ["string", "integer"]], "any": true, "code": ["type": "string", "enum": ["6"]],
            ],
        ]
        #expect(try JSONSchema(schema).inForm([name: sent]) == [name: plain])
    }

    static let refused: [(JSONObject, String)] = [
        (["unevaluatedProperties": false], "unevaluatedProperties"),
        (["$dynamicRef": "#x"], "$dynamicRef"),
        (["typo": 1], "typo"),
        (["type": "strng"], "strng"),
        (["$ref": "other.json"], "other.json"),
        (["$ref": "#/$defs/none"], "#/$defs/none"),
        (["$ref": "#"], "itself"),
        (["items": [["type": "string"]]], "one schema"),
        (["enum": []], "enum"),
        (["$schema": "http://json-schema.org/draft-04/schema#"], "draft-04"),
        (["minLength": -1], "minLength"),
        (["properties": ["a": ["deep": 1]]], "#/properties/a/deep"),
        (["$defs": ["a": ["$ref": "#/$defs/b"], "b": ["allOf": [["$ref": "#/$defs/a"]]]]], "itself"),
        (["pattern": "^a"], "pattern"),
        (["prefixItems": [true]], "prefixItems"),
        (["$schema": "http://json-schema.org/draft-07/schema#"], "draft-07"),
        (["multipleOf": 2], "multipleOf"),
    ]

    @Test(
        "an unsupported schema is refused when it is read, and the error names the place",
        arguments: refused.indices)
    func refusals(_ index: Int) throws {
        let (schema, word) = Self.refused[index]
        let error = #expect(throws: MMError.self) { try JSONSchema(schema) }
        #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
    }
}
