import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// Creates a tenant's app registration for `mm`: reads what exists, plans what is missing, and sends the requests.
struct AppRegistrar: Sendable {
    /// Sends the requests, and records their changes in the journal.
    let watch: WriteWatch
    var client: GuardedClient { watch.client }

    /// The registration's name.
    static let name = "Microsoft Master (mm)"
    /// The tag of registrations made by `mm`; one of the same name without the tag belongs to somebody else.
    static let tag = "MicrosoftMaster"

    /// Plans the missing steps.
    /// - Parameters:
    ///   - permissions: the permissions that the app needs, by service.
    ///   - account: the signed-in account; permissions are granted for it alone.
    ///   - appID: the app that gets the permissions; `nil` for the tenant's own app, which is created if it doesn't
    ///     exist.
    /// - Throws: `.forbidden` where the account may not read app registrations; `.notFound` where the tenant doesn't
    ///   have the app; request errors.
    func plan(
        for permissions: [(service: ServiceApp, names: [String])], _ account: SignedInAccount, appID: String? = nil
    ) async throws(MMError) -> RegistrationPlan {
        var plan = RegistrationPlan()
        var access: [JSONValue] = []
        var wanted: [(service: ServiceApp, names: [String])] = []
        for (service, names) in permissions {
            let found = try await rows("/servicePrincipals", filter: "appId eq '\(service.rawValue)'").first
            if let found {
                note(found, of: service, in: &plan.known)
            } else {
                plan.steps.append(
                    RegistrationPlan.Step(
                        purpose: "Enable \(service.title) in the tenant.", method: "POST",
                        endpoint: "/servicePrincipals",
                        body: ["appId": .string(service.rawValue)], yields: .service(service)))
            }
            let offered = names.filter {
                found == nil || plan.known[RegistrationPlan.permission($0, of: service)] != nil
            }
            plan.unavailable += names.filter { !offered.contains($0) }.map { "\(service.title): \($0)" }
            guard !offered.isEmpty else { continue }
            wanted.append((service, offered))
            access.append([
                "resourceAppId": .string(service.rawValue),
                "resourceAccess": .array(
                    offered.map { ["id": .string(RegistrationPlan.permission($0, of: service)), "type": "Scope"] }),
            ])
        }
        if let appID {
            try await planAdditions(access, to: appID, &plan)
        } else {
            try await planApplication(access, &plan)
        }
        let granted = try await planGrants(wanted, account, &plan)
        plan.grants =
            granted.isEmpty
            ? []
            : ["The app gets these permissions, only for \(account.title):"]
                + ServicePermissions.lines(granted).map { "  \($0)" } + ["How:"]
        return plan
    }

    /// Plans additional permissions for an existing app and changes nothing else about it.
    private func planAdditions(
        _ access: [JSONValue], to appID: String, _ plan: inout RegistrationPlan
    ) async throws(MMError) {
        plan.title = "add permissions to its app"
        guard let found = try await rows("/applications", filter: "appId eq '\(appID)'").first,
            let id = found["id"]?.string
        else {
            throw MMError(
                .notFound, "The app \(appID) is not registered in this tenant.",
                hint:
                    "Add its permissions in the tenant that registered it, or create a connection with its own app: "
                    + "mm connect DOMAIN --name NAME --app own.")
        }
        plan.known[RegistrationPlan.appID] = appID
        let changes = Self.additions(of: access, to: found, plan.known)
        if !changes.isEmpty {
            plan.steps.append(
                RegistrationPlan.Step(
                    purpose: "Add them to the app \"\(found["displayName"]?.string ?? "")\" (\(appID)).",
                    method: "PATCH",
                    endpoint: "/applications/\(id)", body: changes, yields: .nothing))
        }
        planPrincipal(try await rows("/servicePrincipals", filter: "appId eq '\(appID)'").first, &plan)
    }

    private func planApplication(_ access: [JSONValue], _ plan: inout RegistrationPlan) async throws(MMError) {
        let ours = try await rows("/applications", filter: "displayName eq '\(Self.name)'").filter {
            $0["tags"]?.array?.contains(.string(Self.tag)) == true
        }
        let settings: JSONObject = [
            "isFallbackPublicClient": true, "publicClient": ["redirectUris": ["http://localhost"]],
            "requiredResourceAccess": .array(access),
        ]
        guard let found = ours.min(by: { ($0["id"]?.string ?? "") < ($1["id"]?.string ?? "") }),
            let id = found["id"]?.string, let appID = found["appId"]?.string
        else {
            var body: JSONObject = [
                "displayName": .string(Self.name), "signInAudience": "AzureADMyOrg", "tags": [.string(Self.tag)],
            ]
            for (name, value) in settings { body[name] = value }
            plan.steps.append(
                RegistrationPlan.Step(
                    purpose: "Register the app \"\(Self.name)\".", method: "POST",
                    endpoint: "/applications", body: body, yields: .application))
            return planPrincipal(nil, &plan)
        }
        plan.known[RegistrationPlan.appID] = appID
        let changes = Self.changes(to: found, settings, plan.known)
        if !changes.isEmpty {
            plan.steps.append(
                RegistrationPlan.Step(
                    purpose: "Complete the app \"\(Self.name)\" (\(appID)), which already exists.",
                    method: "PATCH", endpoint: "/applications/\(id)", body: changes, yields: .nothing))
        }
        planPrincipal(try await rows("/servicePrincipals", filter: "appId eq '\(appID)'").first, &plan)
    }

