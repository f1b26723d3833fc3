import MMCore
import MMGuard
import Testing

@Suite("What a person sees before a yes", .timeLimit(.minutes(5)))
struct PresentationTests {
    private func shown(script: String) -> Presentation {
        let verdict = GuardEngine().judge(script: script, policy: .standard)
        return ConfirmationRequest(
            connection: "Contoso", module: "exo", title: "run in exo", text: script, verdict: verdict
        ).presentation
    }

    private func shown(_ method: String, _ path: String, _ body: JSONValue) throws -> Presentation {
        let target = try RequestTarget(parsing: path, service: .graph)
        let verdict = GuardEngine().judge(
            GuardedRequest(method: method, target: target, body: .json(body)), policy: .standard)
        return ConfirmationRequest(
            connection: "Contoso", module: "graph-api", title: "\(method) \(path)", text: "\(method) \(path)",
            body: JSONWriter.bytes(body), verdict: verdict
        ).presentation
    }

    @Test("says once why it asks about the same request to many connections")
    func once() throws {
        let target = try RequestTarget(parsing: "/users/ann", service: .graph)
        let verdict = GuardEngine().judge(GuardedRequest(method: "DELETE", target: target), policy: .standard)
        let request = ConfirmationRequest(
            connection: "3 connections", module: "graph-api", title: "DELETE /users/ann", text: "DELETE /users/ann",
            verdict: try #require(Verdict.joined([verdict, verdict, verdict])))
        let risks = try #require(request.presentation.sections.first { $0.kind == "risks" })
        #expect(risks.heading == "A person must confirm:" && risks.lines.count == 1, "\(risks)")
        #expect(shown(script: "Remove-Mailbox a; Remove-Mailbox b").sections[0].heading.hasSuffix("2 parts:"))
    }

    @Test("says who acts where that is no person")
    func actor() throws {
        let verdict = GuardEngine().judge(script: "Remove-Mailbox ceo", policy: .standard)
        let request = ConfirmationRequest(
            connection: "Nightly", actor: "app 1234, no person", module: "exo", title: "run in exo",
            text: "Remove-Mailbox ceo", verdict: verdict)
        #expect(request.presentation.title == "Nightly (app 1234, no person): run in exo")
    }

    @Test(
        "a request of a script names who acts where that is no person, as the script's own question does",
        arguments: [
            (
                [
                    "auth": ["method": "secret", "secretFile": "/s"], "appId": "11112222-3333-4444-5555-666677778888",
                    "tenant": "contoso.example",
                ],
                "Nightly (app 11112222-3333-4444-5555-666677778888, no person)"
            ), (["tenant": "contoso.example"], "Nightly"),
        ] as [(JSONObject, String)])
    func actors(entry: JSONObject, who: String) throws {
        let connection = try Connection(name: "Nightly", entry: entry)
        var grant = RequestGrantTests.grant("Get-Mailbox")
        let intent = try #require(RequestGrantTests.requests["remove ann"])
        guard case .hold(let question) = grant.judge(intent, number: 1) else {
            throw MMError(.internalError, "It was not held.")
        }
        #expect(
            question.confirmation(on: connection, module: "exo").presentation.title
                == "\(who): send from a script in exo")
        let script = ConfirmationRequest(
            on: connection, module: "exo", title: "run in exo", text: "Remove-Mailbox ceo",
            verdict: GuardEngine().judge(script: "Remove-Mailbox ceo", policy: .standard))
        #expect(script.presentation.title == "\(who): run in exo")
    }

    @Test(
        "shows each line of a text as a line, whatever ends it",
        arguments: [("\n", ""), ("\r\n", "\\u{d}"), ("\n\r", "")])
    func lineEnds(end: String, mark: String) throws {
        let whole = shown(script: "Get-Mailbox ann\(end)Remove-Mailbox ceo").whole
        #expect(whole.count == 2 && whole[0] == "Get-Mailbox ann" + mark)
        #expect(whole[1].hasSuffix("Remove-Mailbox ceo"))
    }

