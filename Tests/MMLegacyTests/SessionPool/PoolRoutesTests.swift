import MMCore
import MMHTTP
import MMOperations
import MMSessions
import Testing

@testable import MMLegacy

@Suite("The session pool's own routes", .timeLimit(.minutes(5)))
struct PoolRoutesTests {
    private let run: JSONValue = ["connection": "Contoso-GA", "module": "exo", "command": "Get-Mailbox -ResultSize 1"]

    /// The recorded answer with this test's code.
    private func golden(_ name: String, code: String) throws -> JSONObject {
        let recorded = JSONWriter.string(.object(try StandInHome.golden(name)))
        let parts = recorded.components(between: "CTSO7K9QX")
        return try #require(try JSONParser.parse(parts.joined(separator: code)).object)
    }

    @Test("/health reports its state, with a local time")
    func health() async throws {
        let answer = try await StandInHome().pool().ask("GET", "/health")
        #expect(answer.status == 200)
        #expect(answer.body.keys == (try StandInHome.golden("health")).keys)
        #expect(answer["status"] == "healthy")
        let time = try #require(answer["timestamp"]?.string)
        #expect(time.utf8.count == "2026-01-01T00:00:00.000000".utf8.count)
        #expect(Timestamp(iso8601: time) != nil && !time.hasSuffix("Z"))
    }

    @Test("/run shows the code, repeats it as often as asked, then runs as the account that signed in")
    func signInAndRun() async throws {
        let place = try StandInHome()
        let pool = place.pool()
        let first = try await pool.ask("POST", "/run", run)
        #expect(first.status == 200)
        // The remaining validity of the code: a quarter of an hour minus the time until it was shown.
        var shown = first.body
        let left = try #require(shown["expires_in"]?.int)
        #expect((1...900).contains(left))
        shown["expires_in"] = 900
        #expect(shown == (try golden("run_auth_required_first", code: "FXK3T9QMB")))
        let pending = try await pool.ask("POST", "/run", run)
        #expect(pending.body == (try golden("run_auth_required_pending", code: "FXK3T9QMB")))
        let waiting = try await pool.ask("GET", "/status")
        #expect(waiting["sessions"]?[0]?["state"] == "auth_pending")
        #expect(waiting["sessions"]?[0]?["authenticated"] == false)
        #expect(waiting["sessions"]?[0]?["last_command"] == .null)
        try place.approve()
        let done = try await pool.runSignedIn(run)
        let recorded = try StandInHome.golden("run_success")
        #expect(done.status == 200)
        #expect(done.body.keys == recorded.keys)
        #expect(done["status"] == "success")
        #expect(done["authenticated_as"] == recorded["authenticated_as"])
        #expect(done["output"]?.string?.contains("person1@contoso.example") == true)
        await place.home.services.close()
    }

    @Test("/status, /metrics and /reset include the session")
    func session() async throws {
        let place = try StandInHome()
        let pool = place.pool()
        let none = try await pool.ask("GET", "/metrics")
        let recorded = try StandInHome.golden("metrics")
        #expect(none.body.keys == recorded.keys)
        #expect(none["keepalive"]?.object == recorded["keepalive"]?.object)
        #expect(none["error_rate"] == 0)
        try place.approve()
        #expect(try await pool.runSignedIn(run)["status"] == "success")
        let status = try await pool.ask("GET", "/status")
        let rows = try #require(status["sessions"]?.array)
        #expect(rows.count == 1)
        #expect(rows[0].object?.keys == (try StandInHome.golden("status"))["sessions"]?[0]?.object?.keys)
        #expect(rows[0]["session_id"] == "Contoso-GA/exo")
        #expect(rows[0]["state"] == "authenticated")
        #expect(rows[0]["authenticated"] == true)
        #expect(rows[0]["last_command"]?.string?.utf8.count == 26)
        #expect(status["restoring"] == nil)
        _ = try await pool.ask("POST", "/run", ["connection": "Contoso-GA", "module": "xyz", "command": "x"])
        let metrics = try await pool.ask("GET", "/metrics")
        #expect(metrics["active_sessions"] == 1)
        #expect(metrics["sessions"] == status["sessions"])
        #expect(metrics["total_errors"] == 1)
        let requests = try #require(metrics["total_requests"]?.int)
        #expect(metrics["last_100_responses"]?.int == min(requests, 100))
        #expect(metrics["uptime_human"]?.string?.contains("h ") == true)
        #expect(try await pool.ask("POST", "/reset", ["connection": "Contoso-GA"]).body == StandInHome.golden("reset"))
        #expect(try await pool.ask("POST", "/reset", ["connection": "Contoso-GA", "module": "exo"])["count"] == 0)
        #expect(try await pool.ask("GET", "/status")["sessions"] == [])
        await place.home.services.close()
    }

