extension MMError {
    /// The exit code of a command that ends with this error.
    ///
    /// 1 failed, 2 usage, 3 sign-in needed, 4 denied by the guard, 5 confirmation needed, 6 deadline, 7 pool
    /// unavailable, 130 cancelled.
    public var exitCode: Int32 {
        switch code {
        case .invalidInput: 2
        case .signInNeeded: 3
        case .denied: 4
        case .confirmationNeeded: 5
        case .deadlineExceeded: 6
        case .unavailable where details["pool"] != nil: 7
        case .cancelled: 130
        default: 1
        }
    }

    /// The JSON-RPC error code of a response that carries this error (JSON-RPC 2.0, section 5.1).
    public var jsonRPCCode: Int {
        switch code {
        case .invalidInput: -32602
        default: -32603
        }
    }

    /// The HTTP status of a response that carries this error (RFC 9110, section 15).
    public var httpStatus: Int {
        switch code {
        case .invalidInput: 400
        case .signInNeeded: 401
        case .forbidden, .denied: 403
        case .notFound: 404
        case .conflict: 409
        case .limitExceeded: 413
        case .confirmationNeeded: 428
        case .throttled: 429
        case .cancelled: 499
        case .unsupported: 501
        case .remoteFailed, .sessionLost: 502
        case .unavailable: 503
        case .deadlineExceeded: 504
        default: 500
        }
    }

    /// The error as JSON: `code` and `message`, then `hint`, `retryAfterSeconds` and `details` where present.
    public var json: JSONObject {
        var object: JSONObject = ["code": .string(code.word), "message": .string(message)]
        if let hint { object["hint"] = .string(hint) }
        switch retry {
        case .never: break
        case .now: object["retryAfterSeconds"] = 0
        case .after(let wait): object["retryAfterSeconds"] = .int(wait.components.seconds)
        }
        if !details.isEmpty { object["details"] = .object(details) }
        return object
    }
}
