import Glibc
import MMCore
import MMGuard
import Testing

@testable import MMOperations

@Suite("What waits for a person", .timeLimit(.minutes(5)))
struct ClearanceTests {
    /// A person who says yes to everything.
    private struct Yes: ConfirmingPerson {
        let isAtTerminal = true
        func showSignIn(_ details: JSONObject) async {}
        func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool { true }
    }

    /// A person whose client can't show the question, or who closes it.
    private struct Silent: ConfirmingPerson {
        let isAtTerminal = true
        let error: MMError
        func showSignIn(_ details: JSONObject) async {}
        func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool { throw error }
    }

    /// A no, from a person or from a client that answers its forms by itself.
    private struct No: ConfirmingPerson {
        let isAtTerminal: Bool
        func showSignIn(_ details: JSONObject) async {}
        func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool { false }
    }

    private let home = JobHome { path in
        ["MM_NOTIFY_COMMAND": "[\"\(path)/notify\", \"first word\"]", "PATH": "/usr/bin:/bin"]
    }

    private func request(_ script: String = "Remove-Mailbox ann", approvals: Int = 1) -> ConfirmationRequest {
        ConfirmationRequest(
            connection: "Contoso", module: "exo", title: "run in exo", text: script,
            verdict: GuardEngine().judge(script: script, in: ScriptContext(module: "exo"), policy: .standard),
            approvals: ConnectionApprovals(approvals))
    }

    private func settle(
        _ request: ConfirmationRequest, person: (any ConfirmingPerson)? = nil, waiting: Duration? = nil,
        _ record: CallRecord = CallRecord()
    ) async throws(MMError) {
        var call = CallContext(caller: Caller(surface: .mcp, name: "agent 1", server: "mm"), person: person)
        call.approvalWait = waiting
        call.model = "model-4"
        try await Clearance(request).settle(
            in: OperationContext(call: call, deadline: .after(.seconds(200)), record: record),
            with: home.services.guardServices)
    }

    private let ann = Approver(person: "ann", means: "passkey desk")

    @Test("a call that waits goes on when it is approved elsewhere, and is told when it is declined")
    func waits() async throws {
        let ledger = home.services.ledger
        for isApproved in [true, false] {
            let wanted = request("Remove-Mailbox \(isApproved)")
            let record = CallRecord()
            async let outcome = Result { () async throws(MMError) in
                try await settle(wanted, waiting: .seconds(200), record)
            }
            var entry: PendingConfirmation?
            while entry == nil {
                entry = try await ledger.all().first { $0.digest == wanted.digest }
                try await Task.sleep(for: .milliseconds(5))
            }
            let held = try #require(entry)
            #expect(held.requester == Requester(surface: "mcp", client: "agent 1", model: "model-4"))
            if isApproved {
                _ = try await ledger.approve(held.token, digest: held.digest, by: ann)
            } else {
                try await ledger.refuse(held.token, because: "not \u{1B}[2Jtoday", by: ann)
            }
            switch await outcome {
            case .success:
                #expect(isApproved)
                #expect(record.facts["approvedBy"] == ["ann (passkey desk)"])
            case .failure(let error):
                #expect(!isApproved && error.code == .denied, "\(error)")
                #expect(error.message.contains("today") && !error.message.contains("\u{1B}"))
                #expect(error.details["refusedBy"] == "ann")
            }
        }
    }

    @Test("a question that nobody answered waits in the ledger, as without a person, and can be approved there")
    func unanswered() async throws {
        let ledger = home.services.ledger
        let wanted = request("Remove-Mailbox unanswered")
        let silent = Silent(error: .unanswered("The question was closed without an answer."))
        let error = await #expect(throws: MMError.self) { try await settle(wanted, person: silent) }
        let plain = await #expect(throws: MMError.self) { try await settle(wanted) }
        #expect(error?.code == .confirmationNeeded && error?.message == plain?.message)
        #expect(error?.hint == plain?.hint)
        let held = try #require(try await ledger.all().first { $0.digest == wanted.digest })
        async let outcome = Result { () async throws(MMError) in
            try await settle(wanted, person: silent, waiting: .seconds(200))
        }
        _ = try await ledger.approve(held.token, digest: held.digest, by: ann)
        if case .failure(let error) = await outcome { Issue.record("\(error)") }
    }

