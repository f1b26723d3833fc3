package import MMCore
import MMGuard
import MMSystem

/// Lets a person approve requests on a web page: shows what waits, and takes answers signed by a passkey.
///
/// Access to the page alone, by whatever secret, shows the waiting requests but can't approve any.
package struct ApprovalDesk: Sendable {
    private let services: OperationServices
    private let ceremonies: PasskeyCeremonies
    private let ring: SecurityKeyRing
    private let requests: HeldRequests

    /// Creates the desk for a user's files.
    package init(_ services: OperationServices, _ ceremonies: PasskeyCeremonies) {
        self.services = services
        self.ceremonies = ceremonies
        ring = SecurityKeyRing(paths: services.paths)
        requests = HeldRequests(services.ledger, paths: services.paths)
    }

    // MARK: Showing

    /// Returns the waiting requests, the standing approvals, and the passkeys that may answer.
    /// - Throws: the errors of reading them: without them nobody can say that nothing waits.
    package func overview() async throws(MMError) -> JSONObject {
        let held = try await requests.all()
        let standing = try await requests.standing()
        let keys = try ring.keys().filter(\.isPasskey)
        let tenants = (try? services.registry.snapshot())?.connections ?? []
        return [
            "held": .array(
                held.map { held in
                    .object(summary(held.request, tenants.first { $0.name == held.request.connection }?.tenant))
                }),
            "standing": .array(standing.map(\.json)),
            "passkeys": .array(
                keys.map { ["name": .string($0.name), "owner": .string($0.owner), "party": .string($0.party)] }),
        ]
    }

    /// Returns all parts of a request that a terminal shows, in the same order.
    /// - Throws: `notFound` for one that no longer waits.
    package func request(_ id: String) async throws(MMError) -> JSONObject {
        let request = try await held(id).request
        let tenant = (try? services.registry.snapshot())?.connections.first { $0.name == request.connection }?.tenant
        var object = summary(request, tenant)
        object["reason"] = .string(request.presentation.reason)
        object["rule"] = .string(request.rule)
        object["shown"] = .string(Self.digest(of: request.presentation))
        object["sections"] = .array(
            request.presentation.sections.map { section in
                [
                    "kind": .string(section.kind), "heading": .string(section.heading),
                    "lines": .array(section.lines.map(JSONValue.string)),
                ]
            })
        return object
    }

    private func summary(_ request: PendingConfirmation, _ tenant: String?) -> JSONObject {
        [
            "id": .string(ceremonies.id(of: request.token)), "title": .string(request.presentation.title),
            "summary": .string(request.summary), "connection": .string(request.connection),
            "tenant": tenant.map { .string($0) } ?? .null, "module": .string(request.module),
            "class": .string(request.guardClass.rawValue),
            "requester": request.requester?.json ?? .null, "requesterText": .string(request.requester?.text ?? ""),
            "needed": .int(Int64(request.needed)), "approvers": .array(request.approvers.map(\.json)),
            "standingClasses": .array(request.standingClasses.map { .string($0.rawValue) }),
            "createdAt": .string(request.createdAt.iso8601), "expiresAt": .string(request.expiresAt.iso8601),
        ]
    }

    private func held(_ id: String) async throws(MMError) -> HeldRequests.Held {
        guard let held = try await requests.all().first(where: { ceremonies.id(of: $0.request.token) == id }) else {
            throw MMError(
                .notFound, "This request no longer waits.",
                hint: "It was answered or has expired. The caller must repeat the call.")
        }
        return held
    }

    private static func digest(of presentation: Presentation) -> String {
        let lines = [presentation.title, presentation.reason] + presentation.pages
        return Hex.text(SHA256.digest(Array(lines.joined(separator: "\n\u{0}").utf8)))
    }

    // MARK: Answering

    /// Creates the challenge for an answer.
    /// - Parameters:
    ///   - id: the request's id on the page.
    ///   - body: `decision`, `shown`, and `reason` or `minutes`.
    ///   - place: the page's origin.
    /// - Returns: the options with which the browser requests a passkey.
    /// - Throws: `notFound`, `invalidInput`, and `forbidden` without a passkey for this page.
    package func challenge(_ id: String, _ body: JSONObject, at place: PageOrigin) async throws(MMError) -> JSONObject {
        let request = try await held(id).request
        guard let word = body["decision"]?.string.flatMap(ApprovalDecision.Word.init(rawValue:)) else {
            throw MMError(.invalidInput, "`decision` is missing.", hint: "Send approve or decline.")
        }
        let minutes = word == .approve ? body["minutes"]?.int : nil
        if let minutes {
            guard (1...480).contains(minutes), !request.standingClasses.isEmpty else {
                throw MMError(
                    .invalidInput, "This can't be allowed for \(minutes) minutes.",
                    hint: "Approve it once; only some classes can be allowed for a while, for 480 minutes at most.")
            }
        }
        let shown = Self.digest(of: request.presentation)
        guard body["shown"]?.string == shown else {
            throw MMError(
                .conflict, "The page shows another request than the one that waits.", hint: "Load the page again.")
        }
        let keys = try ring.keys().filter { $0.isPasskey && $0.party == place.party }
        guard !keys.isEmpty else {
            throw MMError(
                .forbidden, "No passkey is registered for \(place.party).",
                hint: "To get a link that registers one, the owner runs in a terminal: mm key add NAME --page.")
        }
        let decision = ApprovalDecision(
            token: request.token, digest: request.digest, shown: shown, word: word,
            reason: word == .decline ? body["reason"]?.string.map { String($0.prefix(500)) } : nil, minutes: minutes)
        return [
            "challenge": .string(Base64.text(await ceremonies.challenge(for: .decision(decision)), alphabet: .url)),
            "rpId": .string(place.party),
            "timeout": .int(PasskeyCeremonies.challengeAge.components.seconds * 1000),
            "keys": .array(keys.map { .string(Base64.text($0.id, alphabet: .url)) }),
        ]
    }

    /// Takes an answer signed by a passkey. The outcome, also a failure, is written to the audit log.
    /// - Throws: `forbidden` with the check that failed.
    package func decide(_ id: String, _ body: JSONObject, at place: PageOrigin) async throws(MMError) -> JSONObject {
        var facts: JSONObject = ["operation": "confirm", "surface": "rest", "client": "page"]
        facts["origin"] = .string(place.origin)
        do throws(MMError) {
            let answer = try await decided(id, body, at: place, &facts)
            await audit(facts)
            return answer
        } catch {
            facts["outcome"] = .string(error.code.word)
            facts["why"] = .string(error.message)
            await audit(facts)
            throw error
        }
    }

    private func decided(
        _ id: String, _ body: JSONObject, at place: PageOrigin, _ facts: inout JSONObject
    ) async throws(MMError) -> JSONObject {
        let challenge = try Self.challenge(in: body)
        let data = try PasskeyData(json: body)
        guard case .decision(let decision)? = await ceremonies.redeem(challenge) else {
            throw PasskeyData.refused("its challenge is unknown, used or too old")
        }
        guard ceremonies.id(of: decision.token) == id else {
            throw PasskeyData.refused("it was signed for another request")
        }
        let held = try await held(id)
        let request = held.request
        facts["connection"] = .string(request.connection)
        facts["module"] = .string(request.module)
        facts["rule"] = .string(request.rule)
        facts["class"] = .string(request.guardClass.rawValue)
        facts["digest"] = .string(request.digest)
        guard request.digest == decision.digest, Self.digest(of: request.presentation) == decision.shown else {
            throw PasskeyData.refused("it was signed for other content")
        }
        let key = try await ring.verify(data, challenge: challenge, origin: place.origin, party: place.party)
        let approver = Approver(person: key.owner, means: key.means)
        facts["approvedBy"] = .array([.string(approver.text)])
        guard decision.word == .approve else {
            try await held.ledger.refuse(decision.token, because: decision.reason, by: approver)
            facts["outcome"] = "refused"
            return ["state": "refused", "by": .string(approver.text)]
        }
        let now = try await held.ledger.approve(decision.token, digest: decision.digest, by: approver)
        facts["outcome"] = .string(
            now.state == .approved ? "confirmed" : "approved by \(now.approvers.count) of \(now.needed)")
        if let minutes = decision.minutes, now.state == .approved {
            _ = try await held.ledger.allow(
                request.standingClasses, on: request.connection, as: request.identity, for: .seconds(minutes * 60),
                by: approver, check: .key)
            facts["allowedMinutes"] = .int(Int64(minutes))
        }
        return [
            "state": now.state == .approved ? "approved" : "waits", "by": .string(approver.text),
            "approvals": .int(Int64(now.approvers.count)), "needed": .int(Int64(now.needed)),
        ]
    }

    /// Revokes a standing approval; no passkey is needed, since less passes afterwards.
    package func revoke(_ id: String) async throws(MMError) {
        let gone = try await requests.revoke(id)
        await audit([
            "operation": "allow", "surface": "rest", "client": "page", "outcome": "revoked",
            "connection": .string(gone.connection), "class": .string(gone.guardClass.rawValue),
        ])
    }

    private func audit(_ entry: JSONObject) async {
        do throws(MMError) {
            try await services.audit.append(entry)
        } catch {
            services.log.error("the audit line could not be written: \(error.message)")
        }
    }

    private static func challenge(in body: JSONObject) throws(MMError) -> [UInt8] {
        guard let text = body["challenge"]?.string, let bytes = Base64.bytes(text, alphabet: .url) else {
            throw MMError(
                .invalidInput, "`challenge` must be base64url.", hint: "Send the challenge that was answered.")
        }
        return bytes
    }
}

