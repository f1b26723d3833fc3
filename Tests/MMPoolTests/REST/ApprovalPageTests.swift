import Glibc
import HeadlessBrowser
import MMCore
import MMHTTP
import MMOperations
import Testing

@testable import MMPool

@Suite(
    "Approving on the page", .timeLimit(.minutes(10)),
    .enabled(if: Chromium.isInstalled, "chromium is not installed (apt-get install chromium)"),
    .enabled(if: PluggedSecurityKey.isSupported, "needs libfido2 (apt-get install libfido2-1)"))
struct ApprovalPageTests {
    @Test("a passkey is registered by a link, and approves, declines and allows; waiting calls continue by themselves")
    func answers() async throws {
        let stage = try await ApprovalStage()
        let code = try await stage.invitation("desk")
        let waiting = Task { try await stage.delete("first@contoso-sandbox.example", waiting: 280) }
        let isThere = try await Chromium.run {
            guard let browser = Chromium.start(at: stage.page) else { return false }
            _ = try browser.addAuthenticator()
            try browser.register(code)
            // Use the same link again.
            _ = try browser.value("location.hash = 'register=\(code)'")
            try browser.wait(until: "!document.getElementById('register').hidden")
            _ = try browser.value("document.getElementById('register-button').click()")
            try browser.wait(until: "/used/.test(document.getElementById('message').textContent)")
            try browser.wait(until: "!!document.querySelector('.held.open .part.whole')")
            let text = try browser.value("document.querySelector('.held').innerText").string ?? ""
            for part in ["Contoso", "destructive", "claude-code 2.1", "model-4", "contoso-sandbox.example"] {
                #expect(text.contains(part), "\(part): \(text)")
            }
            let whole = try browser.value("document.querySelector('.part.whole pre').textContent").string ?? ""
            #expect(whole.contains("  | DELETE ") && whole.contains("first@contoso-sandbox.example"), "\(whole)")
            #expect(try browser.value("document.title") == "(1) mm pool")
            _ = try browser.value("document.querySelector('.held .yes').click()")
            try browser.wait(
                until: "/^Approved by ann .passkey desk./.test(document.getElementById('message').textContent)")
            try browser.wait(until: "document.getElementById('held').hidden")
            return true
        }
        guard isThere else { return await stage.stop() }
        // The approved call was sent: only the sign-in is missing now.
        let first = try await waiting.value
        #expect(first.status == 401 && first.json["code"] == "sign_in_needed", "\(first)")
        #expect(try stage.audited("confirm").last?["outcome"] == "confirmed")
        let call = try #require(try stage.audited("graph_request").last)
        #expect(call["confirmedBy"] == "ledger" && call["approvedBy"] == ["ann (passkey desk)"], "\(call)")
        // The approval is used: the next call is asked about again.
        #expect(try await stage.delete("first@contoso-sandbox.example").status == 428)
        await stage.stop()
    }

