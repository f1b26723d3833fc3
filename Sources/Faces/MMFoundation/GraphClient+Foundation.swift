public import FoundationEssentials
public import MMCore
public import MMGraph

extension GraphClient {
    /// Reads an object at a URL, such as one that an answer contains (`@odata.nextLink`, or an API's `webUrl`).
    /// - Parameters:
    ///   - url: a URL on one of the service's own hosts in the connection's cloud.
    ///   - type: the type to decode the answer as: your own, or `JSONValue`.
    ///   - deadline: when to give up.
    /// - Throws: the errors of `send`; `.invalidInput` for another host.
    public func get<Answer: Decodable & Sendable>(
        _ url: URL, as type: Answer.Type = JSONValue.self, deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> Answer {
        try await get(url.absoluteString, as: type, deadline: deadline)
    }

    /// Sends a value of your own as JSON and returns the answer.
    ///
    /// ```swift
    /// struct Change: Encodable { let jobTitle: String }
    /// try await graph.send("PATCH", "/users/ID", encoding: Change(jobTitle: "Engineer"))
    /// ```
    /// - Parameters:
    ///   - method: `POST`, `PATCH` or `PUT`.
    ///   - endpoint: the path, such as `/users/ID`.
    ///   - body: the value to send.
    ///   - encoder: encodes the value; by default with dates in ISO 8601.
    ///   - type: the type to decode the answer as; `JSONValue.null` if the service returns no body.
    ///   - deadline: when to give up.
    /// - Throws: the errors of `send` with a `GraphRequest`; `.invalidInput` for a value that can't be encoded.
    @discardableResult
    public func send<Answer: Decodable & Sendable>(
        _ method: String, _ endpoint: String, encoding body: some Encodable, with encoder: JSONEncoder? = nil,
        as type: Answer.Type = JSONValue.self, deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> Answer {
        let value = try JSONValue(encoding: body, with: encoder)
        return try await send(method, endpoint, value, as: type, deadline: deadline)
    }
}

extension GraphResponse {
    /// The body as data, for a photo, a report or a file.
    public var data: Data { Data(body) }
}
