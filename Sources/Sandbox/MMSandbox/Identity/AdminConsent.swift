internal import MMCore
internal import MMHTTP

/// The page on which an administrator consents for the whole tenant: to what a link names, or to all that an app asks for.
struct AdminConsent {
    let context: TenantContext
    let store: DirectoryStore
    let apps: TenantApps
    let pages: ApprovalPages

    /// What a link asks for, once it is known to be in order.
    private struct Wish {
        let app: RegisteredApp
        /// By the app of the service.
        let permissions: [(service: String, names: [String])]
    }

    func answer(_ request: HTTPServerRequest, tenant: String) -> HTTPServerResponse {
        let fields = request.method == "POST" ? request.form : request.queryFields
        do throws(TokenFault) {
            guard context.organization.isNamed(by: tenant) else {
                throw TokenFault("invalid_request", 90_002, "Tenant '\(tenant)' not found.")
            }
            let wish = try wish(fields)
            guard request.method == "POST" else { return form(wish, fields, request, problem: nil) }
            return try decide(wish, fields, request)
        } catch {
            return pages.page(
                title: "Consent failed",
                content: ApprovalPages.message(
                    "Sorry, but we're having trouble with this consent.",
                    note: "AADSTS\(error.number): \(error.message)"), status: 400)
        }
    }

    private func wish(_ fields: PostedForm) throws(TokenFault) -> Wish {
        let app = try apps.named(in: fields)
        var permissions: [(service: String, names: [String])] = []
        if let scope = fields["scope"], !scope.hasSuffix(".default") {
            let asked = try ScopeRequest(parsing: scope, app: app, base: context.base)
            permissions = [(asked.resource.appID, asked.permissions)]
        } else {
            let access = store.table(.applications).find(app.id)?["requiredResourceAccess"]?.array ?? []
            permissions = access.compactMap { entry in
                guard let service = entry["resourceAppId"]?.string else { return nil }
                let ids = (entry["resourceAccess"]?.array ?? []).compactMap { $0["id"]?.string }
                return (service, names(of: ids, at: service))
            }
        }
        return Wish(app: app, permissions: permissions)
    }

    /// The names of a service's delegated permissions.
    private func names(of ids: [String], at service: String) -> [String] {
        let scopes = store.table(.servicePrincipals).find(service)?["oauth2PermissionScopes"]?.array ?? []
        return scopes.compactMap { scope in
            ids.contains(scope["id"]?.string ?? "") ? scope["value"]?.string : nil
        }
    }

    private func form(
        _ wish: Wish, _ fields: PostedForm, _ request: HTTPServerRequest, problem: String?
    ) -> HTTPServerResponse {
        let kept = ["client_id", "scope", "state", "redirect_uri"]
        return pages.approval(
            ApprovalForm(
                app: wish.app, scope: wish.permissions.flatMap(\.names).joined(separator: " "), whatName: "Consent for",
                what: "everybody in \(TenantIdentity.name)", action: request.path,
                hidden: kept.compactMap { name in fields[name].map { (name, $0) } }, loginHint: nil,
                redirect: nil, problem: problem), request)
    }

    private func decide(
        _ wish: Wish, _ fields: PostedForm, _ request: HTTPServerRequest
    ) throws(TokenFault) -> HTTPServerResponse {
        guard pages.forms.isRight(fields["csrf"], request) else {
            return form(wish, fields, request, problem: "This form is no longer valid. Please choose again.")
        }
        guard fields["decision"] == "approve" else {
            return pages.page(
                title: "No consent",
                content: ApprovalPages.message("Nothing was granted", note: "You can close this page."))
        }
        guard let user = pages.chosenAccount(fields), store.roles(of: user.id).contains(.globalAdministrator) else {
            return form(
                wish, fields, request, problem: "Only an administrator of the tenant can consent for everybody.")
        }
        for (service, names) in wish.permissions { grant(names, of: service, to: wish.app) }
        return pages.page(
            title: "Consented",
            content: ApprovalPages.message(
                "\(wish.app.name) may do this for everybody now", note: "You can close this page."))
    }

    /// Enters a consent, or adds to the one that is there.
    private func grant(_ names: [String], of service: String, to app: RegisteredApp) {
        guard let client = store.table(.servicePrincipals).find(app.id)?["id"],
            let resource = store.table(.servicePrincipals).find(service)?["id"]
        else { return }
        var there: Record?
        store.table(.permissionGrants).scan { grant in
            if grant["clientId"] == client, grant["resourceId"] == resource, grant["consentType"] == "AllPrincipals" {
                there = grant
            }
            return there == nil
        }
        let held = (there?["scope"]?.string ?? "").split(separator: " ").map(String.init)
        let scope = JSONValue.string(Set(held).union(names).sorted().joined(separator: " "))
        if case .object(var row)? = there, let id = there?.id {
            row["scope"] = scope
            store.replace(id, with: row, in: .permissionGrants)
        } else {
            store.insert(
                [
                    "id": .string(RandomBytes.text(bytes: 32)), "clientId": client, "consentType": "AllPrincipals",
                    "principalId": .null, "resourceId": resource, "scope": scope,
                ], into: .permissionGrants)
        }
    }
}
