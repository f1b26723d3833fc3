public import FoundationEssentials
public import MMCore
public import MMGraph

extension GraphClient {
    /// Reads an object at an address, such as one that an answer holds (`@odata.nextLink`, `webUrl` of an API).
    /// - Parameters:
    ///   - url: an address at one of the service's own hosts in the connection's cloud.
    ///   - type: what the answer becomes: a type of yours, or a `JSONValue`.
    ///   - deadline: when to give up.
    /// - Throws: as `send`; `.invalidInput` for another host.
    public func get<Answer: Decodable & Sendable>(
        _ url: URL, as type: Answer.Type = JSONValue.self, deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> Answer {
        try await get(url.absoluteString, as: type, deadline: deadline)
    }

    /// Sends a value of yours as JSON and gives the answer.
    ///
    /// ```swift
    /// struct Change: Encodable { let jobTitle: String }
    /// try await graph.send("PATCH", "/users/ID", encoding: Change(jobTitle: "Engineer"))
    /// ```
    /// - Parameters:
    ///   - method: `POST`, `PATCH` or `PUT`.
    ///   - endpoint: such as `/users/ID`.
    ///   - body: what is sent.
    ///   - encoder: how it is written; by default with dates in ISO 8601.
    ///   - type: what the answer becomes; `JSONValue.null` where the service answers nothing.
    ///   - deadline: when to give up.
    /// - Throws: as `send` of a `GraphRequest`; `.invalidInput` for a body that can't be written.
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
    /// The body as data: a photo, a report, a file.
    public var data: Data { Data(body) }
}
