import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMGraph

@Suite("Errors of services", .timeLimit(.minutes(5)))
struct ServiceErrorTests {
    private func error(_ response: HTTPResponse, service: RequestService = .graph) async throws -> MMError {
        let contoso = try Contoso(FakeNetwork(response))
        let client = try contoso.client(service)
        let request = try GraphRequest(method: "POST", target: try client.target("/x"), json: [:])
        let error = await #expect(throws: MMError.self) { try await client.send(request) }
        return try #require(error)
    }

    @Test(
        "recorded errors keep status, code, message and request id",
        arguments: [
            ("graph-error-403", MMErrorCode.forbidden), ("graph-error-404", .notFound),
            ("graph-error-400-advanced-query", .remoteFailed), ("graph-error-410-delta-resync", .notFound),
        ])
    func recorded(name: String, code: MMErrorCode) async throws {
        let exchange = try Fixture.json("graph/\(name).json")
        let error = try await error(.recorded(exchange))
        let body = try #require(exchange["response"]?["body"]?["error"])
        #expect(error.code == code)
        #expect(error.details["status"] == exchange["response"]?["status"])
        #expect(error.details["code"] == body["code"])
        #expect(error.details["serviceMessage"] == body["message"])
        #expect(error.details["requestId"] == exchange["response"]?["headers"]?["request-id"])
        #expect(error.message.contains(body["code"]?.string ?? "?"))
    }

