import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("The approval page", .timeLimit(.minutes(5)))
struct ApprovalPageTests {
    /// A browser without a screen: keeps the cookie and the token of the form.
    private struct Browser {
        var cookie = ""
        var token = ""
        var page = ""

        mutating func take(_ answer: HTTPServerResponse) {
            page = answer.text
            if let set = answer.headers["Set-Cookie"] { cookie = String(set.prefix { $0 != ";" }) }
            let parts = page.split(separator: "name=\"csrf\" value=\"")
            if parts.count > 1 { token = String(parts[1].prefix { $0 != "\"" }) }
        }

        mutating func open(_ bench: Bench, _ target: String) async -> HTTPServerResponse {
            let answer = await bench.send("GET", target, headers: cookie.isEmpty ? [:] : ["Cookie": cookie])
            take(answer)
            return answer
        }

        mutating func send(_ bench: Bench, _ fields: [(String, String)], to path: String = "/devicelogin") async
            -> HTTPServerResponse
        {
            let answer = await bench.post(
                path, fields + [("csrf", token)], headers: ["Cookie": cookie, "Origin": Bench.base])
            take(answer)
            return answer
        }
    }

    @Test("a person enters the code, sees who asks for what, and approves")
    func approve() async {
        let bench = Bench()
        let start = await bench.startDeviceCode(scope: "User.Read Mail.Read openid offline_access").json
        let code = start["user_code"]?.string ?? ""
        var browser = Browser()
        #expect(await browser.open(bench, "/devicelogin").status == 200)
        // People type small letters and dashes.
        let second = await browser.send(bench, [("user_code", "\(code.prefix(4).lowercased())-\(code.dropFirst(4))")])
        #expect(second.status == 200)
        for word in [
            "Microsoft Master (sandbox)", TenantIdentity.name, "User.Read", "Mail.Read", TenantIdentity.administrator,
            code,
        ] {
            #expect(browser.page.contains(word))
        }
        let admin = await bench.inside { $0.store.user(TenantIdentity.administrator)?.id } ?? ""
        let done = await browser.send(bench, [("user_code", code), ("account", admin), ("decision", "approve")])
        #expect(done.status == 200)
        #expect(browser.page.contains("You have signed in"))
        let tokens = await bench.poll(start["device_code"]?.string ?? "")
        #expect(claims(of: tokens.json["id_token"])["preferred_username"]?.string == TenantIdentity.administrator)
    }