    @Test(
        "a no ends the call, and nothing waits; one to a client's form isn't told as the person's",
        arguments: [true, false])
    func declined(isAtTerminal: Bool) async throws {
        let error = await #expect(throws: MMError.self) {
            try await settle(request("Remove-Mailbox declined"), person: No(isAtTerminal: isAtTerminal))
        }
        #expect(error?.code == .denied && error?.details["verdict"] == "ask")
        #expect(error?.message.contains("The person declined") == isAtTerminal, "\(error?.message ?? "")")
        #expect((error?.hint == nil) == isAtTerminal)
        #expect(try await home.services.ledger.all().isEmpty)
    }

    @Test("a call that is cancelled while its person is asked stays cancelled, and nothing waits")
    func cancelledQuestion() async throws {
        let wanted = request("Remove-Mailbox cancelled")
        let gone = Silent(error: MMError(.cancelled, "The call was cancelled."))
        let error = await #expect(throws: MMError.self) { try await settle(wanted, person: gone) }
        #expect(error?.code == .cancelled)
        #expect(try await home.services.ledger.all().isEmpty)
    }

    @Test("the person before a call is one of the two whom a connection wants, not both")
    func twoPeople() async throws {
        let wanted = request(approvals: 2)
        for _ in 0..<2 {
            let error = await #expect(throws: MMError.self) { try await settle(wanted, person: Yes()) }
            #expect(
                error?.code == .confirmationNeeded && error?.details["approvals"] == 1, "\(String(describing: error))")
        }
        let held = try #require(try await home.services.ledger.all().first)
        #expect(held.approvers.map(\.person) == [ThisProcess.login])
        _ = try await home.services.ledger.approve(held.token, digest: held.digest, by: ann)
        try await settle(wanted)
    }

    @Test("the last of two people, asked by the call itself, lets this call through and none after it")
    func lastOfTwo() async throws {
        let wanted = request(approvals: 2)
        await #expect(throws: MMError.self) { try await settle(wanted) }
        let held = try #require(try await home.services.ledger.all().first)
        _ = try await home.services.ledger.approve(held.token, digest: held.digest, by: ann)
        try await settle(wanted, person: Yes())
        let error = await #expect(throws: MMError.self) { try await settle(wanted) }
        #expect(error?.code == .confirmationNeeded && error?.details["approvals"] == 0)
    }

    @Test("the owner's command is told once of what waits, without a shell, and without what is held back or its token")
    func notice() async throws {
        let seen = home.path + "/seen"
        mkdir(home.path, 0o700)
        let script =
            "#!/bin/sh\nprintf '%s\\n' \"$#$1\" >> '\(seen).part'\ncat >> '\(seen).part'\nmv '\(seen).part' '\(seen)'\n"
        try ProtectedFile.replace(home.path + "/notify", with: Array(script.utf8))
        #expect(chmod(home.path + "/notify", 0o700) == 0)
        let wanted = request("Remove-Mailbox secret-target")
        for _ in 0..<2 { await #expect(throws: MMError.self) { try await settle(wanted) } }
        // A process that ends at once waits for the command.
        await home.services.close()
        let bytes = try #require(try ProtectedFile.read(seen, limit: 1 << 20))
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", maxSplits: 1)
        #expect(lines.first == "1first word")
        let object = try JSONParser.parse(Array((lines.last ?? "").utf8))
        #expect(object["connection"] == "Contoso" && object["class"] == "destructive")
        #expect(object["requester"]?["client"] == "agent 1")
        let token = try #require(try await home.services.ledger.all().first).token
        let text = JSONWriter.string(object)
        #expect(!text.contains(token) && !text.contains("secret-target"))
    }

    @Test(
        "a command of the owner that can't be started, or fails, is an error for the log",
        arguments: ["[\"/bin/true\", 1]", "[]", "/nowhere/notify", "/bin/false"])
    func brokenNotice(command: String) async throws {
        let held = try await home.services.guardServices.hold(request())
        let error = await #expect(throws: MMError.self) {
            try await ApprovalNotices(environment: [ApprovalNotices.variable: command], log: .off).run(for: held)
        }
        let named = command.hasPrefix("[") ? ApprovalNotices.variable : command
        #expect(error?.message.contains(named) == true, "\(error?.message ?? "")")
    }
}
