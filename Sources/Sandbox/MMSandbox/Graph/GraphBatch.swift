internal import MMCore
internal import MMHTTP

/// A `$batch` request: up to twenty requests in one.
struct GraphBatch {
    /// The maximum number of requests in a batch.
    static let limit = 20

    let call: GraphCall
    let answers: GraphAnswers

    /// One request of a batch.
    private struct Item {
        let id: String
        let method: String
        let url: String
        let headers: HTTPHeaders
        let body: [UInt8]
        let dependsOn: [String]
    }

    /// Answers the batch.
    /// - Parameter answer: answers one of its requests, which has its own id.
    func answer(
        _ answer: (_ request: HTTPServerRequest, _ requestID: String) throws(GraphFailure) -> HTTPServerResponse
    ) throws(GraphFailure) -> HTTPServerResponse {
        try call.requirePost()
        guard let raw = try call.object()["requests"]?.array else {
            throw GraphFailure(400, "BadRequest", "Invalid batch payload format.")
        }
        guard raw.count <= Self.limit else {
            throw GraphFailure(
                400, "BadRequest", "Number of batch request steps exceeds the maximum value of \(Self.limit).")
        }
        var items: [Item] = []
        for value in raw {
            let item = try item(value)
            guard !items.contains(where: { $0.id == item.id }) else {
                throw GraphFailure(400, "BadRequest", "Request Id has to be unique in a batch.")
            }
            items.append(item)
        }
        for item in items {
            for id in item.dependsOn where !items.contains(where: { $0.id == id }) || id == item.id {
                throw GraphFailure(
                    400, "BadRequest", "Request '\(item.id)' depends on '\(id)', which is not a request of the batch.")
            }
        }
        var done: [(id: String, answer: JSONValue, status: Int)] = []
        var waiting = items
        while !waiting.isEmpty {
            let ready = waiting.firstIndex { item in
                item.dependsOn.allSatisfy { id in done.contains { $0.id == id } }
            }
            guard let ready else {
                throw GraphFailure(400, "BadRequest", "The dependencies of the batch form a circle.")
            }
            let item = waiting.remove(at: ready)
            let failed = item.dependsOn.contains { id in done.contains { $0.id == id && $0.status >= 400 } }
            let (shown, status) = failed ? dependencyFailure(item) : result(of: item, answer)
            done.append((item.id, shown, status))
        }
        // The service doesn't guarantee an order; never using the order of the requests reveals clients that rely on
        // it.
        if done.count > 1 { done.insert(done.removeLast(), at: 0) }
        return GraphAnswers.json(["responses": .array(done.map(\.answer))])
    }

    private func item(_ value: JSONValue) throws(GraphFailure) -> Item {
        guard let members = value.object, let id = members["id"]?.string, !id.isEmpty,
            let method = members["method"]?.string,
            let url = members["url"]?.string, !url.isEmpty
        else { throw GraphFailure(400, "BadRequest", "Invalid batch payload format.") }
        var headers = HTTPHeaders()
        for (name, value) in members["headers"]?.object ?? [:] {
            headers.set(name, value.string ?? value.description)
        }
        var body: [UInt8] = []
        if let content = members["body"], !content.isNull {
            guard headers.contains("Content-Type") else {
                throw GraphFailure(
                    400, "BadRequest", "Write request id : \(id) does not contain Content-Type header or body.")
            }
            if let text = content.string {
                body = Base64.bytes(text) ?? Array(text.utf8)
            } else {
                body = JSONWriter.bytes(content)
            }
        }
        return Item(
            id: id, method: method.uppercased(), url: url, headers: headers, body: body,
            dependsOn: members["dependsOn"]?.array?.compactMap(\.string) ?? [])
    }

    private func result(
        of item: Item, _ answerOne: (HTTPServerRequest, String) throws(GraphFailure) -> HTTPServerResponse
    ) -> (JSONValue, Int) {
        let path = item.url.hasPrefix("/") ? item.url : "/\(item.url)"
        var request = HTTPServerRequest(
            method: item.method, target: "/\(call.version)\(path)", headers: item.headers, body: item.body)
        request.headers["authorization"] = call.request.headers["authorization"]
        let requestID = RandomBytes.uuid()
        let answer: HTTPServerResponse
        do throws(GraphFailure) {
            let first = path.dropFirst().split(separator: "/").first.map(String.init) ?? ""
            guard (PercentCoding.decode(first.utf8) ?? first).lowercased() != "$batch" else {
                throw GraphFailure(400, "BadRequest", "A batch can't hold another batch.")
            }
            answer = try answerOne(request, requestID)
        } catch {
            answer = answers.error(error, requestID: requestID, clientRequestID: requestID)
        }
        var members: JSONObject = ["id": .string(item.id), "status": .int(Int64(answer.status))]
        var headers: JSONObject = [:]
        for field in answer.headers where ["Retry-After", "Location"].contains(field.name) {
            headers[field.name] = .string(field.value)
        }
        if !answer.bytes.isEmpty {
            headers["Content-Type"] = .string(
                answer.headers["Content-Type"].map { $0.hasPrefix("application/json") ? "application/json" : $0 }
                    ?? "application/json")
        }
        if !headers.isEmpty { members["headers"] = .object(headers) }
        if !answer.bytes.isEmpty {
            let isJSON = answer.headers["Content-Type"]?.hasPrefix("application/json") == true
            let json = isJSON ? try? JSONParser.parse(answer.bytes) : nil
            let isText = answer.headers["Content-Type"]?.hasPrefix("text/") == true
            members["body"] =
                json ?? .string(isText ? String(decoding: answer.bytes, as: UTF8.self) : Base64.text(answer.bytes))
        }
        return (.object(members), answer.status)
    }

    private func dependencyFailure(_ item: Item) -> (JSONValue, Int) {
        let requestID = RandomBytes.uuid()
        let error = answers.error(
            GraphFailure(424, "FailedDependency", "A request this one depends on failed."), requestID: requestID,
            clientRequestID: requestID)
        return (
            .object([
                "id": .string(item.id), "status": 424, "headers": ["Content-Type": "application/json"],
                "body": (try? JSONParser.parse(error.bytes)) ?? .null,
            ]), 424
        )
    }
}
