import MMCore
import MMHTTP
import MMIdentity

/// Keeps the tokens fresh that a session signed in for by itself: the session holds placeholders whose end lies far ahead, so
/// nobody else renews them.
final class TokenRenewal: Sendable {
    /// A token that ends sooner is renewed before it is sent.
    private static let margin: Int64 = 120

    private let transport: any HTTPTransport
    private let clock: WallClock
    private let vault: PlaceholderVault
    private let flights = Mutex<[String: Task<Result<Secret, MMError>, Never>]>([:])

    init(_ vault: PlaceholderVault, transport: any HTTPTransport, clock: WallClock) {
        self.vault = vault
        self.transport = transport
        self.clock = clock
    }

    /// The token behind a placeholder, renewed where it is about to end. Several who ask at once share one renewal.
    func token(_ placeholder: String, _ own: PlaceholderVault.OwnToken) async throws(MMError) -> Secret {
        guard let expiry = own.expiry, let grant = own.grant, expiry - clock.now.seconds < Self.margin else {
            return own.token
        }
        let flight: Task<Result<Secret, MMError>, Never> = flights.withLock { flights in
            if let running = flights[placeholder] { return running }
            // Another's renewal may have ended since this one looked.
            let newest = vault.worth(of: placeholder)
            let started = Task {
                defer { self.flights.withLock { _ = $0.removeValue(forKey: placeholder) } }
                if case .own(let fresh)? = newest, fresh.token != own.token {
                    return Result<Secret, MMError>.success(fresh.token)
                }
                return await self.renew(placeholder, own, grant)
            }
            flights[placeholder] = started
            return started
        }
        switch await flight.value {
        case .success(let token): return token
        case .failure(let error):
            // The rest of its life is better than nothing when the sign-in service is away.
            if expiry > clock.now.seconds + 5 { return own.token }
            throw error
        }
    }

    private func renew(
        _ placeholder: String, _ own: PlaceholderVault.OwnToken, _ grant: RenewalGrant
    ) async -> Result<Secret, MMError> {
        let form = FormFields([
            "grant_type": "refresh_token", "client_id": grant.clientID, "refresh_token": grant.refreshToken.reveal(),
            "scope": grant.scope, "resource": grant.resource,
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
            let code = (try? JSONParser.parse(response.body))?.object?["error"]?.string ?? "status \(response.status)"
            return .failure(
                MMError(
                    .signInNeeded, "The sign-in service renews the session's token no more (\(code)).",
                    hint: "Sign in again within the session."))
        }
        do throws(MMError) {
            let answer = try TokenAnswer(response.body, requested: [])
            let fresh = PlaceholderVault.OwnToken(
                audience: own.audience, token: answer.accessToken,
                expiry: clock.now.seconds + Int64(answer.expiresIn),
                grant: answer.refreshToken.map {
                    RenewalGrant(
                        refreshToken: $0, endpoint: grant.endpoint, clientID: grant.clientID, scope: grant.scope,
                        resource: grant.resource)
                } ?? grant)
            vault.renewed(placeholder, fresh)
            return .success(answer.accessToken)
        } catch {
            return .failure(error)
        }
    }
}
