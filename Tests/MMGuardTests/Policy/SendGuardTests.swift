import MMCore
import MMGuard
import Testing

@Suite("Send guard", .timeLimit(.minutes(5)))
struct SendGuardTests {
    private let engine = GuardEngine()
    private let mail: JSONValue = [
        "message": [
            "subject": "Hello",
            "body": ["contentType": "Text", "content": .string(String(repeating: "x", count: 700))],
            "toRecipients": [["emailAddress": ["address": "ann@contoso.com"]]],
            "bccRecipients": [["emailAddress": ["address": "eve@evil.example"]]],
            "attachments": [["name": "plan.docx"]],
        ]
    ]

    private func send(_ policy: GuardPolicy, confirmed: Bool = false, path: String = "/me/sendMail") throws -> Verdict {
        let target = try RequestTarget(parsing: path, service: .graph)
        return engine.judge(
            GuardedRequest(method: "POST", target: target, body: .json(mail)), policy: policy, confirmed: confirmed)
    }

    @Test("a mail is asked for, with recipients, subject, 500 characters and attachment names")
    func preview() throws {
        let verdict = try send(.standard)
        #expect(verdict.decision == .ask)
        #expect(verdict.guardClass == .send)
        let preview = try #require(verdict.previews.first)
        #expect(preview.recipients == ["to: ann@contoso.com", "bcc: eve@evil.example"])
        #expect(preview.subject == "Hello")
        #expect(preview.body?.count == 500)
        #expect(preview.isBodyCut)
        #expect(preview.attachments == ["plan.docx"])
    }

    @Test(
        "automatic replies are shown with their texts, and as an answer to whoever writes",
        arguments: [
            (["internalReplyMessage": "away", "externalReplyMessage": "away"], "away"),
            (["internalReplyMessage": "call Ann", "externalReplyMessage": "away"], "call Ann\naway"),
            (["externalReplyMessage": "away"], "away"), ([:], nil),
        ] as [(JSONObject, String?)])
    func automaticReplies(texts: JSONObject, shown: String?) throws {
        var replies = texts
        replies["status"] = "alwaysEnabled"
        let request = GuardedRequest(
            method: "PATCH", target: try RequestTarget(parsing: "/me/mailboxSettings", service: .graph),
            body: .json(["automaticRepliesSetting": .object(replies)]))
        let preview = try #require(engine.judge(request, policy: .standard).previews.first)
        #expect(preview.recipients == ["to: whoever writes to the mailbox"] && preview.notes.isEmpty)
        #expect(preview.body == shown)
    }

    @Test(
        "cmdlets that turn on automatic replies are shown like the request",
        arguments: [
            (
                "exo",
                "Set-MailboxAutoReplyConfiguration -Identity ann -AutoReplyState Enabled -InternalMessage away "
                    + "-ExternalMessage away"
            ),
            (
                "graph",
                "Update-MgUserMailboxSetting -UserId ann -BodyParameter @{ automaticRepliesSetting = "
                    + "@{ status = 'alwaysEnabled'; internalReplyMessage = 'away' } }"
            ),
        ])
    func automaticReplyCmdlets(module: String, script: String) throws {
        let verdict = engine.judge(script: script, in: ScriptContext(module: module), policy: .standard)
        let preview = try #require(verdict.previews.first)
        #expect(preview.recipients == ["to: whoever writes to the mailbox"] && preview.notes.isEmpty)
        #expect(preview.body == "away")
    }

    @Test(
        "automatic replies in a request don't hide the message that it sends, nor where it goes",
        arguments: [
            (
                "/me/sendMail",
                [
                    "message": [
                        "body": ["content": "plan"],
                        "toRecipients": [["emailAddress": ["address": "eve@evil.example"]]],
                    ]
                ], ["to: eve@evil.example"]
            ),
            ("/me/messages/x/reply", ["comment": "plan"], []),
            ("/chats/c/messages", ["body": ["content": "plan"]], []),
        ] as [(String, JSONObject, [String])])
    func hiddenMessage(path: String, message: JSONObject, recipients: [String]) throws {
        var body = message
        body["automaticRepliesSetting"] = ["internalReplyMessage": "away"]
        let request = GuardedRequest(
            method: "POST", target: try RequestTarget(parsing: path, service: .graph), body: .json(.object(body)))
        let preview = try #require(engine.judge(request, policy: .standard).previews.first)
        #expect(preview.body == "plan" && preview.recipients == recipients)
        #expect(preview.notes.isEmpty == !recipients.isEmpty)
    }

