import Glibc
import MMCore
import MMHTTP
import MMOperations
import MMSessions
import TestSupport
import Testing

@testable import MMLegacy

@Suite("Bugs of the earlier session-pool server", .timeLimit(.minutes(5)))
struct RouteFaultTests {
    private func body(_ command: String) -> JSONValue {
        ["connection": "Contoso-GA", "module": "exo", "command": .string(command)]
    }

    @Test("a comment, an open brace or a quote doesn't hide the end marker, and the next caller gets its own answer")
    func swallowed() async throws {
        let place = try StandInHome()
        try place.approve()
        let pool = place.pool()
        let commented = try await pool.runSignedIn(body("Get-Mailbox -ResultSize 1 # the first"))
        #expect(commented["status"] == "success", "\(commented.body)")
        for broken in ["Get-Mailbox {", "Get-Mailbox '", "@'\nx", "Get-Mailbox |"] {
            #expect(try await pool.runSignedIn(body(broken))["status"] == "error")
            let next = try await pool.runSignedIn(body("Get-Mailbox -ResultSize 2"))
            #expect(
                next["output"]?.string?.contains("person2@contoso.example") == true, "after \(broken): \(next.body)")
        }
        await place.home.services.close()
    }

    @Test("a wrong account is refused before the first command")
    func wrongAccount() async throws {
        let place = try StandInHome(account: "mallory@contoso.example")
        try place.approve()
        let answer = try await place.pool().runSignedIn(body("Get-Mailbox -ResultSize 1"))
        #expect(answer["status"] == "error")
        #expect(answer["error"]?.string?.contains("mallory@contoso.example") == true, "\(answer.body)")
        #expect(answer["output"] == nil && answer["authenticated_as"] == nil)
        #expect(JSONWriter.string(.object(answer.body)).contains("person1") == false)
        await place.home.services.close()
    }

    @Test("the log has neither commands nor their output, and words like \"error\" don't count as errors")
    func log() async throws {
        let place = try StandInHome()
        try place.approve()
        let pool = place.pool()
        let answer = try await pool.runSignedIn(body("Get-Mailbox -ResultSize 1"))
        #expect(answer["output"]?.string?.contains("person1@contoso.example") == true)
        let word = try await pool.runSignedIn(body("'error: exception'"))
        #expect(word["status"] == "success", "\(word.body)")
        #expect(try await pool.ask("GET", "/metrics")["total_errors"] == 0)
        let path = place.home.path + "/logs/session-pool-unified.log"
        let text = String(decoding: try #require(try ProtectedFile.read(path)), as: UTF8.self)
        for content in ["person1@contoso.example", "Get-Mailbox", "error: exception"] {
            #expect(!text.contains(content), "\(text)")
        }
        #expect(text.contains("[Contoso-GA/exo] run done"))
        #expect(!text.contains("[ERROR]"))
        await place.home.services.close()
    }

    @Test("a command that takes too long is ended, and the session's next caller gets its own answer")
    func late() async throws {
        let place = try StandInHome()
        try place.approve()
        #expect(try await place.pool().runSignedIn(body("Get-Mailbox -ResultSize 1"))["status"] == "success")
        let impatient = place.pool { $0.commandLimit = .seconds(2) }
        let late = try await impatient.runSignedIn(body("Start-Sleep -Seconds 3600; 'too late'"))
        #expect(late["status"] == "error")
        let error = try #require(late["error"]?.string)
        #expect(error.hasPrefix("Timeout: "), "\(late.body)")
        // Either may happen.
        #expect(error.contains("session is kept") != error.contains("Session reset"), "\(late.body)")
        let next = try await place.pool().runSignedIn(body("Get-Mailbox -ResultSize 2"))
        #expect(next["output"]?.string?.contains("person2@contoso.example") == true, "\(next.body)")
        #expect(next["output"]?.string?.contains("too late") == false)
        await place.home.services.close()
    }

    @Test("repeated requests about a pending sign-in are answered as long as nobody approves")
    func pending() async throws {
        let place = try StandInHome()
        let pool = place.pool()
        for _ in 0..<5 {
            #expect(try await pool.ask("POST", "/run", body("Get-Mailbox"))["status"] == "auth_required")
        }
        // Another connection is served meanwhile.
        let other = try await pool.ask(
            "POST", "/run", ["connection": "Northwind-Automation", "module": "exo", "command": "Get-Mailbox"])
        #expect(other["status"] == "auth_required")
        await place.home.services.close()
    }

    @Test("a PowerShell that ended while unused is reported, and the next code stays valid")
    func deadProcess() async throws {
        let place = try StandInHome()
        try place.approve()
        let pool = place.pool()
        try place.allowStandIn()
        let run = try await pool.runSignedIn(body("Invoke-StandIn process"))
        let text = try #require(run["output"]?.string?.split(separator: "\n").first, "\(run.body)")
        let process = try #require(Int32(text).flatMap { SessionProcess.here($0, home: place.home.path) })
        // The next sign-in waits for a person.
        try place.withdraw()
        kill(process, SIGKILL)
        func state() async throws -> JSONValue? { try await pool.ask("GET", "/status")["sessions"]?[0]?["state"] }
        while try await state() == "authenticated" { try await Task.sleep(for: .milliseconds(20)) }
        #expect(try await state() == "error")
        let first = try await pool.ask("POST", "/run", body("Get-Mailbox -ResultSize 1"))
        #expect(first["status"] == "auth_required", "\(first.body)")
        #expect(try await state() == "auth_pending")
        let second = try await pool.ask("POST", "/run", body("Get-Mailbox -ResultSize 1"))
        #expect(second["device_code"] == first["device_code"] && second["expires_in"] == nil)
        try place.approve()
        let done = try await pool.runSignedIn(body("Get-Mailbox -ResultSize 1"))
        #expect(done["status"] == "success", "\(done.body)")
        #expect(await place.home.services.sessions.counters.starts == 2)
        await place.home.services.close()
    }
}
