package import MMCore
package import MMHTTP

/// Errors between a front-end and its pool, with hints that say what to do.
package enum PoolFailure {
    /// Returns the error for an exchange that wasn't completed.
    package static func error(_ error: HTTPError, _ pool: PoolAddress, during work: String) -> MMError {
        if error.kind == .cancelled { return MMError(.cancelled, "\(work) was cancelled.") }
        guard error.mayHaveBeenSent else {
            if error.kind == .invalidRequest { return error.mmError(for: "Calling the pool at \(pool)") }
            return MMError(
                .unavailable, "The pool at \(pool) can't be reached.",
                hint: start(pool), retry: .now,
                details: details(pool, failure: error.kind), cause: error.message)
        }
        return lost(pool, during: work, cause: error.message)
    }

    private static func start(_ pool: PoolAddress) -> String {
        switch pool.place {
        case .socket: "Start it with `mm pool start`, or go without it: --embedded."
        case .url: "Start it there: mm pool serve --profile pool --listen HOST:PORT; or leave the address out."
        }
    }

    /// Returns the error for a call whose pool disappeared while it ran.
    static func lost(_ pool: PoolAddress, during work: String, cause: String? = nil) -> MMError {
        MMError(
            .unavailable, "The pool at \(pool) was lost during \(work): whether it was done is unknown.",
            hint: "Check `mm pool status` and `mm pool logs`, and what the call was to change, before you repeat it.",
            details: details(pool), cause: cause)
    }

    /// Returns the error for a peer that answers but is not a pool.
    package static func notAPool(_ pool: PoolAddress) -> MMError {
        MMError(
            .unavailable, "The server at \(pool) isn't a pool of mm.",
            hint: "Check --pool and MM_SESSION_POOL_URL.", details: details(pool))
    }

    /// Returns the error for an unexpected answer.
    static func refusal(_ stream: HTTPStream, _ pool: PoolAddress, during work: String) async -> MMError {
        let body: [UInt8]
        do throws(HTTPError) {
            body = try await stream.collect(limit: 4 << 20)
        } catch {
            return self.error(error, pool, during: work)
        }
        return refusal(stream.status, body, pool, during: work)
    }

    /// Returns the error for an unexpected answer.
    package static func refusal(_ status: Int, _ body: [UInt8], _ pool: PoolAddress, during work: String) -> MMError {
        if let object = (try? JSONParser.parse(body))?.object, let error = ErrorWire.error(object) { return error }
        switch status {
        case 401, 403:
            return MMError(
                .forbidden, "The pool at \(pool) does not admit this program (status \(status)).",
                hint: "Give its secret in MM_POOL_TOKEN, or a file of it in MM_POOL_TOKEN_FILE.")
        case 413:
            return MMError(.limitExceeded, "The arguments of \(work) are longer than the pool takes.")
        case 503:
            return MMError(
                .unavailable, "The pool at \(pool) is stopping.", hint: "Call again: the next one starts.", retry: .now,
                details: details(pool))
        default: return notAPool(pool)
        }
    }

    /// What `details["failure"]` of an error says where the pool's host name has no address.
    package static let noAddress = "resolve"
    /// What it says where the pool does not prove itself.
    package static let noProof = "tls"

    private static func details(_ pool: PoolAddress, failure: HTTPError.Kind? = nil) -> JSONObject {
        var details: JSONObject = ["pool": .string(pool.description)]
        switch failure {
        case .resolve: details["failure"] = .string(noAddress)
        case .tls: details["failure"] = .string(noProof)
        default: break
        }
        return details
    }
}