// MARK: Registering

extension ApprovalDesk {
    /// Creates the code of a registration link, for the owner's terminal.
    /// - Throws: as `SecurityKeyRing.check`.
    package func invite(_ name: String, owner: String) throws(MMError) -> Secret {
        try ring.check(name)
        guard !owner.isEmpty, owner.utf8.count <= 64, owner.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
            throw MMError(
                .invalidInput, "An owner's name needs 1 to 64 characters without spaces.",
                hint: "For example: mm key add phone --page --owner ann")
        }
        return ceremonies.invite(name, owner: owner)
    }

    /// Returns the options with which the browser creates a passkey.
    /// - Throws: `forbidden` for a code that is wrong, used or expired.
    package func registration(_ body: JSONObject, at place: PageOrigin) async throws(MMError) -> JSONObject {
        let code = body["code"]?.string ?? ""
        guard let invitation = ceremonies.invitation(code) else { throw Self.noInvitation }
        let keys = try ring.keys().filter { $0.isPasskey && $0.party == place.party }
        return [
            "challenge": .string(Base64.text(await ceremonies.challenge(for: .registration(code)), alphabet: .url)),
            "rpId": .string(place.party), "name": .string(invitation.name), "owner": .string(invitation.owner),
            "user": .string(Base64.text(SHA256.digest(Array("mm person\n\(invitation.owner)".utf8)), alphabet: .url)),
            "timeout": .int(PasskeyCeremonies.challengeAge.components.seconds * 1000),
            "keys": .array(keys.map { .string(Base64.text($0.id, alphabet: .url)) }),
        ]
    }

    /// Registers a passkey and uses up its link.
    /// - Throws: `forbidden` with the check that failed.
    package func register(_ body: JSONObject, at place: PageOrigin) async throws(MMError) -> JSONObject {
        var facts: JSONObject = [
            "operation": "key_add", "surface": "rest", "client": "page", "origin": .string(place.origin),
        ]
        do throws(MMError) {
            let code = body["code"]?.string ?? ""
            let challenge = try Self.challenge(in: body)
            guard let invitation = ceremonies.invitation(code) else { throw Self.noInvitation }
            guard case .registration(code)? = await ceremonies.redeem(challenge) else {
                throw PasskeyData.refused("its challenge is unknown, used or too old")
            }
            let key = try PasskeyData(json: body, isNew: true).newKey(
                challenge: challenge, origin: place.origin, party: place.party, name: invitation.name,
                owner: invitation.owner)
            try await ring.add(key)
            ceremonies.close(code)
            facts["key"] = .string(key.name)
            facts["owner"] = .string(key.owner)
            facts["outcome"] = "done"
            await audit(facts)
            return ["name": .string(key.name), "owner": .string(key.owner)]
        } catch {
            facts["outcome"] = .string(error.code.word)
            facts["why"] = .string(error.message)
            await audit(facts)
            throw error
        }
    }

    private static var noInvitation: MMError {
        MMError(
            .forbidden, "This link is invalid, used, or older than ten minutes.",
            hint: "To get another one, run in a terminal: mm key add NAME --page.")
    }
}