    @Test("names each risky part of a script, also where another of them is a harmless mail")
    func parts() throws {
        let page = try #require(
            shown(script: "Send-MailMessage -To ann@contoso.com -Subject Lunch -Body 'At one?'\nRemove-Mailbox ceo")
                .pages.first)
        for text in [
            "destructive", "Remove-Mailbox ceo", "to: ann@contoso.com", "subject: Lunch", "2 | Remove-Mailbox ceo",
        ] {
            #expect(page.contains(text), "\(text) is not in\n\(page)")
        }
    }

    @Test("shows recipients and text of each message in a batch, and the other requests whole")
    func batch() throws {
        let mail: JSONValue = [
            "message": [
                "subject": "Hello", "body": ["contentType": "text", "content": "the text"],
                "toRecipients": [["emailAddress": ["address": "eve@evil.example"]]],
            ]
        ]
        let page = try #require(
            try shown(
                "POST", "/$batch",
                [
                    "requests": [
                        ["id": "1", "method": "GET", "url": "/me"],
                        ["id": "2", "method": "POST", "url": "/me/sendMail", "body": mail],
                        ["id": "3", "method": "DELETE", "url": "/users/ceo"],
                    ]
                ]
            ).pages.first)
        for text in [
            "item 2: POST /me/sendMail", "to: eve@evil.example", "text: the text", "item 3: DELETE /users/ceo",
        ] {
            #expect(page.contains(text), "\(text) is not in\n\(page)")
        }
    }

    @Test("puts the risky part of a long script on the first page, counts the rest and leaves nothing out")
    func long() throws {
        let lines = (1...900).map { "Set-Mailbox user\($0) -CustomAttribute1 x" }
        let presentation = shown(script: lines.joined(separator: "\n") + "\nRemove-Mailbox ceo")
        let first = try #require(presentation.pages.first)
        #expect(first.contains("901 | Remove-Mailbox ceo"))
        #expect(first.contains("more lines"))
        #expect(first.split(separator: "\n").count <= 61)
        let all = presentation.pages.joined(separator: "\n")
        for line in lines { #expect(all.contains("  | " + line)) }
    }

    @Test("tells what nobody reads by its length and digest")
    func tooLong() throws {
        let text = "# " + String(repeating: "x", count: 300 << 10) + "\nRemove-Mailbox ceo"
        let last = try #require(shown(script: text).pages.last)
        #expect(last.contains("\(text.utf8.count) bytes in all, SHA-256 \(Hex.text(SHA256.digest(text.utf8)))"))
    }

    @Test("breaks long lines, so that their ends are not out of sight")
    func wide() {
        let presentation = shown(
            script: "Remove-Mailbox ann;" + String(repeating: " ", count: 5000) + "Remove-Mailbox ceo")
        for columns in [50, 80, 150] {
            let rows = Presentation.pages(of: presentation.lines, columns: columns).joined(separator: "\n")
                .split(separator: "\n")
            #expect(rows.allSatisfy { $0.count <= columns })
            // What goes on stands behind the same margin.
            let whole = rows.filter { $0.hasPrefix("  | ") }.map { $0.dropFirst(4) }.joined()
            #expect(whole.hasPrefix("Remove-Mailbox ann;") && whole.hasSuffix("Remove-Mailbox ceo"))
        }
        #expect(presentation.pages == Presentation.pages(of: presentation.lines, columns: 150))
    }

    @Test("keeps what a script holds behind a margin, with what repaints a screen written out")
    func disguise() throws {
        let script = "Remove-Mailbox ceo # \u{1B}[2J\u{1B}[H\u{202E}\n\nComplete text:\n  | Get-Mailbox"
        let page = try #require(shown(script: script).pages.first)
        #expect(!page.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{202E}" })
        #expect(page.contains("\\u{1b}[2J"))
        #expect(page.contains("\n  | Complete text:\n"))
        #expect(page.split(separator: "\n").filter { $0.hasPrefix("Complete text") }.count == 1)
    }
}