    @Test("an allowance for a while needs no question until it is revoked on the page")
    func standing() async throws {
        let stage = try await ApprovalStage()
        let code = try await stage.invitation("desk")
        let waiting = Task { try await stage.delete("first@contoso-sandbox.example", waiting: 280) }
        let isThere = try await Chromium.run {
            guard let browser = Chromium.start(at: stage.page) else { return false }
            _ = try browser.addAuthenticator()
            try browser.register(code)
            try browser.wait(until: "!!document.querySelector('.held.open .part.whole')")
            _ = try browser.value("document.querySelector('.held select').value = '30'")
            _ = try browser.value("document.querySelector('.held .yes').click()")
            try browser.wait(until: "/^Approved by ann/.test(document.getElementById('message').textContent)")
            try browser.wait(until: "!document.getElementById('standing').hidden")
            let text = try browser.value("document.getElementById('standing-list').innerText").string ?? ""
            for part in ["destructive", "Contoso", "ann"] { #expect(text.contains(part), "\(part): \(text)") }
            return true
        }
        guard isThere else { return await stage.stop() }
        // If the guard lets a call through, the missing sign-in is reported.
        #expect(try await waiting.value.status == 401)
        #expect(try await stage.delete("second@contoso-sandbox.example").status == 401)
        // It doesn't count for another connection.
        #expect(try await stage.delete("second@contoso-sandbox.example", on: "Careful").status == 428)
        _ = try await Chromium.run {
            guard let browser = Chromium.start(at: stage.page) else { return false }
            try browser.wait(until: "!document.getElementById('standing').hidden")
            _ = try browser.value("document.querySelector('#standing-list button').click()")
            try browser.wait(until: "document.getElementById('standing').hidden")
            return true
        }
        #expect(try await stage.delete("third@contoso-sandbox.example").status == 428)
        await stage.stop()
    }

    @Test("the waiting call gets a refusal with its reason")
    func refusal() async throws {
        let stage = try await ApprovalStage()
        let code = try await stage.invitation("desk")
        let waiting = Task { try await stage.delete("second@contoso-sandbox.example", waiting: 280) }
        let isThere = try await Chromium.run {
            guard let browser = Chromium.start(at: stage.page) else { return false }
            _ = try browser.addAuthenticator()
            try browser.register(code)
            try browser.wait(until: "!!document.querySelector('.held.open .part.whole')")
            _ = try browser.value("document.querySelector('.why').value = 'wrong person'")
            _ = try browser.value("document.querySelector('.held .no').click()")
            try browser.wait(until: "/^Declined by ann/.test(document.getElementById('message').textContent)")
            return true
        }
        guard isThere else { return await stage.stop() }
        let second = try await waiting.value
        #expect(second.status == 403 && second.json["details"]?["reason"] == "wrong person", "\(second)")
        #expect(second.json["detail"]?.string?.contains("wrong person") == true)
        await stage.stop()
    }

    @Test("two people approve with two keys; a second approval by one person doesn't count")
    func two() async throws {
        let stage = try await ApprovalStage()
        let codes = [try await stage.invitation("desk"), try await stage.invitation("bag", owner: "bob")]
        let waiting = Task { try await stage.delete("third@contoso-sandbox.example", on: "Careful", waiting: 280) }
        let isThere = try await Chromium.run {
            guard let browser = Chromium.start(at: stage.page) else { return false }
            let first = try browser.addAuthenticator()
            try browser.register(codes[0])
            try browser.wait(until: "!!document.querySelector('.held.open .part.whole')")
            // If two people are needed, one can't allow calls for a while.
            #expect(try browser.value("document.querySelectorAll('.held option').length") == 1)
            _ = try browser.value("document.querySelector('.held .yes').click()")
            try browser.wait(until: "/1 of 2 approvals: ann/.test(document.querySelector('.people').textContent)")
            _ = try browser.value("document.getElementById('message').textContent = ''")
            _ = try browser.value("document.querySelector('.held .yes').click()")
            try browser.wait(until: "/already approved this/.test(document.getElementById('message').textContent)")
            try browser.call("WebAuthn.removeVirtualAuthenticator", ["authenticatorId": first])
            _ = try browser.addAuthenticator()
            try browser.register(codes[1])
            _ = try browser.value("document.querySelector('.held .yes').click()")
            try browser.wait(until: "/^Approved by bob/.test(document.getElementById('message').textContent)")
            return true
        }
        guard isThere else { return await stage.stop() }
        #expect(try await waiting.value.status == 401)
        #expect(
            try stage.audited("graph_request").last?["approvedBy"] == ["ann (passkey desk)", "bob (passkey bag)"])
        await stage.stop()
    }

    /// Requests an answer as the page does, changes it, and returns the status and the server's text.
    private static let forge = """
        async function forge(change) {
          const held = (await ask("GET", "/v1/approvals")).value.held;
          const item = held[0];
          const whole = (await ask("GET", "/v1/approvals/" + item.id)).value;
          const asked = (await ask("POST", `/v1/approvals/${item.id}/challenge`, { decision: "approve", shown: whole.shown })).value;
          const options = { challenge: bytes(asked.challenge), rpId: asked.rpId, userVerification: "required",
            allowCredentials: asked.keys.map((id) => ({ type: "public-key", id: bytes(id) })) };
          const sent = { path: item.id, challenge: asked.challenge, options, other: held[1].id, headers: {} };
          await change(sent, "before");
          const credential = await navigator.credentials.get({ publicKey: sent.options });
          Object.assign(sent, { id: base64(credential.rawId), clientData: base64(credential.response.clientDataJSON),
            authenticatorData: base64(credential.response.authenticatorData), signature: base64(credential.response.signature) });
          await change(sent, "after");
          const { path, options: _, other: __, headers, ...body } = sent;
          const done = await ask("POST", `/v1/approvals/${path}/decision`, body, headers);
          window.last = { path, body };
          return `${done.status} ${words(done)}`;
        }
        """

