package import MMCore
package import MMHTTP

/// Keeps the metadata and keys of a sign-in service, and asks for them again when they may have changed.
///
/// A key that isn't known is asked for, but never more often than every half minute, whoever makes up its name. While the
/// service is down, the keys at hand serve for a day.
package final class IssuerDirectory: Sendable {
    /// The issuer, as it was configured.
    package let issuer: String
    private let transport: any HTTPTransport
    private let clock: WallClock
    private let log: Log
    private let state = Mutex(State())

    private struct State: Sendable {
        var known: (metadata: IssuerMetadata, at: Timestamp)?
        var failure: MMError?
        var askedAt: Timestamp?
        var flight: Task<Void, Never>?
    }

    /// What is to be done about a token.
    enum Answer: Sendable {
        /// This is what is known.
        case known(IssuerMetadata)
        /// The service has to be asked first.
        case unknown
        /// The service was just asked, and failed.
        case failed(MMError)
    }

    /// How long keys are used before the service is asked for them again, beside the calls that use them.
    private static let fresh = Duration.seconds(3600)
    /// How long they are used when it doesn't answer.
    private static let usable = Duration.seconds(86_400)
    /// The shortest time between two requests for a key that isn't known.
    private static let pause = Duration.seconds(30)
    /// The shortest time between two requests while nothing is known.
    private static let retryPause = Duration.seconds(5)

    /// Creates a directory; nothing is sent yet.
    /// - Parameters:
    ///   - issuer: the issuer, such as `https://login.microsoftonline.com/TENANT/v2.0`.
    ///   - transport: sends its requests.
    ///   - clock: supplies the time of day.
    ///   - log: where failures are noted.
    package init(issuer: String, transport: any HTTPTransport, clock: WallClock = .system, log: Log = .off) {
        self.issuer = issuer
        self.transport = transport
        self.clock = clock
        self.log = log.from("oauth")
    }

    /// Whether an address can be an issuer's: https, or http at this machine, without a query.
    package static func isUsable(_ issuer: String) -> Bool {
        guard let address = WebAddress(issuer), !address.hasUserInfo, !issuer.contains("?"), !issuer.contains("#")
        else {
            return false
        }
        return address.scheme == "https" || address.isLoopback
    }

    /// The metadata, as far as they are known.
    package var metadata: IssuerMetadata? { state.withLock { $0.known?.metadata } }

    /// Returns what is known, at once.
    /// - Parameter keyID: the key that is looked for; `nil` for any.
    func answer(for keyID: String?) -> Answer {
        let now = clock.now
        let (answer, isOld): (Answer, Bool) = state.withLock { state in
            guard let known = state.known, Self.passed(known.at, now) < Self.usable else {
                guard state.flight == nil else { return (.unknown, false) }
                if let failure = state.failure, let asked = state.askedAt, Self.passed(asked, now) < Self.retryPause {
                    return (.failed(failure), false)
                }
                return (.unknown, false)
            }
            let sinceAsked = state.askedAt.map { Self.passed($0, now) } ?? .seconds(86_400)
            let isNew = keyID.map { id in !known.metadata.keys.contains { $0.id == id } } ?? false
            if isNew, state.flight != nil || sinceAsked >= Self.pause { return (.unknown, false) }
            return (.known(known.metadata), Self.passed(known.at, now) >= Self.fresh && sinceAsked >= Self.pause)
        }
        if isOld { _ = begin() }
        return answer
    }

    /// Asks the service and returns what is known then. Callers at the same time share one request.
    func ask(for keyID: String?) async -> Answer {
        if case .unknown = answer(for: keyID) { await begin().value }
        let (known, failure) = state.withLock { ($0.known, $0.failure) }
        if let known, Self.passed(known.at, clock.now) < Self.usable { return .known(known.metadata) }
        return .failed(failure ?? MMError(.unavailable, "The sign-in service \(issuer) wasn't asked."))
    }

    /// Asks ahead of the first token, so that a wrong issuer shows when the server starts.
    /// - Returns: why nobody can be admitted yet; `nil` when the service has answered.
    package func prepare() async -> MMError? {
        if case .failed(let error) = await ask(for: nil) { error } else { nil }
    }

    private func begin() -> Task<Void, Never> {
        state.withLock { state in
            if let flight = state.flight { return flight }
            state.askedAt = clock.now
            let flight = Task { [self] in
                let result = await Result { () async throws(MMError) in
                    try await IssuerMetadata.read(issuer, by: transport)
                }
                finish(result)
            }
            state.flight = flight
            return flight
        }
    }

    private func finish(_ result: Result<IssuerMetadata, MMError>) {
        state.withLock { state in
            state.flight = nil
            switch result {
            case .success(let metadata):
                state.known = (metadata, clock.now)
                state.failure = nil
            case .failure(let error): state.failure = error
            }
        }
        switch result {
        case .success(let metadata): log.info("\(metadata.keys.count) keys of the sign-in service \(issuer)")
        case .failure(let error): log.warning(error.message)
        }
    }

    /// How much time has passed; a clock that was set back counts as much time.
    private static func passed(_ then: Timestamp, _ now: Timestamp) -> Duration {
        now < then ? .seconds(86_400) : now - then
    }
}