    private func planPrincipal(_ found: JSONValue?, _ plan: inout RegistrationPlan) {
        plan.known[RegistrationPlan.principal] = found?["id"]?.string
        guard found == nil else { return }
        plan.steps.append(
            RegistrationPlan.Step(
                purpose: "Let people of the tenant sign in to it.", method: "POST", endpoint: "/servicePrincipals",
                body: ["appId": .string(plan.known[RegistrationPlan.appID] ?? RegistrationPlan.appID)],
                yields: .principal))
    }

    /// - Returns: the permissions that aren't granted yet.
    private func planGrants(
        _ wanted: [(service: ServiceApp, names: [String])], _ account: SignedInAccount, _ plan: inout RegistrationPlan
    ) async throws(MMError) -> [(service: ServiceApp, names: [String])] {
        var granted: [(service: ServiceApp, names: [String])] = []
        var grants: [JSONValue] = []
        if let principal = plan.known[RegistrationPlan.principal] {
            grants = try await rows("/oauth2PermissionGrants", filter: "clientId eq '\(principal)'")
        }
        for (service, names) in wanted {
            let resource = plan.known[RegistrationPlan.service(service)]
            let relevant = grants.filter {
                $0["resourceId"]?.string == resource
                    && ($0["consentType"] == "AllPrincipals" || $0["principalId"]?.string == account.objectID)
            }
            let held = relevant.flatMap { Self.words($0["scope"]) }
            guard !names.allSatisfy(held.contains) else { continue }
            granted.append((service, names.filter { !held.contains($0) }))
            let purpose = "Grant it the permissions of \(service.title), only for \(account.title)."
            if let own = relevant.first(where: { $0["consentType"] == "Principal" }), let id = own["id"]?.string {
                let scope = Set(Self.words(own["scope"])).union(names).sorted().joined(separator: " ")
                plan.steps.append(
                    RegistrationPlan.Step(
                        purpose: purpose, method: "PATCH", endpoint: "/oauth2PermissionGrants/\(id)",
                        body: ["scope": .string(scope)], yields: .nothing))
                continue
            }
            plan.steps.append(
                RegistrationPlan.Step(
                    purpose: purpose, method: "POST", endpoint: "/oauth2PermissionGrants",
                    body: [
                        "clientId": .string(
                            plan.known[RegistrationPlan.principal] ?? RegistrationPlan.principal),
                        "consentType": "Principal", "principalId": .string(account.objectID),
                        "resourceId": .string(resource ?? RegistrationPlan.service(service)),
                        "scope": .string(names.joined(separator: " ")),
                    ], yields: .nothing))
        }
        return granted
    }

    /// Returns the settings that an app lacks; its other settings are left alone.
    private static func changes(
        to found: JSONValue, _ settings: JSONObject, _ known: [String: String]
    ) -> JSONObject {
        var changes: JSONObject = [:]
        if found["isFallbackPublicClient"] != true { changes["isFallbackPublicClient"] = true }
        let addresses = found["publicClient"]?["redirectUris"]?.array ?? []
        if !addresses.contains("http://localhost") {
            changes["publicClient"] = ["redirectUris": .array(addresses + ["http://localhost"])]
        }
        let access = additions(of: settings["requiredResourceAccess"]?.array ?? [], to: found, known)
        for (name, value) in access { changes[name] = value }
        return changes
    }

    /// Returns the app's permissions with those that it lacks added.
    private static func additions(
        of wanted: [JSONValue], to found: JSONValue, _ known: [String: String]
    ) -> JSONObject {
        var changes: JSONObject = [:]
        var access = found["requiredResourceAccess"]?.array ?? []
        for wanted in wanted {
            let items = (wanted["resourceAccess"]?.array ?? []).map { item -> JSONValue in
                let name = item["id"]?.string ?? ""
                return ["id": .string(known[name] ?? name), "type": "Scope"]
            }
            if let place = access.firstIndex(where: { $0["resourceAppId"] == wanted["resourceAppId"] }) {
                let there = access[place]["resourceAccess"]?.array ?? []
                let ids = there.compactMap { $0["id"]?.string?.lowercased() }
                let missing = items.filter { !ids.contains($0["id"]?.string?.lowercased() ?? "") }
                guard !missing.isEmpty else { continue }
                access[place] = [
                    "resourceAppId": wanted["resourceAppId"] ?? .null, "resourceAccess": .array(there + missing),
                ]
            } else {
                access.append(["resourceAppId": wanted["resourceAppId"] ?? .null, "resourceAccess": .array(items)])
            }
            changes["requiredResourceAccess"] = .array(access)
        }
        return changes
    }

