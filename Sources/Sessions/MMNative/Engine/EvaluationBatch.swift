package import MMCore

/// Evaluates scripts line by line, each in a new session, for comparison with recordings.
package struct EvaluationBatch: Sendable {
    private let engine: NativeEngine

    /// Creates a batch that uses an engine.
    package init(engine: NativeEngine = NativeEngine(showsLayouts: false)) { self.engine = engine }

    /// Answers a line `{"id","src"}` with `{"id","result"}` in the form of the recordings, or with
    /// `{"id","handedOver"}`.
    package func answer(_ line: String) async throws(MMError) -> String {
        let json: JSONValue
        do {
            json = try JSONParser.parse(line)
        } catch {
            throw MMError(
                .invalidInput, "The line is not JSON: \(error).", hint: #"Give one object per line: {"id":…,"src":…}."#)
        }
        guard let source = json["src"]?.string else {
            throw MMError(.invalidInput, "The line has no text `src`.", hint: #"Give {"id":…,"src":…}."#)
        }
        let id = JSONWriter.string(json["id"] ?? .null)
        var session = NativeSession()
        switch await engine.run(source, in: &session) {
        case .handedOver(let reason, _):
            return "{\"id\":\(id),\"handedOver\":\(JSONWriter.string(.string(reason)))}"
        case .stopped: throw MMError(.cancelled, "The evaluation was cancelled.")
        case .completed(let result):
            guard let text = try? EvaluationBatch.text(result) else {
                return "{\"id\":\(id),\"handedOver\":\"objects whose members are not certain\"}"
            }
            return "{\"id\":\(id),\"result\":\(text)}"
        }
    }

    /// Returns a result in the form of the recordings.
    static func text(_ result: NativeResult) throws -> String {
        var text = "{\"out\":["
        for (place, object) in result.objects.enumerated() {
            switch object {
            case .guid, .version: throw Interrupt.handOver("an object that JSON shows in its own way")
            default: break
            }
            if place > 0 { text += "," }
            text += try JSONText(PSTable.wrappedEntry(object), depth: 10, isCompressed: true).text
        }
        text += "],\"types\":["
        for (place, object) in result.objects.enumerated() {
            if place > 0 { text += "," }
            text += JSONWriter.string(.string(object.typeName))
        }
        let errors = result.errors.map { error in
            "{\"id\":\(JSONWriter.string(.string(error.id))),\"msg\":\(JSONWriter.string(.string(error.message)))}"
        }
        let warnings = result.warnings.map { JSONWriter.string(.string($0)) }
        text += "],\"errors\":[\(errors.joined(separator: ","))],\"warnings\":[\(warnings.joined(separator: ","))]"
        if let failure = result.failure { text += ",\"fatal\":\(JSONWriter.string(.string(failure.id)))" }
        return text + "}"
    }
}
