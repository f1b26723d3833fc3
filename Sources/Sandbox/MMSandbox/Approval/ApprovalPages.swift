internal import CSandboxPages
internal import MMCore
internal import MMHTTP

/// The pages on which a person approves a sign-in: plain forms without scripts or external resources.
struct ApprovalPages {
    let store: DirectoryStore
    let forms: FormTokens

    /// Returns the page that asks for a code.
    func codeForm(_ request: HTTPServerRequest, code: String, problem: String?, status: Int = 200) -> HTTPServerResponse
    {
        let (token, cookie) = forms.token(request)
        let content = PageTemplate.code.filled(
            texts: ["csrf": token, "code": String(code.prefix(16))], markup: ["problem": Self.alarm(problem)])
        var answer = page(title: "Enter code", content: content, status: status)
        answer.headers.set("Set-Cookie", cookie)
        return answer
    }

    /// Returns the page that names app, tenant and permissions and lists the accounts.
    func approval(_ form: ApprovalForm, _ request: HTTPServerRequest) -> HTTPServerResponse {
        let (token, cookie) = forms.token(request)
        let scopes = form.scope.split(separator: " ").map { "<li>\(HTMLText.escaped(String($0)))</li>" }
        let hidden = form.hidden.map {
            "<input type=\"hidden\" name=\"\(HTMLText.escaped($0.name))\" value=\"\(HTMLText.escaped($0.value))\">"
        }
        let content = PageTemplate.approval.filled(
            texts: [
                "app": form.app.name, "client": form.app.id, "tenant": TenantIdentity.name,
                "domain": TenantIdentity.domain,
                "whatname": form.whatName, "what": form.what, "action": form.action, "csrf": token,
            ],
            markup: [
                "problem": Self.alarm(form.problem), "scopes": scopes.joined(separator: "\n"),
                "hidden": hidden.joined(separator: "\n"), "accounts": accountChoices(preferred: form.loginHint),
            ])
        var answer = page(
            title: "Approve sign-in", content: content, status: form.problem == nil ? 200 : 400,
            formTarget: form.redirect)
        answer.headers.set("Set-Cookie", cookie)
        return answer
    }

    private func accountChoices(preferred: String?) -> String {
        var choices = NamedAccount.all.indices.map { Record.user(store.users.row($0)) }.compactMap { store.user($0.id) }
        if let preferred, let record = store.user(preferred), !choices.contains(where: { $0.id == record.id }) {
            choices.insert(record, at: 0)
        }
        let chosen = preferred.flatMap { store.user($0)?.id } ?? choices.first?.id
        return choices.enumerated().map { position, record in
            let name = HTMLText.escaped(record["displayName"]?.string ?? "")
            let upn = HTMLText.escaped(record["userPrincipalName"]?.string ?? "")
            let state = record.id == chosen ? " checked autofocus" : ""
            return
                "<label><input type=\"radio\" name=\"account\" value=\"\(HTMLText.escaped(record.id))\"\(state)> \(name) <small>\(upn)</small></label>"
        }.joined(separator: "\n")
    }

    /// Returns the account that a form names: the typed one, otherwise the selected one.
    func chosenAccount(_ fields: PostedForm) -> Record? {
        if let other = fields["other"], !other.allSatisfy({ $0 == " " }) {
            return store.user(other.filter { $0 != " " })
        }
        return fields["account"].flatMap { store.user($0) }
    }

    /// Returns a page in the common frame, with headers that allow no external resources.
    func page(title: String, content: String, status: Int = 200, formTarget: String? = nil, script: String? = nil)
        -> HTTPServerResponse
    {
        let nonce = RandomBytes.text(bytes: 12)
        var markup = content
        if let script { markup += "\n<script nonce=\"\(nonce)\">\(script)</script>" }
        let page = PageTemplate.frame.filled(texts: ["title": title, "nonce": nonce], markup: ["content": markup])
        let targets = formTarget.flatMap(Self.origin).map { " \($0)" } ?? ""
        let scripts = script == nil ? "" : "; script-src 'nonce-\(nonce)'"
        return HTTPServerResponse(
            status: status,
            headers: [
                "Content-Type": "text/html; charset=utf-8",
                "Content-Security-Policy":
                    "default-src 'none'; style-src 'nonce-\(nonce)'; form-action 'self'\(targets); frame-ancestors 'none'; base-uri 'none'\(scripts)",
                "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
                "Cache-Control": "no-store",
            ], body: .bytes(Array(page.utf8)))
    }

    /// Returns a page that posts fields to the app; a script submits the form so that no click is needed.
    func post(_ address: String, _ fields: [(String, String)]) -> HTTPServerResponse {
        let inputs = fields.map {
            "<input type=\"hidden\" name=\"\(HTMLText.escaped($0.0))\" value=\"\(HTMLText.escaped($0.1))\">"
        }
        let content = """
            <h1>Back to the app</h1>
            <form method="post" action="\(HTMLText.escaped(address))">
            \(inputs.joined(separator: "\n"))
            <div class="row"><button type="submit" autofocus>Continue</button></div>
            </form>
            """
        return page(title: "Continue", content: content, formTarget: address, script: "document.forms[0].submit()")
    }

    static func message(_ headline: String, note: String) -> String {
        "<h1>\(HTMLText.escaped(headline))</h1>\n<p role=\"status\">\(HTMLText.escaped(note))</p>"
    }

