import MMCore

/// The output of a jq program over a whole answer. It is an answer like any other: it can be read in pages and formats.
struct FilteredOutput {
    let input: OutputRead.Input
    let outputs: OutputStore
    let context: OperationContext

    /// Runs the program and returns the part of its output that the caller asked for.
    /// - Parameters:
    ///   - filter: the jq program.
    ///   - json: the answer.
    ///   - connection: the connection that the answer came from.
    ///   - isForeign: whether other people wrote the answer, where its members don't show that.
    func run(
        _ filter: String, on json: [UInt8], from connection: String?, isForeign: Bool
    ) async throws(MMError) -> OperationAnswer {
        let result = try await JQProgram(filter).run(on: json)
        let text = Self.text(of: result, filter)
        let owner = connection ?? "/output"
        // The program's output may lack the members' names.
        let isForeign = isForeign || ForeignContent.isWithin(json: json, from: owner)
        guard input.offset > 0 || input.limit != nil || input.unit != nil || input.form != nil else {
            var answer = OperationAnswer(.text(text), connection: connection)
            answer.isForeign = isForeign
            return answer
        }
        // Kept only while the part is read: the next part is filtered anew.
        let stored = try outputs.put(
            Self.isLines(filter) ? Array(text.utf8) : Self.rows(of: result), connection: owner,
            asText: Self.isLines(filter), isForeign: isForeign)
        defer { try? outputs.remove(stored.handle) }
        return try OutputRead.part(of: stored, input, outputs, in: context)
    }

    /// Whether the results are lines of a table instead of JSON.
    private static func isLines(_ filter: String) -> Bool { filter.contains("@csv") || filter.contains("@tsv") }

    /// Returns the output as text; the results of `@csv` and `@tsv` are lines instead of JSON strings.
    private static func text(of result: [UInt8], _ filter: String) -> String {
        let text = String(decoding: result, as: UTF8.self)
        guard isLines(filter) else { return text }
        return text.split(separator: "\n").map { line in
            (try? JSONParser.parse(String(line)))?.string ?? String(line)
        }.joined(separator: "\n")
    }

    /// Returns several values as a list of rows; a single value, perhaps a list, as it is.
    private static func rows(of result: [UInt8]) -> [UInt8] {
        let values = result.split(separator: 0x0A)
        guard values.count > 1 else { return result }
        var rows: [UInt8] = [UInt8(ascii: "[")]
        for (position, value) in values.enumerated() {
            if position > 0 { rows.append(UInt8(ascii: ",")) }
            rows += value
        }
        rows.append(UInt8(ascii: "]"))
        return rows
    }
}