    // MARK: Requests

    func rows(_ path: String, filter: String) async throws(MMError) -> [JSONValue] {
        let target = try client.target(path, query: [("$filter", filter)])
        let answer = try await client.read(GraphRequest(target: target), deadline: .after(.seconds(120)))
        return try answer.json()["value"]?.array ?? []
    }

    /// Records the ids of a service and its permissions.
    func note(_ principal: JSONValue, of service: ServiceApp, in known: inout [String: String]) {
        known[RegistrationPlan.service(service)] = principal["id"]?.string
        for scope in principal["oauth2PermissionScopes"]?.array ?? [] {
            guard let name = scope["value"]?.string, let id = scope["id"]?.string, scope["isEnabled"] != false else {
                continue
            }
            known[RegistrationPlan.permission(name, of: service)] = id
        }
    }

    private static func words(_ scope: JSONValue?) -> [String] {
        (scope?.string ?? "").split(separator: " ").map(String.init)
    }
}

extension AppRegistrar {
    /// The interruption of a plan.
    struct Stop: Error {
        let error: MMError
        /// The steps carried out in the tenant.
        let done: [String]
        /// The app's id, if it was created.
        let appID: String?
    }

    /// Sends the steps of a plan in order.
    /// - Returns: the id of the app, and the permissions that a new service turned out not to offer.
    /// - Throws: `Stop` with the steps before the failed one. They are not undone: the next run continues there.
    func carryOut(
        _ plan: RegistrationPlan, by cleared: Cleared<JudgedAgain>, report: @Sendable (String) -> Void
    ) async throws(Stop) -> (appID: String, unavailable: [String]) {
        var known = plan.known
        var done: [String] = []
        var unavailable: [String] = []
        for step in plan.steps {
            report(step.purpose)
            do throws(MMError) {
                var missing: [String] = []
                let body = Self.filled(step.body, known, missing: &missing)
                unavailable += missing
                let answer = try await send(step, body, by: cleared, isFresh: step.body != body)
                switch step.yields {
                case .nothing: break
                case .application: known[RegistrationPlan.appID] = answer["appId"]?.string
                case .principal: known[RegistrationPlan.principal] = answer["id"]?.string
                case .service(let service): note(answer, of: service, in: &known)
                }
                done.append(step.purpose)
            } catch {
                throw Stop(error: error, done: done, appID: known[RegistrationPlan.appID])
            }
        }
        guard let appID = known[RegistrationPlan.appID] else {
            throw Stop(
                error: MMError(.remoteFailed, "The directory did not return the ID of the new app."), done: done,
                appID: nil)
        }
        return (appID, unavailable)
    }

    /// - Parameter isFresh: whether the request uses an object that was just created, which not every server knows yet.
    private func send(
        _ step: RegistrationPlan.Step, _ body: JSONObject, by cleared: Cleared<JudgedAgain>, isFresh: Bool
    ) async throws(MMError) -> JSONValue {
        let target = try client.target(step.endpoint)
        let request = try GraphRequest(method: step.method, target: target, json: .object(body))
        for wait in [2, 4, 8, 16, 30] where isFresh {
            do throws(MMError) {
                return try await answer(request, by: cleared)
            } catch {
                guard Self.isUnknownYet(error) else { throw error }
                // A new object takes a moment to reach all servers of the directory.
                do { try await Task.sleep(for: .seconds(wait)) } catch {
                    throw MMError(.cancelled, "The registration was cancelled.")
                }
            }
        }
        return try await answer(request, by: cleared)
    }

    private func answer(_ request: GraphRequest, by cleared: Cleared<JudgedAgain>) async throws(MMError) -> JSONValue {
        // A failure to write to the journal must not stop a registration halfway.
        var notes: [String] = []
        let answer = try await watch.send(
            request, by: cleared, changing: await watch.writes([request]), notes: &notes)
        return answer.body.isEmpty ? .null : try answer.json()
    }

    private static func isUnknownYet(_ error: MMError) -> Bool {
        let message = error.details["serviceMessage"]?.string ?? ""
        return error.code == .notFound || message.contains("does not reference a valid application object")
            || message.contains("does not exist")
    }

