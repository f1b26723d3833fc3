internal import MMCore
internal import MMHTTP

/// The context in which credentials are read and requested: the process's files and variables, its transports and the
/// time of day.
struct CredentialContext: Sendable {
    let paths: StatePaths
    let environment: [String: String]
    /// The transport for remote services.
    let transport: any HTTPTransport
    /// The transport for this machine's own services, which bypasses proxies.
    let direct: any HTTPTransport
    let clock: WallClock
    let log: Log
    let pause: @Sendable (Duration) async throws -> Void

    /// Asks a service that issues tokens to this machine or job, and again after each pause while its failure may pass.
    /// - Parameters:
    ///   - name: the service's name, for messages.
    ///   - connection: the connection that the token is for.
    ///   - pauses: the pauses, in seconds.
    ///   - deadline: when to give up.
    ///   - isPassing: whether the same request may succeed later, by the status of its answer.
    ///   - send: sends the request within a time.
    /// - Returns: the answer that no repetition would change, or the last one.
    func answer(
        of name: String, for connection: String, pauses: [Int64], deadline: Deadline, isPassing: (Int) -> Bool,
        _ send: (Duration) async throws -> HTTPResponse
    ) async throws(MMError) -> HTTPResponse {
        var pauses = pauses[...]
        while true {
            let outcome: Result<HTTPResponse, HTTPError>
            let mayPass: Bool
            do {
                let answer = try await send(min(.seconds(30), max(deadline.remaining, .milliseconds(1))))
                (outcome, mayPass) = (.success(answer), isPassing(answer.status))
                log.debug("\(name): \(answer.status)")
            } catch let error as HTTPError {
                // A service that used up its time would do so again.
                (outcome, mayPass) = (.failure(error), ![.cancelled, .timeout].contains(error.kind))
                log.debug("\(name): \(error.message)")
            } catch let error as MMError {
                throw error
            } catch {
                throw MMError(.internalError, "\(name) can't be reached: \(error)")
            }
            guard mayPass, let pause = pauses.popFirst(), .seconds(pause) < deadline.remaining else {
                do throws(HTTPError) { return try outcome.get() } catch { throw error.mmError(for: "Asking \(name)") }
            }
            do { try await self.pause(.seconds(pause)) } catch {
                throw MMError(.cancelled, "The sign-in of \(connection) was cancelled.")
            }
        }
    }
}
