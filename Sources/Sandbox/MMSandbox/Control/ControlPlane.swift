internal import MMCore
internal import MMHTTP

/// The endpoints with which tests and `mm sandbox` control the tenant. Callers need the secret of the state file.
struct ControlPlane {
    let context: TenantContext
    let store: DirectoryStore
    let journal: RequestJournal
    let faults: FaultPlan
    let outbox: Outbox
    let devices: DeviceCodes
    let issuer: TokenIssuer
    let policies: AccessPolicies

    /// Returns the routes, which `ControlGate` protects.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.control }
        routes.on("GET", path: "/sandbox/health", Self.health)
        routes.on("GET", path: "/sandbox/users", Self.users)
        routes.on("GET", path: "/sandbox/apps", Self.apps)
        routes.on("GET", path: "/sandbox/pending", Self.pending)
        routes.on("POST", path: "/sandbox/approve", Self.approve)
        routes.on("POST", path: "/sandbox/revoke", Self.revoke)
        routes.on("GET", path: "/sandbox/faults", Self.listFaults)
        routes.on("POST", path: "/sandbox/faults", Self.addFault)
        routes.on("DELETE", path: "/sandbox/faults", Self.clearFaults)
        routes.on("GET", path: "/sandbox/policies", Self.listPolicies)
        routes.on("POST", path: "/sandbox/policies", Self.addPolicy)
        routes.on("DELETE", path: "/sandbox/policies", Self.clearPolicies)
        routes.on("POST", path: "/sandbox/surroundings", Self.changeSurroundings)
        routes.on("GET", path: "/sandbox/outbox", Self.listOutbox)
        routes.on("DELETE", path: "/sandbox/outbox", Self.clearOutbox)
        routes.on("GET", path: "/sandbox/requests", Self.listRequests)
        routes.on("DELETE", path: "/sandbox/requests", Self.clearRequests)
        routes.all("/sandbox/{name...}", Self.nothing)
        return routes.router
    }

    private func health(_ request: ServiceRequest) -> HTTPServerResponse {
        Self.ok([
            "status": "ok", "users": .int(Int64(store.table(.users).count)), "requests": .int(Int64(journal.count)),
            "tenantId": .string(context.organization.id), "domain": .string(context.organization.domain),
            "appId": .string(TenantIdentity.demoApp), "faults": .int(Int64(faults.faults.count)),
        ])
    }

    private func listFaults(_ request: ServiceRequest) -> HTTPServerResponse {
        Self.ok(["faults": .array(faults.faults.map(\.json))])
    }

    private func addFault(_ request: ServiceRequest) -> HTTPServerResponse {
        withBody(request) { body in
            do throws(FaultProblem) {
                if body["kind"] == "revoked", let name = body["account"]?.string, store.user(name) == nil {
                    return unknownAccount(name)
                }
                let fault = try faults.add(body)
                if case .revoked(let account) = fault.kind { issuer.revoke(account.flatMap { store.user($0)?.id }) }
                return Self.ok(fault.json.object ?? [:], status: 201)
            } catch {
                return .failure(400, "invalid_input", error.message)
            }
        }
    }

    private func clearFaults(_ request: ServiceRequest) -> HTTPServerResponse { cleared(faults.clear()) }

    private func listPolicies(_ request: ServiceRequest) -> HTTPServerResponse {
        Self.ok([
            "policies": .array(policies.policies.map(\.json)), "surroundings": policies.surroundings.json,
        ])
    }

    private func addPolicy(_ request: ServiceRequest) -> HTTPServerResponse {
        withBody(request) { body in
            do throws(PolicyProblem) { return Self.ok(try policies.add(body).json.object ?? [:], status: 201) } catch {
                return .failure(400, "invalid_input", error.message)
            }
        }
    }

    private func clearPolicies(_ request: ServiceRequest) -> HTTPServerResponse { cleared(policies.clear()) }

    private func changeSurroundings(_ request: ServiceRequest) -> HTTPServerResponse {
        withBody(request) { body in
            do throws(PolicyProblem) { try policies.surroundings.change(body) } catch {
                return .failure(400, "invalid_input", error.message)
            }
            return Self.ok(policies.surroundings.json.object ?? [:])
        }
    }

    private func listOutbox(_ request: ServiceRequest) -> HTTPServerResponse {
        Self.ok(["sent": .array(outbox.sent)])
    }

    private func clearOutbox(_ request: ServiceRequest) -> HTTPServerResponse { cleared(outbox.clear()) }

    private func listRequests(_ request: ServiceRequest) -> HTTPServerResponse {
        Self.ok(["requests": .array(journal.recent)])
    }

    private func clearRequests(_ request: ServiceRequest) -> HTTPServerResponse { cleared(journal.clear()) }

    private func cleared(_: Void) -> HTTPServerResponse { HTTPServerResponse(status: 204) }

    private func revoke(_ request: ServiceRequest) -> HTTPServerResponse {
        withBody(request) { body in
            guard let account = body["account"]?.string, let user = store.user(account) else {
                return unknownAccount(body["account"]?.string)
            }
            issuer.revoke(user.id)
            return Self.ok(["revoked": .string(user.id)])
        }
    }

    private func nothing(_ request: ServiceRequest) -> HTTPServerResponse {
        .failure(
            404, "not_found",
            "Available: health, users, apps, pending, approve, faults, policies, surroundings, outbox, requests and revoke."
        )
    }

    private func withBody(
        _ request: ServiceRequest, _ answer: (JSONObject) -> HTTPServerResponse
    ) -> HTTPServerResponse {
        if request.http.body.isEmpty { return answer([:]) }
        guard let body = (try? JSONParser.parse(request.http.body))?.object else {
            return .failure(400, "invalid_input", "The body must be a JSON object.")
        }
        return answer(body)
    }

    private static func ok(_ members: JSONObject, status: Int = 200) -> HTTPServerResponse {
        var answer = HTTPServerResponse(status: status, json: .object(members))
        answer.headers.set("Cache-Control", "no-store")
        return answer
    }

    private func unknownAccount(_ name: String?) -> HTTPServerResponse {
        .failure(
            404, "not_found",
            "There is no account '\((name ?? "").prefix(120))'; the named ones are \(NamedAccount.all.map { "\($0.address)@\(TenantIdentity.domain)" }.joined(separator: ", "))."
        )
    }

    private func users(_ request: ServiceRequest) -> HTTPServerResponse {
        let fields = request.http.queryFields
        let count = min(max(Int(fields["top"] ?? "") ?? NamedAccount.all.count, 0), store.users.count)
        let rows = (0..<count).map { index -> JSONValue in
            let user = store.users.row(index)
            return [
                "id": .string(user.id), "userPrincipalName": .string(user.userPrincipalName),
                "displayName": .string(user.displayName),
                "role": user.named?.role.map { .string($0.title) } ?? .null, "accountEnabled": .bool(user.isEnabled),
                "isGuest": .bool(user.isGuest),
            ]
        }
        return Self.ok(["users": .array(rows)])
    }

    /// Returns the app registrations, starting with those of the start.
    private func apps(_ request: ServiceRequest) -> HTTPServerResponse {
        var rows: [JSONValue] = []
        store.table(.applications).scan { app in
            rows.append(["appId": app["appId"] ?? .null, "displayName": app["displayName"] ?? .null])
            return true
        }
        return Self.ok(["apps": .array(rows)])
    }

    private func pending(_ request: ServiceRequest) -> HTTPServerResponse {
        Self.ok(["pending": .array(pendingList)])
    }

    private var pendingList: [JSONValue] {
        devices.open.map {
            [
                "userCode": .string($0.userCode), "appId": .string($0.appID), "scope": .string($0.scope),
                "expires": .string(ServiceTime.text($0.expires)),
            ]
        }
    }

    private func approve(_ request: ServiceRequest) -> HTTPServerResponse { withBody(request, decide) }

    private func decide(_ body: JSONObject) -> HTTPServerResponse {
        guard let userCode = body["userCode"]?.string, let (code, pending) = devices.find(userCode: userCode) else {
            let waiting = pendingList.compactMap { $0["userCode"]?.string }.joined(separator: ", ")
            return .failure(
                404, "not_found",
                waiting.isEmpty
                    ? "No sign-in is waiting: start one first."
                    : "No sign-in is waiting for this user code. Waiting codes: \(waiting).")
        }
        guard pending.expires > context.now else {
            return .failure(410, "expired", "The user code has expired.")
        }
        guard pending.decision == .open else {
            return .failure(409, "conflict", "The user code was already answered.")
        }
        switch body["decision"]?.string ?? "approve" {
        case "decline":
            devices.decide(code, .declined)
            return Self.ok(["decision": "decline"])
        case "approve":
            let account = body["account"]?.string ?? "admin@\(context.organization.domain)"
            guard let user = store.user(account) else { return unknownAccount(account) }
            do throws(TokenFault) { try issuer.checkAccount(user.id) } catch {
                return .failure(403, error.error, "AADSTS\(error.number): \(error.message)")
            }
            devices.decide(code, .approved(userID: user.id))
            return Self.ok(["decision": "approve", "account": user["userPrincipalName"] ?? .null])
        default: return .failure(400, "invalid_input", "'decision' must be approve or decline.")
        }
    }
}