    /// Returns a body with values in place of the names in braces, without permissions that a service turned out not to
    /// have.
    private static func filled(_ body: JSONObject, _ known: [String: String], missing: inout [String]) -> JSONObject {
        var filled: JSONObject = [:]
        for (name, value) in body { filled[name] = Self.filled(value, known, missing: &missing) ?? .null }
        return filled
    }

    private static func filled(_ value: JSONValue, _ known: [String: String], missing: inout [String]) -> JSONValue? {
        switch value {
        case .string(let text) where text.hasPrefix("{") && text.hasSuffix("}"):
            guard let known = known[text] else {
                missing.append(String(text.dropFirst().dropLast()))
                return nil
            }
            return .string(known)
        case .array(let items):
            var kept: [JSONValue] = []
            for item in items { if let item = filled(item, known, missing: &missing) { kept.append(item) } }
            return .array(kept)
        case .object(let members):
            var object: JSONObject = [:]
            for (name, member) in members {
                guard let member = filled(member, known, missing: &missing) else { return nil }
                object[name] = member
            }
            return .object(object)
        default: return value
        }
    }
}

/// The requests that create or complete a tenant's own app registration; empty if nothing is missing.
///
/// A request may need a value from an earlier request's answer: its body then contains a name in braces, such as
/// `{application id}`, in place of the value.
struct RegistrationPlan: Sendable {
    /// One request.
    struct Step: Sendable {
        /// The purpose of the request, in words for a person.
        let purpose: String
        let method: String
        let endpoint: String
        let body: JSONObject
        /// The value that its answer provides.
        let yields: Yield

        /// The values that later steps need of an answer.
        enum Yield: Sendable, Hashable {
            case nothing
            case application
            case principal
            case service(ServiceApp)
        }
    }

    /// A short description of the plan.
    var title = "register an app in the tenant"
    /// The permissions that the app gets, one line for each service, and for whom.
    var grants: [String] = []
    var steps: [Step] = []
    /// The values for names in braces that are known already.
    var known: [String: String] = [:]
    /// Permissions that the chosen uses need but the tenant's services don't offer.
    var unavailable: [String] = []

    /// The placeholder of the client id.
    static let appID = "{application id}"
    /// The placeholder of the id of the app's service principal.
    static let principal = "{service principal}"

    /// Returns the placeholder of the id of a service's principal.
    static func service(_ service: ServiceApp) -> String { "{\(service.title)}" }
    /// Returns the placeholder of the id of a service's permission.
    static func permission(_ name: String, of service: ServiceApp) -> String { "{\(service.title): \(name)}" }

    /// The text that a person confirms: the permissions, then the steps.
    var text: String {
        (grants + steps.enumerated().map { "\($0.offset + 1). \($0.element.purpose)" }).joined(separator: "\n")
    }

    /// All requests as they are sent, with placeholders for ids that aren't known yet.
    var exactText: String {
        steps.enumerated().map { number, step in
            "\(number + 1). \(step.method) \(step.endpoint)\n\(JSONWriter.string(.object(step.body), layout: .indented(2)))"
        }.joined(separator: "\n")
    }

    /// Returns the guard's joint verdict. A person is always asked, since an app registration decides what may be done
    /// in their name.
    func verdict(_ client: GuardedClient, _ engine: GuardEngine, _ policy: GuardPolicy) throws(MMError) -> Verdict? {
        var verdicts: [Verdict] = []
        for step in steps {
            let request = GuardedRequest(
                method: step.method, target: try client.target(step.endpoint), body: .json(.object(step.body)))
            verdicts.append(engine.judge(request, policy: policy))
        }
        let reason = "It decides what an app may do on behalf of a person."
        return Verdict.joined(verdicts)?.asking(by: "app-registration", because: reason).explained(by: reason)
    }
}

/// One of Microsoft's services, by the id of its app in every tenant.
enum ServiceApp: String, CaseIterable, Sendable {
    case graph = "00000003-0000-0000-c000-000000000000"
    case exchange = "00000002-0000-0ff1-ce00-000000000000"
    case sharePoint = "00000003-0000-0ff1-ce00-000000000000"
    case teams = "48ac35b8-9aa8-4d74-927d-1f4a14a0b239"
    case azure = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
    case flow = "7df0a125-d3be-4c96-aa54-591f83ff541c"
    case powerApps = "475226c6-020e-4fb2-8a90-7a972cbfc1d4"

    /// The service's name in the admin centre.
    var title: String {
        switch self {
        case .graph: "Microsoft Graph"
        case .exchange: "Office 365 Exchange Online"
        case .sharePoint: "SharePoint"
        case .teams: "Skype and Teams Tenant Admin API"
        case .azure: "Azure Service Management"
        case .flow: "Microsoft Flow Service"
        case .powerApps: "PowerApps Service"
        }
    }
}
