internal import MMCore
internal import MMHTTP

/// The page on which a person enters a device code and approves the sign-in behind it.
struct DeviceApproval {
    let context: TenantContext
    let apps: TenantApps
    let devices: DeviceCodes
    let issuer: TokenIssuer
    let pages: ApprovalPages

    /// What it answers: the page by its own address, and by the one that the real service shows.
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
