import MMCore

/// The members that a model asked for with `$select`. Services add others that nobody asked for, such as ids and types of
/// directory objects, and a model reads every word. People and scripts get what the service sent.
struct SelectedMembers {
    private let names: Set<String>

    /// What a request asks for; `nil` where it leaves that to the service, or somebody else asks.
    init?(of target: RequestTarget, for caller: Caller) {
        guard caller.surface == .mcp, target.service == .graph, let select = target.queryValue("$select") else {
            return nil
        }
        let expand = target.queryValue("$expand") ?? ""
        // Of a path and of an expansion's own options, the member is the beginning.
        let written = (select + "," + expand).split { $0 == "," || $0 == ";" || $0 == "(" || $0 == ")" }
        let names = written.map { $0.prefix { $0 != "/" }.filter { $0 != " " }.lowercased() }.filter { !$0.isEmpty }
        guard !names.contains("*") else { return nil }
        self.names = Set(names)
    }

    /// The answer with these members of its rows.
    func answer(_ given: OperationAnswer) -> OperationAnswer {
        var answer = given
        switch given.body {
        case .json(let bytes):
            guard let value = try? JSONParser.parse(bytes) else { return given }
            answer.body = .json(JSONWriter.bytes(selected(value)))
        case .items(let stream):
            answer.body = .items(
                ItemStream(end: stream.end) { () async throws(MMError) in
                    guard let batch = try await stream.next() else { return nil }
                    return batch.map { bytes in
                        guard let row = try? JSONParser.parse(Array(bytes)) else { return bytes }
                        return JSONWriter.bytes(self.row(row))[...]
                    }
                })
        case .value, .text, .bytes, .output: break
        }
        return answer
    }

    private func selected(_ value: JSONValue) -> JSONValue {
        guard case .object(var object) = value else { return value }
        guard let rows = object["value"]?.array else { return row(value) }
        object["value"] = .array(rows.map(row))
        return .object(object)
    }

    /// A row that has nothing of it stays as it is: its id and type are all that tells of it.
    private func row(_ value: JSONValue) -> JSONValue {
        guard case .object(let object) = value, object["error"] == nil else { return value }
        let kept = object.filter { names.contains($0.key.lowercased()) }
        return kept.isEmpty ? value : .object(JSONObject(kept.map { ($0.key, $0.value) }))
    }
}
