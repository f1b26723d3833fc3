import MMCore

/// Requests as people write them down: one a line, or as the body of a batch.
struct PermissionRequests: Sendable {
    /// One of them.
    struct Request: Sendable {
        let method: String
        let target: RequestTarget

        /// Method and path.
        var line: String { "\(method) \(target.path)" }
    }

    let requests: [Request]

    private static let methods: Set<String> = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    private static let most = 500

    /// Reads them.
    /// - Parameters:
    ///   - text: `GET /users`, several such lines, JSON lines, or a batch with `requests`.
    ///   - field: the argument, for errors.
    /// - Throws: `invalidInput` that names the line.
    init(parsing text: String, field: String) throws(MMError) {
        let trimmed = text.drop { $0.isWhitespace }
        var found: [Request] = []
        if trimmed.hasPrefix("{") || trimmed.hasPrefix("["), let value = try? JSONParser.parse(text) {
            for item in value.array ?? value["requests"]?.array ?? [value] {
                found.append(try Self.request(item, field))
            }
        } else {
            for line in text.split(whereSeparator: \.isNewline) {
                let words = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
                guard let first = words.first, !first.hasPrefix("#") else { continue }
                if first.hasPrefix("{"), let value = try? JSONParser.parse(String(line)) {
                    found.append(try Self.request(value, field))
                } else if words.count == 2, Self.methods.contains(first.uppercased()) {
                    found.append(try Self.request(String(first), String(words[1]), field))
                } else {
                    found.append(try Self.request("GET", String(line), field))
                }
            }
        }
        guard !found.isEmpty else {
            throw MMError(
                .invalidInput, "`\(field)` holds no request.", hint: "For example: mm permissions for 'GET /users'")
        }
        guard found.count <= Self.most else {
            throw MMError(.limitExceeded, "`\(field)` holds \(found.count) requests; \(Self.most) are taken at once.")
        }
        requests = found
    }

    private static func request(_ item: JSONValue, _ field: String) throws(MMError) -> Request {
        guard let url = item["url"]?.string ?? item["path"]?.string ?? item["endpoint"]?.string else {
            throw MMError(
                .invalidInput, "A request in `\(field)` has no `url`.",
                hint: #"For example: {"method": "GET", "url": "/users"}"#)
        }
        return try request(item["method"]?.string ?? "GET", url, field)
    }

    private static func request(_ method: String, _ path: String, _ field: String) throws(MMError) -> Request {
        let method = method.uppercased()
        guard methods.contains(method) else {
            throw MMError(
                .invalidInput, "`\(field)`: \(method.prefix(20)) is no method of HTTP.",
                hint: "GET, POST, PUT, PATCH or DELETE.")
        }
        return Request(method: method, target: try RequestTarget(parsing: path, service: .graph, normalization: .clean))
    }
}
