internal import MMCore
internal import MMHTTP
internal import MMSystem

/// The redirect target of one browser sign-in: a listener, on this machine's loopback addresses unless it was told
/// otherwise, that receives the code (RFC 8252, section 7.3).
final class LoopbackRedirect: Sendable {
    /// What the browser delivers.
    enum Answer: Sendable {
        case code(Secret)
        case refused(error: String, description: String)
    }

    /// The redirect URI. It is registered without a port, which may therefore be any.
    let redirectURI: String
    /// The port that it listens on.
    let port: UInt16

    private let listeners: [HTTPListener]
    private let desk: Desk

    /// Starts listening.
    /// - Parameters:
    ///   - address: where.
    ///   - state: the value that the answer must carry, so that only the page that the person was sent to can answer.
    static func start(at address: RedirectAddress = .any, state: Secret) throws(MMError) -> LoopbackRedirect {
        let desk = Desk(state: state)
        let handler: HTTPHandler = { await desk.answer($0) }
        var limits = HTTPServerLimits()
        limits.maxConnections = 32
        let first = try HTTPListener.start(
            .tcp(host: address.hosts[0], port: address.port), limits: limits, handler: handler)
        var listeners = [first]
        for host in address.hosts.dropFirst() {
            let other = try? HTTPListener.start(.tcp(host: host, port: first.port), limits: limits, handler: handler)
            if let other { listeners.append(other) }
        }
        return LoopbackRedirect(listeners, desk)
    }

    private init(_ listeners: [HTTPListener], _ desk: Desk) {
        self.listeners = listeners
        self.desk = desk
        port = listeners[0].port
        redirectURI = "http://localhost:\(port)"
    }

    /// Waits for the browser.
    /// - Parameters:
    ///   - deadline: when to give up.
    ///   - connection: the connection that signs in, for messages.
    func answer(until deadline: Deadline, of connection: String) async throws(MMError) -> Answer {
        let desk = desk
        let alarm = Task {
            guard let instant = deadline.instant else { return }
            try await ContinuousClock().sleep(until: instant)
            desk.arrival.resolve(
                .failure(
                    MMError(
                        .deadlineExceeded, "Nobody signed in to \(connection) in the browser in time.",
                        hint: "Start again: mm login \(ShellWord.quoted(connection)).")))
        }
        let result = await withTaskCancellationHandler {
            await desk.arrival.wait()
        } onCancel: {
            desk.arrival.resolve(.failure(MMError(.cancelled, "The sign-in of \(connection) was cancelled.")))
        }
        alarm.cancel()
        return try result.get()
    }

    /// Shows the person the outcome, and stops listening.
    func close(_ page: LoopbackPage) async {
        desk.ending.resolve(page)
        for listener in listeners { await listener.stop(graceful: .seconds(2)) }
    }

    /// Receives what the browser delivers.
    private final class Desk: Sendable {
        let state: Secret
        let arrival = OneShot<Result<Answer, MMError>>()
        let ending = OneShot<LoopbackPage>()

        init(state: Secret) { self.state = state }

        func answer(_ request: HTTPServerRequest) async -> HTTPServerResponse {
            guard request.path == "/" else { return LoopbackPage.unknown.response(status: 404) }
            let bytes: [UInt8]
            switch request.method {
            case "GET": bytes = Array((request.query ?? "").utf8)
            case "POST": bytes = request.body
            default: return LoopbackPage.unknown.response(status: 405)
            }
            // A request without the state wasn't sent by the page that was opened, and must not end the sign-in.
            guard let fields = FormFields(reading: bytes), let given = fields["state"],
                ConstantTime.equal(Array(given.utf8), Array(state.reveal().utf8))
            else { return LoopbackPage.unknown.response(status: 400) }
            let answer: Answer
            if let code = fields["code"], !code.isEmpty {
                HeldSecrets.shared.hold(Secret(code))
                answer = .code(Secret(code))
            } else {
                answer = .refused(error: fields["error"] ?? "", description: fields["error_description"] ?? "")
            }
            guard arrival.resolve(.success(answer)) else { return LoopbackPage.unknown.response(status: 400) }
            return await ending.wait().response(status: 200)
        }
    }
}
