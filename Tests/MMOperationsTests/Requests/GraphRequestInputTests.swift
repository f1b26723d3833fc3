import MMCore
import Testing

@testable import MMOperations

@Suite("Arguments of a Graph request", .timeLimit(.minutes(5)))
struct GraphRequestInputTests {
    private func input(_ arguments: JSONObject) throws(MMError) -> GraphRequestInput {
        try GraphRequestInput(
            from: try InputReader(
                operation: "graph_request", arguments: arguments, fields: GraphRequestInput.fields))
    }

    @Test("a change that says nothing is refused before anybody is asked for a yes", arguments: ["PATCH", "PUT"])
    func missingBody(method: String) throws {
        let error = #expect(throws: MMError.self) {
            try input(["connection": "C", "endpoint": "/users/x", "method": .string(method)])
        }
        #expect(error?.code == .invalidInput && error?.message.contains("\(method) request needs a body") == true)
        #expect(
            try input(["connection": "C", "endpoint": "/x", "method": .string(method), "body": ["a": 1]]).body != nil)
    }

    @Test("an action may have no body, and a GET has none")
    func withoutBody() throws {
        #expect(try input(["connection": "C", "endpoint": "/me/revokeSignInSessions", "method": "POST"]).body == nil)
        let error = #expect(throws: MMError.self) {
            try input(["connection": "C", "endpoint": "/me", "body": ["a": 1]])
        }
        #expect(error?.hint?.contains("POST") == true)
    }

    @Test(
        "an empty body says nothing where a request has none, and is sent where it may have one",
        arguments: [("GET", false), ("DELETE", false), ("POST", true), ("PATCH", true)])
    func emptyBody(method: String, isSent: Bool) throws {
        let input = try input(["connection": "C", "endpoint": "/me", "method": .string(method), "body": [:]])
        #expect((input.body != nil) == isSent)
    }

    @Test(
        "a body may be a list, also as a text, and only an object can hold what isn't sent",
        arguments: [
            ([["action": "append"]], [["action": "append"]]), ("[{\"action\": \"append\"}]", [["action": "append"]]),
            (["a": 1, "confirmed": true], ["a": 1]),
        ] as [(JSONValue, JSONValue)])
    func listBody(given: JSONValue, sent: JSONValue) throws {
        let arguments: JSONObject = ["connection": "C", "endpoint": "/x", "method": "PATCH", "body": given]
        #expect(try input(arguments).body == sent)
        let plain = try InputReader.plain(arguments, GraphRequestInput.fields, of: "graph_request")
        #expect(plain["body"]?.array == sent.array)
        for wrong in [5, "five", "[1", true] as [JSONValue] {
            let error = #expect(throws: MMError.self) {
                try input(["connection": "C", "endpoint": "/x", "method": "PATCH", "body": wrong])
            }
            #expect(error?.details["field"] == "body")
        }
    }

    @Test(
        "a model is told of an object alone, as some models take no other schema, and a list is accepted all the same")
    func listedBody() throws {
        let field = try #require(GraphRequestInput.fields.first { $0.name == "body" })
        #expect(field.schema["type"] == "object")
        #expect(InputField.wholeSchema(of: [field])["properties"]?["body"]?["type"] == ["object", "array"])
    }

    @Test("a call in which every argument is empty lists the connections")
    func everythingEmpty() throws {
        #expect(try input(["connection": "", "endpoint": "", "body": [:], "query": [:], "search": ""]).isEmpty)
    }

    @Test(
        "a method before the path is told where it belongs", arguments: ["GET /me", "post /users", "DELETE /users/x"])
    func methodInPath(endpoint: String) {
        let error = #expect(throws: MMError.self) { try input(["connection": "C", "endpoint": .string(endpoint)]) }
        let method = endpoint.split(separator: " ").first.map { $0.uppercased() } ?? ""
        #expect(error?.code == .invalidInput && error?.hint?.contains("\(method) as `method`") == true)
    }

    @Test(
        "a cmdlet in place of the path leads to the tool for PowerShell",
        arguments: ["Get-MgUser -Top 2", "Remove-MgGroup", "GET-MgUser"])
    func cmdletInPlaceOfPath(endpoint: String) {
        let error = #expect(throws: MMError.self) { try input(["connection": "C", "endpoint": .string(endpoint)]) }
        #expect(error?.hint?.hasPrefix("`mm run C ") == true, "\(error as Any)")
        #expect(throws: Never.self) { try input(["connection": "C", "endpoint": "/deviceManagement/x-Y"]) }
    }

    @Test("a model isn't told of a dry run, and may ask for one")
    func dryRun() throws {
        #expect(InputField.schema(of: GraphRequestInput.fields)["properties"]?["dryRun"] == nil)
        let taken = InputField.wholeSchema(of: GraphRequestInput.fields)["properties"]
        #expect(taken?["dryRun"] != nil && taken?["batch"] == nil)
    }

    @Test(
        "pages are asked for by no other service's names, which Graph ignores",
        arguments: [("/users?page=2", true), ("/users?PageSize=5&$top=1", true), ("/users?$top=5&$skip=10", false)])
    func paging(path: String, isRefused: Bool) throws {
        let target = try RequestTarget(parsing: path, service: .graph)
        if isRefused {
            let error = #expect(throws: MMError.self) { try PagingFault.check(target) }
            #expect(error?.hint?.contains("@odata.nextLink") == true)
        } else {
            try PagingFault.check(target)
        }
        try PagingFault.check(try RequestTarget(parsing: "/x?page=2", service: .arm))
    }

    @Test(
        "each refusal names its argument for programs",
        arguments: [
            (["endpoint": "/me"], "connection"), (["connection": "C"], "endpoint"),
            (["connection": "C", "endpoint": "GET /me"], "endpoint"), (["connection": "/me"], "connection"),
            (["connection": "C", "endpoint": "/me", "conflict": "fail"], "conflict"),
            (["connection": "C", "endpoint": "/me", "changes": true, "all": true], "changes"),
            (["connection": "C", "endpoint": "/me", "body": ["a": 1]], "body"),
            (["connection": "C", "endpoint": "/me", "method": "PATCH"], "body"),
            (["connection": "C", "endpoint": "/me", "method": "POST", "top": 1], "top"),
            (["connection": "C", "endpoint": "/me", "batch": "{}"], "batch"),
            (["connection": "C", "endpoint": "/me", "upload": "a", "download": "b"], "download"),
            (["connection": "C", "endpoint": "/me", "upload": "a", "all": true], "all"),
            (["connection": "C", "endpoint": "/me", "upload": "a", "method": "GET"], "method"),
            (["connection": "C", "endpoint": "/users", "search": "Ann"], "search"),
        ] as [(JSONObject, String)])
    func field(arguments: JSONObject, field: String) {
        let error = #expect(throws: MMError.self) { try input(arguments) }
        #expect(error?.details["field"] == .string(field), "\(error?.message ?? "")")
    }

    @Test("a search for endpoints may name a connection, and what else clients fill in")
    func search() throws {
        let given: JSONObject = ["connection": "C", "endpoint": "", "body": [:], "query": [:], "search": "guests"]
        #expect(try input(given).search == "guests")
    }

    @Test("a path alone lacks the connection")
    func pathAlone() {
        let error = #expect(throws: MMError.self) { try input(["connection": "/me"]) }
        #expect(error?.message.contains("“/me” is a path") == true)
    }

    private static func with(_ form: String, _ given: JSONObject) -> JSONObject {
        var arguments = given
        arguments["output"] = .string(form)
        return arguments
    }

    @Test("a list is written to a file with all of its pages, in a form that files have")
    func lists() throws {
        let list: JSONObject = ["connection": "C", "endpoint": "/users", "download": "users.csv", "all": true]
        #expect(try input(list).all && input(Self.with("csv", list)).form == "csv")
    }

    @Test(
        "a dry run with a transfer that it can't foresee names what doesn't fit",
        arguments: zip(
            [
                ["download": "a"], ["upload": "a", "recursive": true], ["upload": "a", "download": "b"],
            ] as [JSONObject],
            ["`dryRun` can't be combined with `download`", "the upload of a folder", "`upload` and `download`"]))
    func dryRuns(arguments: JSONObject, words: String) {
        var arguments = arguments
        (arguments["connection"], arguments["endpoint"], arguments["dryRun"]) = ("C", "/me", true)
        let error = #expect(throws: MMError.self) { try input(arguments) }
        #expect(error?.code == .invalidInput && error?.message.contains(words) == true, "\(String(describing: error))")
    }

    @Test(
        "a file is the whole request",
        arguments: [
            ["upload": "a", "download": "b"], ["upload": "a", "body": ["x": 1]], ["download": "a", "all": true],
            ["upload": "a", "top": 3], ["upload": "a", "method": "DELETE"], ["download": "a", "method": "PUT"],
            ["conflict": "fail"], ["upload": "a", "conflict": "overwrite"],
        ] as [JSONObject])
    func transfers(arguments: JSONObject) throws {
        var arguments = arguments
        arguments["connection"] = "C"
        arguments["endpoint"] = "/me/drive/root:/a"
        let error = #expect(throws: MMError.self) { try input(arguments) }
        #expect(error?.code == .invalidInput && error?.hint != nil)
    }
}