    @Test("another account can be typed, an unknown one is asked for again")
    func otherAccount() async {
        let bench = Bench()
        let start = await bench.startDeviceCode().json
        let code = start["user_code"]?.string ?? ""
        let other = await bench.inside { $0.store.users.row(123).userPrincipalName }
        var browser = Browser()
        _ = await browser.open(bench, "/devicelogin?user_code=\(code)")
        #expect(browser.page.contains("value=\"\(code)\""))
        let unknown = await browser.send(
            bench, [("user_code", code), ("other", "nobody@nowhere.example"), ("decision", "approve")])
        #expect(unknown.status == 400)
        #expect(browser.page.contains("role=\"alert\""))
        let done = await browser.send(bench, [("user_code", code), ("other", " \(other) "), ("decision", "approve")])
        #expect(done.status == 200)
        #expect(
            claims(of: await bench.poll(start["device_code"]?.string ?? "").json["access_token"])["upn"]?.string
                == other)
    }

    @Test("declining tells the app")
    func decline() async {
        let bench = Bench()
        let start = await bench.startDeviceCode().json
        var browser = Browser()
        _ = await browser.open(bench, "/devicelogin?otc=\(start["user_code"]?.string ?? "")")
        #expect(
            await browser.send(bench, [("user_code", start["user_code"]?.string ?? ""), ("decision", "decline")]).status
                == 200)
        #expect(await bench.poll(start["device_code"]?.string ?? "").errorCode == "authorization_declined")
    }

    @Test("an account that may not sign in is told why, on the page")
    func refusedAccount() async {
        let bench = Bench()
        let code = await bench.startDeviceCode().json["user_code"]?.string ?? ""
        var browser = Browser()
        _ = await browser.open(bench, "/devicelogin")
        let answer = await browser.send(
            bench, [("user_code", code), ("other", "dora.disabled@contoso-sandbox.example"), ("decision", "approve")])
        #expect(answer.status == 400)
        #expect(browser.page.contains("AADSTS50057"))
    }

    @Test("wrong, used and expired codes are told apart")
    func badCodes() async {
        let bench = Bench()
        var browser = Browser()
        _ = await browser.open(bench, "/devicelogin")
        _ = await browser.send(bench, [("user_code", "WRONGCODE")])
        #expect(browser.page.contains("didn&#39;t work"))
        let start = await bench.startDeviceCode().json
        _ = await bench.control("POST", "approve", ["userCode": start["user_code"] ?? .null])
        _ = await browser.send(bench, [("user_code", start["user_code"]?.string ?? "")])
        #expect(browser.page.contains("used already"))
        let old = await bench.startDeviceCode().json
        bench.clock.advance(by: 1000)
        _ = await browser.send(bench, [("user_code", old["user_code"]?.string ?? "")])
        #expect(browser.page.contains("expired"))
    }

    @Test("a form from elsewhere, or without its token, changes nothing")
    func forgery() async {
        let bench = Bench()
        let start = await bench.startDeviceCode().json
        let code = start["user_code"]?.string ?? ""
        let admin = await bench.inside { $0.store.user(TenantIdentity.administrator)?.id } ?? ""
        let fields = [("user_code", code), ("account", admin), ("decision", "approve")]
        var browser = Browser()
        _ = await browser.open(bench, "/devicelogin")
        #expect(await bench.post("/devicelogin", fields).status == 403)
        #expect(
            await bench.post("/devicelogin", fields + [("csrf", browser.token)]).status == 403, "without the cookie")
        #expect(
            await bench.post("/devicelogin", fields + [("csrf", "guess")], headers: ["Cookie": browser.cookie]).status
                == 403)
        for headers in [["Origin": "https://attacker.example"], ["Origin": "null"], ["Sec-Fetch-Site": "cross-site"]] {
            var all = headers
            all["Cookie"] = browser.cookie
            #expect(await bench.post("/devicelogin", fields + [("csrf", browser.token)], headers: all).status == 403)
        }
        #expect(await bench.poll(start["device_code"]?.string ?? "").errorCode == "authorization_pending")
        #expect(await browser.send(bench, fields).status == 200)
    }

    @Test("the page allows nothing but itself and loads nothing from elsewhere")
    func policy() async {
        let bench = Bench()
        let answer = await bench.send("GET", "/devicelogin")
        let policy = answer.headers["Content-Security-Policy"] ?? ""
        #expect(policy.contains("default-src 'none'"))
        #expect(policy.contains("form-action 'self'"))
        #expect(policy.contains("frame-ancestors 'none'"))
        let nonce = policy.split(separator: "'nonce-").last?.prefix { $0 != "'" } ?? "-"
        #expect(answer.text.contains("<style nonce=\"\(nonce)\">"))
        #expect(!answer.text.contains("<script"))
        #expect(!answer.text.contains("src="))
        #expect(!answer.text.contains("http"))
        #expect(!answer.text.contains("{{"))
        #expect(answer.headers["Set-Cookie"]?.contains("HttpOnly; SameSite=Strict") == true)
    }

    @Test("what others choose is shown as text, never as markup")
    func escaping() async {
        let bench = Bench()
        var browser = Browser()
        _ = await browser.open(bench, "/devicelogin?user_code=%22%3E%3Cscript%3E")
        #expect(!browser.page.contains("<script"))
        let start = await bench.startDeviceCode().json
        await bench.inside { services in
            services.store.change(.users) { table, sequence in
                guard var row = table.find(TenantIdentity.administrator)?.members(of: .user) else { return }
                row["displayName"] = "<b onclick=\"x\">Admin</b>"
                table.replace(TenantIdentity.administrator, with: row, sequence: sequence)
            }
        }
        _ = await browser.send(bench, [("user_code", start["user_code"]?.string ?? "")])
        #expect(!browser.page.contains("<b onclick"))
        #expect(browser.page.contains("&lt;b onclick=&quot;x&quot;&gt;"))
    }

    private static let verifier = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

    private static func authorize(_ change: [String: String] = [:]) -> String {
        var fields = [
            "client_id": TenantIdentity.demoApp, "response_type": "code", "redirect_uri": "http://localhost:5555/",
            "scope": Bench.everything,
            "state": "s t", "nonce": "n1", "code_challenge_method": "S256",
            "code_challenge": Base64.text(SHA256.digest(verifier.utf8), alphabet: .url),
        ]
        for (name, value) in change { fields[name] = value }
        return fields.filter { !$0.value.isEmpty }.map { "\($0.key)=\(Bench.escaped($0.value))" }.joined(separator: "&")
    }

    private func fields(_ query: String) -> [(String, String)] {
        PostedForm(parsing: query).pairs.map { ($0.name, $0.value) }
    }

    @Test("the browser flow gives a code that its verifier alone redeems, once")
    func browserFlow() async {
        let bench = Bench()
        var browser = Browser()
        let query = Self.authorize()
        #expect(await browser.open(bench, "\(Bench.authority)/authorize?\(query)").status == 200)
        #expect(browser.page.contains("http://localhost:5555/"))
        let answer = await browser.send(
            bench, fields(query) + [("other", TenantIdentity.administrator), ("decision", "approve")],
            to: "\(Bench.authority)/authorize")
        #expect(answer.status == 302)
        let location = answer.headers["Location"] ?? ""
        #expect(location.hasPrefix("http://localhost:5555/?code="))
        #expect(location.hasSuffix("&state=s%20t"))
        let code = PostedForm(parsing: String(location.split(separator: "?")[1]))["code"] ?? ""
        func redeem(_ verifier: String, _ redirect: String = "http://localhost:5555/") async -> HTTPServerResponse {
            await bench.post(
                "\(Bench.authority)/token",
                [
                    ("grant_type", "authorization_code"), ("client_id", TenantIdentity.demoApp), ("code", code),
                    ("redirect_uri", redirect),
                    ("code_verifier", verifier),
                ])
        }
        #expect(await redeem(String(Self.verifier.reversed())).number == 501_481)
        #expect(await redeem(Self.verifier, "http://localhost:5556/").number == 50_011)
        let tokens = await redeem(Self.verifier)
        #expect(tokens.status == 200)
        #expect(claims(of: tokens.json["id_token"])["nonce"] == "n1")
        #expect(await redeem(Self.verifier).number == 54_005)
    }

    @Test("declining and form_post go back to the app")
    func formPost() async {
        let bench = Bench()
        var browser = Browser()
        let query = Self.authorize(["response_mode": "form_post"])
        _ = await browser.open(bench, "\(Bench.authority)/authorize?\(query)")
        let answer = await browser.send(
            bench, fields(query) + [("decision", "decline")], to: "\(Bench.authority)/authorize")
        #expect(answer.status == 200)
        #expect(browser.page.contains("name=\"error\" value=\"access_denied\""))
        #expect(browser.page.contains("action=\"http://localhost:5555/\""))
        #expect(
            answer.headers["Content-Security-Policy"]?.contains("form-action 'self' http://localhost:5555;") == true)
    }

    @Test(
        "authorization requests that can't be are not answered with a redirect",
        arguments: [
            ["redirect_uri": "https://attacker.example/"], ["redirect_uri": "http://localhost.attacker.example/"],
            ["redirect_uri": "http://localhost@evil/"],
            ["redirect_uri": ""], ["client_id": "x"], ["response_type": "token"], ["scope": ""], ["code_challenge": ""],
            ["response_mode": "telepathy"],
        ])
    func badAuthorization(change: [String: String]) async {
        let bench = Bench()
        let answer = await bench.send("GET", "\(Bench.authority)/authorize?\(Self.authorize(change))")
        #expect(answer.status == 400)
        #expect(answer.headers["Location"] == nil)
        #expect(answer.text.contains("AADSTS"))
    }
}