    private static func alarm(_ problem: String?) -> String {
        problem.map { "<p class=\"alarm\" role=\"alert\">\(HTMLText.escaped($0))</p>" } ?? ""
    }

    private static func origin(_ address: String) -> String? {
        let parts = address.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return nil }
        let host = parts[2].prefix { $0 != "/" && $0 != "?" && $0 != ";" && $0 != " " && $0 != "," }
        return "\(parts[0])//\(host)"
    }
}

/// A page with placeholders: `{{name}}`.
struct PageTemplate: Sendable {
    private let text: String

    private init(_ page: sandbox_page) {
        text = String(decoding: UnsafeBufferPointer(start: page.bytes, count: page.count), as: UTF8.self)
    }

    static let frame = PageTemplate(sandbox_page_frame())
    static let code = PageTemplate(sandbox_page_code())
    static let approval = PageTemplate(sandbox_page_approval())

    /// Returns the page with its placeholders filled. Texts are escaped, markup is inserted as it is; a placeholder
    /// without a value stays empty.
    func filled(texts: [String: String], markup: [String: String] = [:]) -> String {
        var result = ""
        var rest = text[...]
        while let open = rest.firstRange(of: "{{") {
            result += rest[..<open.lowerBound]
            rest = rest[open.upperBound...]
            guard let close = rest.firstRange(of: "}}") else { break }
            let name = String(rest[..<close.lowerBound])
            result += markup[name] ?? HTMLText.escaped(texts[name] ?? "")
            rest = rest[close.upperBound...]
        }
        return result + rest
    }
}

/// The contents of the form that asks a person for approval.
struct ApprovalForm: Sendable {
    let app: RegisteredApp
    let scope: String
    /// The label of the third fact shown: the code, or the address that the browser returns to.
    let whatName: String
    let what: String
    let action: String
    let hidden: [(name: String, value: String)]
    let loginHint: String?
    /// The address of the answer, if it is outside of the sandbox.
    let redirect: String?
    let problem: String?
}

/// The page on which a person enters a device code and approves the sign-in behind it.
struct DeviceApproval {
    let context: TenantContext
    let apps: TenantApps
    let devices: DeviceCodes
    let issuer: TokenIssuer
    let pages: ApprovalPages

    /// Returns the routes: the page at its own address, and at the one that the real service shows.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.approval }
        routes.on("GET", path: "/", Self.home)
        for path in ["/devicelogin", "/microsoft.com/{page}"] {
            routes.on("GET", path: path, Self.form)
            routes.on("POST", path: path, Self.step)
        }
        return routes.router
    }

    private func home(_ request: ServiceRequest) -> HTTPServerResponse {
        HTTPServerResponse(status: 302, headers: ["Location": "/devicelogin"])
    }

    private func form(_ request: ServiceRequest) -> HTTPServerResponse {
        let fields = request.http.queryFields
        return pages.codeForm(request.http, code: fields["user_code"] ?? fields["otc"] ?? "", problem: nil)
    }

    private func step(_ routed: ServiceRequest) -> HTTPServerResponse {
        let request = routed.http
        let fields = request.form
        let code = fields["user_code"] ?? ""
        guard pages.forms.isRight(fields["csrf"], request) else {
            return pages.codeForm(
                request, code: code, problem: "This form is no longer valid. Please enter the code again.", status: 403)
        }
        guard let (deviceCode, pending) = devices.find(userCode: code) else {
            return pages.codeForm(
                request, code: code, problem: "That code didn't work. Check the code and try again.", status: 400)
        }
        guard context.now < pending.expires else {
            return pages.codeForm(
                request, code: "", problem: "That code has expired. Ask the app for a new one.", status: 400)
        }
        guard pending.decision == .open else {
            return pages.codeForm(
                request, code: "", problem: "That code was used already. Ask the app for a new one.", status: 400)
        }
        guard let app = apps.find(pending.appID) else {
            return pages.codeForm(request, code: "", problem: "The app is gone.")
        }
        switch fields["decision"] {
        case "approve":
            guard let user = pages.chosenAccount(fields) else {
                return deviceForm(pending, app: app, request, problem: "Choose an account of this tenant.")
            }
            do throws(TokenFault) { try issuer.checkAccount(user.id) } catch {
                return deviceForm(pending, app: app, request, problem: "AADSTS\(error.number): \(error.message)")
            }
            devices.decide(deviceCode, .approved(userID: user.id))
            return pages.page(
                title: "Signed in",
                content: ApprovalPages.message(
                    "You have signed in to \(app.name)",
                    note:
                        "Signed in as \(user["userPrincipalName"]?.string ?? ""). You may now close this window and go back to the app."
                ))
        case "decline":
            devices.decide(deviceCode, .declined)
            return pages.page(
                title: "Declined",
                content: ApprovalPages.message(
                    "You declined", note: "\(app.name) was told that you said no. You may close this window."))
        default: return deviceForm(pending, app: app, request, problem: nil)
        }
    }

    private func deviceForm(
        _ pending: OpenSignIn, app: RegisteredApp, _ request: HTTPServerRequest, problem: String?
    )
        -> HTTPServerResponse
    {
        pages.approval(
            ApprovalForm(
                app: app, scope: pending.scope, whatName: "Code", what: pending.userCode, action: "/devicelogin",
                hidden: [("user_code", pending.userCode)], loginHint: nil, redirect: nil, problem: problem),
            request)
    }
}
