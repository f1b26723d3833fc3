package import MMCore
package import MMOperations

/// The machine-readable description of the routes: OpenAPI 3.1, generated from the catalogue.
package struct OpenAPIDocument: Sendable {
    private let catalogue: Catalogue

    /// Creates the description of a catalogue's routes.
    package init(_ catalogue: Catalogue) {
        self.catalogue = catalogue
    }

    /// The document (spec.openapis.org/oas/v3.1.0).
    package var json: JSONObject {
        var paths: JSONObject = [
            "/v1/handshake": [
                "get": .object(
                    Self.operation(
                        "handshake", "Pool", "Say which process answers",
                        ["200": .object(Self.answer("The pool's identity.", ref: "Identity"))]))
            ],
            "/v1/operations": [
                "get": .object(
                    Self.operation(
                        "listOperations", "Operations", "List the operations",
                        ["200": .object(Self.answer("The operations with their arguments.", ref: "Operations"))]))
            ],
        ]
        for operation in catalogue.operations where Self.isOffered(operation.declaration) {
            paths["/v1/operations/\(operation.declaration.name)"] = ["post": .object(Self.call(operation))]
        }
        for (path, item) in Self.jobPaths { paths[path] = item }
        paths["/metrics"] = [
            "get": .object(
                Self.operation(
                    "metrics", "Pool", "Count calls and sessions",
                    [
                        "200": [
                            "description": "The metrics of this moment.",
                            "content": [
                                "application/json": ["schema": ["type": "object"]],
                                "text/plain": ["schema": ["type": "string"]],
                            ],
                        ]
                    ]))
        ]
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Microsoft Master", "version": .string(ProductVersion.text),
                "summary": "Persistent, signed-in, guarded Microsoft 365 sessions.",
                "description": .string(Self.introduction), "license": ["name": "MIT License", "identifier": "MIT"],
            ],
            "servers": [["url": "/"]],
            "tags": [
                ["name": "Operations", "description": "What can be asked for."],
                ["name": "Jobs", "description": "Calls that keep running after they were answered."],
                ["name": "Pool", "description": "The process that answers."],
            ],
            // A program of the same user needs no secret; everyone else does.
            "security": [[:], ["bearer": []]],
            "paths": .object(paths),
            "components": .object(Self.components),
        ]
    }

    /// Returns whether a program may call an operation; those only for people at a terminal are excluded.
    private static func isOffered(_ declaration: OperationDeclaration) -> Bool {
        declaration.audience == .everyone || declaration.effects.readOnly
    }

    private static let introduction =
        "Errors are problem details (RFC 9457) with `code`, `hint` and `details`. 401 with the code `sign_in_needed` holds "
        + "code and address of a sign-in: repeat the call once a person has signed in. 428 holds a token: a person runs "
        + "`mm confirm TOKEN`, then the very same request goes through, once. `Prefer: respond-async` answers 202 with the "
        + "job that keeps running."

    private static func call(_ operation: AnyOperation) -> JSONObject {
        let declaration = operation.declaration
        var media: JSONObject = ["schema": .object(schema(of: operation))]
        let examples = OperationExamples.of(operation)
        if !examples.isEmpty { media["examples"] = .object(examples) }
        let needsBody = operation.fields.contains(where: \.isRequired)
        var described = Self.operation(
            "call_\(declaration.name)", "Operations", declaration.title,
            [
                "200": [
                    "description":
                        "The answer's body. `MM-Note` headers carry notes about it, `MM-Error` headers the errors that did not end it.",
                    "content": [
                        "application/json": ["schema": [:]], "text/plain": ["schema": ["type": "string"]],
                        "application/x-ndjson": ["schema": ["type": "string"]],
                        "text/event-stream": ["schema": ["type": "string"]],
                        "application/octet-stream": ["schema": [:]],
                    ],
                ],
                "202": ["$ref": "#/components/responses/Accepted"],
            ])
        described["description"] = .string(declaration.description)
        described["parameters"] = [
            ["$ref": "#/components/parameters/Prefer"], ["$ref": "#/components/parameters/TimeLimit"],
        ]
        described["requestBody"] = [
            "required": .bool(needsBody), "content": ["application/json": .object(media)],
        ]
        described["x-effects"] = [
            "readOnly": .bool(declaration.effects.readOnly), "destructive": .bool(declaration.effects.destructive),
            "idempotent": .bool(declaration.effects.idempotent), "openWorld": .bool(declaration.effects.openWorld),
        ]
        return described
    }

    /// Includes every argument, even those that aren't shown to models.
    private static func schema(of operation: AnyOperation) -> JSONObject {
        var properties = JSONObject()
        for field in operation.fields { properties[field.name] = .object(Self.schema(of: field)) }
        var schema: JSONObject = ["type": "object", "properties": .object(properties)]
        let required = operation.fields.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { schema["required"] = .array(required) }
        schema["additionalProperties"] = false
        return schema
    }

    /// Describes an argument as it is validated: an optional one may be null, and a required one must not be empty.
    private static func schema(of field: InputField) -> JSONObject {
        var schema = field.schema
        if field.isRequired {
            if schema["type"] == "string" { schema["minLength"] = 1 }
            return schema
        }
        schema["type"] = .array((schema["type"]?.array ?? [schema["type"] ?? .null]) + ["null"])
        if let words = schema["enum"]?.array { schema["enum"] = .array(words + [.null]) }
        return schema
    }

    static func operation(_ id: String, _ tag: String, _ summary: String, _ responses: JSONObject) -> JSONObject {
        var all = responses
        all["default"] = ["$ref": "#/components/responses/Problem"]
        return [
            "operationId": .string(id), "tags": [.string(tag)], "summary": .string(summary),
            "responses": .object(all),
        ]
    }

    static func answer(_ description: String, ref: String) -> JSONObject {
        [
            "description": .string(description),
            "content": ["application/json": ["schema": ["$ref": .string("#/components/schemas/\(ref)")]]],
        ]
    }
}
