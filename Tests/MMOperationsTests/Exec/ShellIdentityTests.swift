import Glibc
import MMCore
import MMGuard
import MMShell
import MMSystem
import TestSupport
import Testing

@testable import MMOperations

private enum Means {
    static let suffice =
        SandboxProfile.proxyProblem() == nil && ExecutableSearch.find("curl", path: "/usr/bin:/bin") != nil
}

@Suite(
    "Shells with a connection's identity", .serialized, .timeLimit(.minutes(10)),
    .enabled(if: Means.suffice, "needs Landlock, a network of one's own, and curl"))
struct ShellIdentityTests {
    private static let tools = """
        T=$(curl -sS -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" "$IDENTITY_ENDPOINT?resource=https://graph.microsoft.com" \\
          | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
        g() { curl -sS -w ' %{http_code}\\n' -H "Authorization: Bearer $T" -H 'Content-Type: application/json' "$@"; }
        base=https://graph.microsoft.com/v1.0
        id=$(g "$base/users?\\$top=3&\\$select=id" | grep -o '"id":"[^"]*"' | tail -1 | cut -d'"' -f4)

        """

    private static func configure(_ home: ChangesHome, _ members: JSONObject) throws {
        mkdir(home.home.path + "/work", 0o700)
        var file: JSONObject = ["directory": .string(home.home.path + "/work")]
        for (key, value) in members { file[key] = value }
        try ProtectedFile.replace(home.home.path + "/.m365-shells.json", with: JSONWriter.bytes(.object(file)))
    }

    private static func run(
        _ home: ChangesHome, _ command: String, person: (any ConfirmingPerson)? = nil, session: String = "a"
    ) async throws -> JSONValue {
        var context = CallContext(
            caller: Caller(surface: .mcp, name: "test", server: nil), timeLimit: .seconds(300), sessionID: session)
        context.person = person
        let answer = try await home.service.call(
            "shell_run", ["command": .string(command), "yield": 300], in: context)
        guard case .value(let value) = answer.body else { throw MMError(.internalError, "no value") }
        return value
    }

    @Test("end with it when the connection is removed, and others don't")
    func removed() async throws {
        let home = try await ChangesHome()
        let services = home.service.services
        try Self.configure(home, ["identity": "Demo"])
        #expect(try await Self.run(home, "echo one")["stdout"] == "one\n")
        await services.sessionServices.endRemoved()
        #expect(await services.shells.count == 1)
        try services.registry.edit { (document) throws(MMError) in try RegistryEdit.remove("Demo", from: &document) }
        await services.sessionServices.endRemoved()
        #expect(await services.shells.count == 0)
        await home.stop()
    }

    @Test("find it, read with it, and have each change judged, held, asked about and noted as that of any call")
    func judged() async throws {
        let home = try await ChangesHome()
        try Self.configure(home, ["identity": "Demo"])
        let read = try await Self.run(
            home, Self.tools + "m=DELETE; g $base/me | tail -c 5; env | grep -c AZURE_CLIENT_SECRET")
        #expect(read["stdout"]?.string?.hasPrefix(" 200\n0") == true, "\(read)")
        #expect(read["sandbox_note"]?.string?.contains("Demo") == true && read["network_note"] == nil, "\(read)")
        #expect(read["sandbox_note"]?.string?.contains("only the connection's services, through mm") == true, "\(read)")
        // A line that says DELETE is asked about before it runs; this one shows it to the wire alone.
        let held = try await Self.run(
            home, "g -X PATCH $base/users/$id -d '{\"city\":\"Ulm\"}'; g -X $m $base/users/$id")
        #expect(held["stdout"]?.string?.hasSuffix(" 403\n") == true, "\(held)")
        #expect(held["network_note"]?.string?.contains("DELETE") == true, "\(held)")
        #expect(try await home.service.services.ledger.all().count == 2)
        // What runs on behind a command belongs to no call: it only looks.
        let behind = try await Self.run(
            home,
            "(sleep 0.5; g -X PATCH $base/users/$id -d '{\"city\":\"Ulm\"}' > late; touch done) > /dev/null 2>&1 &")
        #expect(behind["exit_code"] == 0)
        #expect(await eventually { access(home.home.path + "/work/done", F_OK) == 0 })
        #expect(try await Self.run(home, "tail -c 5 late")["stdout"] == " 403\n")
        let asked = try await Self.run(
            home, "g -X PATCH $base/users/$id -d '{\"city\":\"Ulm\"}'", person: home.person)
        #expect(asked["stdout"]?.string?.hasSuffix(" 204\n") == true, "\(asked)")
        let listed = try await home.service.call("undo_list", [:], in: home.context(nil))
        #expect("\(listed.body)".contains("city"), "\(listed.body)")
        await home.stop()
    }

    @Test("are not started where nobody is signed in, or where something else is to keep them to the network")
    func refused() async throws {
        let home = try await ChangesHome(isSignedIn: false)
        for (members, code): (JSONObject, MMErrorCode) in [
            (["identity": "Demo"], .signInNeeded), (["identity": "Nobody"], .notFound),
            (["identity": "Demo", "network": "all"], .invalidInput), (["identity": 1], .invalidInput),
            (["identity": "Demo", "sandbox": "guard"], .invalidInput),
        ] {
            try Self.configure(home, members)
            do {
                _ = try await Self.run(home, "true")
                Issue.record("it was started: \(members)")
            } catch let error as MMError { #expect(error.code == code, "\(members): \(error)") }
        }
        await home.stop()
    }
}
