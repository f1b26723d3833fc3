import MMCore
import MMMCP
import MMOperations

/// Turns an operation's answer into a tool's result that fits a model's window: whole when small, else a head, counts and
/// a handle for the rest.
///
/// The text says everything there is to say. Many hosts hand a model `structuredContent` alone where a result has some, and
/// of an error the text alone: so there is none, unless the server is told to give it, and then it says everything as well.
struct ToolAnswer: Sendable {
    private let outputs: OutputStore
    private let outputTool: String
    private let serverName: String
    private let isStructured: Bool
    private let budget = OutputBudget.standard

    /// A shaper of results.
    /// - Parameters:
    ///   - outputs: takes what is over the budget.
    ///   - outputTool: the tool that reads it, as this server names it.
    ///   - serverName: whose an answer is that comes from no connection.
    ///   - isStructured: whether results hold their data beside the text, for hosts that want it.
    init(outputs: OutputStore, outputTool: String, serverName: String, isStructured: Bool = false) {
        self.isStructured = isStructured
        self.serverName = serverName
        self.outputs = outputs
        self.outputTool = outputTool
    }

    /// The result of an operation that was done.
    /// - Parameters:
    ///   - answer: what it answered.
    ///   - form: `table`, `csv` or `jsonl`, where the caller asked for one.
    /// - Throws: `MMError` of the fetch behind a list.
    func result(of given: OperationAnswer, form: String?) async throws(MMError) -> ToolResult {
        var answer = given
        if let members = JobAnswer.members(of: answer) {
            let text = JobAnswer.text(of: members) { handle, action in
                "\(outputTool) {\"handle\": \"\(handle)\", \"action\": \"\(action)\"}"
            }
            return result(text, [], members, isWhole: false)
        }
        if let stored = answer.stored { return try result(of: stored, form: form, notes: answer.notes) }
        let connection = answer.connection ?? "/\(serverName)"
        let room = budget.leaving(characters: 200 + answer.notes.reduce(0) { $0 + $1.count })
        let shaper = OutputShaper(store: outputs, budget: room, layout: .compact)
        let shaped: ShapedOutput
        var structured: JSONValue?
        switch answer.body {
        case .text(let text): shaped = shaper.shape(text: Array(text.utf8), connection: connection)
        case .bytes(let bytes, let type):
            if let text = String(validating: bytes, as: UTF8.self), type.hasPrefix("text/") || type.hasSuffix("xml") {
                shaped = shaper.shape(text: Array(text.utf8), connection: connection)
            } else if type.hasPrefix("image/"), bytes.count <= 1 << 20 {
                return ToolResult(content: [.image(bytes, mimeType: type)])
            } else {
                return .text("\(bytes.count) bytes of \(type). `mm graph` in a terminal writes them to a file.")
            }
        case .value(let value):
            shaped = shape(value, form: form, shaper, room, connection)
            structured = value
        case .json(let bytes):
            let value = try? JSONParser.parse(bytes)
            shaped =
                value.map { shape($0, form: form, shaper, room, connection) }
                ?? shaper.shape(text: bytes, connection: connection)
            structured = value
        case .items(let stream), .output(let stream):
            let stored = try await OutputCollection.collect(stream, into: outputs, connection: connection, budget: room)
            answer.notes += stream.end().notes
            switch stored {
            case .whole(let bytes):
                let value = try? JSONParser.parse(bytes)
                shaped =
                    value.map { shape($0, form: form, shaper, room, connection) }
                    ?? shaper.shape(text: bytes, connection: connection)
                structured = value.map { ["value": $0] }
            case .stored(let output): return try result(of: output, form: form, notes: answer.notes)
            }
        }
        var parts = answer.notes
        parts.append(shaped.text)
        if let note = shaped.note(tool: outputTool) { parts.append(note) }
        // A cut answer has no structure worth having; its counts and handle have.
        return result(
            parts.joined(separator: "\n"), answer.notes, shaped.json ?? structured?.object ?? [:],
            isWhole: shaped.json == nil && structured?.object != nil)
    }

    /// A result of a text and, where that is wanted, of data that says no less.
    private func result(
        _ text: String, _ notes: [String], _ data: JSONObject, isWhole: Bool, isError: Bool = false
    ) -> ToolResult {
        var structured: JSONValue?
        if isStructured {
            var members = data
            if isWhole {
                if !notes.isEmpty { members["notes"] = .array(notes.map { .string($0) }) }
            } else {
                members["text"] = .string(text)
            }
            structured = .object(members)
        }
        return ToolResult(content: [.text(text)], structured: structured, isError: isError)
    }

