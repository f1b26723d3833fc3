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
        case .items, .output:
            throw MMError(.unsupported, "This answer is a list that only mm's own tools can show.")
        }
        return (notes + [body]).joined(separator: "\n")
    }
}
