internal import MMCore
internal import MMHTTP

/// A request to Graph that is being answered.
struct GraphCall: Sendable {
    let request: HTTPServerRequest
    /// `v1.0` or `beta`.
    let version: String
    /// The path without the version.
    let segments: [GraphSegment]
    let options: QueryOptions
    let principal: SignedInPrincipal
    let requestID: String
    let clientRequestID: String

    /// Returns the properties that `beta` returns without `$select`: all but expensive ones, where `v1.0` returns a
    /// few.
    func everything(of kind: EntityKind) -> [String]? {
        guard version == "beta", kind.selected != nil else { return nil }
        return kind.properties.filter { $0 != "signInActivity" }
    }

    /// Returns the call with property names in their canonical spelling; the service accepts any case.
    func spelled(as kind: EntityKind) -> GraphCall {
        GraphCall(
            request: request, version: version, segments: segments, options: options.spelled(as: kind),
            principal: principal, requestID: requestID, clientRequestID: clientRequestID)
    }

    var isEventual: Bool { request.headers["consistencylevel"]?.lowercased() == "eventual" }

    /// Returns a preference of the `Prefer` header.
    func preference(_ name: String) -> String? {
        for piece in (request.headers["prefer"] ?? "").split(separator: ",") {
            let halves = piece.split(separator: "=", maxSplits: 1).map { String($0).trimmed }
            if halves.first?.lowercased() == name { return halves.count > 1 ? halves[1].filter { $0 != "\"" } : "" }
        }
        return nil
    }

    /// Returns the JSON object of the body.
    /// - Throws: 400 when it isn't an object.
    func object() throws(GraphFailure) -> JSONObject {
        guard !request.body.isEmpty else {
            throw GraphFailure(400, "BadRequest", "Empty Payload. JSON content expected.")
        }
        let value: JSONValue
        do throws(JSONError) { value = try JSONParser.parse(request.body) } catch {
            throw GraphFailure(
                400, "BadRequest",
                "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format."
            )
        }
        guard let object = value.object else {
            throw GraphFailure(400, "BadRequest", "A JSON object is expected as request payload.")
        }
        return object
    }

    /// Returns the body as an object, or an empty one if the body is missing.
    func optionalObject() throws(GraphFailure) -> JSONObject { request.body.isEmpty ? [:] : try object() }

    /// Checks the method.
    /// - Throws: 405 when it isn't `POST`.
    func requirePost() throws(GraphFailure) {
        guard request.method == "POST" else { throw .notAllowed(request.method) }
    }
}
