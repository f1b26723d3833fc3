package import MMCore
package import MMOperations

/// The lossless encoding of an answer between a pool and a front-end.
///
/// Texts from services travel as strings within JSON, not as JSON, so that their numbers, white space and order are
/// preserved.
package enum AnswerWire {
    /// The limits on received JSON: an answer's own maximum depth and that of the frame around it.
    package static let limits = JSONLimits(bytes: 1 << 30, depth: 300)

    /// Encodes everything except the items of a list, which travel separately.
    package static func object(_ answer: OperationAnswer) -> JSONObject {
        var object: JSONObject = ["body": .object(body(answer.body))]
        if !answer.notes.isEmpty { object["notes"] = .array(answer.notes.map { .string($0) }) }
        if !answer.columns.isEmpty { object["columns"] = .array(answer.columns.map { .string($0) }) }
        if let text = answer.text { object["text"] = .string(text) }
        if answer.isVerbatim { object["verbatim"] = true }
        if answer.isForeign { object["foreign"] = true }
        if answer.isOfRead { object["read"] = true }
        if let connection = answer.connection { object["connection"] = .string(connection) }
        if let form = answer.form { object["form"] = .string(form) }
        if answer.exitStatus != 0 { object["exitStatus"] = .int(Int64(answer.exitStatus)) }
        if !answer.errors.isEmpty { object["errors"] = .array(answer.errors.map { .object($0.json) }) }
        if let missing = answer.missing { object["missing"] = .string(missing) }
        if !answer.standardError.isEmpty { object["standardError"] = .string(Base64.text(answer.standardError)) }
        if let stored = answer.stored { object["stored"] = .object(stored.json) }
        if answer.delivery != nil { object["delivers"] = true }
        return object
    }

    /// Decodes an answer.
    /// - Parameters:
    ///   - object: an object that `object(_:)` created.
    ///   - items: the list, for an answer that is one.
    /// - Returns: `nil` when the object is not an answer.
    package static func answer(_ object: JSONObject, items: ItemStream?) -> OperationAnswer? {
        guard let wire = object["body"]?.object, let body = body(wire, items) else { return nil }
        var answer = OperationAnswer(
            body, notes: (object["notes"]?.array ?? []).compactMap(\.string),
            columns: (object["columns"]?.array ?? []).compactMap(\.string), text: object["text"]?.string,
            connection: object["connection"]?.string)
        answer.isVerbatim = object["verbatim"] == true
        answer.isForeign = isForeign(object)
        answer.isOfRead = object["read"] == true
        answer.form = object["form"]?.string
        answer.errors = errors(of: object)
        answer.missing = object["missing"]?.string
        // An answer with errors and the status 0 is consistent: the script set its status itself.
        answer.exitStatus = exitStatus(of: object) ?? 0
        if let written = object["standardError"]?.string {
            guard let bytes = Base64.bytes(written) else { return nil }
            answer.standardError = bytes
        }
        answer.stored = object["stored"]?.object.flatMap { StoredOutput(json: $0) }
        return answer
    }

    /// Returns the errors of an answer that reports some.
    static func errors(of object: JSONObject) -> [ReportedError] {
        (object["errors"]?.array ?? []).compactMap { ReportedError(json: $0) }
    }

    /// Returns whether other people wrote the answer.
    static func isForeign(_ object: JSONObject) -> Bool { object["foreign"] == true }

    /// Returns the exit status of an answer that has one.
    static func exitStatus(of object: JSONObject) -> Int32? {
        // A status that can't be read must not count as success.
        object["exitStatus"].map { $0.int.flatMap { Int32(exactly: $0) } ?? 1 }
    }

    private static func body(_ body: OperationAnswer.Body) -> JSONObject {
        switch body {
        case .value(let value): return ["kind": "value", "value": value]
        case .text(let text): return ["kind": "text", "text": .string(text)]
        case .items: return ["kind": "items"]
        case .output: return ["kind": "output"]
        case .bytes(let bytes, let contentType):
            return ["kind": "bytes", "contentType": .string(contentType), "base64": .string(Base64.text(bytes))]
        case .json(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self) else {
                return ["kind": "json", "base64": .string(Base64.text(bytes))]
            }
            return ["kind": "json", "text": .string(text)]
        }
    }

    private static func body(_ wire: JSONObject, _ items: ItemStream?) -> OperationAnswer.Body? {
        switch wire["kind"]?.string {
        case "value": return wire["value"].map { .value($0) }
        case "text": return wire["text"]?.string.map { .text($0) }
        case "items": return items.map { .items($0) }
        case "output": return items.map { .output($0) }
        case "bytes":
            guard let bytes = wire["base64"]?.string.flatMap({ Base64.bytes($0) }),
                let type = wire["contentType"]?.string
            else { return nil }
            return .bytes(bytes, contentType: type)
        case "json":
            if let text = wire["text"]?.string { return .json(Array(text.utf8)) }
            return wire["base64"]?.string.flatMap { Base64.bytes($0) }.map { .json($0) }
        default: return nil
        }
    }
}
