import MMCore
import MMHTTP
import MMIdentity

/// Renews the tokens from the session's own sign-in. The session holds placeholders that expire far in the future, so
/// its modules don't renew them.
final class TokenRenewal: Sendable {
    /// A token that expires within this number of seconds is renewed before it is sent.
    private static let margin: Int64 = 120

    /// A refusal of the sign-in service; the same request isn't sent again.
    private struct Refusal {
        let error: MMError
        let answer: SignInExchange.Answer
        /// The scope for which it refused a token; `nil` if it refuses the refresh token for everything.
        let scope: String?
    }

    private struct State {
        var flights: [String: Task<Result<Secret, MMError>, Never>] = [:]
        /// The refusals, by refresh token.
        var refusals: [Secret: [Refusal]] = [:]

        func refusal(of token: Secret, for scope: String?) -> Refusal? {
            refusals[token]?.first { $0.scope == nil || $0.scope == scope }
        }
    }

    private let transport: any HTTPTransport
    private let clock: WallClock
    private let vault: PlaceholderVault
    private let events: @Sendable (EgressEvent) -> Void
    private let state = Mutex(State())

    init(
        _ vault: PlaceholderVault, transport: any HTTPTransport, clock: WallClock,
        events: @escaping @Sendable (EgressEvent) -> Void
    ) {
        self.vault = vault
        self.transport = transport
        self.clock = clock
        self.events = events
    }

    /// Returns the token of a placeholder, renewed if it is about to expire or was refused. Concurrent callers share
    /// one renewal.
    func token(
        _ placeholder: String, _ own: PlaceholderVault.OwnToken, insteadOf refusal: TokenRefusal?
    ) async throws(MMError) -> Secret {
        var own = own
        if case .own(let newest)? = vault.worth(of: placeholder) { own = newest }
        let isRefused = refusal.map { $0.token == own.token } ?? false
        let isDue = own.expiry.map { $0 - clock.now.seconds < Self.margin } ?? false
        guard isRefused || isDue else { return own.token }
        guard let grant = own.grant else {
            guard isRefused else { return own.token }
            throw MMError(.signInNeeded, "The service refuses the session's token, and it can't be renewed.")
        }
        let flight: Task<Result<Secret, MMError>, Never> = state.withLock { [own] state in
            if let running = state.flights[placeholder] { return running }
            if let known = state.refusal(of: grant.refreshToken, for: grant.scope ?? grant.resource) {
                return Task { Result<Secret, MMError>.failure(known.error) }
            }
            let started = Task {
                defer { self.state.withLock { _ = $0.flights.removeValue(forKey: placeholder) } }
                // Another renewal may have ended in the meantime.
                if case .own(let fresh)? = self.vault.worth(of: placeholder), fresh.token != own.token {
                    return Result<Secret, MMError>.success(fresh.token)
                }
                return await self.renew(placeholder, own, grant, claims: refusal?.claims)
            }
            state.flights[placeholder] = started
            return started
        }
        switch await flight.value {
        case .success(let token): return token
        case .failure(let error):
            // If the sign-in service is unavailable, the token is used until it expires.
            if !isRefused, let expiry = own.expiry, expiry > clock.now.seconds + 5 { return own.token }
            throw error
        }
    }

    private func renew(
        _ placeholder: String, _ own: PlaceholderVault.OwnToken, _ grant: RenewalGrant, claims: String?
    ) async -> Result<Secret, MMError> {
        let form = FormFields([
            "grant_type": "refresh_token", "client_id": grant.clientID, "refresh_token": grant.refreshToken.reveal(),
            "scope": grant.scope, "resource": grant.resource, "claims": Claims.merged(grant.claims, claims),
        ])
        let request = HTTPRequest(
            method: "POST", url: grant.endpoint, headers: ["Content-Type": "application/x-www-form-urlencoded"],
            body: form.body, timeout: .seconds(60), maxResponseBytes: SignInExchange.maxAnswerBytes,
            allowsPlainHTTP: grant.endpoint.hasPrefix("http://"))
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try await transport.send(request)
        } catch {
            return .failure(error.mmError(for: "Renewing a token of the session"))
        }
        guard response.status == 200 else {
            let error = EntraError(response, now: clock.now)
            let answer = SignInExchange.Answer(status: response.status, body: response.body)
            return .failure(refused(grant.refreshToken, for: grant.scope ?? grant.resource, error, answer))
        }
        do throws(MMError) {
            let answer = try TokenAnswer(response.body, requested: [])
            let next = answer.refreshToken.map { grant.with($0) } ?? grant
            let fresh = PlaceholderVault.OwnToken(
                audience: own.audience, token: answer.accessToken,
                expiry: clock.now.seconds + Int64(answer.expiresIn), grant: next)
            vault.renewed(placeholder, fresh, from: grant)
            if answer.refreshToken != nil { events(.signIn(.refreshToken(next, nil))) }
            return .success(answer.accessToken)
        } catch {
            return .failure(error)
        }
    }

    /// Records a permanent refusal of a refresh token, and returns the error.
    func refused(
        _ token: Secret, for scope: String?, _ error: EntraError, _ answer: SignInExchange.Answer
    ) -> MMError {
        let told = Self.refusal(error)
        guard told.code != .unavailable else { return told }
        // A policy may refuse a token for one service but not for another.
        let place = error.action.loss == .everything ? nil : scope
        state.withLock { $0.refusals[token, default: []].append(Refusal(error: told, answer: answer, scope: place)) }
        return told
    }

    /// Returns the recorded refusal of a refresh token; `nil` if there is none.
    func known(_ token: Secret, for scope: String?) -> SignInExchange.Answer? {
        state.withLock { $0.refusal(of: token, for: scope)?.answer }
    }

    /// Returns the error for a refused renewal of a session's own sign-in: a person has to sign in again, somebody has
    /// to change something before any sign-in works, or it works later.
    static func refusal(_ error: EntraError) -> MMError {
        let action = error.action
        let said = "(\(error.error.isEmpty ? "status \(error.status)" : error.error): \(error.reason))."
        var details: JSONObject = ["ended": true]
        details["aadsts"] = error.codes.first.map { .int(Int64($0)) }
        if action.isTransient || action == .stopLoop || !error.isFromSignInService {
            return MMError(
                .unavailable, "The sign-in service doesn't renew the session's token now \(said)",
                hint: "Try again later.", details: details)
        }
        // Who signs in is also asked for consent.
        guard action.loss != .nothing || action == .userConsent || action == .adminConsent else {
            return MMError(
                .forbidden, "The sign-in service doesn't renew the session's token \(said)",
                hint: error.advice?.advice ?? "Signing in again doesn't help. Ask the tenant's administrator.",
                details: details)
        }
        return MMError(
            .signInNeeded, "The sign-in service has ended the session's sign-in \(said)",
            hint: "Repeat the call to start a new sign-in.", details: details)
    }
}
