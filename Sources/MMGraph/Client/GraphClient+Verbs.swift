public import MMCore

/// One-line requests.
extension GraphClient {
    /// Reads an object.
    ///
    /// ```swift
    /// struct User: Decodable { let displayName: String }
    /// let me = try await graph.get("/me", as: User.self)
    /// ```
    /// - Parameters:
    ///   - endpoint: the endpoint, such as `/me` or `/beta/users/ID`.
    ///   - query: query options, such as `["$select": "displayName"]`.
    ///   - type: the type to decode: your own, or `JSONValue`.
    ///   - deadline: when to give up.
    /// - Throws: as `send`; `.remoteFailed` for a response that isn't JSON or can't be decoded.
    public func get<Answer: Decodable & Sendable>(
        _ endpoint: String, query: [String: String] = [:], as type: Answer.Type = JSONValue.self,
        deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> Answer {
        let request = try GraphRequest(target: try target(endpoint, query: Self.ordered(query)))
        return try await send(request, deadline: deadline).json().decoded(as: type)
    }

    /// Returns the items of a collection one by one, across all its pages. At most two pages are held in memory.
    ///
    /// ```swift
    /// for try await user in graph.pages("/users", select: ["displayName"], as: User.self) { … }
    /// ```
    /// - Parameters:
    ///   - endpoint: the endpoint, such as `/users`.
    ///   - select: the properties to return.
    ///   - filter: which items to return, such as `accountEnabled eq false`.
    ///   - top: the maximum number of items in total; `nil` for all.
    ///   - query: further query options.
    ///   - type: the type of an item: your own, or `JSONValue`.
    ///   - deadline: when to give up.
    public func pages<Item: Decodable & Sendable>(
        _ endpoint: String, select: [String] = [], filter: String? = nil, top: Int? = nil,
        query: [String: String] = [:], as type: Item.Type = JSONValue.self,
        deadline: Deadline = .after(.seconds(300))
    ) -> GraphItems<Item> {
        var options = query
        if !select.isEmpty { options["$select"] = select.joined(separator: ",") }
        if let filter { options["$filter"] = filter }
        let request = Result { () throws(MMError) in
            try GraphRequest(target: try target(endpoint, query: Self.ordered(options)))
        }
        return GraphItems(
            pages: request.map { pages($0, limits: PageLimits(items: top), deadline: deadline) })
    }

    /// Sends a request with an optional JSON body and returns the response.
    ///
    /// ```swift
    /// try await graph.send("PATCH", "/users/ID", ["jobTitle": "Engineer"])
    /// ```
    /// - Parameters:
    ///   - method: `POST`, `PATCH`, `PUT` or `DELETE`.
    ///   - endpoint: the endpoint, such as `/users/ID`.
    ///   - body: the body.
    ///   - type: the type to decode; `JSONValue.null` if the service returns no body.
    ///   - deadline: when to give up.
    /// - Throws: as `send` of a `GraphRequest`.
    @discardableResult
    public func send<Answer: Decodable & Sendable>(
        _ method: String, _ endpoint: String, _ body: JSONValue? = nil, as type: Answer.Type = JSONValue.self,
        deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> Answer {
        let target = try target(endpoint)
        let request =
            if let body {
                try GraphRequest(method: method, target: target, json: body)
            } else {
                try GraphRequest(method: method, target: target)
            }
        let response = try await send(request, deadline: deadline)
        return try (response.body.isEmpty ? .null : response.json()).decoded(as: type)
    }

    private static func ordered(_ query: [String: String]) -> [(name: String, value: String)] {
        query.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }
}
