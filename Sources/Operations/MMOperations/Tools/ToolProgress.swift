import MMCore

/// How far a call of a tool has come that stopped, for the same call a little later: what was changed is not changed twice.
///
/// A call stops where a person has to confirm a step. What stands before that step has been done by then.
struct ToolProgress {
    private static let lifetime = Duration.seconds(900)

    private let path: String
    private var results = JSONObject()
    /// The call that began it: the calls that go on are the same one.
    private(set) var call: String?

    /// The progress of one call: the same tool as written, the same connection, the same values.
    init(of definition: ToolDefinition, on connection: String, with values: JSONObject, in paths: StatePaths) {
        let sorted = JSONObject(values.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 })
        let key: JSONValue = [
            .string(definition.place), .string(definition.source), .string(connection), .object(sorted),
        ]
        path = "\(paths.toolProgressDirectory)/\(Hex.text(SHA256.digest(JSONWriter.bytes(key)))).json"
    }

    /// Whether nothing was changed yet.
    var isEmpty: Bool { results.isEmpty }

    /// The result of a step that is done.
    func result(of step: String) -> JSONValue? { results[step] }

    /// Reads what the call before left; nothing where it is too long ago.
    mutating func read() throws(MMError) {
        guard let bytes = try ProtectedFile.read(path, limit: 16 << 20), let value = try? JSONParser.parse(bytes),
            let since = value["since"]?.string.flatMap({ Timestamp(iso8601: $0) }),
            let results = value["results"]?.object
        else { return }
        guard Timestamp.now - since < Self.lifetime else { return try ProtectedFile.remove(path) }
        self.results = results
        call = value["call"]?.string
    }

    /// Keeps the result of a step that has changed something.
    /// - Parameter call: the call that it is a step of.
    mutating func keep(_ result: JSONValue, of step: String, by call: String) throws(MMError) {
        results[step] = result
        let value: JSONValue = [
            "since": .string(Timestamp.now.iso8601), "call": .string(call), "results": .object(results),
        ]
        try ProtectedFile.replace(path, with: JSONWriter.bytes(value))
    }

    /// Forgets it: the call has come to its end.
    func forget() throws(MMError) { if !isEmpty { try ProtectedFile.remove(path) } }
}
