internal import MMHTTP

/// An error answer of Graph.
struct GraphFailure: Error {
    let status: Int
    let code: String
    let message: String
    var headers: HTTPHeaders = [:]

    init(_ status: Int, _ code: String, _ message: String, headers: HTTPHeaders = [:]) {
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
    }

    init(_ fault: QueryFault) {
        self.init(400, fault.code, fault.message)
    }

    static func missing(_ key: String) -> GraphFailure {
        GraphFailure(
            404, "Request_ResourceNotFound",
            "Resource '\(key)' does not exist or one of its queried reference-property objects are not present.")
    }

    static func unknownSegment(_ name: String) -> GraphFailure {
        GraphFailure(400, "BadRequest", "Resource not found for the segment '\(name)'.")
    }

    static func badRequest(_ message: String) -> GraphFailure { GraphFailure(400, "Request_BadRequest", message) }

    static let denied = GraphFailure(
        403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")

    static let mailDenied = GraphFailure(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")

    static let mailItemMissing = GraphFailure(
        404, "ErrorItemNotFound", "The specified object was not found in the store.")

    static let fileMissing = GraphFailure(404, "itemNotFound", "The resource could not be found.")

    static func notAllowed(_ method: String) -> GraphFailure {
        GraphFailure(
            405, "Request_BadRequest", "Specified HTTP method '\(method)' is not allowed for the request target.")
    }

    static let staleETag = GraphFailure(412, "", "The If-Match header contains an invalid value.")

    static let conflict = GraphFailure(
        409, "Request_MultipleObjectsWithSameKeyValue",
        "A conflicting object with one or more of the specified property values is present in the directory.")
}
