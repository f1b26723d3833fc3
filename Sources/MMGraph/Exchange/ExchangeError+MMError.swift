package import MMCore

extension ExchangeError {
    /// Returns the error to report from an operation.
    /// - Parameters:
    ///   - connection: the name of the connection.
    ///   - service: the endpoint that responded.
    package func mmError(of connection: String, _ service: ExchangeService) -> MMError {
        var details: JSONObject = [
            "service": .string(service.rawValue), "connection": .string(connection), "cmdlet": .string(cmdlet),
            "status": .int(Int64(status)), "category": .string(category),
        ]
        if !code.isEmpty { details["code"] = .string(code) }
        if !exceptionType.isEmpty { details["exception"] = .string(exceptionType) }
        if let requestID { details["requestId"] = .string(requestID) }
        if let server { details["server"] = .string(server) }
        return MMError(kind, "\(cmdlet): \(message)", hint: hint, retry: retry, details: details)
    }

    /// The kind of failure.
    package var kind: MMErrorCode {
        // The second one is that of a folder's permissions, for somebody who has none.
        if ["ObjectNotFoundException", "UserNotFoundInPermissionEntryException"].contains(where: exceptionType.contains)
        {
            return .notFound
        }
        return switch status {
        case 401, 403: .forbidden
        case 404: .notFound
        case 409, 412: .conflict
        case 413: .limitExceeded
        case 429: .throttled
        case 501: .unsupported
        case 503: .unavailable
        default: .remoteFailed
        }
    }

    private var retry: MMError.Retry {
        switch status {
        case 429, 503: .after(retryAfter ?? .seconds(30))
        default: .never
        }
    }

    /// What to do about it, if known.
    package var hint: String? {
        switch status {
        case 401: "Sign in again: mm login. The app registration needs the delegated permission Exchange.Manage."
        case 403:
            "An administrator must give the account an Exchange or compliance role that "
                + "contains this cmdlet; mm cmdlets --connection shows what it may run."
        case 413: "Send less in one command: fewer values, or a shorter list."
        case 429: "The service asks to slow down, and waiting as requested wasn't enough. Try later."
        case 503: "The service is temporarily unavailable. Try again later."
        default: nil
        }
    }
}