    /// The beginning of an answer that lies in the store.
    private func result(of output: StoredOutput, form: String?, notes: [String]) throws(MMError) -> ToolResult {
        let room = budget.leaving(characters: 200 + notes.reduce(0) { $0 + $1.count })
        let page = try outputs.page(output.handle, budget: room, layout: .compact)
        var text: String?
        if page.unit == .rows, page.cutAtByte == nil, let rows = try? JSONParser.parse(Array(page.text.utf8)) {
            text = self.text(of: rows, form: form, room: room)
        }
        let whole = (notes + [text ?? page.text, note(of: page, form: text == nil ? nil : form)])
        return result(whole.joined(separator: "\n"), notes, output.json, isWhole: false)
    }

    /// Rows in the form that was asked for, or as a table of their own where that is shorter; nil where JSON it is.
    private func text(of rows: JSONValue, form: String?, room: OutputBudget) -> String? {
        var text: String?
        if let form {
            text = form == "json" ? nil : Rows(of: rows).map { lines($0, form: form).joined(separator: "\n") }
        } else {
            text = UniformTable(of: rows, insteadOf: JSONWriter.bytes(rows, layout: .compact).count)?.text
        }
        // A padded table may be longer than the rows that it was made of.
        return text.flatMap { room.admits(Array($0.utf8)) ? $0 : nil }
    }

    /// The result of an operation that was not done.
    ///
    /// A sign-in that waits for the person is an expected step and no failure: clients must show it, not hide it.
    func result(of error: MMError) -> ToolResult {
        var structured = error.json
        structured["status"] = .string(Self.status(of: error))
        var text = error.description
        if error.code == .signInNeeded {
            text =
                SignInText.waiting(error.details)
                + "\nShow this to the person; when they have done it, repeat the same call."
            if error.details["userCode"] == nil { text = error.description }
        }
        let isExpected = error.code == .signInNeeded || error.code == .confirmationNeeded
        let connection = error.details["connection"]?.string ?? "/\(serverName)"
        if let output = error.output { text = "\(before(output, connection))\n\n\(text)" }
        structured["details"] =
            error.details.isEmpty ? nil : .object(JSONObject(error.details.filter { $0.key != "output" }))
        let shaped = OutputShaper(store: outputs, budget: budget, layout: .compact).shape(
            text: Array(text.utf8), connection: connection)
        let whole = ([shaped.text] + [shaped.note(tool: outputTool)].compactMap(\.self)).joined(separator: "\n")
        return result(whole, [], structured, isWhole: false, isError: !isExpected)
    }

    /// What came before an error, short enough to leave room for the error itself.
    private func before(_ output: JSONValue, _ connection: String) -> String {
        let room = budget.leaving(characters: 4000)
        let shaper = OutputShaper(store: outputs, budget: room, layout: .compact)
        let texts = (output.array ?? [output]).map(\.string)
        let shaped: ShapedOutput
        if texts.allSatisfy({ $0 != nil }) {
            let text = texts.compactMap(\.self).joined(separator: "\n")
            shaped = shaper.shape(text: Array(text.utf8), connection: connection)
        } else {
            shaped = shape(output, form: nil, shaper, room, connection)
        }
        return ([shaped.text] + [shaped.note(tool: outputTool)].compactMap(\.self)).joined(separator: "\n")
    }

    private static func status(of error: MMError) -> String {
        switch error.code {
        case .signInNeeded: "auth_required"
        case .confirmationNeeded: "confirmation_required"
        default: "error"
        }
    }

    private func note(of page: OutputPage, form: String?) -> String {
        let end = page.offset + page.count
        let further = form.map { ["table", "csv"].contains($0) ? ", \"output\": \"\($0)\"" : "" } ?? ""
        return "Shown: \(end) of \(page.total) \(page.unit.rawValue). The rest: \(outputTool) "
            + "{\"handle\": \"\(page.stored.handle)\", \"offset\": \(end)\(further)}, until \(page.stored.expires.iso8601)."
    }

    private func shape(
        _ value: JSONValue, form: String?, _ shaper: OutputShaper, _ room: OutputBudget, _ connection: String
    ) -> ShapedOutput {
        guard let form else {
            let json = JSONWriter.bytes(value, layout: .compact)
            if let table = UniformTable(of: value, insteadOf: json.count), room.admits(Array(table.text.utf8)) {
                return shaper.shape(text: Array(table.text.utf8), connection: connection)
            }
            return shaper.shape(json: json, connection: connection)
        }
        guard form != "json", let rows = Rows(of: value) else {
            return shaper.shape(json: value, connection: connection)
        }
        return shaper.shape(
            text: Array(lines(rows, form: form).joined(separator: "\n").utf8), connection: connection)
    }

    private func lines(_ rows: Rows, form: String) -> [String] {
        switch form {
        case "jsonl": return rows.items.map { JSONWriter.string($0) }
        case "csv": return [CSVText.line(rows.columns)] + rows.items.map { CSVText.line(rows.cells(of: $0)) }
        default:
            let table = TableText(fitting: [rows.columns] + rows.items.map { rows.cells(of: $0) })
            return [table.line(rows.columns)] + rows.items.map { table.line(rows.cells(of: $0)) }
        }
    }
}