    @Test("confirmed changes nothing where a person can be asked, and lets a send go where the policy honours it")
    func confirmed() throws {
        #expect(try send(.standard, confirmed: true).decision == .ask)
        #expect(try send(GuardPolicy(.standard, honoursConfirmed: true), confirmed: true).decision == .allow)
        #expect(try send(GuardPolicy(.standard, honoursConfirmed: true), confirmed: false).decision == .ask)
        #expect(try send(GuardPolicy(.readonly, honoursConfirmed: true), confirmed: true).decision == .deny)
    }

    @Test("an allowance for sends is none for the send guard, which asks at least")
    func allowedClass() throws {
        #expect(try send(GuardPolicy(.standard, overrides: [.send: .allow])).decision == .ask)
        #expect(try send(GuardPolicy(.standard, overrides: [.send: .deny])).decision == .deny)
        #expect(try send(GuardPolicy(.standard, overrides: [.send: .allow], sendGuards: false)).decision == .allow)
    }

    @Test("confirmed changes nothing outside the send families")
    func confirmedElsewhere() throws {
        let target = try RequestTarget(parsing: "/users/x", service: .graph)
        let policy = GuardPolicy(.standard, honoursConfirmed: true)
        let request = GuardedRequest(method: "DELETE", target: target)
        #expect(engine.judge(request, policy: policy, confirmed: true).decision == .ask)
        let invitation = GuardedRequest(
            method: "POST", target: try RequestTarget(parsing: "/invitations", service: .graph), body: .json(mail))
        #expect(engine.judge(invitation, policy: policy, confirmed: true).decision == .ask)
    }

    @Test("a Graph cmdlet shows the message in its body, however its parts are spelt")
    func cmdletPreview() throws {
        let script =
            "Send-MgUserMail -UserId ann -BodyParameter @{ Message = @{ Subject = 'Lunch'; Body = @{ Content = 'at noon' }; "
            + "ToRecipients = @(@{ EmailAddress = @{ Address = 'eve@evil.example' } }) } }"
        let verdict = engine.judge(script: script, in: ScriptContext(module: "graph"), policy: .standard)
        let preview = try #require(verdict.previews.first)
        #expect(preview.recipients == ["to: eve@evil.example"])
        #expect(preview.subject == "Lunch" && preview.body == "at noon")
    }

    @Test("a connection or server without send guards sends without asking")
    func switchedOff() throws {
        #expect(try send(GuardPolicy(.standard, sendGuards: false)).decision == .allow)
        #expect(try send(GuardPolicy(.readonly, sendGuards: false)).decision == .deny)
    }

    @Test(
        "MM_SEND_GUARDS lets a send through only where the entry and the caller's protocol honour confirmed",
        arguments: [
            ("false", true, true, GuardDecision.allow), ("0", true, true, .ask), ("false", true, false, .ask),
            ("false", false, true, .ask), ("false", false, false, .ask),
        ])
    func switchedOffByVariable(value: String, entry: Bool, protocolHonours: Bool, decision: GuardDecision) throws {
        let connection = try Connection(
            name: "Contoso", entry: ["tenant": "contoso.com", "legacyConfirm": .bool(entry)])
        let policy = GuardPolicy(
            of: connection, environment: ["MM_SEND_GUARDS": value],
            allowances: protocolHonours ? GuardAllowances.confirmedParameter : GuardAllowances())
        #expect(try send(policy).decision == decision)
    }

    @Test(
        "what sends a message is covered in any spelling",
        arguments: [
            "/me/SendMail", "/me/messages/x/reply", "/me/messages/x/replyAll", "/me/messages/x/forward",
            "/me/messages/x/send", "/teams/t/channels/c/messages", "/chats/c/messages",
            "/teams('t')/channels('c')/messages('m')/replies", "/me/messages/x/microsoft.graph.send",
        ])
    func families(path: String) throws {
        let verdict = try send(.standard, path: path)
        #expect(verdict.decision == .ask)
        #expect(verdict.findings.first?.kind == .sendGuard)
    }

    @Test(
        "a draft is no send", arguments: ["/me/messages", "/me/messages/x/createReply", "/me/messages/x/createForward"])
    func drafts(path: String) throws {
        #expect(try send(.standard, path: path).decision == .allow)
    }
}
