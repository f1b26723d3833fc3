import MMCore
import MMOperations
import Testing

/// Ordinary lines of administrators: what is read, in the places where its value counts.
private enum Lines {
    static let reads = [
        "Get-Mailbox", "Get-Mailbox -ResultSize 3", "Get-Recipient -ResultSize 3", "Get-User -ResultSize 3",
        "Get-CASMailbox -ResultSize 3", "Get-DistributionGroup", "Get-AcceptedDomain", "Get-TransportRule",
        "Get-OrganizationConfig", "Get-RemoteDomain", "Get-InboundConnector", "Get-OutboundConnector",
        "Get-MailboxStatistics lena.vogt", "Get-MailboxPermission lena.vogt", "Get-InboxRule -Mailbox lena.vogt",
        "Get-UnifiedGroup -ResultSize 3", "Get-MessageTrace", "Get-AdminAuditLogConfig",
        "Get-DistributionGroupMember newsletter", "Get-MailboxFolderStatistics lena.vogt",
    ]
    static let forms = [
        "{}", "({}).Count", "@({}).Count", "({} | Measure-Object).Count", "$x = {}; $x.Count",
        "$n = ({}).Count; if ($n -eq 0) { 'none' } else { 'some' }", "if ({}) { 'yes' } else { 'no' }",
        "foreach ($m in {}) { $m.Name }; 'done'", "\"There are $(({}).Count).\"",
        "{} | ForEach-Object { $_.Name } | Sort-Object", "[pscustomobject]@{ Count = @({}).Count }",
        "[pscustomobject]@{ A = 1 } | Select-Object @{ n = 'C'; e = { @({}).Count } }",
        "'a' | Where-Object { -not ({}) }",
        "switch (@({}).Count) { 0 { 'none' } default { 'some' } }", "function Get-Total { @({}).Count }; Get-Total",
        "$h = @{}; $h['n'] = ({}).Count; $h.n", "'x', 'y' | Group-Object { @({}).Count } | Select-Object Name, Count",
        "-not ({})", "({} | Where-Object Name -like '*a*').Name -join ','",
        "$r = foreach ($i in 1..2) { @({}).Count }; $r",
        "try { 1 } finally { $null = {} }; 'end'", "{} | Select-Object -First 1 | ConvertTo-Json -Depth 1",
        "$t = ({}) ? 'yes' : 'no'; $t", "'before'; {}; 'after'",
    ]
    /// Lines that send several requests.
    static let long = [
        "Get-Mailbox -ResultSize 3 | Get-MailboxStatistics | Measure-Object | ForEach-Object Count",
        "Get-Mailbox -ResultSize 3 | Select-Object Name, @{ n = 'Rules'; e = { @(Get-InboxRule -Mailbox $_.Alias).Count } }",
        "foreach ($m in Get-Mailbox -ResultSize 3) { @(Get-MailboxPermission $m.Alias).Count }",
        "$a = Get-AcceptedDomain; $b = Get-TransportRule; \"$($a.Count) $($b.Count)\"",
        "Get-Mailbox -ResultSize 3 | Where-Object { -not (Get-InboxRule -Mailbox $_.Alias) } | ForEach-Object Name",
    ]
}

@Suite("A refusal never looks like an answer: lines of the native engine", .timeLimit(.minutes(30)))
struct RefusedLinesTests {
    private func run(_ line: String) -> JSONObject {
        ["connection": "Demo", "module": "exo", "command": .string(line), "output": "json", "engine": "native"]
    }

    @Test("each line says that it was refused", arguments: Refusal.swift)
    func lines(refusal: Refusal) async throws {
        let tenant = try await SignedInTenant(users: 30)
        var tried = 0
        for form in Lines.forms {
            for read in Lines.reads {
                let line = form.replacing("({})", with: "(\(read))").replacing("@{};", with: "@{ };")
                    .replacing("{}", with: read)
                guard let answer = try? await tenant.call("run", run(line)), answer.errors.isEmpty else { continue }
                tried += 1
                try await tenant.control("POST", "faults", refusal.at("/adminapi"))
                let told = await tenant.refusal("run", run(line))
                #expect(told != nil, "\(refusal.testDescription): \(line)")
                try await tenant.control("DELETE", "faults")
            }
        }
        #expect(tried >= 400, "only \(tried) lines could be tried")
    }

