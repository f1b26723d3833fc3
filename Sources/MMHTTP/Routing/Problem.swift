package import MMCore

/// Problem details: errors as programs read them over HTTP (RFC 9457).
package enum Problem {
    /// The media type.
    package static let contentType = "application/problem+json"

    /// An answer that carries an error.
    /// - Parameters:
    ///   - error: what went wrong.
    ///   - status: the status, where it is not the one that belongs to the error's code.
    package static func response(_ error: MMError, status: Int? = nil) -> HTTPServerResponse {
        let status = status ?? Self.status(of: error)
        var object: JSONObject = [
            "type": "about:blank", "title": .string(title(of: status)), "status": .int(Int64(status)),
            "detail": .string(error.message),
        ]
        for (key, value) in error.json where key != "message" { object[key] = value }
        var headers: HTTPHeaders = ["Content-Type": contentType, "Cache-Control": "no-store"]
        if case .after(let wait) = error.retry {
            headers.set("Retry-After", "\(max(1, wait.components.seconds))")
        } else if error.retry == .now, status == 429 || status == 503 {
            headers.set("Retry-After", "1")
        }
        // An answer of 401 names a way to authenticate (RFC 9110, section 15.5.2).
        if status == 401 {
            headers.set(
                "WWW-Authenticate", error.code == .signInNeeded ? "MM-Sign-In" : BearerRefusal(given: nil).challenge)
        }
        return HTTPServerResponse(
            status: status, headers: headers, body: .bytes(JSONWriter.bytes(.object(object))))
    }

    /// The answer at a path where nothing is.
    package static func nothing(at path: String) -> HTTPServerResponse {
        response(MMError(.notFound, "There is nothing at \(path.prefix(100)).", hint: "GET /v1/operations lists."))
    }

    /// The status of an error: what its code maps to, and two that only HTTP knows.
    private static func status(of error: MMError) -> Int {
        switch error.code {
        case .unsupportedMediaType: 415
        case .notAcceptable: 406
        default: error.httpStatus
        }
    }

    /// The phrase of a status (RFC 9110, section 15; RFC 6585).
    package static func title(of status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 421: "Misdirected Request"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 499: "Client Closed Request"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Internal Server Error"
        }
    }
}

extension Router.Refusals {
    /// Problem details.
    package static var problems: Self {
        Self(
            wrongMethod: { request, methods in
                Problem.response(
                    MMError(
                        .invalidInput,
                        "\(request.method.prefix(20)) is nothing that \(request.path.prefix(100)) answers.",
                        hint: "It answers \(methods.joined(separator: ", "))."), status: 405)
            }, failure: { Problem.response($0) })
    }
}
