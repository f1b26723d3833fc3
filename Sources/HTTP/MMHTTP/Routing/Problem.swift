package import MMCore

/// Problem details: machine-readable errors over HTTP (RFC 9457).
package enum Problem {
    /// The media type.
    package static let contentType = "application/problem+json"

    /// Returns a response that carries an error.
    /// - Parameters:
    ///   - error: the error.
    ///   - status: the status, if it differs from that of the error's code.
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
        // A 401 response must name a way to authenticate (RFC 9110, section 15.5.2).
        if status == 401 {
            headers.set(
                "WWW-Authenticate", error.code == .signInNeeded ? "MM-Sign-In" : BearerRefusal(given: nil).challenge)
        }
        return HTTPServerResponse(
            status: status, headers: headers, body: .bytes(JSONWriter.bytes(.object(object))))
    }

    /// Returns the response for an unknown path.
    package static func notFound(at path: String) -> HTTPServerResponse {
        response(
            MMError(
                .notFound, "The path \(path.prefix(100)) does not exist.",
                hint: "GET /v1/operations lists the operations."
            ))
    }

    /// Returns the status of an error: that of its code, and two that exist only over HTTP.
    private static func status(of error: MMError) -> Int {
        switch error.code {
        case .unsupportedMediaType: 415
        case .notAcceptable: 406
        default: error.httpStatus
        }
    }

    /// Returns the reason phrase of a status (RFC 9110, section 15; RFC 6585).
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

extension Router.ErrorResponses {
    /// Refusals as problem details.
    package static var problems: Self {
        Self(
            wrongMethod: { request, methods in
                Problem.response(
                    MMError(
                        .invalidInput,
                        "\(request.path.prefix(100)) does not support \(request.method.prefix(20)).",
                        hint: "It supports \(methods.joined(separator: ", "))."), status: 405)
            }, failure: { Problem.response($0) })
    }
}
