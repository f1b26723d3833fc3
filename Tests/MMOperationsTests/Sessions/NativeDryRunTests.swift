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

    @Test(
        "counts the objects beyond those that it shows once, and names the first",
        arguments: [(2, "and 2 more: a1, a2"), (12, "and 12 more, such as a1, a2, a3, a4, a5, a6, a7, a8, a9, a10")])
    func further(count: Int, line: String) {
        #expect(CmdletRehearsal.further((1...count).map { "a\($0)" }) == line)
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
        // The whole script is asked about before anything is sent.
        #expect(rows[1]["verdict"] == "ask")
        #expect(rows.dropFirst(4).allSatisfy { $0["verdict"] == "ask" })
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
        "says of each change what the run would do, as its note does",
        arguments: [("ForwardingSmtpAddress x@evil.example", "ask"), ("CustomAttribute1 x", "allow")])
    func verdicts(parameter: String, expected: String) async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let answer = try await home.call(
            "run",
            [
                "connection": "Demo", "dryRun": true, "output": "json",
                "command": .string("Get-Mailbox -ResultSize 3 | Set-Mailbox -\(parameter)"),
            ])
        let value = ChangesHome.value(answer)
        let held = (value.array ?? [value]).filter { $0["sent"] == false }
        #expect(!held.isEmpty && held.allSatisfy { $0["verdict"]?.string == expected }, "\(value)")
        #expect(answer.notes.contains { $0.contains("The guard says: \(expected) (") }, "\(answer.notes)")
    }

    @Test(
        "a call that can't be bound sends nothing, and its error reaches the script in PowerShell's words",
        arguments: [
            (
                "Set-Mailbox -Identity $null -CustomAttribute1 x",
                "Cannot bind argument to parameter 'Identity' because it is null."
            ),
            (
                "Set-Mailbox lena.vogt -Wrong x",
                "A parameter cannot be found that matches parameter name 'Wrong'."
            ),
            (
                "Update-MgUser -UserId $null -JobTitle x",
                "Cannot bind argument to parameter 'UserId' because it is an empty string."
            ),
            (
                "New-MgGroupMember -GroupId g -DirectoryObjectId $nobody.Id",
                "Cannot bind argument to parameter 'DirectoryObjectId' because it is an empty string."
            ),
        ])
    func unbound(line: String, message: String) async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let caught = "try { \(line) } catch { Set-Mailbox ben.baker@contoso-sandbox.example -CustomAttribute1 \"$_\" }"
        let rows = try await requests(home, ["command": .string(caught), "engine": "native"])
        let held = rows.filter { $0["sent"] == false }
        #expect(held.count == 1, "\(rows)")
        #expect(held.first?["body"]?["CmdletInput"]?["Parameters"]?["CustomAttribute1"]?.string == message)
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

    /// Rehearses a script in a tenant of its own.
    private func rehearsed(_ script: String) async throws -> (rows: [JSONValue], notes: String) {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let answer = try await home.call(
            "run",
            ["connection": "Demo", "module": "graph", "dryRun": true, "output": "json", "command": .string(script)])
        let value = ChangesHome.value(answer)
        return (value.array ?? [value], answer.notes.joined(separator: "\n"))
    }

    @Test("follows loops to their end, because reads are sent")
    func loops() async throws {
        let (rows, notes) = try await rehearsed(
            """
            $uri = '/v1.0/users?$top=2&$select=id'
            while ($uri) {
                $page = Invoke-MgGraphRequest -Uri $uri
                foreach ($u in $page.value) { Update-MgUser -UserId $u.id -JobTitle 'CFO' }
                $uri = $page.'@odata.nextLink'
            }
            """)
        #expect(rows.count { $0["method"] == "GET" } > 1)
        #expect(rows.count { $0["method"] == "PATCH" } >= 5)
        #expect(!notes.contains("unknown"), "\(notes)")
    }

    @Test("ends a loop that waits for a change that was not made, and says so")
    func waiting() async throws {
        let (rows, notes) = try await rehearsed(
            """
            Update-MgUser -UserId lena.vogt@contoso-sandbox.example -JobTitle Gone
            while ((Get-MgUser -UserId lena.vogt@contoso-sandbox.example -Property jobTitle).JobTitle -ne 'Gone') {
                Start-Sleep -Seconds 3600
            }
            Remove-MgUser -UserId lena.vogt@contoso-sandbox.example
            """)
        #expect(rows.first?["method"] == "PATCH")
        #expect(!rows.contains { $0["method"] == "DELETE" })
        #expect(notes.contains("unknown: a loop that may wait for a change"), "\(notes)")
    }

    @Test("follows a loop over a list to its end, however often it waits")
    func pauses() async throws {
        let (rows, notes) = try await rehearsed(
            """
            foreach ($n in 1..30) {
                Update-MgUser -UserId lena.vogt@contoso-sandbox.example -JobTitle "Clerk $n"
                Start-Sleep -Seconds 60
            }
            """)
        #expect(rows.count { $0["method"] == "PATCH" } == 30)
        #expect(!notes.contains("unknown"), "\(notes)")
    }

    @Test(
        "ends where the run would refuse a request that the guard judges more strictly than the text",
        arguments: [
            ("Update-MgUser -UserId lena.vogt@contoso-sandbox.example -City x", "/users/**"),
            ("New-TeamChannel -GroupId x -DisplayName y", "/teams/**"), ("New-Team -DisplayName y", "/teams"),
        ])
    func stricter(script: String, path: String) async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let rule = #"{"version":1,"rules":[{"id":"no","requests":{"paths":["\#(path)"]},"decision":"deny"}]}"#
        try ProtectedFile.replace(home.home.paths.stateDirectory + "/guard-rules.json", with: Array(rule.utf8))
        let error = await #expect(throws: MMError.self) { try await requests(home, ["command": .string(script)]) }
        #expect("\(error as Any)".contains("it was not sent"), "\(error as Any)")
    }

    @Test("answers reads of what the script would create, without sending them")
    func created() async throws {
        let (rows, notes) = try await rehearsed(
            """
            $g = New-MgGroup -DisplayName Tests -MailEnabled:$false -MailNickname tests -SecurityEnabled
            do { $found = Get-MgGroup -GroupId $g.Id } until ($found)
            $n = @(Get-MgGroupMember -GroupId $found.Id).Count
            Update-MgGroup -GroupId $found.Id -Description "$($found.DisplayName) $n"
            """)
        #expect(rows.map { $0["method"]?.string } == ["POST", "PATCH"])
        #expect(rows.last.map { JSONWriter.string($0) }?.contains("Tests 0") == true)
        #expect(!notes.contains("NEW") && !notes.contains("unknown"), "\(notes)")
    }

    @Test("tells an error that a script reports from the end of what is known")
    func reported() async throws {
        let (rows, notes) = try await rehearsed(
            "Get-MgUser -UserId nobody@contoso.example; Update-MgUser -UserId lena.vogt@contoso-sandbox.example -City A"
        )
        #expect(rows.map { $0["method"]?.string } == ["GET", "PATCH"])
        #expect(notes.contains("The script reports an error") && !notes.contains("unknown"), "\(notes)")
    }
}
