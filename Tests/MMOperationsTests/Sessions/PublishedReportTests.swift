import MMCore
import TestSupport
import Testing

@testable import MMOperations

@Suite("Published reports", .timeLimit(.minutes(10)))
struct PublishedReportTests {
    @Test("find their module, and run one after the other in its session without a question")
    func reports() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let demo = try home.service.services.registry.snapshot().connection(named: "Demo")
        // Without walls the text is all there is to go by, and more of it is asked about.
        let hasWalls = SessionWalls(of: demo).isUp
        let folder = #filePath.split(separator: "/").prefix { $0 != "Tests" }.joined(separator: "/")
        let path = "/\(folder)/Tests/Fixtures/scripts"
        let names = TestFolder.names(in: path).sorted()
        #expect(names.count > 50)
        for name in names {
            let bytes = try #require(try ProtectedFile.read("\(path)/\(name)"))
            do throws(MMError) {
                _ = try await home.service.call(
                    "run",
                    [
                        "connection": "Demo", "command": .string(String(decoding: bytes, as: UTF8.self)),
                        "output": "json",
                    ],
                    in: home.context(nil))
            } catch {
                #expect(error.details["rule"]?.string != "own-sign-in", "\(name): \(error)")
                // What the sandbox lacks fails; what needs a person or another engine doesn't get so far.
                if hasWalls { #expect(error.code == .remoteFailed || error.code == .notFound, "\(name): \(error)") }
            }
        }
    }

