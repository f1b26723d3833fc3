import MMCore
import MMGraph
import MMGuard

/// The way of a call's requests past the guard: each is judged as it will be sent, and a person is asked once for all.
struct RequestClearance {
    let connection: Connection
    let module: String
    let guarding: GuardServices
    let context: OperationContext
    let confirmed: Bool

    /// Returns when all requests are permitted.
    /// - Parameters:
    ///   - requests: what will be sent, in this order.
    ///   - lines: what a person is told beyond the requests, such as which file is sent.
    ///   - parameters: what a confirmation is bound to besides.
    ///   - changes: says what they change, for a person who is asked; it is not asked where they are denied.
    /// - Throws: as `Clearance.settle`.
    func settle(
        _ requests: [GraphRequest], lines: [String] = [], parameters: JSONObject = [:],
        changes: () async -> [String] = { [] }
    ) async throws(MMError) {
        guard let first = requests.first, let verdict = try verdict(on: requests) else { return }
        var parameters = parameters
        if requests.count == 1, !first.headers.isEmpty { parameters["headers"] = Self.headers(of: first) }
        let more = requests.count > 1 ? " and \(requests.count - 1) more" : ""
        let text = (requests.map { "\($0.method) \($0.target.pathAndQuery)" } + lines).joined(separator: "\n")
        var confirmation = ConfirmationRequest(
            on: connection, module: module, title: "\(first.method) \(first.target.path)\(more)", text: text,
            body: requests.count == 1 ? first.body ?? [] : Self.bodies(requests), parameters: parameters,
            verdict: verdict)
        if verdict.decision != .deny { confirmation.changes = await changes() }
        try await Clearance(confirmation).settle(in: context, with: guarding)
    }

    /// What the guard says of the requests as a whole; `nil` for none.
    func verdict(on requests: [GraphRequest]) throws(MMError) -> Verdict? {
        let policy = guarding.policy(of: connection, in: context)
        let engine = try guarding.guards.engine()
        return .joined(requests.map { engine.judge($0.guarded, policy: policy, confirmed: confirmed) })
    }

    /// Whether one of the requests does more than read.
    func changes(_ requests: [GraphRequest]) throws(MMError) -> Bool {
        try verdict(on: requests).map { $0.guardClass != .read || $0.decision != .allow } ?? false
    }

    /// The bodies of several requests, as they are shown and a confirmation is bound to.
    static func bodies(_ requests: [GraphRequest]) -> [UInt8] {
        if requests.count == 1, requests[0].headers.isEmpty { return requests[0].body ?? [] }
        guard requests.contains(where: { $0.body != nil || !$0.headers.isEmpty }) else { return [] }
        return JSONWriter.bytes(
            .array(
                requests.map { request in
                    [
                        "request": .string("\(request.method) \(request.target.pathAndQuery)"),
                        "headers": headers(of: request),
                        "body": request.body.flatMap { try? JSONParser.parse($0) } ?? .null,
                    ]
                }))
    }

    private static func headers(of request: GraphRequest) -> JSONValue {
        .object(JSONObject(request.headers.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }
}

extension GraphRequest {
    /// The request as the guard judges it.
    var guarded: GuardedRequest {
        GuardedRequest(
            method: method, target: target, body: RequestBody(bytes: body ?? []), headerNames: Array(headers.keys))
    }
}
