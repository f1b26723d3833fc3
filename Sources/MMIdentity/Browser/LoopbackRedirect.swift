internal import MMCore
internal import MMHTTP
internal import MMSystem

/// Where the browser comes back to with the code of a sign-in: a listener on this machine's own address, for this one
/// sign-in (RFC 8252, section 7.3).
final class LoopbackRedirect: Sendable {
    /// What the browser brings.
    enum Answer: Sendable {
        case code(Secret)
        case refused(error: String, description: String)
    }

    /// The address that the sign-in page sends the browser to. It is registered without the port, which any may have.
    let redirectURI: String
    /// The port that listens.
    let port: UInt16

    private let listeners: [HTTPListener]
    private let desk: Desk

    /// Starts to listen.
    /// - Parameter state: what the answer must carry, so that only the page that we sent the person to can answer.
    static func start(state: Secret) throws(MMError) -> LoopbackRedirect {
        let desk = Desk(state: state)
        let handler: HTTPHandler = { await desk.answer($0) }
        var limits = HTTPServerLimits()
        limits.maxConnections = 32
        let first = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0), limits: limits, handler: handler)
        var listeners = [first]
        // Browsers try this one first for `localhost`; a machine without IPv6 has none.
        if let second = try? HTTPListener.start(.tcp(host: "::1", port: first.port), limits: limits, handler: handler) {
            listeners.append(second)
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
    ///   - connection: whose sign-in, for messages.
    func answer(until deadline: Deadline, of connection: String) async throws(MMError) -> Answer {
        let desk = desk
        let alarm = Task {
            guard let instant = deadline.instant else { return }
            try await ContinuousClock().sleep(until: instant)
            desk.arrival.give(
                .failure(
                    MMError(
                        .deadlineExceeded, "Nobody signed in to \(connection) in the browser in time.",
                        hint: "Start again: mm login \(ShellWord.quoted(connection)).")))
        }
        let result = await withTaskCancellationHandler {
            await desk.arrival.wait()
        } onCancel: {
            desk.arrival.give(.failure(MMError(.cancelled, "The sign-in of \(connection) was called off.")))
        }
        alarm.cancel()
        return try result.get()
    }

    /// Shows the person how it ended, and stops to listen.
    func close(_ page: LoopbackPage) async {
        desk.ending.give(page)
        for listener in listeners { await listener.stop(graceful: .seconds(2)) }
    }

    /// Takes what the browser brings.
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
            // Whoever doesn't know the state was not sent by the page that we opened, and ends nothing.
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
            guard arrival.give(.success(answer)) else { return LoopbackPage.unknown.response(status: 400) }
            return await ending.wait().response(status: 200)
        }
    }
}
