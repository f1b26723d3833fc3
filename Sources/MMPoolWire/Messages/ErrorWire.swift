package import MMCore

/// An error as it crosses from a pool to a front-end, with nothing lost.
package enum ErrorWire {
    /// The error as JSON: `MMError.json`, and what that rounds or leaves out.
    package static func object(_ error: MMError) -> JSONObject {
        var object = error.json
        if case .after(let wait) = error.retry {
            object["retryAfterAttoseconds"] = .int(wait.components.attoseconds)
        }
        if let cause = error.cause { object["cause"] = .string(cause) }
        return object
    }

    /// The error of a JSON object; `nil` when it holds none. Problem details (RFC 9457) that this product made are
    /// understood too.
    package static func error(_ object: JSONObject) -> MMError? {
        guard let code = object["code"]?.string, let message = (object["message"] ?? object["detail"])?.string else {
            return nil
        }
        var retry = MMError.Retry.never
        if let seconds = object["retryAfterSeconds"]?.int {
            if let rest = object["retryAfterAttoseconds"]?.int {
                retry = .after(Duration(secondsComponent: Int64(seconds), attosecondsComponent: Int64(rest)))
            } else {
                retry = seconds == 0 ? .now : .after(.seconds(seconds))
            }
        }
        return MMError(
            MMErrorCode(code), message, hint: object["hint"]?.string, retry: retry,
            details: object["details"]?.object ?? [:], cause: object["cause"]?.string)
    }
}