    @Test("forged, replayed, foreign and unverified answers approve nothing, and stand in the audit log")
    func forgeries() async throws {
        let stage = try await ApprovalStage()
        let code = try await stage.invitation("desk")
        for user in ["a", "b"] { #expect(try await stage.delete("\(user)@contoso-sandbox.example").status == 428) }
        // The change of the answer, and a word in the refusal.
        let changes = [
            (
                "(s, when) => { if (when === 'after') { const b = bytes(s.signature); b[b.length - 1] ^= 1; s.signature = base64(b); } }",
                "signature"
            ),
            ("(s, when) => { if (when === 'before') s.options.challenge = new Uint8Array(32); }", "challenge"),
            ("(s, when) => { if (when === 'before') s.options.userVerification = 'discouraged'; }", "verify"),
            ("(s, when) => { if (when === 'after') s.path = s.other; }", "another request"),
            ("(s, when) => { if (when === 'after') s.id = base64(new Uint8Array(16)); }", "not registered"),
            ("(s, when) => { if (when === 'after') s.challenge = base64(new Uint8Array(32)); }", "unknown"),
            (
                "(s, when) => { if (when === 'after') { const b = bytes(s.authenticatorData); b[36] += 9; s.authenticatorData = base64(b); } }",
                "signature"
            ),
            (
                """
                (s, when) => { if (when === 'after') s.clientData = base64(new TextEncoder().encode(
                  atob(s.clientData.replaceAll('-', '+').replaceAll('_', '/')).replace('localhost', 'evil.example'))); }
                """, "origin"
            ),
        ]
        let isThere = try await Chromium.run {
            guard let browser = Chromium.start(at: stage.page) else { return false }
            let key = try browser.addAuthenticator()
            try browser.register(code)
            _ = try browser.value(Self.forge + "; window.forge = forge;")
            for (change, word) in changes {
                try browser.call(
                    "WebAuthn.setUserVerified", ["authenticatorId": key, "isUserVerified": .bool(word != "verify")])
                let answer = try browser.outcome("forge(\(change))").string ?? ""
                #expect(answer.hasPrefix("403 ") && answer.contains(word), "\(word): \(answer)")
            }
            try browser.call("WebAuthn.setUserVerified", ["authenticatorId": key, "isUserVerified": true])
            let replay =
                "ask('POST', `/v1/approvals/${last.path}/decision`, last.body).then((a) => `${a.status} ${words(a)}`)"
            let again = try browser.outcome(replay).string ?? ""
            #expect(again.hasPrefix("403 "), "\(again)")
            #expect(try browser.outcome("ask('GET', '/v1/approvals').then((a) => a.value.held.length)") == 2)
            // A valid one counts, but its replay doesn't.
            #expect(try browser.outcome("forge(() => {})").string?.hasPrefix("200 ") == true)
            let late = try browser.outcome(replay).string ?? ""
            #expect(late.hasPrefix("403 ") && late.contains("used"), "\(late)")
            return true
        }
        guard isThere else { return await stage.stop() }
        let lines = try stage.audited("confirm")
        let refused = lines.filter { $0["outcome"] == "forbidden" }
        #expect(refused.count == changes.count + 2, "\(lines)")
        #expect(refused.allSatisfy { $0["why"]?.string?.isEmpty == false && $0["client"] == "page" })
        #expect(lines.filter { $0["outcome"] == "confirmed" }.count == 1)
        await stage.stop()
    }

    @Test("a removed passkey, a foreign page, the pool's secret and a token for mm confirm approve nothing")
    func outsiders() async throws {
        let stage = try await ApprovalStage()
        let code = try await stage.invitation("desk")
        let held = try await stage.delete("a@contoso-sandbox.example")
        let token = held.json["details"]?["token"]?.string ?? ""
        #expect(held.status == 428 && !token.isEmpty)
        let shown = try await stage.send("GET", "/v1/approvals")
        #expect(!JSONWriter.string(shown.json).contains(token))
        let id = shown.json["held"]?.array?.first?["id"]?.string ?? ""
        #expect(!JSONWriter.string(try await stage.send("GET", "/v1/approvals/\(id)").json).contains(token))
        for peer in [AdmittedPeer.bearer, .sameUser, .network] {
            let made = try await stage.send(
                "POST", "/v1/passkeys/invitation", ["name": "mine", "owner": "eve"], from: peer)
            #expect(made.status == 403)
            let approved = try await stage.send(
                "POST", "/v1/approvals/\(id)/decision", ["challenge": "AAAA", "id": "AAAA"],
                headers: ["Origin": "http://localhost:1", "Host": "localhost:1"], from: peer)
            #expect(approved.status == 400 || approved.status == 403)
        }
        #expect(try await stage.send("GET", "/v1/approvals", from: .network).status == 403)
        for origin in ["https://evil.example", "http://localhost:9", "null", "http://127.0.0.1:5200"] {
            let answer = try await stage.send(
                "POST", "/v1/approvals/\(id)/challenge", ["decision": "approve"],
                headers: ["Origin": origin, "Host": "localhost:5200"])
            #expect(answer.status == 403, "\(origin)")
        }
        let isThere = try await Chromium.run {
            guard let browser = Chromium.start(at: stage.page) else { return false }
            _ = try browser.addAuthenticator()
            try browser.register(code)
            return true
        }
        if isThere {
            try await SecurityKeyRing(paths: stage.home.services.paths).remove("desk")
            let origin = String(stage.page.dropLast())
            let answer = try await stage.send(
                "POST", "/v1/approvals/\(id)/challenge",
                [
                    "decision": "approve",
                    "shown": try await stage.send("GET", "/v1/approvals/\(id)").json["shown"] ?? "",
                ],
                headers: ["Origin": origin, "Host": String(origin.dropFirst(7))])
            #expect(answer.status == 403 && answer.json["detail"]?.string?.contains("No passkey") == true)
        }
        #expect(try await stage.delete("a@contoso-sandbox.example").status == 428)
        await stage.stop()
    }
}
