import MMCore
import MMDesk
import MMNative

/// Error records of cmdlets that a service ran.
enum ExchangeRecord {
    /// The record of the service's own error.
    static func of(_ error: ExchangeError) -> NativeError {
        var message = error.message
        if let hint = error.hint { message += " \(hint)" }
        return NativeError(
            error.fullyQualifiedID, message, category: error.category, command: error.cmdlet, isReadable: true)
    }

    /// The record of what broke the script: it ends the cmdlet, and the caller gets the whole error.
    static func of(_ error: MMError, cmdlet: String) -> NativeError {
        NativeError(
            "\(error.code.word),\(cmdlet)", error.message, category: "OperationStopped", command: cmdlet,
            isReadable: true)
    }
}

extension ExchangeError {
    /// Whether the service refused or failed to look at all: it has said nothing of the objects that were asked for, so that
    /// going on would take a refusal for an answer.
    var isRefusal: Bool {
        switch status {
        // An object that is not there is told with its type; without one, it is the address that nobody knows.
        case 404: exceptionType.isEmpty
        case 401, 403, 407, 408, 429: true
        case 500...: kind != .notFound
        default: false
        }
    }
}

extension MMError {
    /// Whether only the caller can do something about it, whatever the script would do.
    var concernsTheCaller: Bool {
        switch code {
        case .signInNeeded, .confirmationNeeded, .denied, .cancelled, .deadlineExceeded: true
        default: false
        }
    }
}
