import MMCore
import TestSupport
import Testing

@testable import MMOperations

@Suite("A dry run without PowerShell", .timeLimit(.minutes(5)))
struct NativeDryRunTests {
    private static let leaver = """
        param([string]$Department)
        $u = Get-MgUser -UserId lena.vogt@contoso-sandbox.example
        Update-MgUser -UserId $u.Id -AccountEnabled:$false -Department $Department
        Set-Mailbox -Identity $u.UserPrincipalName -Type Shared
        Get-MgUserMemberOf -UserId $u.Id -All | ForEach-Object {
            Remove-MgGroupMemberByRef -GroupId $_.Id -DirectoryObjectId $u.Id
        }
        """

    private func requests(_ home: ChangesHome, _ arguments: JSONObject) async throws -> [JSONValue] {
        var all: JSONObject = ["connection": "Demo", "dryRun": true, "output": "json"]
        for (name, value) in arguments { all[name] = value }
        let value = ChangesHome.value(try await home.call("run", all))
        return value.array ?? [value]
    }

    @Test("lists what a script of Graph and Exchange would send, in its order, with the states before it")
    func together() async throws {
        let home = try await ChangesHome(users: 40)
        defer { Task { await home.stop() } }
        let rows = try await requests(
            home, ["command": .string(Self.leaver), "param": ["Department": "Gone"]])
        #expect(rows.prefix(4).map { $0["method"]?.string } == ["GET", "PATCH", "POST", "GET"])
        #expect(rows.count > 4)
        #expect(rows.dropFirst(4).allSatisfy { $0["method"] == "DELETE" })
        let lines = JSONWriter.string(rows[1])
        #expect(lines.contains("accountEnabled") && lines.contains("Gone") && lines.contains("Human Resources"))
        // The question about the whole script covers it.
        #expect(rows[1]["verdict"] == "allow")
        // Nothing was sent: the user is as before.
        let user = ChangesHome.value(
            try await home.call(
                "graph_request",
                [
                    "connection": "Demo", "endpoint": "/users/lena.vogt@contoso-sandbox.example",
                    "query": ["$select": "accountEnabled,department"],
                ]))
        #expect(user["accountEnabled"] == true)
        #expect(user["department"] == "Human Resources")
    }

    @Test(
        "serves a session of Graph, whatever engine is wanted",
        arguments: [["module": "graph"], ["module": "graph", "engine": "native"], [:]] as [JSONObject])
    func graph(chosen: JSONObject) async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        var arguments = chosen
        arguments["command"] = "Update-MgUser -UserId lena.vogt@contoso-sandbox.example -JobTitle CFO"
        let rows = try await requests(home, arguments)
        #expect(rows.map { $0["method"]?.string } == ["PATCH"])
        #expect(rows[0]["url"]?.string?.hasSuffix("/v1.0/users/lena.vogt@contoso-sandbox.example") == true)
    }

    @Test("names the file that is missing, and no cmdlet's help")
    func missingFile() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let error = await #expect(throws: MMError.self) {
            _ = try await requests(
                home,
                [
                    "command": "Import-Csv leavers.csv | ForEach-Object { Remove-MgUser -UserId $_.UPN }",
                    "module": "graph",
                ])
        }
        #expect(error?.message.contains("leavers.csv") == true, "\(error as Any)")
        #expect(error?.hint?.contains("NAME") != true)
    }

    @Test("sends nothing where nobody is signed in, and shows what the text alone tells")
    func signedOut() async throws {
        let home = try await ChangesHome(users: 5, isSignedIn: false)
        defer { Task { await home.stop() } }
        let rows = try await requests(
            home,
            [
                "module": "graph",
                "command": "Get-MgUser -Top 1; Update-MgUser -UserId ann@contoso.example -JobTitle CFO",
            ])
        #expect(rows.map { $0["method"]?.string } == ["GET", "PATCH"])
        #expect(rows.allSatisfy { $0["sent"] != true })
    }
}
