import MMCore
import MMSystem
import Testing

/// A server for a team on a sandbox tenant: the tenant's sign-in service admits callers, and the connection `Team` acts
/// on behalf of the caller.
final class Team: Sendable {
    /// The app of the server.
    static let app = "5a4db0c5-0000-4000-8000-00000000a002"
    /// The client of the callers.
    static let python = Programs.python
    /// Why it isn't available.
    static let missing: Comment = "needs the MCP SDK for Python (Scripts/python-clients)"

    let tenant: Tenant
    /// The address of the server.
    let url: String
    private let server: TalkingProgram

    /// Starts a tenant and a server.
    /// - Parameters:
    /// - arguments: further arguments of the server.
    ///   - tokenGroups: how many groups the tenant's access tokens name.
    init(_ arguments: [String] = [], tokenGroups: Int = 200) async throws {
        tenant = try await Tenant(tokenGroups: tokenGroups)
        try tenant.allowStandIn()
        let secret = tenant.home.path + "/secret"
        try ProtectedFile.replace(secret, with: Array("sandbox~automation~secret".utf8))
        let added = try await tenant.mm([
            "connections", "add", "Team", "--cloud", "sandbox", "--app-id", Self.app, "--tenant",
            "contoso-sandbox.example", "--tenant-id", Self.tenantID,
        ])
        try #require(added.code == 0, "\(added)")
        let auth: JSONValue = ["method": "on-behalf-of", "secretFile": .string(secret)]
        let edited = try await tenant.mm(["connections", "edit", "Team", "auth=\(JSONWriter.string(auth))"])
        try #require(edited.code == 0, "\(edited)")
        server = try await TalkingProgram(
            Programs.mmMCP,
            [
                "--http", "127.0.0.1:0", "--oauth-issuer", "\(tenant.base)/\(Self.tenantID)/v2.0",
                "--oauth-audience", Self.app, "--oauth-scopes", "api://\(Self.app)/mm.use",
            ] + arguments, tenant.home.environment)
        url = try await server.line()
    }

    private static let tenantID = "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01"

    /// A person who has signed in, with their own client.
    struct Person {
        let program: TalkingProgram
        /// The parameters that their client got with the sign-in.
        let first: JSONValue

        /// Makes a call.
        /// - Parameter saysYes: the person's answer to questions during the call.
        func call(_ tool: String, _ arguments: JSONObject, saysYes: Bool = false) async throws -> JSONValue {
            try await program.say([
                "tool": .string("mm__" + tool), "arguments": .object(arguments), "answer": .bool(saysYes),
            ])
            return try JSONParser.parse(try await program.line())
        }

        /// Sends a request to Graph through the team's connection.
        func graph(_ method: String, _ path: String, _ body: JSONValue? = nil, saysYes: Bool = false) async throws
            -> JSONValue
        {
            var arguments: JSONObject = [
                "connection": "Team", "endpoint": .string(path), "method": .string(method),
            ]
            arguments["body"] = body
            return try await call("graph_request", arguments, saysYes: saysYes)
        }

        /// Runs a script in the team's session.
        func run(_ module: String, _ script: String, saysYes: Bool = false) async throws -> JSONValue {
            try await call(
                "run", ["connection": "Team", "module": .string(module), "command": .string(script)], saysYes: saysYes)
        }
    }

    /// Signs a person in.
    func person(_ name: String) async throws -> Person {
        let python = try #require(Self.python)
        let program = try await TalkingProgram(
            python,
            [
                Programs.packageFolder + "/Tests/IdentityProvider/person.py", url,
                "\(name)@contoso-sandbox.example",
            ], tenant.home.environment)
        return Person(program: program, first: try JSONParser.parse(try await program.line()))
    }

    /// Ends the tenant before its home is removed.
    func stop() async { await tenant.stop() }
}

extension JSONValue {
    /// The text of a call's answer.
    var told: String { self["text"]?.string ?? "" }
    /// Whether a call failed.
    var failed: Bool { self["failed"]?.bool ?? true }
    /// The questions that were asked meanwhile.
    var asked: Int { self["asked"]?.array?.count ?? 0 }
}
