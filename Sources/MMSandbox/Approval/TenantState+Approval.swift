internal import MMCore
internal import MMHTTP

/// The page on which a person approves a sign-in: plain forms, no script, nothing from elsewhere.
extension TenantState {
    mutating func approvalPage(_ request: SandboxRequest) -> SandboxResponse {
        switch request.method {
        case "GET", "HEAD":
            let fields = request.queryFields
            return codeForm(request, code: fields["user_code"] ?? fields["otc"] ?? "", problem: nil)
        case "POST": return approvalStep(request)
        default:
            return SandboxResponse(status: 405, headers: ["Allow": "GET, HEAD, POST"])
        }
    }

    private mutating func approvalStep(_ request: SandboxRequest) -> SandboxResponse {
        let fields = request.form
        let code = fields["user_code"] ?? ""
        guard formTokenIsRight(fields["csrf"], request) else {
            return codeForm(
                request, code: code, problem: "This form is no longer valid. Please enter the code again.", status: 403)
        }
        guard let (deviceCode, pending) = pendingSignIn(userCode: code) else {
            return codeForm(
                request, code: code, problem: "That code didn't work. Check the code and try again.", status: 400)
        }
        guard now < pending.expires else {
            return codeForm(
                request, code: "", problem: "That code has expired. Ask the app for a new one.", status: 400)
        }
        guard pending.decision == .open else {
            return codeForm(
                request, code: "", problem: "That code was used already. Ask the app for a new one.", status: 400)
        }
        guard let app = RegisteredApp.find(pending.appID) else {
            return codeForm(request, code: "", problem: "The app is gone.")
        }
        switch fields["decision"] {
        case "approve":
            guard let user = chosenAccount(fields) else {
                return deviceForm(pending, app: app, request, problem: "Choose an account of this tenant.")
            }
            do throws(TokenFault) { try checkAccount(user.id) } catch {
                return deviceForm(pending, app: app, request, problem: "AADSTS\(error.number): \(error.message)")
            }
            ledger.pending[deviceCode]?.decision = .approved(userID: user.id)
            return pageAnswer(
                title: "Signed in",
                content: Self.message(
                    "You have signed in to \(app.name)",
                    note:
                        "Signed in as \(user["userPrincipalName"]?.string ?? ""). You may now close this window and go back to the app."
                ))
        case "decline":
            ledger.pending[deviceCode]?.decision = .declined
            return pageAnswer(
                title: "Declined",
                content: Self.message(
                    "You declined", note: "\(app.name) was told that you said no. You may close this window."))
        default: return deviceForm(pending, app: app, request, problem: nil)
        }
    }

    private func codeForm(_ request: SandboxRequest, code: String, problem: String?, status: Int = 200)
        -> SandboxResponse
    {
        let (token, cookie) = formToken(request)
        let content = PageTemplate.code.filled(
            texts: ["csrf": token, "code": String(code.prefix(16))], markup: ["problem": Self.alarm(problem)])
        var answer = pageAnswer(title: "Enter code", content: content, status: status)
        answer.headers.set("Set-Cookie", cookie)
        return answer
    }

    private func deviceForm(_ pending: PendingSignIn, app: RegisteredApp, _ request: SandboxRequest, problem: String?)
        -> SandboxResponse
    {
        approvalAnswer(
            ApprovalForm(
                app: app, scope: pending.scope, whatName: "Code", what: pending.userCode, action: "/devicelogin",
                hidden: [("user_code", pending.userCode)], loginHint: nil, redirect: nil, problem: problem),
            request)
    }

    /// The page that names app, tenant and permissions and lists the accounts.
    func approvalAnswer(_ form: ApprovalForm, _ request: SandboxRequest) -> SandboxResponse {
        let (token, cookie) = formToken(request)
        let scopes = form.scope.split(separator: " ").map { "<li>\(PageTemplate.escaped(String($0)))</li>" }
        let hidden = form.hidden.map {
            "<input type=\"hidden\" name=\"\(PageTemplate.escaped($0.name))\" value=\"\(PageTemplate.escaped($0.value))\">"
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
        var answer = pageAnswer(
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
            let name = PageTemplate.escaped(record["displayName"]?.string ?? "")
            let upn = PageTemplate.escaped(record["userPrincipalName"]?.string ?? "")
            let state = record.id == chosen ? " checked autofocus" : ""
            return
                "<label><input type=\"radio\" name=\"account\" value=\"\(PageTemplate.escaped(record.id))\"\(state)> \(name) <small>\(upn)</small></label>"
        }.joined(separator: "\n")
    }

    /// The account that a form names: the typed one, else the marked one.
    func chosenAccount(_ fields: FormFields) -> Record? {
        if let other = fields["other"], !other.allSatisfy({ $0 == " " }) {
            return store.user(other.filter { $0 != " " })
        }
        return fields["account"].flatMap { store.user($0) }
    }

    /// A page in the common frame, with headers that allow nothing but itself.
    func pageAnswer(title: String, content: String, status: Int = 200, formTarget: String? = nil, script: String? = nil)
        -> SandboxResponse
    {
        let nonce = RandomBytes.text(bytes: 12)
        var markup = content
        if let script { markup += "\n<script nonce=\"\(nonce)\">\(script)</script>" }
        let page = PageTemplate.frame.filled(texts: ["title": title, "nonce": nonce], markup: ["content": markup])
        let targets = formTarget.flatMap(Self.origin).map { " \($0)" } ?? ""
        let scripts = script == nil ? "" : "; script-src 'nonce-\(nonce)'"
        return SandboxResponse(
            status: status,
            headers: [
                "Content-Type": "text/html; charset=utf-8",
                "Content-Security-Policy":
                    "default-src 'none'; style-src 'nonce-\(nonce)'; form-action 'self'\(targets); frame-ancestors 'none'; base-uri 'none'\(scripts)",
                "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
                "Cache-Control": "no-store",
            ], body: Array(page.utf8))
    }

    /// A page that posts fields to the app; the script only saves the click.
    func formPost(_ address: String, _ fields: [(String, String)]) -> SandboxResponse {
        let inputs = fields.map {
            "<input type=\"hidden\" name=\"\(PageTemplate.escaped($0.0))\" value=\"\(PageTemplate.escaped($0.1))\">"
        }
        let content = """
            <h1>Back to the app</h1>
            <form method="post" action="\(PageTemplate.escaped(address))">
            \(inputs.joined(separator: "\n"))
            <div class="row"><button type="submit" autofocus>Continue</button></div>
            </form>
            """
        return pageAnswer(
            title: "Continue", content: content, formTarget: address, script: "document.forms[0].submit()")
    }

    static func message(_ headline: String, note: String) -> String {
        "<h1>\(PageTemplate.escaped(headline))</h1>\n<p role=\"status\">\(PageTemplate.escaped(note))</p>"
    }

    private static func alarm(_ problem: String?) -> String {
        problem.map { "<p class=\"alarm\" role=\"alert\">\(PageTemplate.escaped($0))</p>" } ?? ""
    }

    private static func origin(_ address: String) -> String? {
        let parts = address.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return nil }
        let host = parts[2].prefix { $0 != "/" && $0 != "?" && $0 != ";" && $0 != " " && $0 != "," }
        return "\(parts[0])//\(host)"
    }
}