/// The active faults.
final class FaultPlan {
    private(set) var faults: [Fault] = []
    private var lastID = 0

    /// Returns the fault that applies to a request, and counts it as used once.
    func take(for request: HTTPServerRequest) -> Fault? {
        for place in faults.indices where faults[place].matches(request) {
            if faults[place].skip > 0 {
                faults[place].skip -= 1
                continue
            }
            let fault = faults[place]
            if let remaining = fault.remaining {
                if remaining <= 1 { faults.remove(at: place) } else { faults[place].remaining = remaining - 1 }
            }
            return fault
        }
        return nil
    }

    /// The fields of single kinds of faults, beside those of all kinds.
    private static let fields = [
        "latency": ["milliseconds"], "throttle": ["retryAfter"], "status": ["status", "retryAfter"], "torn": ["bytes"],
        "challenge": ["context"], "revoked": ["account"], "refusedConsent": ["resource"], "wrongAccount": ["account"],
        "tokenError": ["number"], "redirect": ["to"], "foreignNextLink": ["host"],
    ]

    /// Activates a fault.
    /// - Throws: a sentence that says what is wrong with its description.
    func add(_ description: JSONObject) throws(FaultProblem) -> Fault {
        lastID += 1
        let word = description["kind"]?.string ?? ""
        func number(_ name: String, _ range: ClosedRange<Int>, default fallback: Int?) throws(FaultProblem) -> Int? {
            guard let value = description[name], !value.isNull else { return fallback }
            guard let number = value.int, range.contains(number) else {
                throw FaultProblem(
                    message: "'\(name)' must be a whole number from \(range.lowerBound) to \(range.upperBound).")
            }
            return number
        }
        let kind = try self.kind(word, description, number)
        let known = ["kind", "method", "path", "skip", "count"] + (Self.fields[word] ?? [])
        for name in description.keys where !known.contains(name) {
            throw FaultProblem(
                message: "'\(name)' is not a field of the fault \(word); its fields are "
                    + "\(known.joined(separator: ", ")).")
        }
        let path = description["path"]?.string ?? "/"
        guard path.hasPrefix("/") || path.hasPrefix("*") else {
            throw FaultProblem(message: "'path' must begin with a slash or a star.")
        }
        let fault = Fault(
            id: lastID, kind: kind, word: word,
            method: description["method"]?.string?.uppercased(), path: path,
            skip: try number("skip", 0...1_000_000, default: 0) ?? 0,
            remaining: try number("count", 1...1_000_000, default: nil))
        faults.append(fault)
        return fault
    }

