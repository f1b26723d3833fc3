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
                        "handshake", "Pool", "Show the identity of the pool",
                        ["200": .object(Self.answer("The pool's identity.", ref: "Identity"))]))
            ],
            "/v1/operations": [
                "get": .object(
                    Self.operation(
                        "listOperations", "Operations", "List the operations",
                        ["200": .object(Self.answer("The operations with their arguments.", ref: "OperationList"))]))
            ],
        ]
        var schemas = Self.schemas
        for operation in catalogue.operations where Self.isOffered(operation.declaration) {
            paths["/v1/operations/\(operation.declaration.name)"] = ["post": .object(Self.call(operation))]
            schemas[Self.argumentsName(operation.declaration)] = .object(Self.schema(of: operation))
        }
        for (path, item) in Self.jobPaths { paths[path] = item }
        paths["/metrics"] = [
            "get": .object(
                Self.operation(
                    "metrics", "Pool", "Count calls and sessions",
                    [
                        "200": [
                            "description": "The current metrics.",
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
                ["name": "Operations", "description": "Available operations."],
                ["name": "Jobs", "description": "Calls that continue in the background."],
                ["name": "Pool", "description": "The identity of the pool."],
            ],
            // A program of the same user needs no secret; everyone else does.
            "security": [[:], ["bearer": []]],
            "paths": .object(paths),
            "components": .object(Self.components(with: schemas)),
        ]
    }

    /// Returns whether a program may call an operation; those only for people at a terminal are excluded.
    private static func isOffered(_ declaration: OperationDeclaration) -> Bool {
        declaration.audience == .everyone || declaration.effects.readOnly
    }

    private static let introduction =
        "Errors are problem details (RFC 9457) with `code`, `hint` and `details`. 401 with the code `sign_in_needed` contains "
        + "code and address of a sign-in: repeat the call once a person has signed in. 428 contains a token: a person runs "
        + "`mm confirm TOKEN`, then the same request is allowed once. `Prefer: respond-async` answers 202 with the "
        + "job that keeps running. A client that reads every answer as JSON sends `Accept: application/json`: without it text comes "
        + "as `text/plain`."

    private static func call(_ operation: AnyOperation) -> JSONObject {
        let declaration = operation.declaration
        var media: JSONObject = ["schema": ["$ref": .string("#/components/schemas/\(argumentsName(declaration))")]]
        let examples = OperationExamples.of(operation)
        if !examples.isEmpty { media["examples"] = .object(examples) }
        let needsBody = operation.fields.contains(where: \.isRequired)
        var described = Self.operation(
            "call_\(declaration.name)", "Operations", declaration.title,
            [
                "200": [
                    "description":
                        "The answer's body. `MM-Note` headers carry notes about it, `MM-Error` headers the errors that did not stop it.",
                    "content": [
                        "application/json": ["schema": [:]], "text/plain": ["schema": ["type": "string"]],
                        "application/x-ndjson": ["schema": ["type": "string"]],
                        "text/csv": ["schema": ["type": "string"]],
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

    /// The name of the schema of an operation's arguments. Generators of clients name their types after it.
    private static func argumentsName(_ declaration: OperationDeclaration) -> String {
        let words = declaration.name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }
        return words.joined() + "Arguments"
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
    /// Generators of clients need the items of every list, and make one type of words only where `null` isn't one of
    /// them.
    private static func schema(of field: InputField) -> JSONObject {
        var schema = field.wholeSchema
        let types = schema["type"]?.array ?? [schema["type"] ?? .null]
        if types.contains("array"), schema["items"] == nil { schema["items"] = [:] }
        if field.isRequired {
            if schema["type"] == "string" { schema["minLength"] = 1 }
            return schema
        }
        guard let words = schema["enum"] else {
            schema["type"] = .array(types + ["null"])
            return schema
        }
        return [
            "anyOf": [["type": "string", "enum": words], ["type": "null"]],
            "description": .string(field.summary),
        ]
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

extension OpenAPIDocument {
    private static let jobParameter: JSONValue = [
        [
            "name": "job", "in": "path", "required": true, "schema": ["type": "string", "minLength": 1],
            "description": "The job's ID, from the answer 202.",
        ]
    ]

    /// The routes of calls that continue.
    static var jobPaths: JSONObject {
        var show = operation(
            "showJob", "Jobs", "Show or follow a job",
            [
                "200": [
                    "description": "Its state; as server-sent events, its progress (`progress`, then `ended`).",
                    "content": [
                        "application/json": ["schema": ["$ref": "#/components/schemas/Job"]],
                        "text/event-stream": ["schema": ["type": "string"]],
                    ],
                ],
                "204": ["description": "The client has already received the last event."],
            ])
        show["parameters"] = [
            [
                "name": "Last-Event-ID", "in": "header", "schema": ["type": "string"],
                "description": "The last event that the client received; it is not sent again.",
            ]
        ]
        let answer = operation(
            "readJobAnswer", "Jobs", "Read a job's answer",
            [
                "200": [
                    "description": "The answer's body, as from the call itself.",
                    "content": [
                        "application/json": ["schema": [:]], "text/plain": ["schema": ["type": "string"]],
                        "application/x-ndjson": ["schema": ["type": "string"]],
                        "text/csv": ["schema": ["type": "string"]],
                        "application/octet-stream": ["schema": [:]],
                    ],
                ],
                "202": ["$ref": "#/components/responses/Accepted"],
            ])
        var forget = operation(
            "forgetJobs", "Jobs", "End the jobs and shells of a client session",
            ["204": ["description": "They have ended."]])
        forget["parameters"] = [
            [
                "name": "MM-Session", "in": "header", "required": true, "schema": ["type": "string", "minLength": 1],
                "description": "The client session: the value of this header in its calls.",
            ]
        ]
        return [
            "/v1/jobs": [
                "get": .object(
                    operation(
                        "listJobs", "Jobs", "List the caller's jobs",
                        ["200": .object(Self.answer("The jobs, newest first.", ref: "JobList"))])),
                "delete": .object(forget),
            ],
            "/v1/jobs/{job}": [
                "parameters": jobParameter, "get": .object(show),
                "delete": .object(
                    operation(
                        "cancelJob", "Jobs", "Cancel a job",
                        ["200": .object(Self.answer("Its current state.", ref: "Job"))])),
            ],
            "/v1/jobs/{job}/answer": ["parameters": jobParameter, "get": .object(answer)],
        ]
    }

    /// The components that several routes share.
    private static func components(with schemas: JSONObject) -> JSONObject {
        [
            "securitySchemes": [
                "bearer": [
                    "type": "http", "scheme": "bearer", "description": "The secret of the pool (--token-file).",
                ]
            ],
            "parameters": [
                "Prefer": [
                    "name": "Prefer", "in": "header", "schema": ["type": "string"], "example": "respond-async, wait=10",
                    "description": "respond-async: answer 202 with a job, after `wait` seconds at most (RFC 7240).",
                ],
                "TimeLimit": [
                    "name": "MM-Time-Limit", "in": "header", "example": "120",
                    "schema": ["type": "string", "pattern": "^(0*[1-9][0-9]{0,8}|[0-9]{1,8}\\.[0-9]*[1-9])$"],
                    "description": "Time limit of the call in seconds (default 300).",
                ],
            ],
            "responses": [
                "Accepted": [
                    "description": "The call keeps running; the job's URL is in Location.",
                    "headers": ["Location": ["schema": ["type": "string"], "description": "The job's path."]],
                    "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Job"]]],
                ],
                "Problem": [
                    "description": .string(
                        "The error: 400 invalid argument, 401 sign-in or secret needed, 403 denied by the guard or not allowed, 404 unknown "
                            + "name, 405 wrong method, 409 conflict, 413 too large, 415 not JSON, 428 confirmation needed, 429 too "
                            + "many requests, 501 not supported, 502 error of the service, 503 unavailable, 504 deadline exceeded."
                    ),
                    "content": ["application/problem+json": ["schema": ["$ref": "#/components/schemas/Problem"]]],
                ],
            ],
            "schemas": .object(schemas),
        ]
    }

    private static var schemas: JSONObject {
        [
            "Problem": [
                "type": "object", "required": ["type", "title", "status", "detail", "code"],
                "properties": [
                    "type": ["type": "string"], "title": ["type": "string"], "status": ["type": "integer"],
                    "detail": ["type": "string", "description": "What happened, in a sentence."],
                    "code": [
                        "type": "string", "description": "A stable code for programs.", "example": "sign_in_needed",
                    ],
                    "hint": ["type": "string", "description": "What to do next."],
                    "retryAfterSeconds": ["type": "integer"],
                    "details": [
                        "type": "object",
                        "description": "For example field (the argument), userCode, verificationUri or token.",
                    ],
                ],
            ],
            "Identity": [
                "type": "object", "required": ["version", "build", "pid", "started"],
                "properties": [
                    "version": ["type": "string"], "build": ["type": "string"], "pid": ["type": "integer"],
                    "started": ["type": "string", "format": "date-time"],
                ],
            ],
            "OperationList": [
                "type": "object", "required": ["operations"],
                "properties": [
                    "operations": [
                        "type": "array",
                        "items": [
                            "type": "object", "required": ["name", "title", "summary", "readOnly", "inputSchema"],
                            "properties": [
                                "name": ["type": "string"], "title": ["type": "string"], "summary": ["type": "string"],
                                "readOnly": ["type": "boolean"], "inputSchema": ["type": "object"],
                            ],
                        ],
                    ]
                ],
            ],
            "Job": [
                "type": "object", "required": ["job", "operation", "state", "location"],
                "properties": [
                    "job": ["type": "string"], "operation": ["type": "string"],
                    "state": ["type": "string", "enum": ["running", "done", "failed", "cancelled", "gone"]],
                    "started": ["type": "string", "format": "date-time"], "seconds": ["type": "integer"],
                    "progress": [
                        "type": "object",
                        "properties": [
                            "done": ["type": "number"], "total": ["type": "number"], "message": ["type": "string"],
                        ],
                    ],
                    "error": ["type": "object"], "location": ["type": "string"], "answerLocation": ["type": "string"],
                    "answer": [:],
                    "errors": [
                        "type": "array", "items": ["type": "object"], "description": "Errors that did not stop it.",
                    ],
                    "node": [
                        "type": "string", "description": "In a cluster: the node that runs it, if it is another one.",
                    ],
                ],
            ],
            "JobList": [
                "type": "object", "required": ["jobs"],
                "properties": ["jobs": ["type": "array", "items": ["$ref": "#/components/schemas/Job"]]],
            ],
        ]
    }
}

/// The example arguments of operations. They are declared as command lines, and parsed here as by the terminal.
enum OperationExamples {
    /// Returns the examples in OpenAPI's form: by name, each with summary and value. Command lines that use what
    /// arguments can't express (files, pipes, options of the terminal) are left out.
    static func of(_ operation: AnyOperation) -> JSONObject {
        var examples = JSONObject()
        for example in operation.declaration.examples {
            guard let arguments = arguments(of: example.command, operation) else { continue }
            examples["example\(examples.count + 1)"] = [
                "summary": .string(example.purpose), "value": .object(arguments),
            ]
        }
        return examples
    }

    private static func arguments(of command: String, _ operation: AnyOperation) -> JSONObject? {
        let prefix = ["mm"] + operation.declaration.command
        guard var words = words(of: command)?[...], words.prefix(prefix.count).elementsEqual(prefix) else { return nil }
        words = words.dropFirst(prefix.count)
        var arguments = JSONObject()
        var position = 0
        while let word = words.popFirst() {
            let field: InputField?
            if word.hasPrefix("--") {
                field = operation.fields.first { $0.flagName == word.dropFirst(2) }
            } else if word.hasPrefix("-"), word.count == 2 {
                field = operation.fields.first { $0.placement == .option(word.last) }
            } else {
                field = operation.fields.first { $0.placement == .positional(position) }
                position += 1
                words = [word] + words
            }
            guard let field else { return nil }
            if field.kind == .flag {
                arguments[field.name] = true
                continue
            }
            guard let text = words.popFirst(), let value = value(text, field) else { return nil }
            let earlier = arguments[field.name]?.string
            let isNamed = field.kind == .parameters || field.kind == .arguments
            arguments[field.name] = earlier.flatMap { isNamed ? .string("\($0)&\(text)") : nil } ?? value
        }
        let reader = try? InputReader(
            operation: operation.declaration.name, arguments: arguments, fields: operation.fields)
        guard reader != nil else { return nil }
        return try? InputReader.plain(arguments, operation.fields, of: operation.declaration.name)
    }

    private static func value(_ text: String, _ field: InputField) -> JSONValue? {
        if text == "-" || (field.readsFiles && text.hasPrefix("@")) { return nil }
        switch field.kind {
        case .text: return .string(text)
        case .choice(let choices): return choices.contains(text) ? .string(text) : nil
        case .integer(let range):
            return Int(text).flatMap { range.contains($0) ? .int(Int64($0)) : nil }
        case .object: return (try? JSONParser.parse(text)).flatMap { $0.object.map { .object($0) } }
        case .objectOrList: return try? JSONParser.parse(text)
        case .parameters, .arguments: return .string(text)
        case .textList: return [.string(text)]
        case .flag, .calls: return nil
        }
    }

    /// Splits a command line into words and removes quotes; returns `nil` if it contains anything but words.
    private static func words(of command: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var quote: Character?
        for character in command {
            if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
                continue
            }
            switch character {
            case "'", "\"":
                quote = character
                word = word ?? ""
            case " ":
                if let done = word { words.append(done) }
                word = nil
            case "|", ">", "<", ";", "$", "`", "\\": return nil
            default: word = (word ?? "") + String(character)
            }
        }
        if let done = word { words.append(done) }
        return quote == nil ? words : nil
    }
}
