package import MMCore

/// The lossless encoding of an error between a pool and a front-end.
package enum ErrorWire {
    /// Encodes an error: `MMError.json`, plus what that rounds or leaves out.
    package static func object(_ error: MMError) -> JSONObject {
        var object = error.json
        if case .after(let wait) = error.retry {
            object["retryAfterAttoseconds"] = .int(wait.components.attoseconds)
        }
        if let cause = error.cause { object["cause"] = .string(cause) }
        return object
    }

    /// Decodes an error; `nil` when the object contains none. Also accepts problem details (RFC 9457) that this product
    /// created.
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