    private func kind(
        _ word: String, _ description: JSONObject,
        _ number: (String, ClosedRange<Int>, Int?) throws(FaultProblem) -> Int?
    ) throws(FaultProblem) -> Fault.Kind {
        switch word {
        case "latency": return .latency(.milliseconds(try number("milliseconds", 0...600_000, 1000) ?? 1000))
        case "throttle": return .status(429, retryAfter: try number("retryAfter", 0...86_400, nil))
        case "status":
            return .status(
                try number("status", 400...599, 500) ?? 500, retryAfter: try number("retryAfter", 0...86_400, nil))
        case "torn": return .torn(try number("bytes", 0...1_000_000_000, 20) ?? 20)
        case "expiredToken": return .expiredToken
        case "claimsChallenge": return .claimsChallenge
        case "challenge": return .challenge(description["context"]?.string ?? "c1")
        case "revoked": return .revoked(description["account"]?.string)
        case "refusedConsent":
            guard let resource = ServedResource(rawValue: description["resource"]?.string ?? "") else {
                throw FaultProblem(
                    message:
                        "'resource' must be one of \(ServedResource.allCases.map(\.rawValue).joined(separator: ", "))."
                )
            }
            return .refusedConsent(resource)
        case "expiredCode": return .expiredCode
        case "wrongAccount": return .wrongAccount(description["account"]?.string ?? TenantIdentity.wrongAccount)
        case "tokenError":
            guard let code = try number("number", 1...99_999_999, nil) else {
                throw FaultProblem(message: "'number' must be that of an AADSTS error.")
            }
            return .tokenError(code)
        case "redirect":
            guard let target = description["to"]?.string, target.hasPrefix("http") else {
                throw FaultProblem(message: "'to' must be the URL to redirect to.")
            }
            return .redirect(target)
        case "endlessPaging": return .endlessPaging
        case "foreignNextLink":
            let host = description["host"]?.string ?? "https://graph.elsewhere.example"
            guard host.hasPrefix("http") else {
                throw FaultProblem(message: "'host' must be an address, such as https://graph.elsewhere.example.")
            }
            return .foreignNextLink(host)
        case "resync": return .resync
        case "garbage": return .garbage
        default:
            throw FaultProblem(
                message:
                    "'kind' must be one of latency, throttle, status, torn, expiredToken, claimsChallenge, challenge, revoked, refusedConsent, expiredCode, wrongAccount, tokenError, redirect, endlessPaging, foreignNextLink, resync, garbage."
            )
        }
    }

    func clear() { faults = [] }
}

/// The problem with the description of a fault.
struct FaultProblem: Error {
    let message: String
}
