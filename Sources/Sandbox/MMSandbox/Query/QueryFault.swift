/// Why a query option is refused, in the service's words.
struct QueryFault: Error {
    /// The error code of the answer.
    var code = "BadRequest"
    /// What is wrong.
    let message: String

    static func syntax(_ position: Int, in text: String) -> QueryFault {
        QueryFault(message: "Syntax error at position \(position) in '\(text)'.")
    }

    static func unknownProperty(_ name: String, on type: String) -> QueryFault {
        QueryFault(message: "Could not find a property named '\(name)' on type 'microsoft.graph.\(type)'.")
    }

    static func unsupported(_ message: String) -> QueryFault {
        QueryFault(code: "Request_UnsupportedQuery", message: message)
    }
}
