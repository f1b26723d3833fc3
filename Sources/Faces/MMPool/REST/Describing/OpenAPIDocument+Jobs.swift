import MMCore

extension OpenAPIDocument {
    private static let jobParameter: JSONValue = [
        [
            "name": "job", "in": "path", "required": true, "schema": ["type": "string", "minLength": 1],
            "description": "The job's name, as the answer 202 gave it.",
        ]
    ]

    /// The routes of calls that continue.
    static var jobPaths: JSONObject {
        var show = operation(
            "showJob", "Jobs", "Show or follow a job",
            [
                "200": [
                    "description": "Where it stands; as events, what becomes of it (`progress`, then `ended`).",
                    "content": [
                        "application/json": ["schema": ["$ref": "#/components/schemas/Job"]],
                        "text/event-stream": ["schema": ["type": "string"]],
                    ],
                ],
                "204": ["description": "A client that comes back for events has seen the last."],
            ])
        show["parameters"] = [
            [
                "name": "Last-Event-ID", "in": "header", "schema": ["type": "string"],
                "description": "The last event that the client has seen; what it said is not sent again.",
            ]
        ]
        let answer = operation(
            "readJobAnswer", "Jobs", "Read a job's answer",
            [
                "200": [
                    "description": "The answer's body, as the call itself would have given it.",
                    "content": [
                        "application/json": ["schema": [:]], "text/plain": ["schema": ["type": "string"]],
                        "application/x-ndjson": ["schema": ["type": "string"]],
                        "application/octet-stream": ["schema": [:]],
                    ],
                ],
                "202": ["$ref": "#/components/responses/Accepted"],
            ])
        return [
            "/v1/jobs": [
                "get": .object(
                    operation(
                        "listJobs", "Jobs", "List the caller's jobs",
                        ["200": .object(Self.answer("The jobs, newest first.", ref: "Jobs"))])),
                "delete": .object(
                    operation(
                        "forgetJobs", "Jobs", "End what a client's own session (MM-Session) has left: jobs and shells",
                        ["204": ["description": "It is ended."]])),
            ],
            "/v1/jobs/{job}": [
                "parameters": jobParameter, "get": .object(show),
                "delete": .object(
                    operation(
                        "cancelJob", "Jobs", "Call a job off",
                        ["200": .object(Self.answer("Its current state.", ref: "Job"))])),
            ],
            "/v1/jobs/{job}/answer": ["parameters": jobParameter, "get": .object(answer)],
        ]
    }

    /// The components that several routes share.
    static var components: JSONObject {
        [
            "securitySchemes": [
                "bearer": [
                    "type": "http", "scheme": "bearer", "description": "The secret that the pool was started with.",
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
                    "description": "How long the call may take, in seconds; 300 unless said.",
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
                        "What went wrong: 400 an argument, 401 a sign-in or the secret, 403 the guard or who may ask, 404 a "
                            + "name, 405 the method, 409 a conflict, 413 too large, 415 not JSON, 428 a confirmation, 429 too "
                            + "fast, 501 not here, 502 the service, 503 not now, 504 the deadline."),
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
                    "detail": ["type": "string", "description": "A sentence to act on."],
                    "code": [
                        "type": "string", "description": "A stable word for programs.", "example": "sign_in_needed",
                    ],
                    "hint": ["type": "string", "description": "What to do next."],
                    "retryAfterSeconds": ["type": "integer"],
                    "details": ["type": "object", "description": "For example userCode, verificationUri or token."],
                ],
            ],
            "Identity": [
                "type": "object", "required": ["version", "build", "pid", "started"],
                "properties": [
                    "version": ["type": "string"], "build": ["type": "string"], "pid": ["type": "integer"],
                    "started": ["type": "string", "format": "date-time"],
                ],
            ],
            "Operations": [
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
                        "type": "array", "items": ["type": "object"], "description": "What did not end it.",
                    ],
                    "node": ["type": "string", "description": "In a cluster: where it runs, if that is another node."],
                ],
            ],
            "Jobs": [
                "type": "object", "required": ["jobs"],
                "properties": ["jobs": ["type": "array", "items": ["$ref": "#/components/schemas/Job"]]],
            ],
        ]
    }
}
