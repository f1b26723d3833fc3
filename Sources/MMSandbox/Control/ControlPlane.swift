internal import MMCore
internal import MMHTTP

/// The endpoints with which tests and `mm sandbox` steer the tenant. Whoever calls them holds the secret of the state file.
struct ControlPlane {
    let context: TenantContext
    let store: DirectoryStore
    let journal: RequestJournal
    let faults: FaultPlan
    let outbox: Outbox
    let devices: DeviceCodes
    let issuer: TokenIssuer

    func answer(_ request: SandboxRequest) -> SandboxResponse {
        let secret =
            request.headers["x-sandbox-secret"]
            ?? request.headers["authorization"].flatMap {
                $0.lowercased().hasPrefix("bearer ") ? String($0.dropFirst(7)) : nil
            } ?? ""
        guard ConstantTime.equal(Array(secret.utf8), Array(context.options.controlSecret.reveal().utf8)) else {
            return Self.problem(401, "unauthorized", "Send the secret of the sandbox's state file as X-Sandbox-Secret.")
        }
        let body: JSONObject
        if request.body.isEmpty {
            body = [:]
        } else {
            guard let json = (try? JSONParser.parse(request.body))?.object else {
                return Self.problem(400, "invalid_input", "The body must be a JSON object.")
            }
            body = json
        }
        switch (request.method, request.path.dropFirst("/sandbox/".count)) {
        case ("GET", "health"):
            return Self.ok([
                "status": "ok", "users": .int(Int64(store.table(.users).count)), "requests": .int(Int64(journal.count)),
                "tenantId": .string(TenantIdentity.id), "domain": .string(TenantIdentity.domain),
                "appId": .string(TenantIdentity.demoApp),
                "faults": .int(Int64(faults.faults.count)),
            ])
        case ("GET", "users"): return Self.ok(["users": .array(accounts(request.queryFields))])
        case ("GET", "pending"): return Self.ok(["pending": .array(pendingList)])
        case ("POST", "approve"): return approve(body)
        case ("GET", "faults"): return Self.ok(["faults": .array(faults.faults.map(\.json))])
        case ("POST", "faults"):
            do throws(FaultProblem) { return Self.ok(try faults.add(body).json.object ?? [:], status: 201) } catch {
                return Self.problem(400, "invalid_input", error.message)
            }
        case ("DELETE", "faults"):
            faults.clear()
            return SandboxResponse(status: 204)
        case ("GET", "outbox"): return Self.ok(["sent": .array(outbox.sent)])
        case ("DELETE", "outbox"):
            outbox.clear()
            return SandboxResponse(status: 204)
        case ("GET", "requests"): return Self.ok(["requests": .array(journal.recent)])
        case ("DELETE", "requests"):
            journal.clear()
            return SandboxResponse(status: 204)
        case ("POST", "revoke"):
            guard let account = body["account"]?.string, let user = store.user(account) else {
                return unknownAccount(body["account"]?.string)
            }
            issuer.revoke(user.id)
            return Self.ok(["revoked": .string(user.id)])
        default:
            return Self.problem(
                404, "not_found", "There is health, users, pending, approve, faults, outbox, requests and revoke.")
        }
    }

    private static func ok(_ members: JSONObject, status: Int = 200) -> SandboxResponse {
        var answer = SandboxResponse(status: status, json: .object(members))
        answer.headers.set("Cache-Control", "no-store")
        return answer
    }

    private static func problem(_ status: Int, _ code: String, _ message: String) -> SandboxResponse {
        SandboxResponse(status: status, json: ["error": ["code": .string(code), "message": .string(message)]])
    }

    private func unknownAccount(_ name: String?) -> SandboxResponse {
        Self.problem(
            404, "not_found",
            "There is no account '\((name ?? "").prefix(120))'; the named ones are \(NamedAccount.all.map { "\($0.address)@\(TenantIdentity.domain)" }.joined(separator: ", "))."
        )
    }

    private func accounts(_ fields: FormFields) -> [JSONValue] {
        let count = min(max(Int(fields["top"] ?? "") ?? NamedAccount.all.count, 0), store.users.count)
        return (0..<count).map { index in
            let user = store.users.row(index)
            return [
                "id": .string(user.id), "userPrincipalName": .string(user.userPrincipalName),
                "displayName": .string(user.displayName),
                "role": user.named?.role.map { .string($0.title) } ?? .null, "accountEnabled": .bool(user.isEnabled),
                "isGuest": .bool(user.isGuest),
            ]
        }
    }

    private var pendingList: [JSONValue] {
        devices.open.map {
            [
                "userCode": .string($0.userCode), "appId": .string($0.appID), "scope": .string($0.scope),
                "expires": .string(ServiceTime.text($0.expires)),
            ]
        }
    }

    private func approve(_ body: JSONObject) -> SandboxResponse {
        guard let userCode = body["userCode"]?.string, let (code, pending) = devices.find(userCode: userCode) else {
            let waiting = pendingList.compactMap { $0["userCode"]?.string }.joined(separator: ", ")
            return Self.problem(
                404, "not_found",
                "No sign-in waits for this user code. "
                    + (waiting.isEmpty ? "None waits at all: start one first." : "These wait: \(waiting)."))
        }
        guard pending.expires > context.now else { return Self.problem(410, "expired", "The user code has expired.") }
        guard pending.decision == .open else {
            return Self.problem(409, "conflict", "The user code was answered already.")
        }
        switch body["decision"]?.string ?? "approve" {
        case "decline":
            devices.decide(code, .declined)
            return Self.ok(["decision": "decline"])
        case "approve":
            let account = body["account"]?.string ?? TenantIdentity.administrator
            guard let user = store.user(account) else { return unknownAccount(account) }
            do throws(TokenFault) { try issuer.checkAccount(user.id) } catch {
                return Self.problem(403, error.error, "AADSTS\(error.number): \(error.message)")
            }
            devices.decide(code, .approved(userID: user.id))
            return Self.ok(["decision": "approve", "account": user["userPrincipalName"] ?? .null])
        default: return Self.problem(400, "invalid_input", "'decision' must be approve or decline.")
        }
    }
}