    @Test("catch what Invoke-MgGraphRequest refuses, as from the module, and go on behind other cmdlets")
    func refusals() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let script = """
            function Get-Pages([string]$Uri) {
                while ($Uri) { $page = Invoke-MgGraphRequest -Uri $Uri; 'page'; $Uri = $page.'@odata.nextLink' }
            }
            try { $all = Get-Pages '/v1.0/users?$select=nope'; 'on' } catch { "caught $($_.Exception.Message.Length -gt 0)" }
            $kept = 'kept'
            $kept = Invoke-MgGraphRequest -Uri '/v1.0/users/nobody@contoso.example'
            $kept
            try { Get-MgUser -UserId nobody@contoso.example; 'behind' } catch { 'caught' }
            try { Invoke-MgGraphRequest -Uri '/v1.0/users/nobody@contoso.example' -ea Stop } catch { 'caught by alias' }
            """
        let answer = try await home.call(
            "run", ["connection": "Demo", "module": "graph", "command": .string(script), "output": "json"])
        #expect(ChangesHome.value(answer).array == ["caught True", "kept", "behind", "caught by alias"])
    }

    @Test("get hashtables from Invoke-MgGraphRequest, and give them to their functions as such")
    func hashtables() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let script = """
            function Get-Name { param([hashtable]$Item) $Item['displayName'].Length -gt 0 }
            $page = Invoke-MgGraphRequest -Uri '/v1.0/users?$top=2'
            $page -is [hashtable]; $page.GetType().Name; $page.ContainsKey('VALUE')
            $page.value | ForEach-Object { Get-Name -Item $_ }
            """
        let answer = try await home.call(
            "run", ["connection": "Demo", "module": "graph", "command": .string(script), "output": "json"])
        #expect(ChangesHome.value(answer).array == [true, "Hashtable", true, true, true], "\(answer)")
    }

    @Test(
        "tell a person of properties that they read without asking Graph for them",
        arguments: [
            ("(Get-MgUser -All | Where-Object { $_.AccountEnabled }).Count", ["-Property AccountEnabled,"]),
            ("(Get-MgUser -All -Property Id, AccountEnabled | Where-Object { $_.AccountEnabled }).Count", []),
            ("Get-MgUser -Top 1 -Property Id, SignInActivity | % { $_.SignInActivity.LastSignInDateTime }", []),
            ("Get-MgUser -Top 1 -ExpandProperty Manager | Select-Object Id, Manager | Out-Null", []),
            (
                "Get-MgUser -Top 1 | Select-Object Id, Manager, UserType | Out-Null",
                ["-Property UserType,", "-ExpandProperty Manager"]
            ),
        ])
    func unaskedProperties(script: String, told: [String]) async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let answer = try await home.call(
            "run", ["connection": "Demo", "module": "graph", "command": .string(script), "output": "json"])
        let hints = answer.notes.filter { $0.contains("Graph did not return") }
        #expect(hints.count == (told.isEmpty ? 0 : 1), "\(answer.notes)")
        #expect(told.allSatisfy { hint in hints.contains { $0.contains(hint) } }, "\(hints)")
    }

    @Test(
        "tell a person of cmdlets that returned one page of more, unless the script wanted no more",
        arguments: [
            ("Get-MgUser | Out-Null; (Get-MgUser).Count", 100, true), ("(Get-MgUser -Top 5).Count", 5, false),
            ("(Get-MgUser -All).Count", 120, false), ("(Get-MgDomain).Count", 3, false),
            ("@(Get-MgUser | Select-Object -First 5).Count", 5, false),
            ("@(Get-MgUser | Where-Object Id).Count", 100, true),
        ])
    func firstPages(script: String, count: Int64, isPart: Bool) async throws {
        let home = try await ChangesHome(users: 120)
        defer { Task { await home.stop() } }
        let answer = try await home.call(
            "run", ["connection": "Demo", "module": "graph", "command": .string(script), "output": "json"])
        #expect(ChangesHome.value(answer).array == [.int(count)])
        let hints = answer.notes.filter { $0.contains("Get-MgUser returned only the first page") }
        #expect(hints.count == (isPart ? 1 : 0), "\(answer.notes)")
    }

    @Test(
        "in a file go on after a request that the service refuses, which a single line doesn't",
        arguments: ["Get-MgUser -Top 1; 'on'", "$users = Get-MgUser -All; \"o$($users)n\""], [403, 503])
    func goesOn(script: String, status: Int) async throws {
        let home = try await ChangesHome(users: 5, longestPause: .milliseconds(10))
        defer { Task { await home.stop() } }
        let fault: JSONObject = ["kind": "status", "status": .int(Int64(status)), "path": "/v1.0/users*", "count": 99]
        _ = try await home.control("POST", "faults", fault)
        var arguments: JSONObject = [
            "connection": "Demo", "module": "graph", "command": .string(script), "output": "json",
        ]
        await #expect(throws: MMError.self) { _ = try await home.call("run", arguments) }
        (arguments["script"], arguments["engine"]) = ("report.ps1", "native")
        #expect(ChangesHome.value(try await home.call("run", arguments)).array == ["on"])
    }

    @Test(
        "know of the errors that -ErrorAction hides",
        arguments: [
            (
                "graph", "Get-MgUser -UserId nobody@contoso.example -ea SilentlyContinue; \"$? $($Error.Count)\"",
                "False 1"
            ),
            ("graph", "Get-MgUser -UserId nobody@contoso.example -ea SilentlyContinue -ev e; \"$($e.Count)\"", "1"),
            ("graph", "Get-MgUser -UserId nobody@contoso.example -ea 0; \"$? $($Error.Count)\"", "False 1"),
            ("exo", "$m = Get-Mailbox nobody -ErrorAction SilentlyContinue; \"$? $($Error.Count)\"", "False 1"),
            ("exo", "$m = Get-Mailbox nobody -ErrorAction Ignore; \"$? $($Error.Count)\"", "False 0"),
            ("exo", "$m = Get-Mailbox -ResultSize 1 -ea SilentlyContinue; \"$? $($Error.Count)\"", "True 0"),
        ])
    func hiddenErrors(module: String, script: String, told: String) async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let answer = try await home.call(
            "run", ["connection": "Demo", "module": .string(module), "command": .string(script), "output": "json"])
        #expect(ChangesHome.value(answer).array == [.string(told)])
    }

    @Test("run no cmdlet that changes something from a text that only the run puts together")
    func textOfTheRun() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let script = """
            $line = (Get-MgOrganization).DisplayName.Substring(0, 0) + 'Remove-MgUser -UserId nobody@contoso.example'
            Invoke-Expression $line
            """
        let arguments: JSONObject = [
            "connection": "Demo", "module": "graph", "command": .string(script), "output": "json",
            "script": "report.ps1",
        ]
        await #expect(throws: MMError.self) { _ = try await home.call("run", arguments) }
        #expect(try await home.requests(of: "/v1.0/users/nobody@contoso.example") == 0)
    }

    @Test("that set what PowerShell holds go on there")
    func variables() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        for script in ["$one = [datetime]::Now.Foo()", "$one = 'Name'; Get-Mailbox -ResultSize 1 | Select-Object $one"]
        {
            do throws(MMError) {
                _ = try await home.call(
                    "run", ["connection": "Demo", "module": "exo", "command": .string(script), "output": "json"])
            } catch {
                #expect(error.code != .unsupported, "\(error)")
            }
        }
    }
}
