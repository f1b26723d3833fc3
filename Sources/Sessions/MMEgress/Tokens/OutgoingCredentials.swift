import MMCore
import MMHTTP
import MMIdentity

/// The credentials of one request: the session's own text, checked at once, and the tokens that are sent in its place.
struct OutgoingCredentials: Sendable {
    /// A header whose value consists of placeholders.
    private struct Slot: Sendable {
        let header: String
        let placeholders: [(text: String, worth: PlaceholderVault.Worth)]
    }

    /// The headers in which services take tokens.
    private static let tokenHeaders = ["authorization", "x-ms-authorization-auxiliary"]

    /// Errors that don't concern the sign-in itself: the same request may succeed a minute later.
    private static let passing: Set<MMErrorCode> = [.unavailable, .throttled, .deadlineExceeded, .cancelled]

    /// The header fields without tokens.
    let plain: HTTPHeaders
    /// The account whose tokens it carries, if they come from the connection's own sign-in.
    let account: String?
    private let slots: [Slot]
    private let core: EgressCore

    /// Reads and checks a request's credentials before anything else is done with the request.
    /// - Throws: `.placeholderElsewhere` and `.foreignCredential`, which are also reported as events.
    init(_ headers: HTTPHeaders, target: String, to place: EgressPlace, core: EgressCore) throws(WireFault) {
        self.core = core
        var plain = HTTPHeaders()
        var slots: [Slot] = []
        let vault = core.settings.vault
        for field in headers {
            guard Self.tokenHeaders.contains(field.name.lowercased()) else {
                if !vault.placeholders(in: field.value.utf8).isEmpty { throw Self.elsewhere(place, nil, core) }
                plain.add(field.name, field.value)
                continue
            }
            switch try Self.read(field, place, core) {
            case .some(let slot): slots.append(slot)
            case nil: plain.add(field.name, field.value)
            }
        }
        if !vault.placeholders(in: target.utf8).isEmpty { throw Self.elsewhere(place, nil, core) }
        self.plain = plain
        self.slots = slots
        account =
            slots.lazy.flatMap(\.placeholders).compactMap { placeholder in
                if case .fed(let need) = placeholder.worth { need.account } else { nil }
            }.first
    }

    /// Whether the request carries tokens that a service may have refused.
    var holdsTokens: Bool { !slots.isEmpty }

    /// The header fields with valid tokens, and these tokens by their placeholders.
    struct Filled: Sendable {
        let headers: HTTPHeaders
        let tokens: [String: Secret]
    }

    /// Returns the header fields with valid tokens.
    /// - Parameter refusals: a service's refusals of tokens, by placeholder; these tokens are replaced.
    /// - Throws: `.noToken`.
    func filled(insteadOf refusals: [String: TokenRefusal] = [:]) async throws(WireFault) -> Filled {
        var headers = plain
        var sent: [String: Secret] = [:]
        for slot in slots {
            var tokens: [String] = []
            for (text, worth) in slot.placeholders {
                let token: Secret
                do throws(MMError) {
                    guard let fresh = try await self.token(text, worth, refusals[text]) else { continue }
                    token = fresh
                } catch {
                    // An app whose secret has expired has lost its sign-in, like a person whose sign-in was revoked.
                    if !Self.passing.contains(error.code) {
                        core.settings.events(.signIn(.over(error, isModulesOwn: worth.isModulesOwn)))
                    }
                    // The same answer as for an expired token, on which modules sign in again.
                    throw WireFault(
                        401, .noToken, [error.message, error.hint].compactMap(\.self).joined(separator: " "))
                }
                sent[text] = token
                tokens.append(token.reveal())
            }
            headers.add(slot.header, tokens.map { "Bearer " + $0 }.joined(separator: ", "))
        }
        return Filled(headers: headers, tokens: sent)
    }

    private func token(
        _ text: String, _ worth: PlaceholderVault.Worth, _ refusal: TokenRefusal?
    ) async throws(MMError) -> Secret? {
        switch worth {
        case .fed(let need):
            guard let refusal else { return try await core.settings.tokens.token(for: need) }
            return try await core.settings.tokens.token(for: need, insteadOf: refusal)
        case .own(let own): return try await core.renewal.token(text, own, insteadOf: refusal)
        case .signInOnly: return nil
        }
    }

    /// Returns the placeholders of a header; `nil` if the header is sent unchanged.
    private static func read(
        _ field: HTTPHeaders.Field, _ place: EgressPlace, _ core: EgressCore
    ) throws(WireFault) -> Slot? {
        var placeholders: [(text: String, worth: PlaceholderVault.Worth)] = []
        var others = 0
        for item in field.value.split(whereSeparator: { $0 == "," || $0 == ";" }) {
            let words = item.split(separator: " ")
            // Either a bearer token, or another value that may contain a placeholder.
            if words.count == 2, words[0].lowercased() == "bearer",
                let worth = core.settings.vault.worth(of: String(words[1]))
            {
                guard let audience = worth.audience, place.accepts(audience: audience) else {
                    throw elsewhere(place, worth.audience, core)
                }
                placeholders.append((String(words[1]), worth))
            } else {
                others += 1
            }
        }
        if others == 0, !placeholders.isEmpty { return Slot(header: field.name, placeholders: placeholders) }
        if !core.settings.vault.placeholders(in: field.value.utf8).isEmpty { throw elsewhere(place, nil, core) }
        guard isSessionsOwn(field.value, place) else {
            core.settings.events(.foreignCredential(host: place.host))
            throw WireFault(
                403, .foreignCredential,
                "The header \(field.name) contains a credential that this session was not given. "
                    + "Sign in within the session, or use the connection's own sign-in.")
        }
        return nil
    }

    /// Returns whether a session may send a credential of its own: to hosts that the owner listed, and to services that
    /// have keys of their own.
    private static func isSessionsOwn(_ value: String, _ place: EgressPlace) -> Bool {
        guard let service = place.service else { return true }
        let scheme = value.prefix { $0 != " " }.lowercased()
        // A request with an empty bearer token asks a service for the tenant of its tokens.
        if scheme == "bearer", value.dropFirst(6).allSatisfy({ $0 == " " }) { return true }
        return switch service {
        case .storage: scheme == "sharedkey" || scheme == "sharedkeylite"
        case .signIn: scheme == "basic"
        case .resource, .dataverse, .contents, .gallery: false
        }
    }

    /// Reports a placeholder that was sent where its token isn't accepted, and returns the fault.
    static func elsewhere(_ place: EgressPlace, _ audience: String?, _ core: EgressCore) -> WireFault {
        core.settings.events(.placeholderElsewhere(host: place.host, audience: audience))
        return WireFault(
            403, .placeholderElsewhere,
            "The request carries this session's placeholder for a token"
                + (audience.map { " of \($0)" } ?? "") + " where that token is not accepted."
                + (place.service == nil ? " An added host gets only tokens of an API in the connection's `apis`." : ""))
    }
}
