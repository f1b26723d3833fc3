package import MMCore
package import MMOperations

extension OperationAnswer {
    /// Returns the whole answer as one text, as the earlier servers did: notes first, JSON indented by 2.
    package func plainText() async throws(MMError) -> String {
        let body: String
        switch self.body {
        case .text(let text): body = text
        case .value(let value): body = JSONWriter.string(value, layout: .indented(2))
        case .json(let bytes):
            body =
                (try? JSONParser.parse(bytes)).map { JSONWriter.string($0, layout: .indented(2)) }
                ?? String(decoding: bytes, as: UTF8.self)
        case .bytes(let bytes, _): body = String(decoding: bytes, as: UTF8.self)
        case .items, .output: return try await gathered().plainText()
        }
        return (notes + [body]).joined(separator: "\n")
    }

    /// Returns the answer with the whole list, if it is still being fetched: the earlier servers answered at the end of
    /// a command.
    /// - Throws: the list's error, with the rows before it.
    func gathered() async throws(MMError) -> OperationAnswer {
        guard let stream = body.stream else { return self }
        var rows: [JSONValue] = []
        do throws(MMError) {
            while let batch = try await stream.next() {
                for row in batch { rows.append(try JSONValue(ofService: row)) }
            }
        } catch {
            throw error.withOutput(rows)
        }
        var whole = self
        whole.body = .value(.array(rows))
        whole.add(stream.end())
        return whole
    }
}