/// The origin of the page that sends a request, to which passkeys are bound: served by this server, over TLS or from
/// localhost.
package struct PageOrigin: Sendable, Hashable {
    /// The origin, as in the header.
    package let origin: String
    /// The relying party id of its passkeys: the host name.
    package let party: String

    /// Reads the origin of a request.
    /// - Parameters:
    ///   - origin: the header `Origin`.
    ///   - host: the header `Host`, already checked to be one of the server's own names.
    /// - Throws: `forbidden` for a page of another server, and for an origin for which browsers offer no passkeys.
    package init(origin: String?, host: String?) throws(MMError) {
        guard let origin, let host else {
            throw MMError(
                .forbidden, "Passkeys work only on the pool's own page.",
                hint: "Open the page of the pool in a browser.")
        }
        let isSecure = origin.hasPrefix("https://")
        let authority = String(origin.dropFirst(isSecure ? 8 : 7))
        let name = Self.name(authority)
        guard isSecure || origin.hasPrefix("http://"), !authority.isEmpty, name == Self.name(host.lowercased()),
            isSecure || authority == host.lowercased()
        else {
            throw MMError(
                .forbidden, "This page belongs to another server.",
                hint: "Open the page of the pool itself in a browser.")
        }
        guard IPAddress(name) == nil, !name.hasPrefix("["), isSecure || name == "localhost" else {
            throw MMError(
                .forbidden, "Browsers support passkeys only for host names with TLS and for localhost.",
                hint: "Open the page as http://localhost:PORT, or with a name from --allow-host.")
        }
        self.origin = origin
        party = name
    }

    private static func name(_ authority: String) -> String {
        guard !authority.hasPrefix("["), let colon = authority.lastIndex(of: ":") else { return authority }
        return String(authority[..<colon])
    }
}