    @Test("a line of several requests says so of each of them", arguments: Refusal.swift)
    func several(refusal: Refusal) async throws {
        let tenant = try await SignedInTenant(users: 30)
        for line in Lines.long {
            _ = try await tenant.takeRequests()
            _ = try await tenant.call("run", run(line))
            let sent = try await tenant.takeRequests().filter { $0.contains("/adminapi") }
            #expect(sent.count > 1, "\(line)")
            for place in sent.indices {
                try await tenant.control("POST", "faults", refusal.at("/adminapi", after: place))
                let told = await tenant.refusal("run", run(line))
                #expect(told != nil, "\(refusal.testDescription) at \(place): \(line)")
                try await tenant.control("DELETE", "faults")
            }
        }
    }

    @Test("what clients try again says so in the end", arguments: Refusal.slow)
    func slow(refusal: Refusal) async throws {
        let tenant = try await SignedInTenant(users: 30)
        for form in ["{}", "({}).Count", "if ({}) { 'yes' } else { 'no' }"] {
            let line = form.replacing("{}", with: "Get-Mailbox")
            try await tenant.control("POST", "faults", refusal.at("/adminapi"))
            let told = await tenant.refusal("run", run(line))
            #expect(told != nil, "\(refusal.testDescription): \(line)")
            try await tenant.control("DELETE", "faults")
        }
    }

    @Test("a script that handles a refusal goes on, and ends well")
    func handled() async throws {
        let tenant = try await SignedInTenant(users: 30)
        try await tenant.control("POST", "faults", Refusal.forbidden.at("/adminapi"))
        for line in [
            "try { Get-Mailbox } catch { 'no access' }", "@(Get-Mailbox -ErrorAction SilentlyContinue).Count",
            "$ErrorActionPreference = 'SilentlyContinue'; @(Get-Mailbox).Count",
            "try { (Get-Mailbox).Count } catch { $_.Exception.Message } finally { 'done' }",
            "[pscustomobject]@{ A = 1 } | Select-Object @{ n = 'C'; e = { try { @(Get-Mailbox).Count } catch { -1 } } }",
        ] {
            let answer = try await tenant.call("run", run(line))
            #expect(answer.exitStatus == 0 && answer.errors.isEmpty, "\(line)")
        }
        // What was silenced once is not silenced for the next script.
        let told = await tenant.refusal("run", run("@(Get-Mailbox).Count"))
        #expect(told != nil)
        let goesOn = try await tenant.call("run", run("@(Get-Mailbox -ErrorAction Continue).Count"))
        #expect(goesOn.errors.count == 1 && goesOn.exitStatus == 1)
        let stopped = await tenant.refusal("run", run("$ErrorActionPreference = 'Stop'; Get-Mailbox; 'x'"))
        #expect(stopped != nil)
    }

    @Test("errors that end nothing stand in the answer, and the script may say how it ended")
    func reported() async throws {
        let tenant = try await SignedInTenant(users: 30)
        let one = try await tenant.call("run", run("(Get-Mailbox nobody).Count; 'x'"))
        #expect(one.exitStatus == 1)
        #expect(one.errors.map(\.category) == ["ObjectNotFound"])
        #expect(one.notes.contains { $0.hasPrefix("ERROR: ") })
        let said = try await tenant.call("run", run("Get-Mailbox nobody; 'x'; exit 0"))
        #expect(said.exitStatus == 0 && said.errors.count == 1)
        let three = try await tenant.call("run", run("try { exit 3 } finally { 'x' }; 'never'"))
        #expect(three.exitStatus == 3 && three.errors.isEmpty)
        let error = await #expect(throws: MMError.self) {
            try await tenant.call("run", run("$ErrorActionPreference = 'Stop'; Get-Mailbox nobody; 'never'"))
        }
        #expect(error?.code == .notFound)
    }
}
