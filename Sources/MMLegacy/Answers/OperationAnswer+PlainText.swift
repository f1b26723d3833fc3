package import MMCore
package import MMOperations

extension OperationAnswer {
    /// The whole answer as one text, as the earlier servers gave it: notes first, JSON with an indent of 2.
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
            throw MMError(.unsupported, "This answer is a list that only the own tools can show.")
        }
        return (notes + [body]).joined(separator: "\n")
    }
}