    @Test("/status reports that sessions from before a restart are being restored")
    func restoring() async throws {
        // A PowerShell that never answers keeps the session in this state.
        let place = try StandInHome(extra: ["MM_PWSH": try StandInHome.standIn + " --start no-greeting"])
        let services = place.home.services
        let saved: JSONValue = [
            ["connection_name": "Contoso-GA", "module": "teams", "authenticated_as": "adele.admin@contoso.example"],
            ["connection_name": "Nobody", "module": "teams", "authenticated_as": "adele.admin@contoso.example"],
        ]
        try ProtectedFile.replace(place.home.path + "/state/sessions-unified.json", with: JSONWriter.bytes(saved))
        let restoring = Task { await services.restorer.restore() }
        let pool = place.pool()
        var answer = try await pool.ask("GET", "/status")
        while answer["restoring"] != true {
            try await Task.sleep(for: .milliseconds(5))
            answer = try await pool.ask("GET", "/status")
        }
        #expect(
            answer["sessions"] == [
                [
                    "session_id": "Contoso-GA/teams", "state": "initializing", "authenticated": false,
                    "last_command": nil,
                ]
            ])
        let other = try await place.pool { $0.connection = "Northwind-Automation" }.ask("GET", "/status")
        #expect(other.body == ["sessions": []])
        services.restorer.stop()
        restoring.cancel()
        await services.close()
        await restoring.value
    }

    @Test("/metrics is the session-pool server's JSON, or Prometheus text if requested")
    func prometheus() async throws {
        let place = try StandInHome()
        try place.approve()
        let pool = place.pool()
        #expect(try await pool.runSignedIn(run)["status"] == "success")
        for (accept, isText) in [
            (nil, false), ("*/*", false), ("application/json", false), ("text/plain", true),
            ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true),
        ] as [(String?, Bool)] {
            var headers: HTTPHeaders = ["Host": "localhost"]
            if let accept { headers.set("Accept", accept) }
            let request = HTTPServerRequest(method: "GET", target: "/metrics", headers: headers)
            let response = await routedAnswer(of: pool.router, to: request)
            #expect(response.headers["Content-Type"]?.hasPrefix(isText ? "text/plain" : "application/json") == true)
            guard case .bytes(let bytes) = response.body else { throw MMError(.internalError, "a stream") }
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(text.contains("mm_requests_total{operation=\"run\",outcome=\"done\"} 1\n") == isText, "\(text)")
            #expect(text.contains("mm_session_commands_total{session=\"Contoso-GA/exo\"} 1\n") == isText, "\(text)")
        }
        await place.home.services.close()
    }

    @Test("invalid requests are 400")
    func wrongRequests() async throws {
        let pool = try StandInHome().pool()
        let unknown = try await pool.ask(
            "POST", "/run", ["connection": "Contoso-GA", "module": "xyz", "command": "Get-Mailbox"])
        #expect(unknown.status == 400)
        #expect(unknown.body == (try StandInHome.golden("run_error")))
        for body: JSONValue in [
            [:], ["connection": "Contoso-GA"], ["connection": "Contoso-GA", "module": "exo"],
            ["module": "exo", "command": "x"], ["connection": "", "module": "exo", "command": "x"],
            ["connection": nil, "module": "exo", "command": "x"],
        ] {
            let answer = try await pool.ask("POST", "/run", body)
            #expect(answer.status == 400)
            #expect(answer.body == ["status": "error", "error": "Missing connection, module, or command"])
        }
        for body: JSONValue in [["connection": 5, "module": "exo", "command": "x"], [1], "x", nil] {
            #expect(try await pool.ask("POST", "/run", body).status == 400)
        }
        #expect(try await pool.ask("POST", "/reset", [:]).body["error"] == "Missing connection parameter")
        #expect(try await pool.ask("POST", "/reset", [:]).status == 400)
        for type in ["text/plain", "application/jsonp", nil] {
            #expect(try await pool.ask("POST", "/run", run, type: type).status == 415)
        }
        #expect(try await pool.ask("GET", "/run").status == 405)
        #expect(try await pool.ask("POST", "/health", [:]).status == 405)
        let broken = HTTPServerRequest(
            method: "POST", target: "/run", headers: ["Content-Type": "application/json"], body: Array("{\"a\"".utf8))
        #expect(try routeAnswer(await routedAnswer(of: pool.router, to: broken)).status == 400)
        let other = HTTPServerRequest(method: "GET", target: "/nope")
        #expect(await routedAnswer(of: pool.router, to: other).status == 404)
        let options = await routedAnswer(of: pool.router, to: HTTPServerRequest(method: "OPTIONS", target: "/run"))
        #expect(options.status == 204 && options.headers["Allow"] == "POST, OPTIONS")
    }

    @Test("a caller's name may be any value", arguments: ["agent", 7, true, nil, ["a": 1]] as [JSONValue])
    func callers(id: JSONValue) async throws {
        let place = try StandInHome()
        var asked = try #require(run.object)
        asked["caller_id"] = id
        #expect(try await place.pool().ask("POST", "/run", .object(asked))["status"] == "auth_required")
        await place.home.services.close()
    }

    @Test("JSON output stays JSON, and errors that didn't end the command are beside it")
    func errorsBesideJSON() async throws {
        let place = try StandInHome()
        try place.approve()
        let pool = place.pool()
        func ask(_ command: String) async throws -> RouteAnswer {
            try await pool.runSignedIn(["connection": "Contoso-GA", "module": "exo", "command": .string(command)])
        }
        let both = try await ask("Write-Output '[1]'; Write-Warning careful; Write-Error oops")
        #expect(both["output"] == "[1]")
        #expect(both["errors"] == ["oops"])
        let text = try await ask("Write-Output a; Write-Error oops")
        #expect(text["output"]?.string?.contains("ERROR: oops") == true && text["errors"] == nil)
        let plain = try await ask("Write-Output '[1]'")
        #expect(plain.body.keys == (try StandInHome.golden("run_success")).keys)
        await place.home.services.close()
    }

    @Test("errors of commands are 200, as in the earlier server")
    func workErrors() async throws {
        let place = try StandInHome()
        let pool = place.pool()
        let nobody = try await pool.ask("POST", "/run", ["connection": "Nope", "module": "exo", "command": "x"])
        #expect(nobody.status == 200)
        #expect(nobody["error"]?.string?.hasPrefix("Connection 'Nope' not found") == true)
        let blocked = try await pool.ask(
            "POST", "/run", ["connection": "Contoso-GA", "module": "exo", "command": "Install-Module Az"])
        #expect(blocked.status == 200)
        #expect(blocked["error"]?.string?.hasPrefix("Command blocked: ") == true)
        #expect(blocked["error"]?.string?.hasSuffix("not allowed through the session pool.") == true)
        try place.approve()
        let failed = try await pool.runSignedIn([
            "connection": "Contoso-GA", "module": "exo", "command": "throw 'gone'",
        ])
        #expect(failed.status == 200)
        #expect(failed["status"] == "error")
        let halfway = try await pool.runSignedIn([
            "connection": "Contoso-GA", "module": "exo", "command": "Write-Output 'changed A'; throw 'boom'",
        ])
        #expect(halfway["output"]?.string?.contains("changed A") == true, "\(halfway.body)")
        #expect(halfway["error"]?.string?.contains("boom") == true, "\(halfway.body)")
        let missing = try await pool.runSignedIn([
            "connection": "Contoso-GA", "module": "exo", "command": "Get-Mailbox -Identity nobody@contoso.example",
        ])
        #expect(missing["error"]?.string?.hasPrefix("Connection '") != true, "\(missing.body)")
        await place.home.services.close()
    }

    @Test(
        "an error's text begins with the output that preceded it",
        arguments: [
            ([], "boom"), (["changed A"], "changed A\nboom"), (["a", ["n": 1]], "a\n{\"n\":1}\nboom"),
            (["line\n"], "line\nboom"),
        ] as [([JSONValue], String)])
    func precedingOutput(output: [JSONValue], text: String) {
        #expect(MMError(.remoteFailed, "boom").withOutput(output).textAfterOutput == text)
    }

    @Test("a single text counts as output as well")
    func singleText() {
        let error = MMError(.deadlineExceeded, "late", hint: "Wait.", details: ["output": "changed A"])
        #expect(error.textAfterOutput == "changed A\nlate\nWait.")
    }

    @Test("what a service doesn't find is not an unknown connection")
    func missingConnection() async throws {
        let place = try StandInHome()
        let pool = place.pool()
        for name in ["Nope", "nobody"] {
            let answer = try await pool.ask(
                "POST", "/run", ["connection": .string(name), "module": "exo", "command": "Get-Mailbox"])
            #expect(answer["error"]?.string?.hasPrefix("Connection '\(name)' not found") == true, "\(answer.body)")
        }
        await place.home.services.close()
    }

    @Test(
        "the warned list only warns, a send still asks, and `confirmed` counts if the entry allows it and it is true itself"
    )
    func guarded() async throws {
        let place = try StandInHome()
        try place.approve()
        let pool = place.pool()
        let warned = try await pool.runSignedIn([
            "connection": "Contoso-GA", "module": "exo", "command": "Remove-Mailbox -Identity nobody -WhatIf",
        ])
        #expect(warned["error"]?.string?.contains("confirm") != true, "\(warned.body)")
        _ = try await pool.runSignedIn([
            "connection": "Contoso-GA", "module": "exo", "command": "Remove-Mailbox -Identity nobody",
            "caller_id": "ann",
        ])
        let log = try ProtectedFile.read(place.home.path + "/logs/session-pool-unified.log") ?? []
        let lines = String(decoding: log, as: UTF8.self)
        #expect(lines.contains("guard: Remove-Mailbox") && lines.contains("for rest (ann)"), "\(lines)")
        var send: JSONObject = [
            "connection": "Contoso-GA", "module": "exo", "command": "Send-MailMessage -To a@b.example -Subject x",
        ]
        func isAsked(_ confirmed: JSONValue) async throws -> Bool {
            send["confirmed"] = confirmed
            let answer = try await pool.runSignedIn(.object(send))
            return answer["error"]?.string?.contains("mm confirm") == true
        }
        for confirmed: JSONValue in ["yes", 1, "true", false, [:], true] {
            #expect(try await isAsked(confirmed), "\(confirmed)")
        }
        var registry = try #require(try JSONParser.parse(StandInHome.registry).object)
        var entries = try #require(registry["connections"]?.object)
        var entry = try #require(entries["Contoso-GA"]?.object)
        entry["legacyConfirm"] = true
        entries["Contoso-GA"] = .object(entry)
        registry["connections"] = .object(entries)
        try ProtectedFile.replace(
            place.home.path + "/connections.json", with: JSONWriter.bytes(.object(registry)))
        for confirmed: JSONValue in ["yes", 1, "true", false, [:]] {
            #expect(try await isAsked(confirmed), "\(confirmed)")
        }
        #expect(try await !isAsked(true))
        await place.home.services.close()
    }

    @Test("/connections returns complete entries of the connections that admit this server")
    func connections() async throws {
        let place = try StandInHome()
        let answer = try await place.pool().ask("GET", "/connections")
        let document = try #require(try JSONParser.parse(StandInHome.registry)["connections"])
        #expect(answer.body == ["connections": document])
        let other = try await place.pool { $0.serverName = "other" }.ask("GET", "/connections")
        #expect(other.body == ["connections": [:]])
        // A changed file has an effect at once.
        let pool = place.pool()
        _ = try await pool.ask("GET", "/connections")
        try ProtectedFile.replace(
            place.home.path + "/connections.json",
            with: Array(#"{"connections": {"New": {"tenant": "n.example"}}}"#.utf8))
        let changed = try await pool.ask("GET", "/connections")
        #expect(changed.body == ["connections": ["New": ["tenant": "n.example"]]])
    }

    @Test("a pool of one connection reads it from its environment and refuses others")
    func single() async throws {
        let place = try StandInHome()
        let settings = try SessionPoolRoutes.Settings(environment: [
            "M365_CONNECTION": "Contoso-GA", "COMMAND_TIMEOUT": "700",
        ])
        #expect(settings.commandLimit == .seconds(700))
        let pool = place.pool { $0 = settings }
        let own = try await pool.ask("POST", "/run", ["module": "exo", "command": "Get-Mailbox"])
        #expect(own["status"] == "auth_required")
        let other = try await pool.ask(
            "POST", "/run", ["connection": "Fabrikam-Individual", "module": "exo", "command": "Get-Mailbox"])
        #expect(other.status == 400)
        #expect(other["error"] == "This container only handles Contoso-GA")
        #expect(try await pool.ask("GET", "/connections")["connections"]?.object?.keys == ["Contoso-GA"])
        #expect(throws: MMError.self) { try SessionPoolRoutes.Settings(environment: ["COMMAND_TIMEOUT": "soon"]) }
        #expect(throws: MMError.self) { try SessionPoolRoutes.Settings(environment: ["SESSION_POOL_PORT": "99999"]) }
        await place.home.services.close()
    }
}

extension String {
    /// The parts between every occurrence of a word.
    func components(between word: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let found = rest.firstRange(of: word) {
            parts.append(String(rest[..<found.lowerBound]))
            rest = rest[found.upperBound...]
        }
        return parts + [String(rest)]
    }
}
