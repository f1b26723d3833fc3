import MMCore
import MMGraph
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
