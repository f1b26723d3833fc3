/// Error records as a script sees them: `$_` inside `catch`.
enum ErrorRecords {
    /// The type name of error records.
    static let type = "System.Management.Automation.ErrorRecord"

    /// Returns the record of an error, with the members that are certain; a script that asks for another one is handed
    /// over.
    static func value(of error: NativeError) -> PSValue {
        var pairs: [(String, PSValue)] = []
        if error.isReadable {
            let exception = PSObject(
                [("Message", .string(error.message))], typeName: exceptionType, isCustom: false)
            if let exception { pairs.append(("Exception", .object(exception))) }
        }
        return PSObject(pairs, typeName: type, isCustom: false).map { .object($0) } ?? .null
    }

    /// The type name of the exceptions in records: which one it really is isn't known.
    static let exceptionType = "System.Management.Automation.RuntimeException"

    /// Returns the message of a record; `nil` for any other value.
    static func message(of value: PSValue) -> String? {
        guard case .object(let object) = value, object.typeName == type,
            case .object(let exception)? = object["Exception"], case .string(let message)? = exception["Message"]
        else { return nil }
        return message
    }
}