    @Test("all recorded failures of Graph, Flow, Azure and Exchange become errors with a message")
    func allRecorded() async throws {
        for name in [
            "graph-error-409-412", "graph-error-500-503", "flow-errors", "arm-subscriptions-and-errors", "spo-rest",
        ] {
            for exchange in try #require(try Fixture.json("graph/\(name).json").array) {
                let status = exchange["response"]?["status"]?.int ?? 0
                guard status >= 400, status != 401 else { continue }
                let error = try await error(.recorded(exchange))
                #expect(error.message.contains(String(status)), "\(name)")
                #expect(!error.message.contains("<html"), "\(name)")
                #expect(error.details["status"] == .int(Int64(status)), "\(name)")
            }
        }
    }

    @Test(
        "answers in unusual forms are read as far as possible",
        arguments: [
            ("", "answered 400 to POST"), ("nope", ": nope"), ("{}", "answered 400 to POST"), ("[1]", "[1]"),
            ("{\"error\":\"word\",\"error_description\":\"sentence\"}", "word"),
            ("{\"error\":{\"code\":\"\",\"message\":\"\"}}", "answered 400 to POST"),
            (
                "{\"odata.error\":{\"code\":\"c\",\"message\":{\"lang\":\"en\",\"value\":\"v\"}}}",
                "c to POST /v1.0/x: v"
            ),
            ("<html><head><title>Proxy</title></head></html>", "web page titled “proxy”"), ("\u{0}\u{1}\u{2}", "400"),
        ])
    func oddForms(body: String, part: String) async throws {
        let error = try await error(HTTPResponse(status: 400, body: Array(body.utf8)))
        #expect(error.message.contains(part), "\(error.message)")
    }

    @Test("the reasons in an error's details are told, nested ones too, and none twice")
    func reasons() async throws {
        let body: JSONValue = [
            "error": [
                "code": "InvalidTemplateDeployment", "message": "See inner errors for details.",
                "details": [
                    ["code": "QuotaExceeded", "target": "vm1", "message": "Too many cores."],
                    [
                        "code": "Conflict", "message": "It failed.",
                        "details": [["message": "It failed."], ["message": "The name is taken."]],
                    ],
                ],
            ]
        ]
        let error = try await error(HTTPResponse(status: 400, body: JSONWriter.bytes(body)))
        #expect(
            error.details["reasons"] == [
                "QuotaExceeded: vm1: Too many cores.", "Conflict: It failed.", "The name is taken.",
            ])
        #expect(
            error.message.hasSuffix(
                ": See inner errors for details. – QuotaExceeded: vm1: Too many cores. – Conflict: It failed. – The name is taken."
            ))
    }

    @Test("the reasons in the errors within an error are told, down to the innermost")
    func innerReasons() async throws {
        let body: JSONValue = [
            "error": [
                "code": "BadArgumentError", "message": "The request had some invalid properties",
                "innererror": [
                    "code": "SemanticError", "message": "A semantic error occurred.",
                    "innererror": ["code": "SEM0100", "message": "Failed to resolve expression named 'Foo'"],
                ],
            ]
        ]
        let error = try await error(HTTPResponse(status: 400, body: JSONWriter.bytes(body)))
        #expect(
            error.message.hasSuffix(
                ": The request had some invalid properties – SemanticError: A semantic error occurred. – SEM0100: "
                    + "Failed to resolve expression named 'Foo'"))
        #expect(error.details["innerCode"] == "SemanticError")
    }

    private static let incompatible = """
        {"error": {"code": "BadRequest", "message": "A binary operator with incompatible types was detected. Found \
        operand types 'Edm.Boolean' and 'Edm.String' for operator kind 'Equal'."}}
        """
    private static let tooMany = """
        {"error": {"code": "Request_BadRequest", "message": "Invalid page size specified: '5000'. Must be between 1 and \
        999 inclusive."}}
        """
    private static let unsupported = #"{"error": {"code": "Request_UnsupportedQuery", "message": "m"}}"#

    @Test("the place of a query's syntax error is told")
    func place() async throws {
        let body: JSONValue = [
            "error": [
                "code": "BadRequest", "message": "Please provide below info.",
                "details": [
                    [
                        "code": "ParserFailure", "message": "ParserFailure", "line": 2, "characterPositionInLine": 13,
                        "token": "=", "expectedToken": "Ǐ",
                    ]
                ],
            ]
        ]
        let error = try await error(HTTPResponse(status: 400, body: JSONWriter.bytes(body)))
        #expect(error.message.hasSuffix(": Please provide below info. – ParserFailure at '=' in line 2, position 13"))
    }

    @Test(
        "a search without its quotes, one quote too many, and a path that the service doesn't know, are told with what to do",
        arguments: [
            ("/users?$search=displayName:Ann", 400, "{}", RequestService.graph, "\"displayName:Ann\"."),
            ("/users?$search=displayName:\"Ann\"", 400, "{}", .graph, "\"displayName:Ann\"."),
            ("/users?$search=\"displayName:Ann\"", 400, "{}", .graph, nil),
            ("/users?$search=(\"displayName:Ann\" OR \"mail:ann\")", 400, "{}", .graph, nil),
            ("/x?$search=a", 400, "{}", .flow, nil), ("/sites?search=a", 400, "{}", .graph, nil),
            (
                "/users?$filter=contains(displayName,'Ann')", 400, Self.unsupported, .graph,
                "$search=\"displayName:Ann\""
            ),
            ("/users?$filter=displayName eq 'O'Brien'", 400, "{}", .graph, "'O''Brien'"),
            ("/users?$filter=displayName eq 'O''Brien'", 400, "{}", .graph, nil),
            ("/users?$filter=accountEnabled eq 'true'", 400, Self.incompatible, .graph, "only texts have quotes"),
            ("/users?$top=5000", 400, Self.tooMany, .graph, "size of a page"),
            ("/users?$skip=10", 400, Self.unsupported, .graph, "leave out $skip"),
            ("/users?$filter=endswith(mail,'a')", 400, Self.unsupported, .graph, "Add $count=true"),
            ("/x", 404, "<html>", .flow, "no such path"), ("/x", 404, "{}", .flow, "Check the id"),
        ] as [(String, Int, String, RequestService, String?)])
    func advice(endpoint: String, status: Int, body: String, service: RequestService, part: String?) async throws {
        let contoso = try Contoso(FakeNetwork(HTTPResponse(status: status, body: Array(body.utf8))))
        let client = try contoso.client(service)
        let request = try GraphRequest(target: try client.target(endpoint))
        let error = await #expect(throws: MMError.self) { try await client.send(request) }
        if let part {
            #expect(error?.hint?.contains(part) == true, "\(error?.hint ?? "")")
        } else {
            #expect(error?.hint == nil)
        }
    }

    @Test(
        "an option that is percent-encoded already is refused before it is sent, and told as it should be written",
        arguments: [
            ("$filter", "displayName%20eq%20%27Ann%27", "displayName eq 'Ann'"), ("$search", "%22a:b%22", "\"a:b\""),
            ("filter", "displayName%20eq%20'50%25'", "displayName eq '50%'"), ("$Select", "id%2Cmail", "id,mail"),
            ("$filter", "displayName eq '100%25'", nil), ("$filter", "a eq '50%'", nil),
            ("$search", "\"a:50%25\"", nil),
            ("$skiptoken", "a%2Fb", nil), ("period", "D%37", nil), ("$filter", "a eq 'O''Neil%20'", nil),
        ] as [(String, String, String?)])
    func encoded(name: String, value: String, plain: String?) throws {
        let client = try Contoso(FakeNetwork(HTTPResponse(status: 200))).client()
        guard let plain else {
            #expect(try client.target("/users", query: [(name, value)]).queryValue(name) == value)
            return
        }
        let error = #expect(throws: MMError.self) { try client.target("/users", query: [(name, value)]) }
        #expect(error?.code == .invalidInput && error?.hint == "Write it plainly: \(plain)")
        // In an address the same value is right.
        #expect(try client.target("/users?\(name)=\(value)").queryValue(name) == plain)
    }
}
